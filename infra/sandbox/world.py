"""The simulated world that outlives the process: sellers, their offers, and what was changed.

One SQLite file. Products and offers are computed (goods.py); only sellers and edits are stored.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from infra.sandbox.goods import (
    CATALOGUE_SIZE,
    Flaw,
    ImageFlaw,
    Product,
    asin_of,
    draw,
    number_of,
    product_of,
)

Clock = Callable[[], datetime]
Channel = Literal["AMAZON_JP", "DEFAULT"]
OfferState = Literal["on_sale", "closed", "suspended", "deleted"]

_OPENED_AT = datetime(2024, 4, 1, tzinfo=UTC)
_SKU = re.compile(r"[0-9A-Z]{4}[- ](\d{6,8})(?:/JP)?(?:-M)?")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS seller (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    amazon_seller_id TEXT NOT NULL UNIQUE,
    shop_id TEXT NOT NULL UNIQUE,
    product_count INTEGER NOT NULL,
    permit INTEGER NOT NULL DEFAULT 1,
    is_revoked INTEGER NOT NULL DEFAULT 0,
    is_suspended INTEGER NOT NULL DEFAULT 0,
    is_shop_closed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS catalogue_edit (
    asin TEXT PRIMARY KEY,
    title TEXT,
    browse_path TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image_edit (
    asin TEXT PRIMARY KEY,
    flaw TEXT,
    number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offer_edit (
    seller INTEGER NOT NULL,
    asin TEXT NOT NULL,
    price_jpy INTEGER,
    quantity INTEGER,
    state TEXT,
    edited_at TEXT NOT NULL,
    PRIMARY KEY (seller, asin)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller's Amazon account and shop. `permit` counts how often Amazon access was granted."""

    number: int
    name: str
    amazon_seller_id: str
    shop_id: str
    product_count: int
    permit: int
    is_revoked: bool
    is_suspended: bool
    is_shop_closed: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A seller's offer of one product under one SKU; a product may have two."""

    sku: str
    product: Product
    channel: Channel
    price_jpy: int
    quantity: int
    state: OfferState
    created_at: datetime
    updated_at: datetime


class UnknownSeller(ValueError):
    """Nobody has this name or Amazon seller id."""


