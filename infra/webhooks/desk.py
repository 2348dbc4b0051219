"""What the ways in do with webhooks: their secrets, how they fare, send again, try one out."""

from __future__ import annotations

from datetime import datetime
from threading import BoundedSemaphore
from uuid import UUID

from domain.errors import WrongState
from domain.ports import Clock
from domain.webhooks import Attempt, Delivery, Message, Outcome, Webhook
from infra.database import Database
from infra.feed import shown_position
from infra.job_queue import put_webhook
from infra.seller_secrets import SellerSecrets
from infra.webhooks import rows as rows
from infra.webhooks.courier import secret_kind
from infra.webhooks.sender import WebhookSender, new_secret

TESTS_MAX = 4
"""Tests at a time: each may hold one of the server's threads for fifteen seconds."""


class WebhookDesk:
    """Implements `api.desk.WebhookDesk` by shape."""

    def __init__(
        self, database: Database, secrets: SellerSecrets, sender: WebhookSender, clock: Clock
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._sender = sender
        self._clock = clock
        self._tests = BoundedSemaphore(TESTS_MAX)

    def new_secret(self, seller_id: UUID, webhook_id: UUID) -> str:
        secret = new_secret()
        self._secrets.store(seller_id, secret_kind(webhook_id), secret)
        return secret

    def forget_secret(self, seller_id: UUID, webhook_id: UUID) -> None:
        self._secrets.forget(seller_id, secret_kind(webhook_id))

    def faring(self, seller_id: UUID) -> dict[UUID, Delivery]:
        with self._database.reading_for(seller_id) as connection:
            return rows.faring(connection, seller_id)

    def attempts(
        self, seller_id: UUID, webhook_id: UUID, before: int | None, limit: int
    ) -> list[Attempt]:
        with self._database.reading_for(seller_id) as connection:
            return rows.attempts_of(connection, webhook_id, before, limit)

    def resend_event(self, seller_id: UUID, webhook: Webhook, position: int) -> int:
        with self._database.reading_for(seller_id) as connection:
            found = rows.position_alone(connection, position, shown_position(connection))
        return self._resend(seller_id, webhook.webhook_id, found)

    def resend_since(self, seller_id: UUID, webhook: Webhook, since: datetime) -> int:
        with self._database.reading_for(seller_id) as connection:
            until = shown_position(connection)
            found = rows.positions_since(connection, seller_id, since, until, webhook.types)
        return self._resend(seller_id, webhook.webhook_id, found)

    def _resend(self, seller_id: UUID, webhook_id: UUID, positions: list[int]) -> int:
        with self._database.pool("integrator").connection() as connection, connection.transaction():
            rows.send_again(connection, seller_id, webhook_id, positions)
        self._wake(seller_id, webhook_id)
        return len(positions)

    def test(self, seller_id: UUID, webhook: Webhook, message: Message, type_: str) -> Attempt:
        if not self._tests.acquire(blocking=False):
            raise WrongState(
                "other tests are under way: try again in a moment",
                rules={"webhook": "state_tests_under_way"},
            )
        try:
            return self._tested(seller_id, webhook, message, type_)
        finally:
            self._tests.release()

    def _tested(self, seller_id: UUID, webhook: Webhook, message: Message, type_: str) -> Attempt:
        at, webhook_id = self._clock(), webhook.webhook_id
        secret = self._secrets.find(seller_id, secret_kind(webhook_id))
        reply = self._sender.send(webhook.url, secret, message, at)
        outcome: Outcome = "delivered" if reply.is_delivered else "given_up"
        with self._database.pool("integrator").connection() as connection, connection.transaction():
            noted = rows.add_attempt(
                connection, seller_id, webhook_id, None, type_, at, reply, outcome
            )
            if reply.is_delivered:
                rows.alive(connection, webhook_id)
        if reply.is_delivered:
            self._wake(seller_id, webhook_id)
        return noted or Attempt(
            number=0, position=None, type=type_, at=at, outcome=outcome, **reply._asdict()
        )

    def close(self) -> None:
        self._sender.close()

    def _wake(self, seller_id: UUID, webhook_id: UUID) -> None:
        with self._database.pool("jobs").connection() as connection:
            put_webhook(connection, seller_id, webhook_id)
