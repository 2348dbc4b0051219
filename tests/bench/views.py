"""Views: how fast the engine catches up with a long log, and how far it trails a live one."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from functools import singledispatchmethod
from itertools import pairwise
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier

from domain.application import Change, acting_for
from domain.catalogue import BY_TOPIC
from domain.facts import Recorded
from infra.database import Connection
from infra.migrate import FIRST_CELL
from infra.projection_engine import ProjectionEngine
from infra.view_tables import as_json
from projections.bindings import TABLE as BINDINGS
from projections.bindings import BindingRow, Bindings, begun, evolve
from tests.bench.ground import Ground, adjusted, new_bindings, opened_app, prepared, writer_url
from tests.bench.library import Library, aggregates_of, end_hangs, environment, opened_library
from tests.bench.measurement import Measurement

CATCHUP_BINDINGS = 25_000
CATCHUP_LENGTH = 4
CATCHUP_ROUNDS = 3
LIBRARY_BINDINGS = 250
SELLER_ID = uuid4()
CHUNK = 50
LIVE_PER_SECOND = 300
LIVE_SECONDS = 10
LIVE_WRITERS = 4
POLL_SECONDS = 0.003


class SameView(PostgresTrackingRecorder):
    """Our view of bindings, kept the library's documented way: one event, one transaction.

    The row is read, changed by the same fold, and written back with the position.
    """

    def __init__(self, datastore: Any, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS library_view (LIKE {} INCLUDING ALL)").format(
                Identifier(FIRST_CELL, BINDINGS.name)
            )
        )

    def take(self, recorded: Recorded, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            rows = cursor.connection.cursor(row_factory=class_row(BindingRow))
            rows.execute(READ, (recorded.originator_id,), prepare=True)
            row = rows.fetchone() or begun(recorded)
            evolve(row, recorded)
            cursor.execute(WRITE, values_of(row), prepare=True)
            self._insert_tracking(cursor, tracking)


COLUMNS = ", ".join(BINDINGS.columns)
READ = f"SELECT {COLUMNS} FROM library_view WHERE generation = 1 AND binding_id = %s"
WRITE = (
    f"INSERT INTO library_view (generation, {COLUMNS})"
    f" VALUES (1, {', '.join(['%s'] * len(BINDINGS.columns))})"
    " ON CONFLICT (generation, binding_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in BINDINGS.columns)
)


def values_of(row: BindingRow) -> list[Any]:
    return [
        as_json(getattr(row, name)) if kind == "jsonb" else getattr(row, name)
        for name, kind in BINDINGS.columns.items()
    ]


class PlainProjection(Projection[SameView]):
    """One event at a time."""

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        event = domain_event
        fact = BY_TOPIC[event.content["topic"]].model_validate(event.content["fact"])
        self.view.take(
            Recorded(
                tracking.notification_id, event.timestamp, SELLER_ID, event.originator_id,
                event.originator_version, fact,
            ),
            tracking,
        )  # fmt: skip


def catchup() -> Iterator[Measurement]:
    """Events a second of the view of bindings from nothing, against the library's runner."""
    with prepared() as ground:
        ours_count, theirs_count = fill(ground)
        ours, theirs = [], []
        for _ in range(CATCHUP_ROUNDS):
            ours.append(ours_count / our_catchup(ground))
            theirs.append(theirs_count / library_catchup(ground, theirs_count))
    yield Measurement(
        "catchup_vs_library_runner", median(ours), "events/s", median(theirs),
        median(a / b for a, b in zip(ours, theirs, strict=True)), 60,
        note="the runner keeps the same view: an event is one read, one upsert, one position",
    )  # fmt: skip


