"""The simulated shops: listings and their variants, kept in the world's SQLite file.

Records are dictionaries in the shape of the GraphQL types; mercari_rules.py says what is allowed.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from infra.sandbox.categories import category_path
from infra.sandbox.world import World

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS listing (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    seller INTEGER NOT NULL,
    content TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS listing_by_seller ON listing (seller, number);
CREATE TABLE IF NOT EXISTS variant (
    id TEXT PRIMARY KEY,
    listing INTEGER NOT NULL,
    seller INTEGER NOT NULL,
    sku_code TEXT,
    stock_quantity INTEGER NOT NULL,
    name TEXT,
    jan_code TEXT,
    catalog_id TEXT,
    UNIQUE (seller, sku_code)
);
CREATE INDEX IF NOT EXISTS variant_by_listing ON variant (listing);
"""

_VARIANT = (
    "SELECT id, name, sku_code AS skuCode, stock_quantity AS stockQuantity,"
    " jan_code AS janCode, catalog_id AS catalogId, listing FROM variant"
)


class DuplicateSku(ValueError):
    """The shop has a variant with this SKU code already."""


class Shops:
    """Every shop's listings; `seller` is the seller's number and bounds every look-up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._database = world.database
        self._database.executescript(_SCHEMA)

    def create(
        self, seller: int, content: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]
    ) -> Record:
        """Store a listing with all its variants, or nothing. Raises DuplicateSku."""
        now = self._world.clock().isoformat()
        self._database.execute("BEGIN IMMEDIATE")
        try:
            number = self._database.execute(
                "INSERT INTO listing (id, seller, content, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (secrets.token_urlsafe(16), seller, orjson.dumps(content).decode(), now, now),
            ).lastrowid
            for variant in variants:
                self._database.execute(
                    "INSERT INTO variant VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        secrets.token_urlsafe(16),
                        number,
                        seller,
                        variant.get("skuCode"),
                        variant["stockQuantity"],
                        variant.get("name"),
                        variant.get("janCode"),
                        variant.get("catalogId"),
                    ),
                )
        except sqlite3.IntegrityError as error:
            self._database.execute("ROLLBACK")
            raise DuplicateSku from error
        self._database.execute("COMMIT")
        return self._listings("number = ?", (number,))[0]

    def find(self, seller: int, listing_id: str) -> Record | None:
        found = self._listings("id = ? AND seller = ?", (listing_id, seller))
        return found[0] if found else None

    def find_variant(
        self, seller: int, *, sku_code: str | None = None, variant_id: str | None = None
    ) -> Record | None:
        """The variant with that SKU code, or with that id, and its listing."""
        row = self._database.execute(
            f"{_VARIANT} WHERE seller = ? AND (sku_code = ? OR id = ?)",
            (seller, sku_code, variant_id),
        ).fetchone()
        if row is None:
            return None
        listing = self._listings("number = ?", (row["listing"],))[0]
        variants: list[Record] = listing["variants"]
        return next(variant for variant in variants if variant["id"] == row["id"])

    def page(self, seller: int, after_number: int, size: int) -> list[Record]:
        """Up to `size` listings after that number, oldest first."""
        condition = "seller = ? AND number > ? ORDER BY number LIMIT ?"
        return self._listings(condition, (seller, after_number, size))

    def with_sku_prefix(self, seller: int, prefix: str) -> list[Record]:
        """The listings one of whose SKU codes begins so."""
        condition = (
            "number IN (SELECT listing FROM variant WHERE seller = ?"
            " AND substr(sku_code, 1, ?) = ?) ORDER BY number"
        )
        return self._listings(condition, (seller, len(prefix), prefix))

    def count(self, seller: int) -> dict[str, int]:
        """How many listings the shop has, and how many of them are on sale."""
        total, opened = self._database.execute(
            "SELECT count(*), coalesce(sum(json_extract(content, '$.status') = 'OPENED'), 0)"
            " FROM listing WHERE seller = ?",
            (seller,),
        ).fetchone()
        return {"total": total, "on_sale": opened}

    def change(self, listing: Record, changes: Mapping[str, Any]) -> Record:
        """Change the fields given of a listing that was read before."""
        self._database.execute(
            "UPDATE listing SET content = json_patch(content, ?), updated_at = ? WHERE number = ?",
            (orjson.dumps(changes).decode(), self._world.clock().isoformat(), listing["number"]),
        )
        return self._listings("number = ?", (listing["number"],))[0]

    def set_stock(self, variant: Record, quantity: int) -> Record:
        """Set the absolute stock of a variant that was read before."""
        self._database.execute(
            "UPDATE variant SET stock_quantity = ? WHERE id = ?", (quantity, variant["id"])
        )
        variant["stockQuantity"] = quantity
        return variant

    def _listings(self, condition: str, values: Sequence[object]) -> list[Record]:
        rows = self._database.execute(
            f"SELECT * FROM listing WHERE {condition}",  # noqa: S608 - our own text
            tuple(values),
        )
        return [self._record(row) for row in rows.fetchall()]

    def _record(self, row: sqlite3.Row) -> Record:
        """A listing with its variants, each of which leads back to it."""
        content: Record = orjson.loads(row["content"])
        listing: Record = {
            **content,
            "id": row["id"],
            "number": row["number"],
            "createdAt": row["created_at"],
            "updatedAt": row["updated_at"],
            "categories": category_path(content["categoryId"]),
        }
        variants = self._database.execute(
            f"{_VARIANT} WHERE listing = ? ORDER BY rowid", (row["number"],)
        )
        listing["variants"] = [{**dict(variant), "product": listing} for variant in variants]
        return listing
