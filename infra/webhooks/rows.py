"""The rows of webhooks: what waits, what was tried, what is to be sent again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from domain.ticket.facts import STAFF_ONLY
from domain.webhooks import Attempt, Delivery, Outcome
from infra.database import Connection
from infra.webhooks.sender import Reply

KEPT = timedelta(days=30)
RESENT_MAX = 10_000

# The oldest event that an endpoint still has to be told: those after it wait for it.
HEAD = """
    SELECT position, type, attempts, not_before FROM webhook_deliveries
    WHERE webhook_id = %s AND state = 'waiting' ORDER BY position LIMIT 1
"""

# Endpoints whose oldest waiting event may be sent now.
DUE = """
    SELECT e.seller_id, e.webhook_id FROM webhook_endpoints e CROSS JOIN LATERAL (
        SELECT not_before FROM webhook_deliveries d
        WHERE d.webhook_id = e.webhook_id AND d.state = 'waiting' ORDER BY d.position LIMIT 1
    ) head
    WHERE e.is_enabled AND (head.not_before IS NULL OR head.not_before <= %s)
"""

# What became of an attempt. A row settled or begun anew meanwhile stays as it is.
SETTLE = """
    UPDATE webhook_deliveries SET state = %(state)s, attempts = attempts + 1,
        not_before = %(not_before)s, settled_at = CASE WHEN %(state)s <> 'waiting' THEN %(now)s END
    WHERE webhook_id = %(webhook)s AND position = %(position)s AND attempts = %(attempts)s
      AND state = 'waiting'
"""

ADD_ATTEMPT = """
    INSERT INTO webhook_attempts
        (webhook_id, seller_id, position, type, at, status, error, duration_ms, outcome)
    SELECT %(webhook)s, %(seller)s, %(position)s, %(type)s, %(at)s, %(status)s, %(error)s,
           %(duration_ms)s, %(outcome)s
    WHERE EXISTS (SELECT FROM webhook_endpoints WHERE webhook_id = %(webhook)s)
    RETURNING number, position, type, at, status, error, duration_ms, outcome
"""

ATTEMPTS = """
    SELECT number, position, type, at, status, error, duration_ms, outcome FROM webhook_attempts
    WHERE webhook_id = %(webhook)s AND (%(before)s::bigint IS NULL OR number < %(before)s)
    ORDER BY number DESC LIMIT %(limit)s
"""

# How each endpoint of a seller fares.
FARING = """
    SELECT e.webhook_id, e.failing_since,
        (SELECT count(*) FROM webhook_deliveries d
         WHERE d.webhook_id = e.webhook_id AND d.state = 'waiting') AS waiting,
        (SELECT count(*) FROM webhook_deliveries d
         WHERE d.webhook_id = e.webhook_id AND d.state = 'given_up') AS given_up,
        (SELECT d.not_before FROM webhook_deliveries d
         WHERE d.webhook_id = e.webhook_id AND d.state = 'waiting'
         ORDER BY d.position LIMIT 1) AS next_attempt_at
    FROM webhook_endpoints e WHERE e.seller_id = %s
"""

# Let these events be told again, whatever became of them.
AGAIN = """
    INSERT INTO webhook_deliveries (webhook_id, position, seller_id, type)
    SELECT %(webhook)s, notification_id, seller_id, topic FROM asin_sync_events
    WHERE seller_id = %(seller)s AND notification_id = ANY(%(positions)s)
    ON CONFLICT (webhook_id, position) DO UPDATE
        SET state = 'waiting', attempts = 0, not_before = NULL, settled_at = NULL
"""

HIDDEN = sorted(STAFF_ONLY)

# Positions of a seller's events from an instant on, oldest first.
SINCE = """
    SELECT position FROM live_audit_trail
    WHERE seller_id = %(seller)s AND recorded_at >= %(since)s AND position <= %(until)s
      AND type <> ALL(%(hidden)s::text[])
      AND (%(types)s::text[] = '{}'
           OR EXISTS (SELECT FROM unnest(%(types)s::text[]) t WHERE starts_with(type, t)))
    ORDER BY position LIMIT %(limit)s
"""

ALONE = """
    SELECT position FROM live_audit_trail
    WHERE position = %s AND position <= %s AND type <> ALL(%s::text[])
"""
WAKE = """
    UPDATE webhook_deliveries SET not_before = NULL
    WHERE webhook_id = %s AND state = 'waiting' AND not_before IS NOT NULL
"""
ALIVE = """
    UPDATE webhook_endpoints SET failing_since = NULL
    WHERE webhook_id = %s AND failing_since IS NOT NULL
"""
FAILING = """
    UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, %s) WHERE webhook_id = %s
    RETURNING failing_since
