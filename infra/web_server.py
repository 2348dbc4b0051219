"""The web server process: uvicorn, told to end its open streams at once when asked to stop."""

from __future__ import annotations

import gc
from collections.abc import Callable
from socket import socket
from types import FrameType
from typing import Any

import uvicorn

GRACE_SECONDS = 1
HEAD_BYTES_MAX = 256 * 1024
"""An address with a filter of 10,000 characters gets an answer of ours, not the server's."""


class StreamEndingServer(uvicorn.Server):
    """uvicorn waits for open event streams; `on_stop` ends them first."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[int], None],
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_stop()
        super().handle_exit(sig, frame)


def serve_app(
    app: Any,
    host: str,
    port: int,
    *,
    on_ready: Callable[[int], None],
    on_stop: Callable[[], None],
) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` gets the port once it can be used.

    What is there before the first request stays: the collector need not look through it again and
    again, which held up one request in dozens for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    StreamEndingServer(config_of(app, host=host, port=port), on_ready, on_stop).run()


def config_of(app: Any, **address: Any) -> uvicorn.Config:
    """How the application is served, wherever it listens."""
    return uvicorn.Config(
        app, http="h11", h11_max_incomplete_event_size=HEAD_BYTES_MAX, log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS, access_log=False, server_header=False, **address,
    )  # fmt: skip
