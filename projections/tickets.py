"""Tickets: what waits for an answer, how long it has, and how soon answers and solutions came.

No text is here: those are personal, and read from the ticket itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, NamedTuple, cast, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.facts import Recorded
from domain.ticket import TicketFact, facts
from projections.table import Key, Rows, Table

StaffList = Literal["due", "at_risk", "breached", "all"]
AT_RISK = timedelta(hours=24)
_FACTS = get_args(TicketFact)


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket as it stands. Times are those of the decisions; `position` is of its last fact."""

    ticket_id: UUID
    seller_id: UUID
    version: int
    position: int
    opened_position: int
    status: str
    opened_at: datetime
    answer_due_at: datetime
    answered_at: datetime | None = None
    is_answer_late: bool = False
    resolved_at: datetime | None = None
    cause: str | None = None
    assignee: str = "support"
    operation: str | None = None
    error_code: str | None = None
    asin: str | None = None
    binding_id: UUID | None = None
    log_position: int | None = None
    seller_replies: int = 0
    staff_replies: int = 0
    reopened_count: int = 0


TABLE = Table("tickets", TicketRow, ("ticket_id",))


class Tickets:
    """Folds each ticket's facts into its row."""

    name: ClassVar[str] = "tickets"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield TABLE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        if not isinstance(recorded.fact, _FACTS):
            return
        if isinstance(recorded.fact, facts.Opened):
            rows.put(TABLE, opened(recorded, recorded.fact))
            return
        row = cast(TicketRow, rows.get(TABLE, recorded.originator_id))
        place: dict[str, Any] = {"version": recorded.version, "position": recorded.position}
        rows.put(TABLE, replace(row, **place, **changes_by(row, cast(TicketFact, recorded.fact))))


def opened(recorded: Recorded, fact: facts.Opened) -> TicketRow:
    line = fact.log_line
    return TicketRow(
        ticket_id=recorded.originator_id, seller_id=recorded.seller_id,
        version=recorded.version, position=recorded.position,
        opened_position=recorded.position, status="open", opened_at=fact.stamp.decided_at,
        answer_due_at=fact.answer_due_at, operation=line.operation if line else None,
        error_code=line.error_code if line else None, asin=fact.asin, binding_id=fact.binding_id,
        log_position=line.position if line else None,
    )  # fmt: skip


def changes_by(row: TicketRow, fact: TicketFact) -> dict[str, Any]:
    """The columns that a fact changes."""
    at = fact.stamp.decided_at
    match fact:
        case facts.Replied(is_from_staff=False):
            return {"seller_replies": row.seller_replies + 1}
        case facts.Replied():
            said: dict[str, Any] = {"staff_replies": row.staff_replies + 1}
            if fact.is_first_answer:
                said |= {"answered_at": at, "is_answer_late": fact.is_late, "status": "answered"}
            return said
        case facts.HandedOver():
            return {"assignee": fact.to}
        case facts.Resolved():
            ended: dict[str, Any] = {"status": "resolved", "resolved_at": at, "cause": fact.cause}
            if fact.is_first_answer:
                ended |= {"answered_at": at, "is_answer_late": fact.is_late}
            return ended
        case facts.Reopened():
            count = row.reopened_count + 1
            return {
                "status": "answered", "resolved_at": None, "cause": None, "reopened_count": count,
            }  # fmt: skip
        case facts.Opened() | facts.NoteAdded():
            return {}


# --- queries ------------------------------------------------------------------------------------

ONE = "SELECT * FROM live_tickets WHERE ticket_id = %s"

# A seller's tickets, newest first.
PAGE = """
    SELECT * FROM live_tickets
    WHERE (%(before)s::bigint IS NULL OR opened_position < %(before)s)
      AND (%(is_open)s::boolean IS NULL OR (resolved_at IS NULL) = %(is_open)s)
    ORDER BY opened_position DESC LIMIT %(limit)s
"""

# Staff's lists, across sellers where the reader may see them; what is due first comes first.
# `due` is all that is not resolved: the unanswered by their time, then the others.
LISTS = """
    SELECT * FROM live_tickets
    WHERE CASE %(list)s
        WHEN 'due' THEN resolved_at IS NULL
        WHEN 'at_risk' THEN answered_at IS NULL AND answer_due_at >= %(now)s
                            AND answer_due_at < %(soon)s
        WHEN 'breached' THEN answered_at IS NULL AND answer_due_at < %(now)s
        ELSE true END
      AND (%(place)s::bigint IS NULL
           OR (answered_at IS NOT NULL, answer_due_at, opened_position)
              > (%(was_answered)s, %(due)s, %(place)s))
    ORDER BY answered_at IS NOT NULL, answer_due_at, opened_position LIMIT %(limit)s
"""

