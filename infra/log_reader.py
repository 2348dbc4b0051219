"""Reads a cell's log in order, in decoded batches; while one is folded, the next is read ahead."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from domain.facts import Recorded
from infra.database import Connection, Database
from infra.event_codec import decode

BATCH_SIZE = 5_000

# The next events of the log, in the order of their positions.
NEXT = """
    SELECT notification_id, recorded_at, seller_id, originator_id, originator_version, topic, state
    FROM asin_sync_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""


@dataclass(frozen=True)
class Batch:
    """Decoded events, and the first one after them that could not be decoded."""

    events: Sequence[Recorded]
    undecodable_position: int | None = None
    error: str | None = None


def read_batch(connection: Connection, after_position: int, limit: int = BATCH_SIZE) -> Batch:
    """Decode up to `limit` events after a position; stop before one that can't be decoded."""
    cursor = connection.cursor(binary=True)
    rows = cursor.execute(NEXT, (after_position, limit), prepare=True).fetchall()
    events: list[Recorded] = []
    for position, recorded_at, seller_id, originator_id, version, topic, state in rows:
        try:
            fact = decode(topic, state)
        except (KeyError, ValueError) as error:
            return Batch(events, position, f"{type(error).__name__}: {error}")
        events.append(Recorded(position, recorded_at, seller_id, originator_id, version, fact))
    return Batch(events)


class LogReader:
    """Hands out batches by position, on a connection of its own that is made when needed.

    A batch that was read ahead stays true: the log only grows, and only at its end.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-reader")
        self._ahead: dict[int, Future[Batch]] = {}

    def after(self, position: int) -> Batch:
        """The next batch. Raises psycopg.OperationalError where the connection is lost."""
        ahead = self._ahead.pop(position, None)
        batch = ahead.result() if ahead else self._read(position)
        if len(batch.events) == BATCH_SIZE:
            last = batch.events[-1].position
            self._ahead = {last: self._thread.submit(self._read, last)}
        return batch

    def close(self) -> None:
        """Let the connection go; the next read makes another."""
        for ahead in self._ahead.values():
            ahead.cancel()
        self._ahead = {}
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, position: int) -> Batch:
        if self._connection is None:
            self._connection = self._database.connect("projector")
        return read_batch(self._connection, position)