"""
FORGET_ATTEMPTS = "DELETE FROM webhook_attempts WHERE webhook_id = %s AND at < %s"
FORGET_DELIVERIES = """
    DELETE FROM webhook_deliveries WHERE webhook_id = %s AND state <> 'waiting' AND settled_at < %s
"""


class Due(NamedTuple):
    """The event that an endpoint is to be told next."""

    position: int
    type: str
    attempts: int
    not_before: datetime | None


def endpoints_due(connection: Connection, now: datetime) -> list[tuple[UUID, UUID]]:
    """Seller and endpoint; for a role that sees every seller."""
    return [(seller_id, webhook_id) for seller_id, webhook_id in connection.execute(DUE, (now,))]


def next_due(connection: Connection, webhook_id: UUID, now: datetime) -> Due | None:
    """The oldest that waits; None where there is none, or its time has not come."""
    row = connection.execute(HEAD, (webhook_id,), prepare=True).fetchone()
    due = Due(*row) if row else None
    return due if due and (due.not_before is None or due.not_before <= now) else None


def add_attempt(
    connection: Connection, seller_id: UUID, webhook_id: UUID, position: int | None, type_: str,
    at: datetime, reply: Reply, outcome: Outcome,
) -> Attempt | None:  # fmt: skip
    """Log it; None where the endpoint was removed meanwhile."""
    parameters = {
        "webhook": webhook_id, "seller": seller_id, "position": position, "type": type_, "at": at,
        "outcome": outcome, **reply._asdict(),
    }  # fmt: skip
    cursor = connection.cursor(row_factory=class_row(Attempt))
    return cursor.execute(ADD_ATTEMPT, parameters).fetchone()


def settle(
    connection: Connection, webhook_id: UUID, due: Due, outcome: Outcome,
    not_before: datetime | None, now: datetime,
) -> None:  # fmt: skip
    """Note what became of an attempt: `failed` waits until `not_before`."""
    state = "waiting" if outcome == "failed" else outcome
    parameters = {
        "webhook": webhook_id, "position": due.position, "attempts": due.attempts, "now": now,
        "state": state, "not_before": not_before,
    }  # fmt: skip
    connection.execute(SETTLE, parameters)


def alive(connection: Connection, webhook_id: UUID) -> None:
    """The endpoint took something: it is not failing, and what waits need wait no longer."""
    if connection.execute(ALIVE, (webhook_id,)).rowcount:
        connection.execute(WAKE, (webhook_id,))


def failing(connection: Connection, webhook_id: UUID, now: datetime) -> datetime:
    """Since when the endpoint has done nothing but fail."""
    row = connection.execute(FAILING, (now, webhook_id)).fetchone()
    return row[0] if row else now


def forget_old(connection: Connection, webhook_id: UUID, now: datetime) -> None:
    """Attempts and settled rows are kept for thirty days."""
    connection.execute(FORGET_ATTEMPTS, (webhook_id, now - KEPT))
    connection.execute(FORGET_DELIVERIES, (webhook_id, now - KEPT))


def attempts_of(
    connection: Connection, webhook_id: UUID, before: int | None, limit: int
) -> list[Attempt]:
    """Newest first."""
    parameters = {"webhook": webhook_id, "before": before, "limit": limit}
    return (
        connection.cursor(row_factory=class_row(Attempt)).execute(ATTEMPTS, parameters).fetchall()
    )


def faring(connection: Connection, seller_id: UUID) -> dict[UUID, Delivery]:
    rows = connection.execute(FARING, (seller_id,)).fetchall()
    return {
        webhook_id: Delivery(
            waiting=waiting, given_up=given_up, next_attempt_at=next_at, failing_since=since
        )
        for webhook_id, since, waiting, given_up, next_at in rows
    }


def position_alone(connection: Connection, position: int, until: int) -> list[int]:
    """The position, if it is an event of the seller that this connection reads for."""
    return [found for (found,) in connection.execute(ALONE, (position, until, HIDDEN))]


def positions_since(
    connection: Connection, seller_id: UUID, since: datetime, until: int, types: Sequence[str]
) -> list[int]:
    """Of up to RESENT_MAX events, oldest first."""
    parameters = {
        "seller": seller_id, "since": since, "until": until, "types": list(types),
        "limit": RESENT_MAX, "hidden": HIDDEN,
    }  # fmt: skip
    return [position for (position,) in connection.execute(SINCE, parameters)]


def send_again(
    connection: Connection, seller_id: UUID, webhook_id: UUID, positions: Iterable[int]
) -> None:
    parameters = {"webhook": webhook_id, "seller": seller_id, "positions": list(positions)}
    connection.execute(AGAIN, parameters)
    connection.execute(WAKE, (webhook_id,))
