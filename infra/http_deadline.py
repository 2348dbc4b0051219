"""A pool of HTTP connections under one deadline for a whole exchange, up to the last byte.

httpx's own timeouts are per read: a server that drips single bytes could hold a caller for hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

CONNECTIONS_MAX = 32

AddressOf = Callable[[str, int, float | None], str]
"""The address to connect to for a host and port, found within so many seconds; it may raise."""

_deadline: ContextVar[float] = ContextVar("deadline", default=inf)


def named(host: str, _port: int, _seconds: float | None) -> str:
    """The host itself: whoever connects looks it up."""
    return host


def open_client(address_of: AddressOf = named) -> httpx.Client:
    """The one client of a process: pooled, kept alive, no redirects, no cookies, no proxies.

    Cookies are refused because sellers share the client.
    """
    return httpx.Client(
        transport=_DeadlineTransport(address_of),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread asks of the client in here ends in time or raises httpx.TimeoutException."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _seconds_left(timeout: float | None, late: type[Exception]) -> float | None:
    seconds = min(_deadline.get() - time.monotonic(), inf if timeout is None else timeout)
    if seconds <= 0:
        raise late("the deadline has passed")
    return None if seconds == inf else seconds


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _seconds_left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore.SyncBackend):
    def __init__(self, address_of: AddressOf) -> None:
        self._address_of = address_of

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        address = self._address_of(host, port, _seconds_left(timeout, httpcore.ConnectTimeout))
        seconds = _seconds_left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(
            super().connect_tcp(address, port, seconds, local_address, socket_options)
        )


class _DeadlineTransport(httpx.HTTPTransport):
    """httpx's transport, which also translates httpcore's errors, over a pool with our streams."""

    def __init__(self, address_of: AddressOf) -> None:
        super().__init__()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_MAX,
            keepalive_expiry=15.0,
            network_backend=_DeadlineBackend(address_of),
        )