class World:
    """The one owner of the SQLite file; every change is committed before the method returns."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.database = sqlite3.connect(
            folder / "sandbox.sqlite3", isolation_level=None, check_same_thread=False
        )
        self.database.row_factory = sqlite3.Row
        self.database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;{_SCHEMA}")
        self.database.execute(
            "INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT 1 FROM secret)",
            (secrets.token_bytes(32),),
        )
        self.secret: bytes = self.database.execute("SELECT value FROM secret").fetchone()[0]

    def close(self) -> None:
        self.database.close()

    def add_seller(self, name: str, product_count: int) -> Seller:
        """The seller of that name, made on first use; a revoked one grants access anew."""
        self.database.execute(
            "INSERT INTO seller (name, amazon_seller_id, shop_id, product_count)"
            " VALUES (?, ?, ?, ?) ON CONFLICT (name)"
            " DO UPDATE SET permit = permit + is_revoked, is_revoked = 0",
            (name, amazon_seller_id_of(name), shop_id_of(name), product_count),
        )
        return self.seller_named(name)

    def grant(self, seller: Seller) -> Seller:
        """The seller lets applications in; where the permission was taken back, it is a new one."""
        self.database.execute(
            "UPDATE seller SET permit = permit + is_revoked, is_revoked = 0 WHERE number = ?",
            (seller.number,),
        )
        return self.seller_named(seller.name)

    def sellers(self) -> list[Seller]:
        """All sellers, oldest first."""
        return [_seller(row) for row in self.database.execute("SELECT * FROM seller ORDER BY 1")]

    def seller_named(self, name: str | None) -> Seller:
        """By name or Amazon seller id; None is the first seller. Raises UnknownSeller."""
        for seller in self.sellers():
            if name is None or name in (seller.name, seller.amazon_seller_id):
                return seller
        raise UnknownSeller(f"There is no seller {name!r}." if name else "There is no seller yet.")

    def find_seller(self, number: int) -> Seller | None:
        rows = self.database.execute("SELECT * FROM seller WHERE number = ?", (number,))
        return next((_seller(row) for row in rows), None)

    def set_product_count(self, seller: Seller, product_count: int) -> None:
        self._set(seller, "product_count", product_count)

    def set_suspended(self, seller: Seller, is_suspended: bool) -> None:
        self._set(seller, "is_suspended", int(is_suspended))

    def set_shop_closed(self, seller: Seller, is_closed: bool) -> None:
        self._set(seller, "is_shop_closed", int(is_closed))

    def revoke(self, seller: Seller) -> None:
        """The seller takes the permission back; every token given so far is worthless."""
        self._set(seller, "is_revoked", 1)

    def _set(self, seller: Seller, column: str, value: int) -> None:
        statement = f"UPDATE seller SET {column} = ? WHERE number = ?"  # noqa: S608 - our own names
        self.database.execute(statement, (value, seller.number))

    def find_product(self, asin: str) -> Product | None:
        """The catalogue entry as edited; None where the catalogue holds no such ASIN."""
        number = number_of(asin)
        return None if number is None else self._product(number)

    def _product(self, number: int) -> Product:
        product = self._pictured(product_of(number))
        row = self.database.execute(
            "SELECT title, browse_path FROM catalogue_edit WHERE asin = ?", (product.asin,)
        ).fetchone()
        if row is None:
            return product
        path = row["browse_path"]
        return replace(
            product,
            title=row["title"] or product.title,
            browse_path=tuple(path.split(" > ")) if path else product.browse_path,
        )

    def _pictured(self, product: Product) -> Product:
        row = self.database.execute(
            "SELECT flaw, number FROM image_edit WHERE asin = ?", (product.asin,)
        ).fetchone()
        if row is None:
            return product
        return replace(product, image_flaw=row["flaw"], image_number=row["number"])

    def replace_image(self, asin: str, flaw: ImageFlaw | None) -> None:
        """A new main image, for all sellers: a sound one, or one with this flaw."""
        self.database.execute(
            "INSERT INTO image_edit VALUES (?, ?, 1) ON CONFLICT (asin) DO UPDATE SET"
            " flaw = excluded.flaw, number = number + 1",
            (asin, flaw),
        )

    def edit_product(
        self, asin: str, *, title: str | None = None, browse_path: str | None = None
    ) -> None:
        """Change a catalogue entry, for all sellers."""
        self.database.execute(
            "INSERT INTO catalogue_edit VALUES (?, ?, ?) ON CONFLICT (asin) DO UPDATE SET"
            " title = coalesce(excluded.title, title),"
            " browse_path = coalesce(excluded.browse_path, browse_path)",
            (asin, title, browse_path),
        )

    def edit_offers(
        self,
        seller: Seller,
        asin: str,
        *,
        price_jpy: int | None = None,
        quantity: int | None = None,
        state: OfferState | None = None,
    ) -> None:
        """Change all of the seller's offers of an ASIN."""
        self.database.execute(
            "INSERT INTO offer_edit VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (seller, asin) DO UPDATE SET edited_at = excluded.edited_at,"
            " price_jpy = coalesce(excluded.price_jpy, price_jpy),"
            " quantity = coalesce(excluded.quantity, quantity),"
            " state = coalesce(excluded.state, state)",
            (seller.number, asin, price_jpy, quantity, state, self.clock().isoformat()),
        )

    def offers(self, seller: Seller, asin: str) -> list[Offer]:
        """The seller's offers of an ASIN, deleted ones left out."""
        number = number_of(asin)
        if number is None or number >= seller.product_count:
            return []
        offers = self._offers(seller, self._product(number))
        return [offer for offer in offers if offer.state != "deleted"]

    def find_offer(self, seller: Seller, sku: str) -> Offer | None:
        """The seller's offer of that SKU; None where there is none (any more)."""
        match = _SKU.fullmatch(sku)
        if match is None or int(match[1]) >= CATALOGUE_SIZE:
            return None
        offers = self.offers(seller, asin_of(int(match[1])))
        return next((offer for offer in offers if offer.sku == sku), None)

    def offer_edits(self, seller: Seller) -> dict[int, sqlite3.Row]:
        """What was changed by hand of the seller's offers, by product number."""
        rows = self.database.execute("SELECT * FROM offer_edit WHERE seller = ?", (seller.number,))
        numbered = ((number_of(row["asin"]), row) for row in rows)
        return {number: row for number, row in numbered if number is not None}

    def _offers(self, seller: Seller, product: Product) -> list[Offer]:
        edit = self.database.execute(
            "SELECT * FROM offer_edit WHERE seller = ? AND asin = ?", (seller.number, product.asin)
        ).fetchone()
        first = offer_unedited(seller.name, product)
        if edit is not None:
            first = replace(
                first,
                price_jpy=first.price_jpy if edit["price_jpy"] is None else edit["price_jpy"],
                quantity=first.quantity if edit["quantity"] is None else edit["quantity"],
                state=edit["state"] or first.state,
                updated_at=datetime.fromisoformat(edit["edited_at"]),
            )
        if not has_two_skus(product.number):
            return [first]
        return [first, replace(first, sku=f"{first.sku}-M", channel="DEFAULT")]


