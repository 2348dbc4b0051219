"""How many calls each seller's upstreams got, by the hour; written once a second by the worker."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from infra.database import Connection

# Add to the hour's counts.
ADD = """
    INSERT INTO asin_sync.upstream_calls AS c (seller_id, operation, hour, calls)
    SELECT seller_id, operation, %s, calls
    FROM unnest(%s::uuid[], %s::text[], %s::bigint[]) AS t (seller_id, operation, calls)
    ON CONFLICT (seller_id, hour, operation) DO UPDATE SET calls = c.calls + excluded.calls
"""


def add_calls(connection: Connection, calls: Counter[tuple[UUID, str]], now: datetime) -> None:
    if not calls:
        return
    hour = now.replace(minute=0, second=0, microsecond=0)
    arrays: list[list[Any]] = [
        [seller_id for seller_id, _ in calls],
        [operation for _, operation in calls],
        list(calls.values()),
    ]
    connection.execute(ADD, (hour, *arrays))
