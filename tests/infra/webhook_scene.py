"""Webhooks on a real log: facts told to a real server, at a time the test sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from api.cloud_events import message_of
from domain import seller as sellers
from domain.sellers import change_seller
from domain.stamps import Work
from domain.webhooks import (
    Attempt,
    Delivery,
    RegisterWebhook,
    Webhook,
    get_webhook,
    register_webhook,
)
from infra.database import Connection
from infra.feed import shown_position
from infra.installation import Installation
from infra.public_addresses import PublicOnly
from infra.webhooks.courier import WebhookCourier
from infra.webhooks.desk import WebhookDesk
from infra.webhooks.follower import WebhooksFollower
from infra.webhooks.sender import WebhookSender
from tests.infra.running_worker import wait_until
from tests.infra.scripted_server import Received, ScriptedServer

HEAD = "SELECT max(notification_id) FROM asin_sync_events"
ROWS = """
    SELECT position, type, state, attempts, not_before FROM webhook_deliveries
    WHERE webhook_id = %s ORDER BY position
"""


class WebhookScene:
    """One seller, its webhooks, and every part of telling them, run by hand."""

    def __init__(self, installation: Installation, seller_id: UUID, seconds_max: float) -> None:
        self.installation = installation
        self.seller_id = seller_id
        self.now = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
        self.sender = WebhookSender(
            may_be_loopback=True, guard=PublicOnly(may_be_loopback=True), seconds_max=seconds_max
        )
        self.courier = WebhookCourier(
            installation.database, installation.app, installation.secrets, self.sender,
            message_of, self.clock, Event(),
        )  # fmt: skip
        self.desk = WebhookDesk(
            installation.database, installation.secrets, self.sender, self.clock
        )
        self.follower = WebhooksFollower(installation.database)
        self.work = Work(self.clock, "test", uuid4())

    def clock(self) -> datetime:
        return self.now

    def connect(self) -> AbstractContextManager[Connection]:
        return self.installation.database.connect("integrator")

    def register(self, url: str, types: Sequence[str] = ("seller.settings",)) -> UUID:
        """An endpoint that is told of changed settings, unless told otherwise."""
        webhook_id = uuid4()
        self.desk.new_secret(self.seller_id, webhook_id)
        command = RegisterWebhook(
            stamp=self.work.stamp(), webhook_id=webhook_id, url=url, types=tuple(types),
            may_be_loopback=True,
        )  # fmt: skip
        change_seller(
            self.installation.app, self.seller_id, lambda it: register_webhook(it.webhooks, command)
        )
        return webhook_id

    def happen(self, count: int = 1) -> list[int]:
        """So many facts that are told, as positions."""
        positions = []
        for _ in range(count):
            rate = Decimal(uuid4().int % 10_000_000) / 100_000_000
            command = sellers.ChangeSettings(
                stamp=self.work.stamp(), default_float_rate=rate, reinstatement="manual"
            )
            positions.append(
                change_seller(
                    self.installation.app, self.seller_id,
                    lambda it, command=command: sellers.change_settings(it, command),
                )
            )  # fmt: skip
        return [position for position in positions if position is not None]

    def follow(self) -> int:
        """Let the follower see all there is; how many events it looked at."""
        with self.connect() as connection:
            row = connection.execute(HEAD).fetchone()
            head = int(row[0]) if row else 0
            wait_until(lambda: shown_position(connection) >= head, "the views follow")
            seen = 0
            while step := self.follower.run_once(connection):
                seen += step
        return seen

    def deliver(self, webhook_id: UUID) -> bool:
        return self.courier.deliver(self.seller_id, webhook_id)

    def wait(self, delay: timedelta) -> None:
        self.now += delay

    def webhook(self, webhook_id: UUID) -> Webhook:
        return get_webhook(self.installation.app.seller(self.seller_id).webhooks, webhook_id)

    def rows(self, webhook_id: UUID) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(ROWS, (webhook_id,)).fetchall()

    def states(self, webhook_id: UUID) -> list[str]:
        return [row[2] for row in self.rows(webhook_id)]

    def attempts(self, webhook_id: UUID) -> list[Attempt]:
        """Oldest first."""
        return self.desk.attempts(self.seller_id, webhook_id, None, 500)[::-1]

    def faring(self, webhook_id: UUID) -> Delivery:
        return self.desk.faring(self.seller_id)[webhook_id]


def told(server: ScriptedServer) -> list[int]:
    """The positions that a receiver was told, in the order of their arrival."""
    return [int(event_in(each)["sequence"]) for each in server.received]


def event_in(received: Received) -> dict[str, Any]:
    return dict(json.loads(received.body))
