"""The recorder passes the library's own test cases, on the migrated table, as the writer role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Barrier, Event, Thread
from time import sleep
from typing import Any
from unittest import TestCase
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from domain.application import acting_for
from infra.event_store import EventRecorder, SellerDatastore
from infra.migrate import FIRST_CELL


class SellerRecorder(EventRecorder):
    """Acts for one seller in every thread, as the cases know of none."""

    def __init__(self, datastore: SellerDatastore, seller_id: UUID) -> None:
        self._seller_id = seller_id
        super().__init__(datastore)

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("insert_events", "select_events", "select_notifications",
                        "max_notification_id"):  # fmt: skip
            return found

        def acting(*arguments: Any, **options: Any) -> Any:
            with acting_for(self._seller_id):
                return found(*arguments, **options)

        return acting


class OnTheMigratedTable(TestCase):
    """Gives each case a fresh migrated database and a seller to act for."""

    recorder_class: type[SellerRecorder] = SellerRecorder
    datastores: list[SellerDatastore]
    urls: dict[str, str]

    @pytest.fixture(autouse=True)
    def _given(self, role_urls: dict[str, str]) -> Iterator[None]:
        self.urls, self.datastores = role_urls, []
        yield
        for datastore in self.datastores:
            datastore.close()

    def create_recorder(self) -> Any:
        datastore = SellerDatastore(self.urls["writer"], FIRST_CELL, 24)
        self.datastores.append(datastore)
        return self.recorder_class(datastore, uuid4())


class WithoutPositions(SellerRecorder):
    """What the aggregate case expects of an append: nothing, as it knows of no log."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> None:
        super().insert_events(stored_events)


class TestAggregateRecorder(OnTheMigratedTable, AggregateRecorderTestCase):
    """Streams: order, limits, and one event a version."""

    recorder_class = WithoutPositions


class TestApplicationRecorder(OnTheMigratedTable, ApplicationRecorderTestCase[EventRecorder]):
    """The log: positions, pages, topics, many writers at once."""


class TestNonInterleaving(OnTheMigratedTable, NonInterleavingNotificationIDsBaseCase):
    """A big append's positions are not mixed with another's."""


def stored(originator_id: UUID, version: int) -> StoredEvent:
    return StoredEvent(originator_id, version, "t", b"{}")


def test_readers_see_no_gap_and_no_stream_out_of_order_with_eight_slow_writers(
    role_urls: dict[str, str],
) -> None:
    datastore = SellerDatastore(role_urls["writer"], FIRST_CELL, 12)
    recorder, done, barrier = EventRecorder(datastore), Event(), Barrier(9)
    seen: list[tuple[int, UUID, int]] = []

    def write() -> None:
        stream, version = uuid4(), 0
        barrier.wait()
        with acting_for(uuid4()):
            for size in (1, 7, 2, 40, 1, 3, 25, 1) * 4:
                events = [stored(stream, version + number) for number in range(1, size + 1)]
                recorder.insert_events(events)
                version += size
                sleep(0.001)

    def read() -> None:
        query = (
            "SELECT notification_id, originator_id, originator_version"
            " FROM cell_1.asin_sync_events WHERE notification_id > %s ORDER BY 1 LIMIT 50"
        )
        with psycopg.connect(role_urls["projector"], autocommit=True) as connection:
            barrier.wait()
            while True:
                is_last = done.is_set()
                rows = connection.execute(query, (seen[-1][0] if seen else 0,)).fetchall()
                seen.extend(rows)
                if is_last and not rows:
                    return

    reader, writers = Thread(target=read), [Thread(target=write) for _ in range(8)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    datastore.close()
    assert len(seen) == 8 * 4 * 80
    with psycopg.connect(role_urls["projector"]) as connection:
        every = connection.execute(
            "SELECT notification_id FROM cell_1.asin_sync_events ORDER BY 1"
        ).fetchall()
    assert [position for position, _, _ in seen] == [position for (position,) in every]
    versions: dict[UUID, int] = {}
    for _, stream, version in seen:
        assert version == versions.get(stream, 0) + 1
        versions[stream] = version


REWRITES = [
    "UPDATE cell_1.asin_sync_events SET state = ''",
    "DELETE FROM cell_1.asin_sync_events",
    "TRUNCATE cell_1.asin_sync_events",
    (
        "INSERT INTO cell_1.asin_sync_events (originator_id, originator_version, topic, state,"
        " notification_id) OVERRIDING SYSTEM VALUE VALUES (gen_random_uuid(), 1, 't', '', 1)"
    ),
    (
        "INSERT INTO cell_1.asin_sync_events (originator_id, originator_version, topic, state,"
        " recorded_at) VALUES (gen_random_uuid(), 1, 't', '', now() - interval '1 year')"
    ),
    (
        "INSERT INTO cell_1.asin_sync_events (originator_id, originator_version, topic, state,"
        " seller_id) VALUES (gen_random_uuid(), 1, 't', '', gen_random_uuid())"
    ),
    (
        "INSERT INTO cell_1.asin_sync_events (originator_id, originator_version, topic, state)"
        " VALUES (gen_random_uuid(), 1, 't', '') ON CONFLICT (originator_id, originator_version)"
        " DO UPDATE SET state = excluded.state"
    ),
    "ALTER TABLE cell_1.asin_sync_events NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE cell_1.asin_sync_events DISABLE ROW LEVEL SECURITY",
    "DROP TABLE cell_1.asin_sync_events",
    "CREATE TABLE cell_1.forged (x int)",
    "SELECT setval(pg_get_serial_sequence('cell_1.asin_sync_events', 'notification_id'), 1)",
    "SELECT nextval(pg_get_serial_sequence('cell_1.asin_sync_events', 'notification_id'))",
]


@pytest.mark.parametrize(
    "role", ["writer", "projector", "reader", "auditor_sql", "jobs", "keystore"]
)
@pytest.mark.parametrize("statement", REWRITES)
def test_no_role_of_the_application_can_rewrite_history(
    role_urls: dict[str, str], role: str, statement: str
) -> None:
    with psycopg.connect(role_urls[role], autocommit=True) as connection:
        connection.execute("SELECT set_config('app.seller', gen_random_uuid()::text, false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_seller_reads_only_its_own_history(role_urls: dict[str, str]) -> None:
    datastore = SellerDatastore(role_urls["writer"], FIRST_CELL, 4)
    recorder, stream = EventRecorder(datastore), uuid4()
    with acting_for(uuid4()):
        recorder.insert_events([stored(stream, 1)])
        own = recorder.select_events(stream)
    with acting_for(uuid4()):
        foreign = recorder.select_events(stream)
    datastore.close()
    assert (len(own), len(foreign)) == (1, 0)
