"""The projection engine: tails one cell's log and keeps every view the exact fold of it.

A batch is decoded once, and each projection commits its rows and its position in one transaction.
An event that a projection can't fold stops that projection only, and says at which position.
"""

from __future__ import annotations

import gc
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

import psycopg

from domain.facts import Recorded
from infra.database import Connection, Database
from infra.leading import leading_connection
from infra.log_reader import Batch, LogReader
from infra.view_tables import insert, load, upsert
from projections import ALL
from projections.table import Key, Projection, Rows, Table

POLL_SECONDS = 0.02
log = logging.getLogger(__name__)

# Wait until what was just read is on disk, by committing one small record in sync. The views then
# commit without waiting: what they show is durable, and a lost commit of theirs is folded again.
FLUSH = """
    SELECT set_config('synchronous_commit', 'on', true),
           pg_logical_emit_message(true, 'asin-sync', '')
"""


@dataclass
class Follower:
    """One generation of one projection, and the position up to which its rows are the fold."""

    projection: Projection
    generation: int
    position: int
    is_live: bool


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """A batch makes many objects and no cycles: looking for some took a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class ProjectionEngine:
    """Runs all projections of one cell; only one engine does at a time, by a session lock."""

    def __init__(self, database: Database, projections: Sequence[Projection] = ALL) -> None:
        self._database = database
        self._projections = {projection.name: projection for projection in projections}
        self._connection: Connection | None = None
        self._log = LogReader(database)

    def run(self, stop: Event) -> None:
        """Follow the log until told to stop; a lost connection is made again."""
        while not stop.is_set():
            try:
                if not self.lead():
                    stop.wait(1.0)
                elif self.run_once() == 0:
                    stop.wait(POLL_SECONDS)
            except psycopg.OperationalError as error:
                log.warning("projection engine lost its connection: %s", error)
                self.close()
                stop.wait(0.5)
        self.close()

    def lead(self) -> bool:
        """Take the cell's engine lock; False while another process holds it."""
        if self._connection is not None:
            return True
        self._connection = leading_connection(self._database, "projector", "engine")
        if self._connection is None:
            return False
        self._connection.execute("SET synchronous_commit = off")
        self.begin_missing()
        return True

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("the engine does not lead its cell")
        return self._connection

    def close(self) -> None:
        self._log.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def begin_missing(self) -> None:
        """First start: generation 1 at 0. A projection of a newer version is rebuilt beside."""
        for projection in self._projections.values():
            with self.connection.transaction():
                self.connection.execute(
                    "INSERT INTO projections VALUES (%s, 1) ON CONFLICT DO NOTHING",
                    (projection.name,),
                )
                self.connection.execute(
                    "INSERT INTO projection_positions (name, generation, version)"
                    " SELECT %(name)s, 1, %(version)s WHERE NOT EXISTS"
                    " (SELECT 1 FROM projection_positions WHERE name = %(name)s)",
                    {"name": projection.name, "version": projection.version},
                )
                newest = self.connection.execute(
                    "SELECT max(version) FROM projection_positions WHERE name = %s",
                    (projection.name,),
                ).fetchone()
                if newest and newest[0] < projection.version:
                    begin_rebuild(self.connection, projection.name, projection.version)

    def followers(self) -> list[Follower]:
        """Every generation that is not stopped, live ones first."""
        rows = self.connection.execute(
            "SELECT p.name, p.generation, p.position, p.generation = l.live_generation"
            " FROM projection_positions p JOIN projections l USING (name)"
            " WHERE p.error IS NULL AND p.generation >= l.live_generation ORDER BY 4 DESC, 1"
        )
        return [
            Follower(self._projections[name], generation, position, is_live)
            for name, generation, position, is_live in rows
            if name in self._projections
        ]

    def run_once(self) -> int:
        """One batch for each group of followers at the same place; return the events folded."""
        with no_garbage_collection():
            folded = self.fold_next()
        self.swap_rebuilt()
        return folded

    def fold_next(self) -> int:
        groups: dict[int, list[Follower]] = defaultdict(list)
        for follower in self.followers():
            groups[follower.position].append(follower)
        folded = 0
        for position in sorted(groups, reverse=True):
            batch = self._log.after(position)
            if batch.events:
                self.connection.execute(FLUSH, prepare=True)
            for follower in groups[position]:
                self.advance(follower, batch)
            folded += len(batch.events)
        return folded

    def advance(self, follower: Follower, batch: Batch) -> None:
        """Fold the batch; stop the follower at an event that it, or the codec, can't take."""
        if batch.events:
            poison = self.fold(follower, batch.events)
            if poison is not None:
                number, error = poison
                if number > 0:
                    self.fold(follower, batch.events[:number])
                self.stop_at(follower, batch.events[number].position, error)
                return
        if batch.undecodable_position is not None:
            self.stop_at(follower, batch.undecodable_position, batch.error or "undecodable")

    def fold(self, follower: Follower, events: Sequence[Recorded]) -> tuple[int, str] | None:
        """Commit rows and position for these events, or return the number of the poisonous one."""
        try:
            return self.fold_and_write(follower, events)
        except psycopg.DataError as error:
            log.exception("%s can't write what it folded", follower.projection.name)
            return self.first_unwritable(follower, events), f"{type(error).__name__}: {error}"

    def first_unwritable(self, follower: Follower, events: Sequence[Recorded]) -> int:
        """The number of the first event whose rows Postgres does not take, by halving."""
        fine, bad = 0, len(events)
        while bad - fine > 1:
            middle = (fine + bad) // 2
            try:
                with self.connection.transaction(force_rollback=True):
                    self.fold_and_write(follower, events[:middle])
                fine = middle
            except psycopg.DataError:
                bad = middle
        return bad - 1

    def fold_and_write(
        self, follower: Follower, events: Sequence[Recorded]
    ) -> tuple[int, str] | None:
        """Like `fold`. Raises psycopg.DataError for rows that Postgres does not take."""
        projection = follower.projection
        with self.connection.transaction() as transaction:
            rows = Rows(load_touched(self.connection, follower, events))
            for number, recorded in enumerate(events):
                try:
                    projection.fold(rows, recorded)
                except Exception as error:  # whatever it is, the others must go on
                    log.exception("%s can't fold position %s", projection.name, recorded.position)
                    transaction.force_rollback = True
                    return number, f"{type(error).__name__}: {error}"
            write(self.connection, follower, rows)
            set_position(self.connection, follower, events[-1].position)
        return None

    def stop_at(self, follower: Follower, position: int, error: str) -> None:
        """Note where and why the follower stopped; `projections retry` lets it go on."""
        log.error("%s stopped at position %s: %s", follower.projection.name, position, error)
        self.connection.execute(
            "UPDATE projection_positions SET error = %s, stopped_at_position = %s"
            " WHERE name = %s AND generation = %s",
            (error, position, follower.projection.name, follower.generation),
        )

    def swap_rebuilt(self) -> None:
        """Make a rebuilt generation live once it has caught up with the live one; drop the old."""
        caught_up = self.connection.execute(
            "SELECT next.name, next.generation FROM projection_positions next"
            " JOIN projections l ON l.name = next.name AND next.generation > l.live_generation"
            " JOIN projection_positions live"
            "   ON live.name = l.name AND live.generation = l.live_generation"
            " WHERE next.error IS NULL AND next.position >= live.position"
        ).fetchall()
        for name, generation in caught_up:
            with self.connection.transaction():
                self.connection.execute(
                    "UPDATE projections SET live_generation = %s WHERE name = %s",
                    (generation, name),
                )
                self.connection.execute(
                    "DELETE FROM projection_positions WHERE name = %s AND generation < %s",
                    (name, generation),
                )
            delete_generations_before(self.connection, self._projections[name], generation)


