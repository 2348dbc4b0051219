"""The event store: the library's Postgres recorder, one round trip an append, isolated by seller.

Appends take an advisory lock (readers never see a gap, never a stream out of order), commit without
waiting for the disk, and flush before they return; adr/0002 has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    InterfaceError,
    Mapper,
    NotSupportedError,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from domain.application import current_seller
from infra.binary_arrays import bigints, byteas, texts, uuids
from infra.event_codec import FactMapper, PersonalSeal
from infra.group_commit import Append, GroupCommit

EVENTS_TABLE = "asin_sync_events"


class SellerDatastore(PostgresDatastore):
    """A pool whose every read runs in a transaction that may see one seller's rows only."""

    def __init__(self, url: str, schema: str, pool_size_max: int) -> None:
        options = conninfo_to_dict(url)
        super().__init__(
            dbname=str(options.pop("dbname", "")),
            host=str(options.pop("host", "")),
            port=str(options.pop("port", 5432)),
            user=str(options.pop("user", "")),
            password=str(options.pop("password", "")),
            schema=schema,
            pool_size=1,
            max_overflow=pool_size_max - 1,
            connect_timeout=30.0,
        )
        cast(dict[str, Any], self.pool.kwargs).update(options)

    def register_type_adapters(self) -> None:
        """Nothing to register: appends send arrays of plain types."""

    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        with self.autocommitting() as connection, connection.pipeline(), connection.transaction():
            connection.execute(
                "SELECT set_config('app.seller', %s, true)", (str(current_seller()),)
            )
            yield connection

    def autocommitting(self) -> Any:
        """A connection outside any transaction; the library's errors instead of psycopg's."""
        return super().get_connection()


class EventRecorder(PostgresApplicationRecorder):
    """Appends and reads the events of the seller that `acting_for` names."""

    datastore: SellerDatastore

    def __init__(self, datastore: SellerDatastore) -> None:
        super().__init__(datastore, events_table_name=EVENTS_TABLE)
        self._commit = GroupCommit(self._write)
        self._streams = SQL(
            "SELECT originator_id, originator_version, topic, state FROM {}.{}"
            " WHERE originator_id = ANY(%s) ORDER BY originator_id, originator_version"
        ).format(Identifier(datastore.schema), Identifier(EVENTS_TABLE))
        self._append = (
            SQL(
                "SELECT {}.append_events($1::uuid[], $2::bigint[],"
                " $3::uuid[], $4::bigint[], $5::text[], $6::bytea[])"
            )
            .format(Identifier(datastore.schema))
            .as_bytes()
        )

    def select_streams(self, originator_ids: Sequence[UUID]) -> list[StoredEvent]:
        """Every event of these streams in one query, each stream's together and in order."""
        with self.datastore.get_connection() as connection:
            rows = connection.execute(self._streams, (list(originator_ids),), binary=True)
            return [StoredEvent(**row) for row in rows]

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append in order, durably; return the positions. Raises IntegrityError on a conflict."""
        return self._commit.append(current_seller(), stored_events) if stored_events else []

    def _write(self, appends: Sequence[Append]) -> None:
        """Write them together; where one of them meets a conflict, each by itself."""
        try:
            positions = iter(self._written(appends))
        except IntegrityError as conflict:
            if len(appends) == 1:
                appends[0].error = conflict
            else:
                for each in appends:
                    self._write([each])
        else:
            for each in appends:
                each.positions = list(islice(positions, len(each.events)))

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def _written(self, appends: Sequence[Append]) -> list[int]:
        """The positions of all their events, in order, once they are on disk."""
        events = [event for each in appends for event in each.events]
        columns = (
            uuids([each.seller_id for each in appends]),
            bigints([len(each.events) for each in appends]),
            uuids([cast(UUID, event.originator_id) for event in events]),
            bigints([event.originator_version for event in events]),
            texts([event.topic for event in events]),
            byteas([event.state for event in events]),
        )
        with self.datastore.autocommitting() as connection:
            appended = answered(connection, self._append, columns)
            positions = [int(appended.get_value(n, 0) or 0) for n in range(appended.ntuples)]
            answered(connection, FLUSH)
        return positions

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Not offered: an append notifies nobody. Followers read the log by position."""
        raise NotSupportedError("followers read the log by position")


# Wait until everything committed so far is on disk, by committing one small record in sync.
FLUSH = b"SELECT pg_logical_emit_message(true, 'asin-sync', '')"


def answered(
    connection: Connection[Any], query: bytes, parameters: Sequence[bytes] = ()
) -> PGresult:
    """Run a query as libpq does, parameters in binary: a fifth of what psycopg's cursors cost.

    Raises psycopg's errors; a lost connection is an OperationalError.
    """
    pgconn = connection.pgconn
    result = pgconn.exec_params(query, parameters, param_formats=[Format.BINARY] * len(parameters))
    if result.status == ExecStatus.TUPLES_OK:
        return result
    if pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError(pgconn.get_error_message())
    raise error_from_result(result)


class EventStoreFactory(InfrastructureFactory[TrackingRecorder]):
    """Gives the library's Application our recorder and our codec, and nothing else."""

    def __init__(self, url: str, schema: str, seal: PersonalSeal, pool_size_max: int = 8) -> None:
        super().__init__({})
        self._seal = seal
        self.datastore = SellerDatastore(url, schema, pool_size_max)

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[Any]] | None = None,
    ) -> Mapper[Any]:
        return FactMapper(self._seal)

    def application_recorder(self) -> ApplicationRecorder:
        return EventRecorder(self.datastore)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        raise NotSupportedError(f"no {purpose}: snapshots would outlive an erasure")

    def tracking_recorder(
        self, tracking_recorder_class: type[TrackingRecorder] | None = None
    ) -> TrackingRecorder:
        raise NotSupportedError("positions are kept by the projection engine")

    def process_recorder(self) -> ProcessRecorder:
        raise NotSupportedError("policies follow the log by position")

    def close(self) -> None:
        self.datastore.close()
