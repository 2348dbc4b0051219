"""What a transparency log holds of one event: a small canonical record, the tree's leaf."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson


class StoredEvent(NamedTuple):
    """An event as the log's table holds it; `state` are the stored bytes, sealed fields and all."""

    position: int
    recorded_at: datetime
    seller_id: UUID
    stream: UUID
    version: int
    topic: str
    state: bytes


def leaf_of(event: StoredEvent, previous: bytes | None) -> bytes:
    """The event's leaf in RFC 8785 JSON; `previous` is the leaf hash of the stream's last version.

    It holds the digest of the stored bytes, not the bytes: what erasure makes unreadable stays as
    it was stored, and a leaf tells nothing to who does not have the event. `recorded_at` is RFC
    3339 in UTC, with microseconds where there are any.
    """
    return orjson.dumps(
        {
            "position": event.position,
            "prev": previous.hex() if previous else None,
            "recorded_at": event.recorded_at.astimezone(UTC),
            "seller": event.seller_id,
            "state_sha256": hashlib.sha256(event.state).hexdigest(),
            "stream": event.stream,
            "topic": event.topic,
            "v": 1,
            "version": event.version,
        },
        option=orjson.OPT_UTC_Z,
    )
