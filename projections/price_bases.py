"""Price bases: from what each binding's price is worked out, to try new rules before they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.asin_binding.facts import PriceAdjusted, TermsChanged, Validated
from domain.facts import Recorded
from domain.rules.fees import day_in_japan
from domain.rules.repricing import DayStart, day_start_after
from projections.table import Key, Rows, Table

_FACTS = (Validated, TermsChanged, PriceAdjusted)


@dataclass(frozen=True, slots=True)
class PriceBaseRow:
    """One binding's exact float and price, and what was listed as its day began.

    `day_started_at` is the first change of the last day that had one; null since the last check.
    """

    binding_id: UUID
    seller_id: UUID
    float_rate: Decimal | None = None
    price_jpy: int | None = None
    day_started_at: datetime | None = None
    day_start_price_jpy: int | None = None


TABLE = Table("price_bases", PriceBaseRow, ("binding_id",))


class PriceBases:
    """Folds what was decided about prices."""

    name: ClassVar[str] = "price_bases"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield TABLE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        fact = recorded.fact
        if not isinstance(fact, _FACTS):
            return
        place = (recorded.originator_id, recorded.seller_id)
        if isinstance(fact, Validated):
            rows.put(TABLE, PriceBaseRow(*place, fact.float_rate, fact.price_jpy))
            return
        row = rows.get(TABLE, recorded.originator_id) or PriceBaseRow(*place)
        price = fact.to_price_jpy if isinstance(fact, PriceAdjusted) else fact.price_jpy
        moved = replace(row, float_rate=fact.float_rate, price_jpy=price)
        rows.put(TABLE, with_day(moved, row, fact.stamp.decided_at))


def with_day(moved: PriceBaseRow, before: PriceBaseRow, moment: datetime) -> PriceBaseRow:
    """The start of the day, new where this is its first change."""
    if before.price_jpy is None:
        return moved
    known = day_start_of(before)
    start = day_start_after(known, moment, before.price_jpy)
    if start == known:
        return moved
    return replace(moved, day_started_at=moment, day_start_price_jpy=start.price_jpy)


def day_start_of(row: PriceBaseRow | LivePrice) -> DayStart | None:
    """The row's day as the rules take it."""
    if row.day_started_at is None or row.day_start_price_jpy is None:
        return None
    return DayStart(day=day_in_japan(row.day_started_at), price_jpy=row.day_start_price_jpy)


# --- queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LivePrice:
    """A live binding as new rules would find it."""

    binding_id: UUID
    asin: str
    title: str | None
    status: str
    amazon_price_jpy: int
    observed_at: datetime | None
    float_rate: Decimal
    price_jpy: int
    day_started_at: datetime | None
    day_start_price_jpy: int | None


# Every binding on sale or about to be, in the order of their ASINs; what is suspended is priced
# when it comes back.
LIVE = """
    SELECT binding_id, asin, title, status, amazon_price_jpy, observed_at,
           p.float_rate, p.price_jpy, day_started_at, day_start_price_jpy
    FROM live_bindings b JOIN live_price_bases p USING (binding_id)
    WHERE status IN ('listed', 'mapped') AND amazon_price_jpy IS NOT NULL
      AND p.float_rate IS NOT NULL AND p.price_jpy IS NOT NULL
    ORDER BY asin
"""


def live(connection: Connection[Any]) -> list[LivePrice]:
    return connection.cursor(row_factory=class_row(LivePrice)).execute(LIVE).fetchall()
