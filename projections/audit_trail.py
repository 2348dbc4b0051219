"""Audit trail: every fact in the order of the log, who caused it and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.facts import Recorded
from projections.table import Key, Rows, Table


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One fact, without its content: that is read from the log itself."""

    position: int
    seller_id: UUID
    recorded_at: datetime
    decided_at: datetime
    observed_at: datetime | None
    type: str
    subject: UUID
    version: int
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    policy: str


TABLE = Table("audit_trail", AuditRow, ("position",), is_log=True)


class AuditTrail:
    """One row for every fact, whatever it is about."""

    name: ClassVar[str] = "audit_trail"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        return ()

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        stamp = recorded.fact.stamp
        rows.put(
            TABLE,
            AuditRow(
                position=recorded.position,
                seller_id=recorded.seller_id,
                recorded_at=recorded.recorded_at,
                decided_at=stamp.decided_at,
                observed_at=stamp.observed_at,
                type=recorded.fact.TOPIC,
                subject=recorded.originator_id,
                version=recorded.version,
                actor=stamp.actor,
                correlation_id=stamp.cause.correlation_id,
                causation_id=stamp.cause.causation_id,
                policy=stamp.policy,
            ),
        )


# --- queries ------------------------------------------------------------------------------------

# Events by filters, of which those that are null are not applied.
FILTERED = """
    SELECT * FROM live_audit_trail
    WHERE (%(subject)s::uuid IS NULL OR subject = %(subject)s)
      AND (%(actor)s::text IS NULL OR actor = %(actor)s)
      AND (%(type)s::text IS NULL OR type = %(type)s)
      AND type <> ALL(%(hidden)s::text[])
"""

# A page of the trail, newest first.
PAGE = f"""{FILTERED}
      AND (%(before)s::bigint IS NULL OR position < %(before)s)
    ORDER BY position DESC LIMIT %(limit)s
"""

# The same of a time, in the order of time: an index leads to where it ends. The page before ended
# at a position, whose time is looked up.
PAGE_IN_TIME = f"""{FILTERED}
      AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR recorded_at < %(until)s)
      AND (%(before)s::bigint IS NULL OR (recorded_at, position) < (
          (SELECT recorded_at FROM live_audit_trail WHERE position <= %(before)s
           ORDER BY position DESC LIMIT 1), %(before)s))
    ORDER BY recorded_at DESC, position DESC LIMIT %(limit)s
"""  # noqa: S608

# Events of one piece of work around a position, oldest first: an index leads to the seller's
# events between two positions, so that the look costs the same however long the trail is.
OF_WORK = """
    SELECT * FROM live_audit_trail
    WHERE position BETWEEN %(lowest)s AND %(highest)s
      AND correlation_id = %(correlation_id)s AND type <> ALL(%(hidden)s::text[])
    ORDER BY abs(position - %(position)s) LIMIT %(limit)s
"""
WORK_REACH = 10_000
WORK_LENGTH_MAX = 40


@dataclass(frozen=True)
class Filter:
    """What to show of the trail; None is no filter. Types that are `hidden` are not shown."""

    subject: UUID | None = None
    actor: str | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    hidden: tuple[str, ...] = ()


def page(
    connection: Connection[Any], wanted: Filter, *, before: int | None = None, limit: int = 50
) -> list[AuditRow]:
    """Newest first; `before` is the position of the last row of the page before."""
    parameters = {
        "subject": wanted.subject, "actor": wanted.actor, "type": wanted.type,
        "since": wanted.since, "until": wanted.until, "before": before, "limit": limit,
        "hidden": list(wanted.hidden),
    }  # fmt: skip
    query = PAGE if wanted.since is None and wanted.until is None else PAGE_IN_TIME
    return connection.cursor(row_factory=class_row(AuditRow)).execute(query, parameters).fetchall()


def of_work(
    connection: Connection[Any], correlation_id: UUID, position: int, hidden: tuple[str, ...] = ()
) -> list[AuditRow]:
    """Events of the same piece of work within WORK_REACH of a position, oldest first."""
    parameters = {
        "correlation_id": correlation_id, "position": position,
        "lowest": position - WORK_REACH, "highest": position + WORK_REACH,
        "hidden": list(hidden), "limit": WORK_LENGTH_MAX,
    }  # fmt: skip
    cursor = connection.cursor(row_factory=class_row(AuditRow))
    return sorted(cursor.execute(OF_WORK, parameters).fetchall(), key=lambda row: row.position)
