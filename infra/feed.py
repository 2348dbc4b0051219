"""What of the log is told outwards: only what every live view shows, and so is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.catalogue import BY_TOPIC
from domain.facts import Recorded
from domain.ticket.facts import STAFF_ONLY
from infra.database import Connection
from infra.event_codec import decode

VISIBLE = tuple(sorted(set(BY_TOPIC) - STAFF_ONLY))
"""The types of events that are told outwards."""

# Where the live views stand together.
SHOWN = """
    SELECT min(p.position) FROM projection_positions p
    JOIN projections l ON l.name = p.name AND l.live_generation = p.generation
"""

# Where a seller's next events are. The audit trail has an index by seller; the log has none.
NEXT = """
    SELECT position FROM live_audit_trail
    WHERE seller_id = %(seller)s AND position > %(after)s AND position <= %(until)s
      AND type <> ALL(%(hidden)s::text[])
    ORDER BY position LIMIT %(limit)s
"""

# The same of some types, each by its own way through the index: what is rare is found as soon.
NEXT_OF_TYPES = """
    SELECT found.position FROM unnest(%(types)s::text[]) AS wanted (type), LATERAL (
        SELECT position FROM live_audit_trail trail
        WHERE seller_id = %(seller)s AND trail.type = wanted.type
          AND position > %(after)s AND position <= %(until)s
        ORDER BY position LIMIT %(limit)s
    ) AS found
    ORDER BY position LIMIT %(limit)s
"""

# These events of the log. A join of the two was planned as a scan of the log from its beginning.
THESE = """
    SELECT notification_id, recorded_at, seller_id, originator_id, originator_version, topic, state
    FROM asin_sync_events WHERE notification_id = ANY(%s) ORDER BY notification_id
"""


def shown_position(connection: Connection) -> int:
    row = connection.execute(SHOWN, prepare=True).fetchone()
    return int(row[0] or 0) if row else 0


def log_head(connection: Connection) -> int:
    """The last position of the log, for roles that see every seller's; 0 where it is empty."""
    row = connection.execute("SELECT max(notification_id) FROM asin_sync_events").fetchone()
    return int(row[0] or 0) if row else 0


def events_after(
    connection: Connection,
    seller_id: UUID,
    after: int,
    until: int,
    types: Sequence[str],
    limit: int,
) -> list[Recorded]:
    """Up to `limit` of the seller's events in (after, until], in order; `types` are beginnings."""
    parameters = {
        "seller": seller_id, "after": after, "until": until, "limit": limit,
        "types": [topic for topic in VISIBLE if topic.startswith(tuple(types))],
        "hidden": sorted(STAFF_ONLY),
    }  # fmt: skip
    query = NEXT_OF_TYPES if types else NEXT
    positions = [position for (position,) in connection.execute(query, parameters)]
    return events_at(connection, positions)


def event_at(connection: Connection, position: int) -> Recorded | None:
    """Raises KeyError or ValueError for an event that can't be decoded."""
    return next(iter(events_at(connection, [position])), None)


def events_at(connection: Connection, positions: Sequence[int]) -> list[Recorded]:
    """In order. Raises KeyError or ValueError for an event that can't be decoded."""
    rows = connection.cursor(binary=True).execute(THESE, (list(positions),), prepare=True)
    return [
        Recorded(position, recorded_at, seller_id, originator_id, version, decode(topic, state))
        for position, recorded_at, seller_id, originator_id, version, topic, state in rows
    ]
