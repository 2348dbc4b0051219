"""Appends: one call with many streams, and many commands with one stream a commit."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from statistics import median
from threading import Event, Thread
from uuid import uuid4

from domain.application import AsinSync, Change, acting_for
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
WRITER_HISTORIES = 120
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
    """Events a second of eight commands in flight, against the library's eight processes.

    A command is one stream's commit, acknowledged when it is on disk; a reader follows meanwhile.
    """
    with prepared() as ground:
        admin_url = end_hangs(ground.admin_url)
        Library(env=environment(admin_url)).close()
        spawn = multiprocessing.get_context("spawn")
        barrier = spawn.Barrier(WRITERS + 2)
        url = writer_url(ground)
        processes = [spawn.Process(target=write_ours, args=(url, barrier))] + [
            spawn.Process(target=write_theirs, args=(admin_url, barrier)) for _ in range(WRITERS)
        ]
        for process in processes:
            process.start()
        try:
            tail = Tail(ground)
            ours, theirs = timed_rounds(barrier)
            missed = tail.missed()
        finally:
            for process in processes:
                process.join(1)
                process.kill()
    events = WRITERS * WRITER_HISTORIES * WRITER_LENGTH
    yield Measurement(
        "append_8_writers_vs_library", events / median(ours), "events/s", events / median(theirs),
        median(b / a for a, b in zip(ours, theirs, strict=True)), 3.5,
        note=f"8 commands in flight in one process; {missed} events missed by a tailing reader",
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


def write_ours(url: str, barrier: Barrier) -> None:
    """One process with eight threads, as web requests and jobs come."""
    with opened_app(url) as app, ThreadPoolExecutor(WRITERS) as pool:
        for _ in range(WRITER_ROUNDS + 1):
            shares = [new_bindings(WRITER_HISTORIES, WRITER_LENGTH) for _ in range(WRITERS)]
            set_aside()
            barrier.wait(WAIT_SECONDS_MAX)
            list(pool.map(partial(record_all, app), shares))
            for _ in range(3):
                barrier.wait(WAIT_SECONDS_MAX)


def set_aside() -> None:
    """What is made ready beforehand shall not be looked through for garbage meanwhile."""
    gc.collect()
    gc.freeze()


def record_all(app: AsinSync, changes: Sequence[Change]) -> None:
    with acting_for(uuid4()):
        for change in changes:
            app.record(change)


def write_theirs(admin_url: str, barrier: Barrier) -> None:
    """One of the library's writers."""
    with opened_library(admin_url, create_table=False) as library:
        for _ in range(WRITER_ROUNDS + 1):
            aggregates = aggregates_of(new_bindings(WRITER_HISTORIES, WRITER_LENGTH))
            set_aside()
            for _ in range(3):
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
