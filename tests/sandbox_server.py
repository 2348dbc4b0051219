"""A running sandbox for tests: its own folder, its own port, stopped when the test leaves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn

from infra.sandbox.app import create_app, utc_now

START_SECONDS_MAX = 10.0
REQUEST_SECONDS_MAX = 10.0


class SandboxServer:
    """`with SandboxServer(folder) as sandbox:` serves on 127.0.0.1 at `sandbox.url`."""

    url: str

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        config = uvicorn.Config(
            create_app(folder, clock=clock),
            host="127.0.0.1",
            port=0,
            http="h11",
            ws="none",
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = monotonic() + START_SECONDS_MAX
        while not self._server.started:
            if not self._thread.is_alive() or monotonic() > deadline:
                raise RuntimeError("the sandbox did not start")
            sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS_MAX)

    def control(self, path: str, /, *, method: str = "POST", **fields: Any) -> Any:
        """Send a control request; its JSON answer. A refusal fails with the sandbox's sentence."""
        answer = httpx.request(
            method,
            f"{self.url}/_sandbox/{path}",
            params=fields if method == "GET" else None,
            json=None if method == "GET" else fields,
            timeout=REQUEST_SECONDS_MAX,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def listings(self, seller: str, asin: str) -> list[dict[str, Any]]:
        """What this seller's shop shows for an ASIN."""
        return list(self.control("world", method="GET", seller=seller, asin=asin)["listings"])
