"""Appends in flight together: each is all or nothing by itself, and belongs to its own seller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent

from domain.application import acting_for
from infra.event_store import EventRecorder, SellerDatastore
from infra.group_commit import LANES, Append, GroupCommit
from infra.migrate import FIRST_CELL

LOCK = "hashtextextended('cell_1.asin_sync_events', 0)"


@pytest.fixture
def recorder(role_urls: dict[str, str]) -> Iterator[EventRecorder]:
    datastore = SellerDatastore(role_urls["writer"], FIRST_CELL, 8)
    yield EventRecorder(datastore)
    datastore.close()


@contextmanager
def appends_held_up(database_url: str) -> Iterator[None]:
    """Until the end, whoever appends waits; so the rest of those in flight go together."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"SELECT pg_advisory_lock({LOCK})")
        yield


def events(stream: UUID, first: int = 1, count: int = 3) -> list[StoredEvent]:
    return [StoredEvent(stream, first + number, "t", b"{}") for number in range(count)]


def append(
    recorder: EventRecorder, seller_id: UUID, stored: Sequence[StoredEvent]
) -> Sequence[int] | None:
    with acting_for(seller_id):
        return recorder.insert_events(stored)


def in_flight_together(
    recorder: EventRecorder, database_url: str, commands: Sequence[tuple[UUID, list[StoredEvent]]]
) -> list[Future[Sequence[int] | None]]:
    with ThreadPoolExecutor(len(commands)) as pool, appends_held_up(database_url):
        sent = [pool.submit(append, recorder, seller, stored) for seller, stored in commands]
        while len(recorder._commit._waiting) < len(commands) - LANES:
            sleep(0.001)
        return sent


def test_each_of_many_appends_gets_the_positions_of_its_own_events(
    recorder: EventRecorder, role_urls: dict[str, str], database_url: str
) -> None:
    commands = [(uuid4(), events(uuid4(), count=size)) for size in (1, 3, 2, 5, 1, 4, 2, 1, 3)]
    sent = in_flight_together(recorder, database_url, commands)
    query = "SELECT seller_id, originator_id, originator_version FROM cell_1.asin_sync_events"
    with psycopg.connect(role_urls["projector"]) as connection:
        for future, (seller, stored) in zip(sent, commands, strict=True):
            held = connection.execute(
                f"{query} WHERE notification_id = ANY(%s) ORDER BY notification_id",
                (list(future.result() or []),),
            ).fetchall()
            assert held == [
                (seller, event.originator_id, event.originator_version) for event in stored
            ]


def test_a_conflict_refuses_its_own_append_and_no_other(
    recorder: EventRecorder, database_url: str
) -> None:
    seller, contested = uuid4(), uuid4()
    append(recorder, seller, events(contested))
    commands = [(uuid4(), events(uuid4())) for _ in range(7)]
    commands.insert(4, (seller, events(contested, first=3)))
    sent = in_flight_together(recorder, database_url, commands)
    refused = [number for number, future in enumerate(sent) if future.exception()]
    assert refused == [4]
    with pytest.raises(IntegrityError):
        sent[4].result()


def test_of_a_refused_append_nothing_is_kept(recorder: EventRecorder, database_url: str) -> None:
    seller, contested, other = uuid4(), uuid4(), uuid4()
    append(recorder, seller, events(contested, count=1))
    mixed = [*events(other), *events(contested, count=1)]
    commands = [(uuid4(), events(uuid4())) for _ in range(4)]
    in_flight_together(recorder, database_url, [*commands, (seller, mixed)])
    with acting_for(seller):
        assert recorder.select_events(other) == []


def test_an_error_that_stops_a_batch_reaches_everyone_in_it_and_frees_the_lane() -> None:
    failing = True

    def write(batch: Sequence[Append]) -> None:
        if failing:
            raise ConnectionError
        for each in batch:
            each.positions = [1]

    commit = GroupCommit(write)
    for _ in range(2 * LANES):
        with pytest.raises(ConnectionError):
            commit.append(uuid4(), [])
    failing = False
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: commit.append(uuid4(), []), range(40)))
    assert answers == [[1]] * 40
