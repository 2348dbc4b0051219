"""Conditions: what is paused, held back or late for a seller now, and how each sweep last ended.

Sweeps under way stand beside them: rows of the jobs that do them, no fold of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.breaker import Paused, Resumed
from domain.facts import Recorded
from domain.sync_sweep import (
    LOST_AFTER,
    BrakeApplied,
    DelayForeseen,
    Finished,
    SweepKind,
    promised_at,
)
from projections.table import Key, Rows, Table

HELD_MAX = 100


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """One condition: `kind` is breaker, brake, delay or sweep; `subject` what it is about.

    `until` is the next try of a breaker, the promised end of a late sweep, the end of a past one.
    """

    seller_id: UUID
    kind: str
    subject: str
    is_open: bool
    code: str | None
    since: datetime
    until: datetime | None
    position: int
    detail: dict[str, Any] = field(default_factory=dict)


TABLE = Table("conditions", ConditionRow, ("seller_id", "kind", "subject"))


class Conditions:
    """Keeps the latest word on each breaker, brake, delay and sweep."""

    name: ClassVar[str] = "conditions"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        match recorded.fact:
            case Paused() | Resumed() as fact:
                yield TABLE, (recorded.seller_id, "breaker", fact.marketplace)
            case BrakeApplied() | DelayForeseen() | Finished() as fact:
                for kind in ("brake", "delay", "sweep"):
                    yield TABLE, (recorded.seller_id, kind, fact.kind)
            case _:
                return

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        match recorded.fact:
            case Paused() as fact:
                told = {"reason": fact.reason, "tries": fact.tries}
                put(rows, recorded, "breaker", fact.marketplace, True, fact.code, fact.since,
                    fact.retry_at, told)  # fmt: skip
            case Resumed() as fact:
                put(rows, recorded, "breaker", fact.marketplace, False, fact.code, fact.since,
                    fact.stamp.decided_at, {})  # fmt: skip
            case BrakeApplied() as fact:
                apply_brake(rows, recorded, fact)
            case DelayForeseen() as fact:
                told = {"projected_at": fact.projected_at.isoformat(), "done": fact.done,
                        "listings": fact.listings}  # fmt: skip
                put(rows, recorded, "delay", fact.kind, True, "E-907", fact.due_at,
                    fact.promised_at, told)  # fmt: skip
            case Finished() as fact:
                end_sweep(rows, recorded, fact)
            case _:
                return


def put(
    rows: Rows,
    recorded: Recorded,
    kind: str,
    subject: str,
    is_open: bool,
    code: str | None,
    since: datetime,
    until: datetime | None,
    detail: dict[str, Any],
) -> None:
    rows.put(TABLE, ConditionRow(
        recorded.seller_id, kind, subject, is_open, code, since, until, recorded.position, detail
    ))  # fmt: skip


def apply_brake(rows: Rows, recorded: Recorded, fact: BrakeApplied) -> None:
    """Sum the pages of one sweep; a later sweep's brake begins anew."""
    sweep = str(recorded.originator_id)
    known: ConditionRow | None = rows.get(TABLE, recorded.seller_id, "brake", fact.kind)
    before = known.detail if known and known.detail.get("sweep") == sweep else {}
    held_count = before.get("held_count", 0) + fact.held_count
    detail = {
        "sweep": sweep,
        "listings": fact.listings,
        "limit": fact.limit,
        "drastic": before.get("drastic", 0) + fact.drastic,
        "confirmed": before.get("confirmed", 0) + fact.confirmed,
        "held_count": held_count,
        "held": [*before.get("held", []), *(each.model_dump() for each in fact.held)][:HELD_MAX],
    }
    since = known.since if known and before else fact.stamp.decided_at
    code = "E-905" if held_count else None
    put(rows, recorded, "brake", fact.kind, held_count > 0, code, since, None, detail)


def end_sweep(rows: Rows, recorded: Recorded, fact: Finished) -> None:
    """The sweep's end closes its delay, and a brake that it did not need."""
    ended_at = fact.stamp.decided_at
    late = max(0, int((ended_at - promised_at(fact.kind, fact.due_at)).total_seconds()))
    tally = fact.tally
    told = {
        "due_at": fact.due_at.isoformat(), "late_seconds": late, "bindings": tally.bindings,
        "changed": tally.changed, "failed": tally.failed, "stopped_by": fact.stopped_by,
    }  # fmt: skip
    code = "E-907" if late else None
    put(rows, recorded, "sweep", fact.kind, False, code, fact.started_at, ended_at, told)
    for kind in ("delay", "brake"):
        known: ConditionRow | None = rows.get(TABLE, recorded.seller_id, kind, fact.kind)
        if known and known.is_open and not (kind == "brake" and tally.held):
            put(rows, recorded, kind, fact.kind, False, None, known.since, ended_at, known.detail)


