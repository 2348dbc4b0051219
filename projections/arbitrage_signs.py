"""Arbitrage signs: each binding's last pair of prices, and since when a rule holds against it.

`above_since`: on sale on Mercari above the policy's highest price, without a break.
`unowned_since`: Amazon answered that the seller holds no offer of the ASIN, when it was to be
bound, or while its listing was still seen on sale. No answer that says too little is folded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.asin_binding import facts as binding
from domain.facts import Recorded
from domain.policy import ArbitragePolicy
from domain.rules.pricing import bounds_of, float_rate_max
from projections.table import Key, Rows, Table

NO_OFFER_RULE = "asin_has_offer"
NO_OFFER_REASONS = ("no_offer", "not_found", "deleted")
_FACTS = (
    binding.Requested, binding.Validated, binding.Rejected, binding.TermsChanged,
    binding.PriceAdjusted, binding.Suspended, binding.Reinstated, binding.Listed,
    binding.ListingConfirmed, binding.DriftFound,
)  # fmt: skip
"""Facts that tell of a price, of a listing or of an own offer."""


@dataclass(frozen=True, slots=True)
class SignRow:
    """One binding's signs; a position says which fact told what stands beside it."""

    binding_id: UUID
    seller_id: UUID
    asin: str
    is_on_sale: bool = False
    shown_price_jpy: int | None = None
    shown_position: int | None = None
    amazon_price_jpy: int | None = None
    amazon_position: int | None = None
    has_lost_offer: bool = False
    above_since: datetime | None = None
    above_position: int | None = None
    unowned_since: datetime | None = None
    unowned_position: int | None = None

    @property
    def positions(self) -> tuple[int, ...]:
        """The facts that the price pair and the signs stand on, in their order."""
        told = (
            self.shown_position, self.amazon_position, self.above_position, self.unowned_position,
        )  # fmt: skip
        return tuple(sorted({each for each in told if each is not None}))


TABLE = Table("arbitrage_signs", SignRow, ("binding_id",))


class ArbitrageSigns:
    """Keeps each binding's signs as the facts give and take them."""

    name: ClassVar[str] = "arbitrage_signs"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield TABLE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        fact = recorded.fact
        if not isinstance(fact, _FACTS):
            return
        row = rows.get(TABLE, recorded.originator_id)
        if row is None:
            asin = fact.asin if isinstance(fact, binding.Requested) else ""
            row = SignRow(recorded.originator_id, recorded.seller_id, asin)
        changed = replace(row, **prices_in(recorded), **listing_in(recorded))
        rows.put(TABLE, with_offer(with_price(changed, recorded), recorded))


def prices_in(recorded: Recorded) -> dict[str, Any]:
    """Amazon's price as this fact tells it; nothing where it tells none."""
    fact = recorded.fact
    match fact:
        case binding.Validated() | binding.Rejected():
            price = fact.product.price_jpy
        case binding.TermsChanged() | binding.PriceAdjusted() | binding.Suspended():
            price = fact.amazon_price_jpy
        case _:
            price = None
    return (
        {} if price is None else {"amazon_price_jpy": price, "amazon_position": recorded.position}
    )


def listing_in(recorded: Recorded) -> dict[str, Any]:
    """What Mercari shows, where this fact tells it."""
    fact = recorded.fact
    if not isinstance(fact, binding.Listed | binding.ListingConfirmed | binding.DriftFound):
        return {}
    shown = fact.listing
    place = {"shown_position": recorded.position}
    if shown is None:
        return {"is_on_sale": False, "shown_price_jpy": None, **place}
    return {"is_on_sale": shown.is_on_sale, "shown_price_jpy": shown.price_jpy, **place}


def with_price(row: SignRow, recorded: Recorded) -> SignRow:
    """The row with the beginning of its time above policy, kept while that lasts."""
    if not is_above(row, recorded.fact.stamp.policy):
        return replace(row, above_since=None, above_position=None)
    if row.above_since is not None:
        return row
    return replace(row, above_since=moment_of(recorded), above_position=recorded.position)


