"""A web server of the test's own, which keeps what is sent to it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import orjson

from tests.infra.running_worker import wait_until


@dataclass
class Listener:
    """`with Listener() as listener:` answers every POST with `status`."""

    status: int = 202
    refusals: int = 0
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if listener.refusals > 0:
                    listener.refusals -= 1
                    self.send_error(503)
                    return
                listener.heard.append((self.path, dict(self.headers), body))
                self.send_response(listener.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def bodies(self, count: int) -> list[Any]:
        """The first `count` bodies, once they are there."""
        wait_until(lambda: len(self.heard) >= count, f"{count} requests come in")
        return [orjson.loads(body) for _, _, body in self.heard]
