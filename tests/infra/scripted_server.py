"""A real HTTP server on loopback that answers with exactly the bytes a test tells it to."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

Reply = Iterable[bytes | float]
"""What is sent, in pieces; a number is a pause in seconds."""

LOGIN_PATH = "/auth/o2/token"


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def reply(
    status: int = 200,
    body: bytes = b"",
    content_type: str | None = "application/json",
    **headers: str,
) -> list[bytes | float]:
    """A complete answer; header names are given with underscores for hyphens."""
    headers = {"Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ["\r\n".join([*lines, "", ""]).encode("latin-1") + body]


def json_reply(content: Any, status: int = 200, **headers: str) -> list[bytes | float]:
    return reply(status, json.dumps(content).encode(), **headers)


def dripped(whole: Reply, pause_seconds: float) -> Reply:
    """The same bytes, one at a time."""
    for piece in whole:
        assert isinstance(piece, bytes)
        for place in range(len(piece)):
            yield pause_seconds
            yield piece[place : place + 1]


TOKEN_REPLY = json_reply({"access_token": "Atza|token", "token_type": "bearer", "expires_in": 3600})


class ScriptedServer:
    """Gives out its replies in order, then the last one for ever; logins have their own."""

    def __init__(
        self,
        *replies: Reply,
        logins: Iterable[Reply] = (TOKEN_REPLY,),
        keeps_alive: bool = False,
    ) -> None:
        self.received: list[Received] = []
        self.connection_count = 0
        self._keeps_alive = keeps_alive
        self._replies = deque(replies)
        self._logins = deque(logins)
        self._lock = Lock()
        self._stop = Event()
        self._threads: list[Thread] = []
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(Thread(target=self._accept))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        for thread in self._threads:
            thread.join()

    def script(self, *replies: Reply, logins: Iterable[Reply] = (TOKEN_REPLY,)) -> None:
        """Replace everything that is still to be answered, and forget what was received."""
        with self._lock:
            self._replies = deque(replies)
            self._logins = deque(logins)
            self.received.clear()

    @property
    def asked(self) -> list[Received]:
        """What was received, logins left out."""
        return [one for one in self.received if not one.target.startswith(LOGIN_PATH)]

    def _start(self, thread: Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.append(connection)
                self.connection_count += 1
            self._start(Thread(target=self._serve, args=(connection,)))

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while (request := _request_from(stream)) is not None:
                    for piece in self._next_reply(request):
                        self._send(connection, piece)
                    if not self._keeps_alive:
                        return
            except OSError:
                return

    def _send(self, connection: socket.socket, piece: bytes | float) -> None:
        if isinstance(piece, bytes):
            connection.sendall(piece)
        elif self._stop.wait(piece):
            raise OSError("the server is stopping")

    def _next_reply(self, request: Received) -> Reply:
        with self._lock:
            self.received.append(request)
            queue = self._logins if request.target.startswith(LOGIN_PATH) else self._replies
            return queue.popleft() if len(queue) > 1 else queue[0]


def _request_from(stream: Any) -> Received | None:
    first = stream.readline().decode("latin-1").split(" ")
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Received(first[0], first[1], headers, body)


def _shut(connection: socket.socket) -> None:
    if connection.fileno() >= 0:
        with suppress(OSError):  # the other side may be gone already
            connection.shutdown(socket.SHUT_RDWR)
