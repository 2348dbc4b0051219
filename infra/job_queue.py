"""Putting jobs into the queue on the caller's connection, so that they commit with its work."""

from __future__ import annotations

import logging
from typing import Any

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued

from infra.database import Connection

log = logging.getLogger(__name__)

_QUEUE = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def put(
    connection: Connection, name: str, options: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """Queue a job in a savepoint; one waiting already with the same queueing lock is enough."""
    try:
        with connection.transaction():
            _QUEUE.configure_task(name, connection=connection, **options).defer(**arguments)
    except AlreadyEnqueued:
        log.debug("%s is queued already", name)
