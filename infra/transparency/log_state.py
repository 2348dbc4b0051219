"""How the transparency logs fare: what is not integrated yet, and which logs get no checkpoint."""

from __future__ import annotations

from typing import NamedTuple

from infra.database import Database

LAG = """
    SELECT coalesce((SELECT max(notification_id) FROM asin_sync_events), 0)
         - coalesce((SELECT max(position) FROM tlog_leaves), 0)
"""

# Logs with a leaf of ten seconds ago that their newest checkpoint does not have.
UNSIGNED = """
    SELECT count(*)
    FROM (SELECT seller_id, max(size) AS size FROM tlog_checkpoints GROUP BY seller_id) newest
    JOIN tlog_leaves l ON l.seller_id = newest.seller_id AND l.number = newest.size
    JOIN asin_sync_events e ON e.notification_id = l.position
    WHERE e.recorded_at < now() - interval '10 seconds'
"""


class LogState(NamedTuple):
    """`unsigned_logs` should be 0: the signer is down, or refuses what it finds."""

    lag_events: int
    unsigned_logs: int

    @property
    def fault(self) -> str | None:
        """What is wrong and what to do; None where all is well."""
        if not self.unsigned_logs:
            return None
        return f"{self.unsigned_logs} logs get no checkpoint: run `asin-sync audit fsck`"


def log_state(database: Database) -> LogState:
    with database.pool("integrator").connection() as connection:
        lag, unsigned = (connection.execute(query).fetchone() for query in (LAG, UNSIGNED))
    return LogState(int(lag[0]) if lag else 0, int(unsigned[0]) if unsigned else 0)
