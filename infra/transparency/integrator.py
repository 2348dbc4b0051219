"""The integrator: follows a cell's events by position and adds each as a leaf to its seller's log.

Nothing is added to an append's own transaction. Leaves commit in sync, and with them, earlier in
the write-ahead log, the events they stand for: what is signed later can't be lost.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from threading import Event
from typing import NamedTuple
from uuid import UUID

import psycopg

from domain.transparency.leaf import StoredEvent, leaf_of
from domain.transparency.merkle import Subtree, completed, leaf_hash
from infra.database import Connection, Database
from infra.leading import leading_connection
from infra.log_reader import NEXT
from infra.transparency.log_tables import Hashes

BATCH_SIZE = 5_000
POLL_SECONDS = 0.1
log = logging.getLogger(__name__)

LAST = "SELECT coalesce(max(position), 0) FROM tlog_leaves"
SIZES = """
    SELECT given.seller_id, coalesce(last.number + 1, 0)
    FROM unnest(%s::uuid[]) AS given (seller_id)
    LEFT JOIN LATERAL (
        SELECT number FROM tlog_leaves WHERE seller_id = given.seller_id
        ORDER BY number DESC LIMIT 1
    ) AS last ON true
"""

# The leaf hashes of events by stream and version, for those that follow them.
BEFORE = """
    SELECT e.originator_id, l.hash
    FROM unnest(%s::uuid[], %s::bigint[]) AS given (stream, version)
    JOIN asin_sync_events e
      ON e.originator_id = given.stream AND e.originator_version = given.version
    JOIN tlog_leaves l ON l.position = e.notification_id
"""

ADD = """
    INSERT INTO tlog_leaves (seller_id, number, position, hash)
    SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::bytea[])
"""


class Leaf(NamedTuple):
    """A row of the log."""

    seller_id: UUID
    number: int
    position: int
    hash: bytes


class Integrator:
    """Keeps the logs of one cell; only one integrator does at a time, by a session lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    def run(self, stop: Event) -> None:
        """Follow the events until told to stop; a lost connection is made again."""
        while not stop.is_set():
            try:
                if not self.lead():
                    stop.wait(1.0)
                elif self.integrate() == 0:
                    stop.wait(POLL_SECONDS)
            except psycopg.OperationalError as error:
                log.warning("the integrator lost its connection: %s", error)
                self.close()
                stop.wait(0.5)
        self.close()

    def lead(self) -> bool:
        """Take the cell's lock; False while another process holds it."""
        if self._connection is None:
            self._connection = leading_connection(self._database, "integrator", "integrator")
        return self._connection is not None

    def integrate(self, limit: int = BATCH_SIZE) -> int:
        """Add the next events, all in one commit; return how many. `lead` must have been True."""
        if self._connection is None:
            raise RuntimeError("the integrator does not lead its cell")
        with self._connection.transaction():
            events = next_events(self._connection, limit)
            if events:
                add(self._connection, events)
        return len(events)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def next_events(connection: Connection, limit: int) -> Sequence[StoredEvent]:
    """The first events that have no leaf."""
    last = connection.execute(LAST, prepare=True).fetchone()
    cursor = connection.cursor(binary=True)
    rows = cursor.execute(NEXT, (last[0] if last else 0, limit), prepare=True).fetchall()
    return [StoredEvent._make(row) for row in rows]


def add(connection: Connection, events: Sequence[StoredEvent]) -> None:
    """Write the leaves of these events, and the roots of the subtrees they complete."""
    sellers = list({event.seller_id for event in events})
    sizes: dict[UUID, int] = dict(connection.execute(SIZES, (sellers,), prepare=True).fetchall())
    leaves = leaves_of(events, sizes, hashes_before(connection, events))
    of_seller: dict[UUID, list[bytes]] = defaultdict(list)
    for leaf in leaves:
        of_seller[leaf.seller_id].append(leaf.hash)
    subtrees = {
        seller_id: completed(sizes[seller_id], hashes, Hashes(connection, seller_id))
        for seller_id, hashes in of_seller.items()
    }
    write_leaves(connection, leaves)
    write_subtrees(connection, subtrees)


def leaves_of(
    events: Iterable[StoredEvent], sizes: Mapping[UUID, int], before: Mapping[UUID, bytes]
) -> list[Leaf]:
    """Number the events in each seller's log, and chain each to its stream's last."""
    next_number, last_hash = dict(sizes), dict(before)
    leaves = []
    for event in events:
        previous = last_hash.get(event.stream)
        hash_ = last_hash[event.stream] = leaf_hash(leaf_of(event, previous))
        number = next_number[event.seller_id]
        next_number[event.seller_id] = number + 1
        leaves.append(Leaf(event.seller_id, number, event.position, hash_))
    return leaves


def hashes_before(connection: Connection, events: Sequence[StoredEvent]) -> dict[UUID, bytes]:
    """The last leaf hash, so far, of each stream that these events go on with."""
    first: dict[UUID, int] = {}
    for event in events:
        first.setdefault(event.stream, event.version)
    going_on = [(stream, version - 1) for stream, version in first.items() if version > 1]
    if not going_on:
        return {}
    streams, versions = zip(*going_on, strict=True)
    cursor = connection.cursor(binary=True)
    return dict(cursor.execute(BEFORE, (list(streams), list(versions)), prepare=True).fetchall())


def write_leaves(connection: Connection, leaves: Sequence[Leaf]) -> None:
    columns = [list(column) for column in zip(*leaves, strict=True)]
    connection.cursor().execute(ADD, columns, prepare=True)


def write_subtrees(connection: Connection, made: Mapping[UUID, Sequence[Subtree]]) -> None:
    rows = [(seller_id, *subtree) for seller_id, each in made.items() for subtree in each]
    if rows:
        connection.cursor().executemany(
            "INSERT INTO tlog_subtrees (seller_id, level, number, hash) VALUES (%s, %s, %s, %s)",
            rows,
        )
