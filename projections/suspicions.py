"""Suspicions: every suspicion of arbitrage and what became of it, and every seller terminated.

What a reviewer wrote is personal and not here: it is in the seller's own facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain import arbitrage
from domain.facts import Recorded
from projections.table import Key, Rows, Table

_FACTS = get_args(arbitrage.ArbitrageFact)


@dataclass(frozen=True, slots=True)
class SuspicionRow:
    """One suspicion; `decision` is None while it is open."""

    suspicion_id: UUID
    seller_id: UUID
    position: int
    rule: str
    raised_at: datetime
    bindings: int
    decision: str | None = None
    cause: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TerminationRow:
    """One terminated seller, and how many of its bindings ended with it so far."""

    seller_id: UUID
    position: int
    version: int
    cause: str
    terminated_at: datetime
    terminated_by: str
    suspicion_id: UUID | None = None
    wound_up: int = 0


SUSPICIONS = Table("suspicions", SuspicionRow, ("suspicion_id",))
TERMINATIONS = Table("terminations", TerminationRow, ("seller_id",))


class Suspicions:
    """Folds what was suspected, judged and ended."""

    name: ClassVar[str] = "suspicions"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (SUSPICIONS, TERMINATIONS)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        match recorded.fact:
            case arbitrage.ArbitrageDismissed() | arbitrage.ArbitrageConfirmed():
                yield SUSPICIONS, (recorded.fact.suspicion_id,)
            case arbitrage.BindingsWoundUp():
                yield TERMINATIONS, (recorded.seller_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        fact = recorded.fact
        match fact:
            case arbitrage.ArbitrageSuspected():
                rows.put(SUSPICIONS, raised(fact, recorded))
            case arbitrage.ArbitrageDismissed() | arbitrage.ArbitrageConfirmed():
                row = rows.get(SUSPICIONS, fact.suspicion_id)
                if row is not None:
                    rows.put(SUSPICIONS, decided(row, fact))
            case arbitrage.Terminated():
                rows.put(TERMINATIONS, terminated(fact, recorded))
            case arbitrage.BindingsWoundUp():
                ended = rows.get(TERMINATIONS, recorded.seller_id)
                if ended is not None:
                    wound_up = ended.wound_up + fact.bindings
                    rows.put(TERMINATIONS, replace(ended, wound_up=wound_up))


def raised(fact: arbitrage.ArbitrageSuspected, recorded: Recorded) -> SuspicionRow:
    return SuspicionRow(
        suspicion_id=fact.suspicion_id, seller_id=recorded.seller_id, position=recorded.position,
        rule=fact.rule, raised_at=fact.stamp.decided_at, bindings=len(fact.evidence),
    )  # fmt: skip


def decided(
    row: SuspicionRow, fact: arbitrage.ArbitrageDismissed | arbitrage.ArbitrageConfirmed
) -> SuspicionRow:
    is_confirmed = isinstance(fact, arbitrage.ArbitrageConfirmed)
    return replace(
        row, decision="confirmed" if is_confirmed else "dismissed", cause=fact.cause,
        decided_by=fact.stamp.actor, decided_at=fact.stamp.decided_at,
    )  # fmt: skip


def terminated(fact: arbitrage.Terminated, recorded: Recorded) -> TerminationRow:
    return TerminationRow(
        seller_id=recorded.seller_id, position=recorded.position, version=recorded.version,
        cause=fact.cause, terminated_at=fact.stamp.decided_at, terminated_by=fact.stamp.actor,
        suspicion_id=fact.suspicion_id,
    )  # fmt: skip


# --- queries ------------------------------------------------------------------------------------

# Open suspicions of sellers not yet terminated, the oldest first; for staff.
OPEN = """
    SELECT s.* FROM live_suspicions s
    WHERE s.decision IS NULL AND s.position > %(after)s
      AND NOT EXISTS (SELECT FROM live_terminations t WHERE t.seller_id = s.seller_id)
    ORDER BY s.position LIMIT %(limit)s
"""

TERMINATION = "SELECT * FROM live_terminations WHERE seller_id = %s"

# Terminated sellers whose shop can still be looked at.
TERMINATED = """
    SELECT t.seller_id FROM live_terminations t JOIN live_sellers s USING (seller_id)
    WHERE s.is_mercari_linked ORDER BY t.seller_id
"""

# Terminated sellers with a binding that has not ended; for a role that sees every seller.
NOT_WOUND_UP = """
    SELECT t.seller_id FROM live_terminations t WHERE EXISTS (
        SELECT FROM live_bindings b WHERE b.seller_id = t.seller_id AND b.status <> 'blocked'
    )
"""

# Bindings of one seller that a wind-up has still to end, after an id.
LEFT = """
    SELECT binding_id FROM live_bindings
    WHERE status <> 'blocked' AND (%(ending)s = 'block' OR status <> 'withdrawn')
      AND binding_id > %(after)s
    ORDER BY binding_id LIMIT %(limit)s
"""

# How many bindings of one seller have not ended, and how many listings are still on sale.
PROGRESS = """
    SELECT count(*) FILTER (WHERE status <> 'blocked'), count(*) FILTER (WHERE is_on_sale)
    FROM live_bindings
"""


def open_suspicions(
    connection: Connection[Any], after: int = 0, limit: int = 50
) -> list[SuspicionRow]:
    """Those raised after this position, oldest first."""
    cursor = connection.cursor(row_factory=class_row(SuspicionRow))
    return cursor.execute(OPEN, {"after": after, "limit": limit}).fetchall()


def termination(connection: Connection[Any], seller_id: UUID) -> TerminationRow | None:
    cursor = connection.cursor(row_factory=class_row(TerminationRow))
    return cursor.execute(TERMINATION, (seller_id,)).fetchone()


def terminated_sellers(connection: Connection[Any]) -> list[UUID]:
    """Those whose shop is linked still; for a role that sees every seller."""
    return [seller_id for (seller_id,) in connection.execute(TERMINATED)]


def not_wound_up(connection: Connection[Any]) -> list[UUID]:
    """For a role that sees every seller."""
    return [seller_id for (seller_id,) in connection.execute(NOT_WOUND_UP)]


def left_to_end(
    connection: Connection[Any], ending: arbitrage.WindUp, after: UUID, limit: int
) -> list[UUID]:
    """One page of one seller's bindings that have not ended, in the order of their ids."""
    wanted = {"ending": ending, "after": after, "limit": limit}
    return [binding_id for (binding_id,) in connection.execute(LEFT, wanted)]


def progress(connection: Connection[Any]) -> tuple[int, int]:
    """Bindings of one seller that have not ended, and listings of it still on sale."""
    row = connection.execute(PROGRESS).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
