"""Putting jobs into the queue on the caller's connection, so that they commit with its work."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued

from infra.database import Connection

log = logging.getLogger(__name__)

WEBHOOKS = "webhooks"
"""The queue of sending webhooks: strangers' slow servers never hold up what goes to Mercari."""

_QUEUE = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def put(
    connection: Connection, name: str, options: dict[str, Any], arguments: dict[str, Any]
) -> bool:
    """Queue a job in a savepoint; False where one with the same queueing lock waits already."""
    try:
        with connection.transaction():
            _QUEUE.configure_task(name, connection=connection, **options).defer(**arguments)
    except AlreadyEnqueued:
        log.debug("%s is queued already", name)
        return False
    return True


def put_webhook(connection: Connection, seller_id: UUID, webhook_id: UUID) -> None:
    """Queue sending what waits for an endpoint; one job at a time, one more in waiting."""
    lock = f"webhook:{webhook_id}"
    options = {"lock": lock, "queueing_lock": lock, "queue": WEBHOOKS}
    arguments = {"seller": str(seller_id), "webhook": str(webhook_id)}
    put(connection, "send_webhook", options, arguments)