# How many there are of each list.
COUNTS = """
    SELECT count(*) FILTER (WHERE resolved_at IS NULL),
           count(*) FILTER (WHERE answered_at IS NULL AND answer_due_at >= %(now)s
                            AND answer_due_at < %(soon)s),
           count(*) FILTER (WHERE answered_at IS NULL AND answer_due_at < %(now)s),
           count(*)
    FROM live_tickets
"""

# Times from opening to solution and to first answer of what was solved or answered in the window;
# of the answers that fell due or were given in it, how many came in time.
FIGURES = """
    WITH settled AS (
        SELECT extract(epoch FROM resolved_at - opened_at)::float8 AS seconds
        FROM live_tickets WHERE resolved_at >= %(since)s AND resolved_at <= %(now)s
    ), answered AS (
        SELECT extract(epoch FROM answered_at - opened_at)::float8 AS seconds
        FROM live_tickets WHERE answered_at >= %(since)s AND answered_at <= %(now)s
    ), promised AS (
        SELECT answered_at IS NOT NULL AND answered_at <= answer_due_at AS is_kept
        FROM live_tickets
        WHERE (answered_at >= %(since)s AND answered_at <= %(now)s)
           OR (answered_at IS NULL AND answer_due_at >= %(since)s AND answer_due_at < %(now)s)
    )
    SELECT (SELECT count(*) FROM settled), (SELECT avg(seconds) FROM settled),
           (SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) FROM settled),
           (SELECT count(*) FROM answered), (SELECT avg(seconds) FROM answered),
           (SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) FROM answered),
           (SELECT count(*) FROM promised), (SELECT count(*) FILTER (WHERE is_kept) FROM promised)
"""


class Place(NamedTuple):
    """Where a ticket stands in staff's lists."""

    was_answered: bool
    due: datetime
    place: int


def place_of(row: TicketRow) -> Place:
    return Place(row.answered_at is not None, row.answer_due_at, row.opened_position)


@dataclass(frozen=True, slots=True)
class Figures:
    """How soon help came; seconds, None where nothing was counted."""

    resolved: int
    resolve_seconds_mean: float | None
    resolve_seconds_p90: float | None
    answered: int
    answer_seconds_mean: float | None
    answer_seconds_p90: float | None
    promised: int
    in_time: int

    @property
    def in_time_share(self) -> float | None:
        return self.in_time / self.promised if self.promised else None


def one(connection: Connection[Any], ticket_id: UUID) -> TicketRow | None:
    cursor = connection.cursor(row_factory=class_row(TicketRow))
    return cursor.execute(ONE, (ticket_id,)).fetchone()


def page(
    connection: Connection[Any],
    *,
    is_open: bool | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[TicketRow]:
    """A seller's, newest first; `before` is the opening's position of the last one seen."""
    cursor = connection.cursor(row_factory=class_row(TicketRow))
    values = {"is_open": is_open, "before": before, "limit": limit}
    return cursor.execute(PAGE, values).fetchall()


def listed(
    connection: Connection[Any],
    which: StaffList,
    now: datetime,
    *,
    after: Place | None = None,
    limit: int = 50,
) -> list[TicketRow]:
    """Staff's list; `after` is the place of the last ticket of the page before."""
    cursor = connection.cursor(row_factory=class_row(TicketRow))
    values = {
        "list": which, "now": now, "soon": now + AT_RISK, "limit": limit,
        "was_answered": None, "due": None, "place": None,
        **(after._asdict() if after else {}),
    }  # fmt: skip
    return cursor.execute(LISTS, values).fetchall()


def counts(connection: Connection[Any], now: datetime) -> dict[StaffList, int]:
    row = connection.execute(COUNTS, {"now": now, "soon": now + AT_RISK}).fetchone()
    names: tuple[StaffList, ...] = get_args(StaffList)
    return dict(zip(names, row or (0, 0, 0, 0), strict=True))


def figures(connection: Connection[Any], since: datetime, now: datetime) -> Figures:
    """Of the tickets that the reader may see."""
    row = connection.execute(FIGURES, {"since": since, "now": now}).fetchone()
    return Figures(*(row or (0, None, None, 0, None, None, 0, 0)))
