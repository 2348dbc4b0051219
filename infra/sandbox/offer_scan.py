"""All of a seller's offers by status and in order, worked out without building each product."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sqlite3 import Row

from infra.sandbox.goods import flaw_of
from infra.sandbox.world import (
    OfferState,
    Seller,
    World,
    has_two_skus,
    is_sold_out_at_first,
    opened_at,
    sku_of,
    state_at_first,
)

BUYABLE, SHOWN, HIDDEN, DELETED = range(4)
STATUSES: dict[int, frozenset[str]] = {
    BUYABLE: frozenset({"BUYABLE", "DISCOVERABLE"}),
    SHOWN: frozenset({"DISCOVERABLE"}),
    HIDDEN: frozenset(),
}
_ALL_HIDDEN = bytes((HIDDEN, HIDDEN, HIDDEN, DELETED)).ljust(256)
"""What an account's suspension makes of each."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an offer stands: its product's number, its SKU, and what results are ordered by."""

    number: int
    sku: str
    created_at: datetime
    updated_at: datetime


def places_with(
    world: World, seller: Seller, wanted: Collection[str], unwanted: Collection[str]
) -> list[Place]:
    """The offers that have every wanted status and no unwanted one; deleted ones have none."""
    edits = world.offer_edits(seller)
    codes = {
        code
        for code, statuses in STATUSES.items()
        if statuses.issuperset(wanted) and statuses.isdisjoint(unwanted)
    }
    return [
        place
        for number, code in enumerate(_codes(seller, edits))
        if code in codes
        for place in _places(seller.amazon_seller_id[5:9], number, edits.get(number))
    ]


def _places(prefix: str, number: int, edit: Row | None) -> Iterator[Place]:
    sku, created_at = sku_of(prefix, number), opened_at(number)
    updated_at = datetime.fromisoformat(edit["edited_at"]) if edit else created_at
    yield Place(number, sku, created_at, updated_at)
    if has_two_skus(number):
        yield Place(number, f"{sku}-M", created_at, updated_at)


def _codes(seller: Seller, edits: dict[int, Row]) -> bytearray:
    codes = bytearray(_codes_at_first(seller.product_count))
    for number, edit in edits.items():
        if number < len(codes):
            codes[number] = _code_edited(number, edit)
    return codes.translate(_ALL_HIDDEN) if seller.is_suspended else codes


@lru_cache(maxsize=8)
def _codes_at_first(product_count: int) -> bytes:
    return bytes(
        _code(state_at_first(flaw_of(number)), is_sold_out_at_first(number))
        for number in range(product_count)
    )


def _code_edited(number: int, edit: Row) -> int:
    state = edit["state"] or state_at_first(flaw_of(number))
    quantity = edit["quantity"]
    return _code(state, is_sold_out_at_first(number) if quantity is None else quantity == 0)


def _code(state: OfferState, is_sold_out: bool) -> int:
    if state == "deleted":
        return DELETED
    if state == "suspended":
        return HIDDEN
    return SHOWN if state == "closed" or is_sold_out else BUYABLE