def load_touched(
    connection: Connection, follower: Follower, events: Iterable[Recorded]
) -> dict[tuple[str, Key], Any]:
    """The rows that folding these events will read."""
    touched: dict[Table, dict[Key, None]] = {}
    for recorded in events:
        for table, key in follower.projection.keys(recorded):
            touched.setdefault(table, {})[key] = None
    return {
        (table.name, key): row
        for table, keys in touched.items()
        for key, row in load(connection, table, follower.generation, list(keys)).items()
    }


def write(connection: Connection, follower: Follower, rows: Rows) -> None:
    """Write every row that was put, one statement a table."""
    put: dict[str, list[Any]] = defaultdict(list)
    for (name, _), row in rows.put_rows.items():
        put[name].append(row)
    for table in follower.projection.tables:
        if put[table.name]:
            store = insert if table.is_log else upsert
            store(connection, table, follower.generation, put[table.name])


def set_position(connection: Connection, follower: Follower, position: int) -> None:
    connection.execute(
        "UPDATE projection_positions SET position = %s WHERE name = %s AND generation = %s",
        (position, follower.projection.name, follower.generation),
        prepare=True,
    )


def begin_rebuild(connection: Connection, name: str, version: int) -> int:
    """Start the next generation at 0; the engine fills it beside the live one and swaps."""
    row = connection.execute(
        "INSERT INTO projection_positions (name, generation, version)"
        " SELECT %(name)s, max(generation) + 1, %(version)s FROM projection_positions"
        " WHERE name = %(name)s RETURNING generation",
        {"name": name, "version": version},
    ).fetchone()
    return int(row[0]) if row else 0


def delete_generations_before(
    connection: Connection, projection: Projection, generation: int
) -> None:
    """Drop the rows of older generations, in batches that hold no lock for long."""
    for table in projection.tables:
        deleted = 1
        while deleted:
            deleted = connection.execute(
                f"DELETE FROM {table.name} WHERE ctid = ANY (ARRAY("  # noqa: S608
                f"SELECT ctid FROM {table.name} WHERE generation < %s LIMIT 10000))",
                (generation,),
            ).rowcount