def is_above(row: SignRow, policy: str) -> bool:
    """On sale above floor(1.15 × Amazon's price)."""
    shown, amazon = row.shown_price_jpy, row.amazon_price_jpy
    if not row.is_on_sale or shown is None or amazon is None:
        return False
    return shown > bounds_of(amazon, float_rate_max(policy)).price_jpy_max


def moment_of(recorded: Recorded) -> datetime:
    """The later of both clocks: one that is slow makes nothing older than it is."""
    return max(recorded.fact.stamp.decided_at, recorded.recorded_at)


def with_offer(row: SignRow, recorded: Recorded) -> SignRow:
    """The row with the beginning of its time without an own offer; an offer ends it."""
    fact = recorded.fact
    match fact:
        case binding.Rejected() if any(each.rule == NO_OFFER_RULE for each in fact.findings):
            return unowned(row, recorded)
        case binding.Suspended():
            return replace(row, has_lost_offer=is_offer_gone(fact))
        case binding.Validated() | binding.Rejected() | binding.Reinstated():
            return replace(row, has_lost_offer=False, unowned_since=None, unowned_position=None)
        case binding.ListingConfirmed(effect="seen") | binding.DriftFound():
            is_sold_on = row.has_lost_offer and row.is_on_sale
            return unowned(row, recorded) if is_sold_on else row
        case _:
            return row


def is_offer_gone(fact: binding.Suspended) -> bool:
    return fact.amazon_status == "deleted" or fact.reason in NO_OFFER_REASONS


def unowned(row: SignRow, recorded: Recorded) -> SignRow:
    """The sign stands from its first telling; asking again does not make it younger."""
    if row.unowned_since is not None:
        return row
    return replace(row, unowned_since=moment_of(recorded), unowned_position=recorded.position)


# --- queries ------------------------------------------------------------------------------------

# Sellers that one of the rules holds against; for a role that sees every seller.
SELLERS = """
    SELECT seller_id FROM live_arbitrage_signs WHERE above_since <= %(above_until)s
    UNION
    SELECT seller_id FROM live_arbitrage_signs WHERE unowned_since > %(unowned_after)s
    GROUP BY seller_id HAVING count(DISTINCT asin) >= %(asins)s
"""

# The bindings of one seller that have been above policy for long enough, the longest first.
ABOVE = """
    SELECT * FROM live_arbitrage_signs WHERE above_since <= %(above_until)s
    ORDER BY above_since, binding_id
"""

# The bindings of one seller that lately turned out to have no own offer, the newest first.
UNOWNED = """
    SELECT * FROM live_arbitrage_signs WHERE unowned_since > %(unowned_after)s
    ORDER BY unowned_since DESC, binding_id
"""


def limits(policy: ArbitragePolicy, now: datetime) -> dict[str, Any]:
    """What the queries compare with."""
    return {
        "above_until": now - timedelta(days=policy.price_above_days),
        "unowned_after": now - timedelta(days=policy.no_own_offer_days),
        "asins": policy.no_own_offer_asins,
    }


def sellers_with_signs(
    connection: Connection[Any], policy: ArbitragePolicy, now: datetime
) -> list[UUID]:
    """For a role that sees every seller."""
    rows = connection.execute(SELLERS, limits(policy, now))
    return [seller_id for (seller_id,) in rows]


def above_policy(
    connection: Connection[Any], policy: ArbitragePolicy, now: datetime
) -> list[SignRow]:
    cursor = connection.cursor(row_factory=class_row(SignRow))
    return cursor.execute(ABOVE, limits(policy, now)).fetchall()


def without_offer(
    connection: Connection[Any], policy: ArbitragePolicy, now: datetime
) -> list[SignRow]:
    cursor = connection.cursor(row_factory=class_row(SignRow))
    return cursor.execute(UNOWNED, limits(policy, now)).fetchall()
