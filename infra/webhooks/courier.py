"""Tells an endpoint what waits for it, oldest first; an event that fails holds up those after it.

At least once: killed between sending and noting, the next run sends the same event under the same
id. Every wait is a time on the row, never a job that sleeps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Event
from uuid import UUID, uuid4

from domain.application import AsinSync, acting_for
from domain.facts import Recorded
from domain.ports import Clock
from domain.sellers import change_seller
from domain.stamps import Work
from domain.webhooks import (
    FAILING_MAX,
    RETRY_DELAYS,
    DisableReason,
    DisableWebhook,
    Message,
    Outcome,
    Webhook,
    disable_webhook,
    find_webhook,
)
from infra.database import Database
from infra.feed import event_at
from infra.seller_secrets import SellerSecrets
from infra.webhooks import rows as rows
from infra.webhooks.rows import Due
from infra.webhooks.sender import Reply, WebhookSender

ACTOR = "asin-sync"
SENT_MAX = 100
"""Events of one job; then the next one goes on, after whoever waits for a place."""
log = logging.getLogger(__name__)

Tell = Callable[[Recorded], Message]
"""How an event is told; the same words as in the feed."""


class WebhookCourier:
    """Delivers for every endpoint of the cell, one endpoint at a time by the job's lock."""

    def __init__(
        self,
        database: Database,
        app: AsinSync,
        secrets: SellerSecrets,
        sender: WebhookSender,
        tell: Tell,
        clock: Clock,
        stop: Event,
    ) -> None:
        self._database = database
        self._app = app
        self._secrets = secrets
        self._sender = sender
        self._tell = tell
        self._clock = clock
        self._stop = stop

    def deliver(self, seller_id: UUID, webhook_id: UUID) -> bool:
        """Send what is due; True where more is and the job has had its share."""
        with self._database.pool("integrator").connection() as connection:
            rows.forget_old(connection, webhook_id, self._clock())
        for _ in range(SENT_MAX):
            webhook = self._webhook(seller_id, webhook_id)
            if self._stop.is_set() or webhook is None or not webhook.is_enabled:
                return False
            with self._database.pool("integrator").connection() as connection:
                due = rows.next_due(connection, webhook_id, self._clock())
            if due is None or not self._sent(seller_id, webhook, due):
                return False
        return True

    def _webhook(self, seller_id: UUID, webhook_id: UUID) -> Webhook | None:
        """As it stands now: an address that was changed a moment ago is told no more."""
        with acting_for(seller_id):
            return find_webhook(self._app.seller(seller_id).webhooks, webhook_id)

    def _sent(self, seller_id: UUID, webhook: Webhook, due: Due) -> bool:
        """Send one event and note what came of it; False where the rest has to wait."""
        at, reply = self._clock(), self._reply(seller_id, webhook, due)
        outcome, not_before = outcome_of(reply, due.attempts, self._clock())
        webhook_id, now = webhook.webhook_id, self._clock()
        with self._database.pool("integrator").connection() as connection, connection.transaction():
            rows.settle(connection, webhook_id, due, outcome, not_before, now)
            rows.add_attempt(
                connection, seller_id, webhook_id, due.position, due.type, at, reply, outcome
            )
            if reply.is_delivered:
                rows.alive(connection, webhook_id)
                return True
            failing_since = rows.failing(connection, webhook_id, now)
        if outcome == "given_up":
            log.warning("webhook %s: event %s is given up", webhook_id, due.position)
        if reply.is_gone:
            self._disable(seller_id, webhook_id, "gone")
        elif now - failing_since >= FAILING_MAX:
            self._disable(seller_id, webhook_id, "failing")
        return outcome == "given_up"

    def _reply(self, seller_id: UUID, webhook: Webhook, due: Due) -> Reply:
        with self._database.pool("integrator").connection() as connection:
            try:
                recorded = event_at(connection, due.position)
            except (KeyError, ValueError):
                log.exception("event %s can't be read to be told", due.position)
                recorded = None
        if recorded is None:
            return Reply(None, "event_unreadable", 0)
        secret = self._secrets.find(seller_id, secret_kind(webhook.webhook_id))
        return self._sender.send(webhook.url, secret, self._tell(recorded), self._clock())

    def _disable(self, seller_id: UUID, webhook_id: UUID, reason: DisableReason) -> None:
        log.warning("webhook %s is disabled: %s", webhook_id, reason)
        stamp = Work(self._clock, ACTOR, uuid4()).stamp()
        command = DisableWebhook(stamp=stamp, webhook_id=webhook_id, reason=reason)
        change_seller(self._app, seller_id, lambda it: disable_webhook(it.webhooks, command))


def outcome_of(
    reply: Reply, attempts_before: int, now: datetime
) -> tuple[Outcome, datetime | None]:
    """What becomes of the event, and when it is tried again."""
    if reply.is_delivered:
        return "delivered", None
    if attempts_before >= len(RETRY_DELAYS) or reply.error == "event_unreadable":
        return "given_up", None
    return "failed", now + RETRY_DELAYS[attempts_before]


def secret_kind(webhook_id: UUID) -> str:
    """Under which name an endpoint's secret is kept."""
    return f"webhook:{webhook_id}"
