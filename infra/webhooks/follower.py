"""Writes down which events each endpoint is to be told, exactly once each, in the log's order.

Rows and position are committed together; the jobs that send follow from the rows, so one that is
lost is asked for again by the scheduler's next tick.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple, cast, get_args
from uuid import UUID

import psycopg

from domain.webhooks import (
    WebhookChanged,
    WebhookDisabled,
    WebhookFact,
    WebhookRegistered,
    WebhookRemoved,
    wants,
)
from infra.database import Connection, Database
from infra.event_codec import decode
from infra.feed import shown_position
from infra.job_queue import put_webhook
from infra.projection_engine import POLL_SECONDS
from infra.webhooks.rows import WAKE

NAME = "webhooks"
BATCH_SIZE = 1_000
OWN_TOPICS = [fact.TOPIC for fact in get_args(WebhookFact)]
log = logging.getLogger(__name__)

# The next events of the log; the content only of those that say where to tell.
NEXT = """
    SELECT notification_id, seller_id, topic, CASE WHEN topic = ANY(%(own)s) THEN state END
    FROM asin_sync_events WHERE notification_id > %(after)s AND notification_id <= %(until)s
    ORDER BY notification_id LIMIT %(limit)s
"""

HELD = """
    SELECT webhook_id, seller_id, types, is_enabled FROM webhook_endpoints
    WHERE seller_id = ANY(%s)
"""

KEEP = """
    INSERT INTO webhook_endpoints (webhook_id, seller_id, types, is_enabled)
    VALUES (%(webhook_id)s, %(seller_id)s, %(types)s, %(is_enabled)s)
    ON CONFLICT (webhook_id) DO UPDATE
        SET types = excluded.types, is_enabled = excluded.is_enabled, failing_since = NULL
"""

ADD = """
    INSERT INTO webhook_deliveries (webhook_id, position, seller_id, type)
    SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::text[]) ON CONFLICT DO NOTHING
"""

# What is tried anew once an endpoint was changed or switched on again.
ANEW = "UPDATE webhook_deliveries SET attempts = 0 WHERE webhook_id = %s AND state = 'waiting'"


class Row(NamedTuple):
    """An event of the log; `state` only where it is a fact about webhooks."""

    position: int
    seller_id: UUID
    topic: str
    state: bytes | None


@dataclass
class Endpoint:
    """What has to be known to tell which events it gets."""

    webhook_id: UUID
    seller_id: UUID
    types: Sequence[str]
    is_enabled: bool


@dataclass
class Batch:
    """The endpoints as the log goes on, and what that leads to."""

    endpoints: dict[UUID, Endpoint]
    changed: set[UUID] = field(default_factory=set)
    removed: set[UUID] = field(default_factory=set)
    deliveries: list[tuple[UUID, int, UUID, str]] = field(default_factory=list)

    def take(self, row: Row) -> None:
        """An endpoint is told its own registration first, and never its own end."""
        if row.state is not None:
            self.apply(row.seller_id, cast(WebhookFact, decode(row.topic, row.state)))
        for each in self.endpoints.values():
            if each.is_enabled and each.seller_id == row.seller_id and wants(each.types, row.topic):
                self.deliveries.append((each.webhook_id, row.position, row.seller_id, row.topic))

    def apply(self, seller_id: UUID, fact: WebhookFact) -> None:
        webhook_id = fact.webhook_id
        match fact:
            case WebhookRegistered():
                self.endpoints[webhook_id] = Endpoint(webhook_id, seller_id, fact.types, True)
            case WebhookChanged():
                is_enabled = fact.is_enabled
                self.endpoints[webhook_id] = Endpoint(webhook_id, seller_id, fact.types, is_enabled)
            case WebhookDisabled():
                self.endpoints[webhook_id].is_enabled = False
            case WebhookRemoved():
                del self.endpoints[webhook_id]
                self.removed.add(webhook_id)
                return
        self.changed.add(webhook_id)


class WebhooksFollower:
    """Follows the log on one connection of its own; several followers take turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, stop: Event) -> None:
        """Follow until told to stop; a lost connection is made again."""
        while not stop.is_set():
            try:
                self.follow(stop)
            except psycopg.OperationalError as error:
                log.warning("webhooks lost their connection: %s", error)
                stop.wait(0.5)

    def follow(self, stop: Event) -> None:
        """Follow on a connection of its own; a lost one raises psycopg.OperationalError."""
        with self._database.connect("integrator") as connection:
            while not stop.is_set():
                if self.run_once(connection) == 0:
                    stop.wait(POLL_SECONDS)

    def run_once(self, connection: Connection) -> int:
        """One batch; return how many events were looked at."""
        with connection.transaction():
            rows = self.next_rows(connection)
            if not rows:
                return 0
            batch = Batch(held(connection, {row.seller_id for row in rows}))
            for row in rows:
                batch.take(row)
            write(connection, batch)
            connection.execute(
                "UPDATE webhook_follower SET position = %s WHERE name = %s",
                (rows[-1].position, NAME),
            )
        self.wake({(each[2], each[0]) for each in batch.deliveries})
        return len(rows)

    def next_rows(self, connection: Connection) -> list[Row]:
        """What the views show and this follower has not seen; its place is locked."""
        place = connection.execute(
            "SELECT position FROM webhook_follower WHERE name = %s FOR UPDATE", (NAME,)
        ).fetchone()
        after, until = int(place[0]) if place else 0, shown_position(connection)
        if until <= after:
            return []
        parameters = {"own": OWN_TOPICS, "after": after, "until": until, "limit": BATCH_SIZE}
        return [Row(*row) for row in connection.execute(NEXT, parameters)]

    def wake(self, endpoints: Iterable[tuple[UUID, UUID]]) -> None:
        if not (wanted := sorted(endpoints)):
            return
        with self._database.pool("jobs").connection() as connection:
            for seller_id, webhook_id in wanted:
                put_webhook(connection, seller_id, webhook_id)


def held(connection: Connection, seller_ids: Iterable[UUID]) -> dict[UUID, Endpoint]:
    rows = connection.execute(HELD, (list(seller_ids),))
    return {row[0]: Endpoint(*row) for row in rows}


def write(connection: Connection, batch: Batch) -> None:
    """Endpoints and rows as they are after the batch; what is of a removed endpoint goes."""
    for webhook_id in batch.changed - batch.removed:
        endpoint = batch.endpoints[webhook_id]
        connection.execute(KEEP, {**vars(endpoint), "types": list(endpoint.types)})
        if endpoint.is_enabled:
            connection.execute(ANEW, (webhook_id,))
            connection.execute(WAKE, (webhook_id,))
    rows = [each for each in batch.deliveries if each[0] not in batch.removed]
    if rows:
        connection.execute(ADD, [list(column) for column in zip(*rows, strict=True)])
    for table in ("webhook_endpoints", "webhook_deliveries", "webhook_attempts"):
        connection.execute(
            f"DELETE FROM {table} WHERE webhook_id = ANY(%s)",  # noqa: S608
            (list(batch.removed),),
        )