def amazon_seller_id_of(seller_name: str) -> str:
    """The account id that a name gets, the same in every world: `A2SBX` and eight characters."""
    return f"A2SBX{asin_of(draw('seller', seller_name))[2:]}"


def shop_id_of(seller_name: str) -> str:
    return f"shop{draw('shop', seller_name):016x}"


def offer_unedited(seller_name: str, product: Product) -> Offer:
    """The offer as it was before anybody touched it: a pure function of seller and product.

    Every 50th SKU holds a space and a slash; every 40th offer is out of stock; most are FBA.
    """
    number = product.number
    prefix = amazon_seller_id_of(seller_name)[5:9]
    lot = draw("offer", seller_name, number)
    created_at = opened_at(number)
    return Offer(
        sku=sku_of(prefix, number),
        product=product,
        channel=_channel(product, lot),
        price_jpy=product.list_price_jpy + (lot // 10 % 5 - 2) * 10,
        quantity=0 if is_sold_out_at_first(number) else 5 + lot // 50 % 60,
        state=state_at_first(product.flaw),
        created_at=created_at,
        updated_at=created_at,
    )


def sku_of(prefix: str, number: int) -> str:
    """The SKU of a product's first offer; the prefix is the seller's."""
    return f"{prefix} {number:06d}/JP" if number % 50 == 11 else f"{prefix}-{number:06d}"


def opened_at(number: int) -> datetime:
    return _OPENED_AT + timedelta(minutes=number % 500_000)


def is_sold_out_at_first(number: int) -> bool:
    return number % 40 == 20


def _channel(product: Product, lot: int) -> Channel:
    if product.flaw == "no_shipping_time":
        return "DEFAULT"
    return "AMAZON_JP" if lot % 10 < 7 or has_two_skus(product.number) else "DEFAULT"


def has_two_skus(number: int) -> bool:
    """Every 125th product is offered twice: from Amazon's warehouse and from the seller's own."""
    return number % 125 == 5


def state_at_first(flaw: Flaw | None) -> OfferState:
    if flaw == "suspended":
        return "suspended"
    if flaw == "inactive":
        return "closed"
    return "deleted" if flaw == "not_sold" else "on_sale"


def _seller(row: sqlite3.Row) -> Seller:
    return Seller(
        number=row["number"],
        name=row["name"],
        amazon_seller_id=row["amazon_seller_id"],
        shop_id=row["shop_id"],
        product_count=row["product_count"],
        permit=row["permit"],
        is_revoked=bool(row["is_revoked"]),
        is_suspended=bool(row["is_suspended"]),
        is_shop_closed=bool(row["is_shop_closed"]),
    )
