"""Stock alerts: which listings are at their threshold or sold out, since when, and which were.

An alert is open while a listing is on the market and Amazon holds no more than its threshold, or no
more than the last units that the seller keeps back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, cast
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.asin_binding import facts as binding
from domain.facts import Recorded
from domain.ports import MercariListing
from projections.table import Key, Rows, Table

Reason = Literal["sold_out", "at_threshold", "last_units"]
Ending = Literal["restocked", "off_market"]
State = Literal["open", "ended"]
_LEAVING = (
    binding.Suspended, binding.MappingBroken, binding.Blocked, binding.Withdrawn, binding.Rejected,
)  # fmt: skip
_FACTS = (
    binding.Requested, binding.Validated, binding.TermsChanged, binding.StockAdjusted,
    binding.Listed, binding.ListingConfirmed, binding.Reinstated, binding.ContentRefreshed,
    *_LEAVING,
)  # fmt: skip
"""Facts that stock, or a place on the market, has to do with."""


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """One binding's stock, and its open alert: `reason` is None where there is none."""

    binding_id: UUID
    seller_id: UUID
    asin: str
    title: str | None = None
    is_listed: bool = False
    amazon_quantity: int | None = None
    stock_threshold: int = 0
    last_units: int = 0
    shown_stock: int | None = None
    reason: str | None = None
    raised_at: datetime | None = None
    raised_position: int | None = None


@dataclass(frozen=True, slots=True)
class EndedRow:
    """An alert that is over: how it stood when it ended, and why it did."""

    position: int
    binding_id: UUID
    seller_id: UUID
    asin: str
    title: str | None
    amazon_quantity: int | None
    stock_threshold: int
    last_units: int
    shown_stock: int | None
    reason: str
    raised_at: datetime
    raised_position: int
    ended_at: datetime
    ended_by: str


WATCHED = Table("stock_watched", WatchedRow, ("binding_id",))
ENDED = Table("stock_alerts_ended", EndedRow, ("position",), is_log=True)


class StockAlerts:
    """Keeps each binding's stock; raises and ends its alert as the facts move it."""

    name: ClassVar[str] = "stock_alerts"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (WATCHED, ENDED)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield WATCHED, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        if not isinstance(recorded.fact, _FACTS):
            return
        fact = cast(binding.BindingFact, recorded.fact)
        row = rows.get(WATCHED, recorded.originator_id)
        if row is None:
            asin = fact.asin if isinstance(fact, binding.Requested) else ""
            row = WatchedRow(recorded.originator_id, recorded.seller_id, asin)
        rows.put(WATCHED, judged(rows, replace(row, **changes_by(fact)), recorded))


def judged(rows: Rows, row: WatchedRow, recorded: Recorded) -> WatchedRow:
    """The row with its alert raised, kept under its reason, or ended."""
    reason = reason_of(row)
    if reason is None and row.reason is not None:
        rows.put(ENDED, ended(row, recorded))
        return replace(row, reason=None, raised_at=None, raised_position=None)
    if reason is not None and row.reason is None:
        return replace(
            row, reason=reason, raised_at=recorded.recorded_at, raised_position=recorded.position
        )
    return replace(row, reason=reason)


def reason_of(row: WatchedRow) -> Reason | None:
    """Why there is an alert; None where there is none."""
    quantity = row.amazon_quantity
    if not row.is_listed or quantity is None:
        return None
    if quantity == 0:
        return "sold_out"
    if quantity <= row.stock_threshold:
        return "at_threshold"
    return "last_units" if quantity <= row.stock_threshold + row.last_units else None


def ended(row: WatchedRow, recorded: Recorded) -> EndedRow:
    ended_by: Ending = "restocked" if row.is_listed else "off_market"
    return EndedRow(
        position=recorded.position, binding_id=row.binding_id, seller_id=row.seller_id,
        asin=row.asin, title=row.title, amazon_quantity=row.amazon_quantity,
        stock_threshold=row.stock_threshold, last_units=row.last_units,
        shown_stock=row.shown_stock, reason=cast(str, row.reason),
        raised_at=cast(datetime, row.raised_at), raised_position=cast(int, row.raised_position),
        ended_at=recorded.recorded_at, ended_by=ended_by,
    )  # fmt: skip


