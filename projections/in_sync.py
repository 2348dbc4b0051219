"""In sync: the rows of `bindings` that sweeps read, compared with before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from domain.drift import ShownBinding
from domain.sweep_run import LiveBinding

# Live bindings after an id, in the order of their ids, without some.
NEXT = """
    SELECT * FROM live_bindings_in_sync
    WHERE binding_id > %(after)s AND NOT binding_id = ANY(%(but)s)
    ORDER BY binding_id LIMIT %(limit)s
"""

# Those that fail or changed lately, failing ones first.
HOT = """
    SELECT binding_id FROM live_bindings
    WHERE status IN ('listed', 'suspended', 'mapped')
      AND (error_codes IS NOT NULL OR updated_at > %(since)s)
    ORDER BY (error_codes IS NULL), updated_at DESC LIMIT %(limit)s
"""

AMONG = "SELECT * FROM live_bindings_in_sync WHERE binding_id = ANY(%(ids)s)"

BY_SKU = "SELECT * FROM live_bindings_in_sync WHERE sku = ANY(%(skus)s)"

COUNT = "SELECT count(*) FROM live_bindings_in_sync"

# What Mercari last showed of these.
SHOWN = """
    SELECT binding_id, listing_id, shown_title, shown_price_jpy, shown_stock, is_on_sale,
           shown_category_id, shown_image_urls, shown_description_sha256
    FROM live_bindings WHERE binding_id = ANY(%(ids)s) AND listing_id IS NOT NULL
"""

WITH_LISTING = "SELECT binding_id FROM live_bindings WHERE listing_id IS NOT NULL"


def page(
    connection: Connection[Any], after: UUID, limit: int, but: Sequence[UUID] = ()
) -> list[LiveBinding]:
    """Live bindings whose id comes after `after`, in the order of their ids, without `but`."""
    return found(connection, NEXT, {"after": after, "limit": limit, "but": list(but)})


def hot(connection: Connection[Any], since: datetime, limit: int) -> list[UUID]:
    """Live bindings that fail, or changed since then; failing ones first."""
    rows = connection.execute(HOT, {"since": since, "limit": limit})
    return [binding_id for (binding_id,) in rows]


def among(connection: Connection[Any], binding_ids: Sequence[UUID]) -> list[LiveBinding]:
    return found(connection, AMONG, {"ids": list(binding_ids)})


def by_sku(connection: Connection[Any], skus: Sequence[str]) -> list[LiveBinding]:
    return found(connection, BY_SKU, {"skus": list(skus)})


def every(connection: Connection[Any]) -> list[LiveBinding]:
    return found(connection, "SELECT * FROM live_bindings_in_sync", {})


def found(
    connection: Connection[Any], query: LiteralString, wanted: dict[str, Any]
) -> list[LiveBinding]:
    return [LiveBinding(*row) for row in connection.execute(query, wanted)]


def count(connection: Connection[Any]) -> int:
    row = connection.execute(COUNT).fetchone()
    return int(row[0]) if row else 0


def shown(connection: Connection[Any], binding_ids: Sequence[UUID]) -> list[ShownBinding]:
    """What Mercari last showed of these bindings, where they have a listing."""
    return [ShownBinding(*row) for row in connection.execute(SHOWN, {"ids": list(binding_ids)})]


def with_listing(connection: Connection[Any]) -> set[UUID]:
    """Every binding that has a listing on Mercari, on sale or not."""
    return {binding_id for (binding_id,) in connection.execute(WITH_LISTING)}