def fill(ground: Ground) -> tuple[int, int]:
    """Equal histories in both logs; how many events each has."""
    with opened_app(writer_url(ground)) as app, acting_for(uuid4()):
        for _ in range(CATCHUP_BINDINGS // 500):
            app.record(*new_bindings(500, CATCHUP_LENGTH))
    with opened_library(end_hangs(ground.admin_url)) as library:
        for _ in range(LIBRARY_BINDINGS // CHUNK):
            library.save(*aggregates_of(new_bindings(CHUNK, CATCHUP_LENGTH)))
    return CATCHUP_BINDINGS * CATCHUP_LENGTH, LIBRARY_BINDINGS * CATCHUP_LENGTH


def our_catchup(ground: Ground) -> float:
    """Seconds to fold the whole log into an empty view."""
    with psycopg.connect(ground.admin_url, autocommit=True) as admin:
        admin.execute(f"TRUNCATE {FIRST_CELL}.bindings, {FIRST_CELL}.projection_positions")
    database = ground.database()
    engine = ProjectionEngine(database, (Bindings(),))
    engine.lead()
    started_at = time.perf_counter()
    while engine.run_once():
        pass
    seconds = time.perf_counter() - started_at
    engine.close()
    database.close()
    return seconds


def library_catchup(ground: Ground, count: int) -> float:
    """Seconds until the library's runner has handled every event, from none."""
    with psycopg.connect(ground.admin_url, autocommit=True) as admin:
        admin.execute("DROP TABLE IF EXISTS library_view, plainprojection_tracking")
    started_at = time.perf_counter()
    with ProjectionRunner(
        application_class=Library, projection_class=PlainProjection, view_class=SameView,
        env=environment(ground.admin_url),
    ) as runner:  # fmt: skip
        runner.wait(count, timeout=60)
        return time.perf_counter() - started_at


def live_lag() -> Iterator[Measurement]:
    """Milliseconds from an event's recording until every view shows it, at 300 a second."""
    spawn = multiprocessing.get_context("spawn")
    with prepared() as ground:
        go = spawn.Event()
        stop = spawn.Event()
        writer = spawn.Process(target=write_steadily, args=(writer_url(ground), go))
        follower = spawn.Process(target=follow, args=(ground, stop))
        writer.start()
        follower.start()
        try:
            lags, seconds = lags_of(ground, go)
        finally:
            stop.set()
            for process in (writer, follower):
                process.join(5)
                process.kill()
    yield Measurement(
        "live_lag_p99_ms_at_300", quantiles(lags, n=100)[98], "ms", None, None, 100,
        is_ratio_gated=False, is_lower_better=True,
        note=f"median {median(lags):.0f} ms, worst {max(lags):.0f} ms,"
        f" {len(lags) / seconds:.0f} events/s, all views",
    )  # fmt: skip


def write_steadily(url: str, go: Any) -> None:
    """Commit one event at a time, at an even pace, from a few threads."""
    per_writer = LIVE_PER_SECOND // LIVE_WRITERS
    with opened_app(url) as app:

        def work(offset: float) -> None:
            with acting_for(uuid4()):
                [change] = new_bindings(1, 4)
                app.record(change)
                go.wait()
                begun_at = time.monotonic() + offset
                for number in range(per_writer * LIVE_SECONDS):
                    time.sleep(max(0.0, begun_at + number / per_writer - time.monotonic()))
                    fact = adjusted(9_480 + number, 9_481 + number)
                    app.record(Change(change.originator_id, 4 + number, [fact]))

        threads = [
            threading.Thread(target=work, args=(number / LIVE_PER_SECOND,))
            for number in range(LIVE_WRITERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def follow(ground: Ground, stop: Any) -> None:
    """The engine with every view, as the worker runs it."""
    database = ground.database()
    ProjectionEngine(database).run(stop)
    database.close()


def lags_of(ground: Ground, go: Any) -> tuple[list[float], float]:
    """Watch where the slowest view stands; an event's lag ends when it is first seen there."""
    database = ground.database()
    connection = database.connect("projector")
    first = 4 * LIVE_WRITERS
    last = first + LIVE_PER_SECOND // LIVE_WRITERS * LIVE_WRITERS * LIVE_SECONDS
    wait_for_views(connection, first, 20)
    go.set()
    started_at = time.monotonic()
    seen: list[tuple[int, datetime]] = [place_of(connection)]
    while seen[-1][0] < last and time.monotonic() - started_at < 3 * LIVE_SECONDS:
        time.sleep(POLL_SECONDS)
        place = place_of(connection)
        if place[0] > seen[-1][0]:
            seen.append(place)
    seconds = time.monotonic() - started_at
    events = connection.execute(
        "SELECT notification_id, recorded_at FROM asin_sync_events WHERE notification_id > %s",
        (first,),
    ).fetchall()
    connection.close()
    database.close()
    return list(lags_in_ms(seen, dict(events))), seconds


def wait_for_views(connection: Connection, position: int, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while place_of(connection)[0] < position:
        if time.monotonic() > ends_at:
            raise TimeoutError("the views did not follow")
        time.sleep(0.05)


def place_of(connection: Connection) -> tuple[int, datetime]:
    """Where the slowest view stands, and the server's time when that was read."""
    row = connection.execute(
        "SELECT coalesce(min(position), 0), clock_timestamp() FROM projection_positions",
        prepare=True,
    ).fetchone()
    return row[0], row[1]


def lags_in_ms(seen: list[tuple[int, datetime]], recorded: dict[int, datetime]) -> Iterator[float]:
    for (before, _), (after, at) in pairwise(seen):
        for position in range(before + 1, after + 1):
            if position in recorded:
                yield (at - recorded[position]).total_seconds() * 1000