def changes_by(fact: binding.BindingFact) -> dict[str, Any]:
    """The columns that a fact changes; one that is none of these takes the binding off sale."""
    match fact:
        case binding.Requested():
            return {"is_listed": False, "stock_threshold": fact.terms.stock_threshold}
        case binding.Validated():
            product, around = fact.product, fact.circumstances
            return {
                "title": product.title, "amazon_quantity": product.quantity,
                "last_units": around.last_units if around else 0,
            }  # fmt: skip
        case binding.TermsChanged():
            return {
                "amazon_quantity": fact.amazon_quantity, "last_units": fact.last_units,
                "stock_threshold": fact.terms.stock_threshold,
            }  # fmt: skip
        case binding.StockAdjusted():
            return {
                "amazon_quantity": fact.amazon_quantity, "last_units": fact.last_units,
                "stock_threshold": fact.stock_threshold,
            }  # fmt: skip
        case binding.Listed():
            return {"is_listed": True, **shown(fact.listing)}
        case binding.ListingConfirmed():
            return shown(fact.listing)
        case binding.Reinstated():
            return {"is_listed": fact.is_listed}
        case binding.ContentRefreshed():
            return {"title": fact.title}
        case _:
            return {"is_listed": False}


def shown(listing: MercariListing) -> dict[str, Any]:
    return {"shown_stock": listing.stock}


# --- queries ------------------------------------------------------------------------------------

# Alerts, open ones first, each kind newest first; `place` tells where the next page begins. Each
# kind is cut to a page by its own index before the two are put together.
PAGE = """
    SELECT * FROM (
        (SELECT binding_id, seller_id, asin, title, reason, amazon_quantity, stock_threshold,
                last_units, shown_stock, raised_at, raised_position,
                NULL::timestamptz AS ended_at, NULL AS ended_by, 1 AS is_open,
                raised_position AS place
         FROM live_stock_watched WHERE reason IS NOT NULL AND %(state)s IS DISTINCT FROM 'ended'
           AND (%(is_open)s::int IS NULL OR (%(is_open)s = 1 AND raised_position < %(place)s))
         ORDER BY raised_position DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT binding_id, seller_id, asin, title, reason, amazon_quantity, stock_threshold,
                last_units, shown_stock, raised_at, raised_position, ended_at, ended_by, 0, position
         FROM live_stock_alerts_ended WHERE %(state)s IS DISTINCT FROM 'open'
           AND (%(is_open)s::int IS NULL OR %(is_open)s = 1 OR position < %(place)s)
         ORDER BY position DESC LIMIT %(limit)s)
    ) alerts
    ORDER BY is_open DESC, place DESC LIMIT %(limit)s
"""

# How many alerts are open, by reason.
COUNTS = """
    SELECT reason, count(*) FROM live_stock_watched WHERE reason IS NOT NULL GROUP BY reason
"""

# Alerts raised after a position and open still, oldest first; for a role that sees every seller.
RAISED = """
    SELECT * FROM live_stock_watched
    WHERE raised_position > %s AND raised_position <= %s ORDER BY raised_position
"""

# How far the alerts are the fold of the log.
COMMITTED = """
    SELECT p.position FROM projection_positions p
    JOIN projections l ON l.name = p.name AND l.live_generation = p.generation
    WHERE p.name = 'stock_alerts'
"""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, open or ended."""

    binding_id: UUID
    seller_id: UUID
    asin: str
    title: str | None
    reason: str
    amazon_quantity: int | None
    stock_threshold: int
    last_units: int
    shown_stock: int | None
    raised_at: datetime
    raised_position: int
    ended_at: datetime | None
    ended_by: str | None
    is_open: int
    place: int

    @property
    def could_oversell(self) -> bool:
        """Mercari shows more units than Amazon holds."""
        return bool(self.is_open) and (self.shown_stock or 0) > (self.amazon_quantity or 0)


def page(
    connection: Connection[Any],
    *,
    state: State | None = None,
    before: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[Alert]:
    """Open alerts first, newest first; `before` is (is_open, place) of the last of the page."""
    is_open, place = before or (None, None)
    cursor = connection.cursor(row_factory=class_row(Alert))
    values = {"state": state, "is_open": is_open, "place": place, "limit": limit}
    return cursor.execute(PAGE, values).fetchall()


def counts(connection: Connection[Any]) -> dict[str, int]:
    return dict(connection.execute(COUNTS).fetchall())


def raised_between(connection: Connection[Any], after: int, until: int) -> list[WatchedRow]:
    """Open alerts of every seller that were raised in (after, until]."""
    cursor = connection.cursor(row_factory=class_row(WatchedRow))
    return cursor.execute(RAISED, (after, until)).fetchall()


def committed_position(connection: Connection[Any]) -> int:
    row = connection.execute(COMMITTED).fetchone()
    return int(row[0]) if row else 0
