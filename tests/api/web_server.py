"""The application behind a real web server on a free port of this computer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.app import build_app
from api.desk import Desk
from infra.web_server import config_of


@contextmanager
def serving(desk: Desk, port: int = 0) -> Iterator[str]:
    """The address of the application of this desk, as long as the block runs; 0 is a free port."""
    listening = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(config_of(build_app(desk)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    ends_at = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < ends_at, "the web server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