# --- queries ------------------------------------------------------------------------------------

ALL = "SELECT * FROM live_conditions ORDER BY is_open DESC, kind, subject"

# Sellers whose marketplace is left alone at this moment: effects and checks wait.
PAUSED = """
    SELECT seller_id FROM live_conditions
    WHERE kind = 'breaker' AND subject = %(marketplace)s AND is_open AND until > %(now)s
"""


def read(connection: Connection[Any]) -> list[ConditionRow]:
    """Every condition of the seller that the connection may see, open ones first."""
    return connection.cursor(row_factory=class_row(ConditionRow)).execute(ALL).fetchall()


def paused_sellers(connection: Connection[Any], marketplace: str, now: datetime) -> set[UUID]:
    """For a role that sees every seller."""
    found = connection.execute(PAUSED, {"marketplace": marketplace, "now": now})
    return {seller_id for (seller_id,) in found}


# --- with the sweeps under way ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnderWayRow:
    """A sweep that is being done: how many of its listings are read, and when it will end."""

    kind: SweepKind
    due_at: datetime
    started_at: datetime
    listings: int
    done: int
    projected_at: datetime
    updated_at: datetime


class SyncState(NamedTuple):
    """Open conditions; by kind, the sweeps under way and the last end of each."""

    conditions: Sequence[ConditionRow]
    under_way: Mapping[str, UnderWayRow]
    ended: Mapping[str, ConditionRow]


# Sweeps of the seller that still move.
UNDER_WAY = """
    SELECT kind, due_at, started_at, listings, done, projected_at, updated_at
    FROM asin_sync.sweep_run WHERE updated_at > %s
"""


def state(connection: Connection[Any], now: datetime) -> SyncState:
    """The state of the seller that the connection may see."""
    rows = read(connection)
    cursor = connection.cursor(row_factory=class_row(UnderWayRow))
    running = cursor.execute(UNDER_WAY, (now - LOST_AFTER,)).fetchall()
    return SyncState(
        conditions=[row for row in rows if row.is_open],
        under_way={each.kind: each for each in running},
        ended={row.subject: row for row in rows if row.kind == "sweep"},
    )


# --- of every seller ----------------------------------------------------------------------------

OPEN = "SELECT kind, subject, count(*) FROM live_conditions WHERE is_open GROUP BY 1, 2"

LATE_MAX = """
    SELECT coalesce(max((detail ->> 'late_seconds')::bigint), 0) FROM live_conditions
    WHERE kind = 'sweep'
"""

# The conditions that are open anywhere, and the last sweeps that ended late; the worst come first.
OPEN_ROWS = "SELECT * FROM live_conditions WHERE is_open ORDER BY since LIMIT %s"
LATE_ROWS = """
    SELECT * FROM live_conditions
    WHERE kind = 'sweep' AND (detail ->> 'late_seconds')::bigint > 0
    ORDER BY (detail ->> 'late_seconds')::bigint DESC LIMIT %s
"""

UNDER_WAY_COUNT = "SELECT count(*) FROM asin_sync.sweep_run WHERE updated_at > %s"


def open_counts(connection: Connection[Any]) -> dict[tuple[str, str], int]:
    """How many sellers have each condition, by kind and subject; for a role that sees all."""
    rows = connection.execute(OPEN).fetchall()
    return {(kind, subject): number for kind, subject, number in rows}


def open_anywhere(connection: Connection[Any], limit: int) -> list[ConditionRow]:
    """Open conditions of every seller, the longest open first; for a role that sees all."""
    cursor = connection.cursor(row_factory=class_row(ConditionRow))
    return cursor.execute(OPEN_ROWS, (limit,)).fetchall()


def late_anywhere(connection: Connection[Any], limit: int) -> list[ConditionRow]:
    """Last sweeps that ended after their promise, the latest first; for a role that sees all."""
    cursor = connection.cursor(row_factory=class_row(ConditionRow))
    return cursor.execute(LATE_ROWS, (limit,)).fetchall()


def worst_late_seconds(connection: Connection[Any]) -> int:
    """How late the latest of all last sweeps ended; for a role that sees all."""
    row = connection.execute(LATE_MAX).fetchone()
    return int(row[0]) if row else 0


def under_way_count(connection: Connection[Any], now: datetime) -> int:
    """Sweeps under way of every seller; for the role of the jobs."""
    row = connection.execute(UNDER_WAY_COUNT, (now - LOST_AFTER,)).fetchone()
    return int(row[0]) if row else 0
