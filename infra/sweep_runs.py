"""Sweeps under way: how far each has come. A row is made at the start and goes with the end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.sweep_run import SweepRun
from domain.sync_sweep import LOST_AFTER, SweepKind
from infra.database import Database

BEGIN = """
    INSERT INTO asin_sync.sweep_run AS r
        (seller_id, kind, due_at, started_at, listings, done, projected_at, updated_at)
    VALUES (%(seller)s, %(kind)s, %(due_at)s, %(now)s, %(listings)s, 0, %(now)s, %(now)s)
    ON CONFLICT (seller_id, kind) DO UPDATE SET
        due_at = excluded.due_at, started_at = excluded.started_at, listings = excluded.listings,
        done = 0, projected_at = excluded.projected_at, updated_at = excluded.updated_at
    WHERE r.updated_at < %(dead_before)s OR r.due_at = excluded.due_at
    RETURNING seller_id
"""

RUNNING_SINCE = "SELECT started_at FROM asin_sync.sweep_run WHERE seller_id = %s AND kind = %s"

ADVANCE = """
    UPDATE asin_sync.sweep_run SET done = %(done)s, projected_at = %(projected_at)s,
        updated_at = %(now)s
    WHERE seller_id = %(seller)s AND kind = %(kind)s AND due_at = %(due_at)s
"""

END = "DELETE FROM asin_sync.sweep_run WHERE seller_id = %s AND kind = %s AND due_at = %s"


class SweepRuns:
    """Who sweeps what now; one sweep of a kind at a time for each seller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, seller_id: UUID, kind: SweepKind, due_at: datetime, listings: int, now: datetime
    ) -> datetime | None:
        """Begin, or tell since when the one before it has been running. Beginning twice is once."""
        parameters = {
            "seller": seller_id, "kind": kind, "due_at": due_at, "now": now,
            "listings": listings, "dead_before": now - LOST_AFTER,
        }  # fmt: skip
        with self._database.pool("jobs").connection() as connection:
            if connection.execute(BEGIN, parameters).fetchone():
                return None
            row = connection.execute(RUNNING_SINCE, (seller_id, kind)).fetchone()
        return row[0] if row else now

    def advance(self, seller_id: UUID, run: SweepRun, now: datetime) -> None:
        parameters = {
            "seller": seller_id, "kind": run.kind, "due_at": run.due_at, "now": now,
            "done": run.tally.bindings, "projected_at": run.progress().projected_at(now),
        }  # fmt: skip
        with self._database.pool("jobs").connection() as connection:
            connection.execute(ADVANCE, parameters)

    def end(self, seller_id: UUID, kind: SweepKind, due_at: datetime) -> None:
        with self._database.pool("jobs").connection() as connection:
            connection.execute(END, (seller_id, kind, due_at))
