"""Appends: one call with many streams, and many writers with one stream a commit."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from statistics import median
from threading import Event, Thread
from uuid import uuid4

from domain.application import acting_for
from domain.reading import in_batches
from tests.bench.ground import Ground, new_bindings, opened_app, prepared, writer_url
from tests.bench.library import Library, aggregates_of, end_hangs, environment, opened_library
from tests.bench.measurement import Measurement

BULK_ROUNDS = 7
BULK_BINDINGS = 500
BULK_LENGTH = 4
LIBRARY_BATCH = 100
"""One `save` of many more hangs now and then: psycopg's pipeline stops sending half-way."""
WRITERS = 8
WRITER_ROUNDS = 5
WRITER_HISTORIES = 40
WRITER_LENGTH = 6
WAIT_SECONDS_MAX = 25
TAIL_SECONDS = 0.01


def append_bulk() -> Iterator[Measurement]:
    """Events a second of 500 streams × 4 events in one call, against the library's `save`s."""
    ours, theirs = [], []
    with (
        prepared() as ground,
        opened_app(writer_url(ground)) as app,
        opened_library(end_hangs(ground.admin_url)) as library,
        acting_for(uuid4()),
    ):
        for number in range(BULK_ROUNDS + 1):
            changes = new_bindings(BULK_BINDINGS, BULK_LENGTH)
            aggregates = aggregates_of(changes)
            gc.collect()
            started_at = time.perf_counter()
            app.record(*changes)
            between = time.perf_counter()
            for batch in in_batches(aggregates, LIBRARY_BATCH):
                library.save(*batch)
            ended_at = time.perf_counter()
            if number:
                ours.append(between - started_at)
                theirs.append(ended_at - between)
    events = BULK_BINDINGS * BULK_LENGTH
    yield Measurement(
        "append_bulk_vs_library", events / median(ours), "events/s", events / median(theirs),
        median(b / a for a, b in zip(ours, theirs, strict=True)), 3,
        note=f"the library saves {LIBRARY_BATCH} streams a call",
    )  # fmt: skip


def append_8_writers() -> Iterator[Measurement]:
    """Events a second of eight processes, against the library's; a reader follows meanwhile."""
    with prepared() as ground:
        admin_url = end_hangs(ground.admin_url)
        Library(env=environment(admin_url)).close()
        spawn = multiprocessing.get_context("spawn")
        barrier = spawn.Barrier(WRITERS + 1)
        url = writer_url(ground)
        arguments = (url, admin_url, barrier)
        writers = [spawn.Process(target=write, args=arguments) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            tail = Tail(ground)
            ours, theirs = timed_rounds(barrier)
            missed = tail.missed()
        finally:
            for writer in writers:
                writer.join(1)
                writer.kill()
    events = WRITERS * WRITER_HISTORIES * WRITER_LENGTH
    yield Measurement(
        "append_8_writers_vs_library", events / median(ours), "events/s", events / median(theirs),
        median(b / a for a, b in zip(ours, theirs, strict=True)), 3.5,
        note=f"{missed} events missed by a tailing reader",
    )  # fmt: skip


def timed_rounds(barrier: Barrier) -> tuple[list[float], list[float]]:
    """Seconds of each round, ours and the library's; the first of each only warms up."""
    seconds = []
    for _ in range(2 * (WRITER_ROUNDS + 1)):
        barrier.wait(WAIT_SECONDS_MAX)
        started_at = time.perf_counter()
        barrier.wait(WAIT_SECONDS_MAX)
        seconds.append(time.perf_counter() - started_at)
    return seconds[2::2], seconds[3::2]


def write(url: str, admin_url: str, barrier: Barrier) -> None:
    """One writer: the same histories through our application and the library's, in turn."""
    with (
        opened_app(url) as app,
        opened_library(admin_url, create_table=False) as library,
        acting_for(uuid4()),
    ):
        for _ in range(WRITER_ROUNDS + 1):
            changes = new_bindings(WRITER_HISTORIES, WRITER_LENGTH)
            aggregates = aggregates_of(changes)
            barrier.wait(WAIT_SECONDS_MAX)
            for change in changes:
                app.record(change)
            barrier.wait(WAIT_SECONDS_MAX)
            barrier.wait(WAIT_SECONDS_MAX)
            for aggregate in aggregates:
                library.save(aggregate)
            barrier.wait(WAIT_SECONDS_MAX)


class Tail:
    """Follows the log by position while others write, and counts what it saw."""

    def __init__(self, ground: Ground) -> None:
        self._database = ground.database()
        self._connection = self._database.connect("projector")
        self._stop = Event()
        self._seen = 0
        self._position = 0
        self._thread = Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        while not self._stop.wait(TAIL_SECONDS):
            self._read()

    def _read(self) -> None:
        rows = self._connection.execute(
            "SELECT notification_id FROM asin_sync_events WHERE notification_id > %s"
            " ORDER BY notification_id",
            (self._position,),
        ).fetchall()
        if rows:
            self._seen += len(rows)
            self._position = int(rows[-1][0])

    def missed(self) -> int:
        """Events in the log that the reader never saw. Ends the reader."""
        self._stop.set()
        self._thread.join()
        self._read()
        row = self._connection.execute("SELECT count(*) FROM asin_sync_events").fetchone()
        self._connection.close()
        self._database.close()
        return int(row[0]) - self._seen if row else self._seen
