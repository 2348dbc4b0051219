"""The transparency log at a million events: made, proved, checked whole, and fresh while live."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID, uuid4

import psycopg

from api.evidence import zipped
from api.verifier.check import verify
from domain.application import Change, acting_for
from domain.transparency.bundle import proof_files
from domain.transparency.merkle import inclusion_proof
from domain.transparency.signed_note import read_checkpoint, read_note
from infra.database import Database
from infra.event_codec import encode
from infra.transparency.fsck import fsck
from infra.transparency.integrator import Integrator
from infra.transparency.log_keys import LogKeys, load_log_keys
from infra.transparency.log_tables import Hashes, newest_note
from infra.transparency.proving import prove
from infra.transparency.seen_checkpoints import SeenCheckpoints
from infra.transparency.signer import CheckpointSigner
from tests.bench.ground import Ground, adjusted, opened_app, prepared, writer_url
from tests.bench.measurement import Measurement

STREAMS, VERSIONS = 5_000, 200
EVENTS = STREAMS * VERSIONS
PROOFS = 1_000
LIVE_SECONDS, LIVE_PER_SECOND = 15, 100
SELLER_ID = UUID(int=7)
FILL = """
    INSERT INTO cell_1.asin_sync_events
        (originator_id, originator_version, topic, state, seller_id)
    SELECT md5(stream::text)::uuid, version, %s, %s, %s
    FROM generate_series(1, %s) AS version, generate_series(1, %s) AS stream
    ORDER BY version, stream
"""
SIZES = """
    SELECT sum(pg_total_relation_size('cell_1.' || name))
    FROM unnest(ARRAY['tlog_leaves', 'tlog_subtrees', 'tlog_checkpoints']) AS name
"""


def transparency() -> Iterator[Measurement]:
    """All on one database; each figure has the goal of issue and ADR as its gate."""
    with prepared() as ground:
        fill(ground)
        database = ground.database()
        keys = load_log_keys(ground.folder / "keys", "", may_create=True)
        seen = SeenCheckpoints(ground.folder / "keys" / "signed.sqlite")
        signer = CheckpointSigner(database, keys, seen)
        yield from integrated(ground, database)
        signer.lead()
        seconds, _ = timed(signer.sign_grown)
        yield gate("tlog_first_checkpoint_ms", seconds * 1_000, "ms", 50)
        yield from proofs(database)
        yield from bundles(ground, database, keys)
        seconds, result = timed(lambda: fsck(database, keys))
        note = f"{result.events} events, {result.different} differences"
        yield gate("fsck_million_seconds", seconds, "s", 20, note=note)
        signer.close()
        yield freshness(ground, database, keys, seen)
        seen.close()
        database.close()


def fill(ground: Ground) -> None:
    """A million events of real content, stream by stream in turns."""
    fact = adjusted(9_000, 9_100)
    with psycopg.connect(ground.admin_url, autocommit=True) as connection:
        connection.execute(FILL, (fact.TOPIC, encode(fact), SELLER_ID, VERSIONS, STREAMS))
        connection.execute("VACUUM ANALYZE cell_1.asin_sync_events")


def integrated(ground: Ground, database: Database) -> Iterator[Measurement]:
    integrator = Integrator(database)
    integrator.lead()
    began = time.perf_counter()
    while integrator.integrate():
        pass
    seconds = time.perf_counter() - began
    integrator.close()
    with psycopg.connect(ground.admin_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE cell_1.tlog_leaves")
        row = connection.execute(SIZES).fetchone()
    size_bytes = float(row[0]) if row else 0.0
    rate = EVENTS / seconds
    yield Measurement("tlog_leaves_per_second", rate, "leaves/s", 20_000, rate / 20_000, 1)
    yield gate("tlog_bytes_an_event", size_bytes / EVENTS, "B", 220)


def proofs(database: Database) -> Iterator[Measurement]:
    """Each as a request makes it: nothing known of the tree before."""
    chance, spent, longest = random.Random(7), [], 0
    with database.reading_for(SELLER_ID) as connection:
        for _ in range(PROOFS):
            began = time.perf_counter()
            proof = inclusion_proof(chance.randrange(EVENTS), EVENTS, Hashes(connection, SELLER_ID))
            spent.append((time.perf_counter() - began) * 1_000)
            longest = max(longest, len(proof))
    cuts = quantiles(spent, n=100)
    yield gate("tlog_proof_p50_ms", cuts[49], "ms", 3, note=f"longest {longest} hashes")
    yield gate("tlog_proof_p99_ms", cuts[98], "ms", 20)


def bundles(ground: Ground, database: Database, keys: LogKeys) -> Iterator[Measurement]:
    """One history of 200 events, from the database to a file, and verified from the file."""
    file = ground.folder / "bundle.zip"

    def export() -> None:
        with database.reading_for(SELLER_ID) as connection:
            row = connection.execute("SELECT md5('77')::uuid").fetchone()
            assert row is not None
            bundle = prove(connection, keys, None, SELLER_ID, row[0], None)
        assert len(bundle.events) == VERSIONS
        file.write_bytes(zipped(proof_files(bundle)))

    seconds, _ = timed(export)
    yield gate("bundle_200_seconds", seconds, "s", 1, note=f"{file.stat().st_size:,} B")
    seconds, verdict = timed(lambda: verify(Path(file)))
    assert verdict.fault is None
    yield gate("bundle_200_verify_seconds", seconds, "s", 2)


def freshness(
    ground: Ground, database: Database, keys: LogKeys, seen: SeenCheckpoints
) -> Measurement:
    """From the return of an append to a checkpoint that covers it, at a steady rate."""
    stop, waiting, late = threading.Event(), [], []
    followers = (Integrator(database), CheckpointSigner(database, keys, seen))
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in followers]
    threads.append(threading.Thread(target=watch, args=(database, stop, waiting, late)))
    for thread in threads:
        thread.start()
    with opened_app(writer_url(ground)) as app, acting_for(SELLER_ID):
        began = time.perf_counter()
        for number in range(LIVE_SECONDS * LIVE_PER_SECOND):
            app.record(Change(uuid4(), 0, [adjusted(9_000, 9_100)]))
            waiting.append((EVENTS + number + 1, time.perf_counter()))
            time.sleep(max(0.0, began + (number + 1) / LIVE_PER_SECOND - time.perf_counter()))
    ends_at = time.perf_counter() + 10
    while len(late) < len(waiting) and time.perf_counter() < ends_at:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    p99 = quantiles(late, n=100)[98]
    note = f"{len(late)} of {len(waiting)} events signed"
    return gate("tlog_event_to_checkpoint_p99_seconds", p99, "s", 2, note=note)


def watch(
    database: Database, stop: threading.Event, waiting: list[tuple[int, float]], late: list[float]
) -> None:
    """Note for each event how long after it a checkpoint of its size was there."""
    while not stop.wait(0.02):
        with database.reading_for(SELLER_ID) as connection:
            note = newest_note(connection, SELLER_ID)
        size = read_checkpoint(read_note(note).text).size if note else 0
        now = time.perf_counter()
        while len(late) < len(waiting) and waiting[len(late)][0] <= size:
            late.append(now - waiting[len(late)][1])


def gate(name: str, value: float, unit: str, goal: float, note: str = "") -> Measurement:
    """A figure against a goal that it must not pass."""
    return Measurement(name, value, unit, goal, value / goal, 1, is_lower_better=True, note=note)


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result
