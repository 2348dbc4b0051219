"""How many requests a key may send, told with every answer (RateLimit headers, draft -11)."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.desk import Caller, Desk
from domain.callers import Allowance
from domain.errors import TooManyRequests

ALLOWANCE = "asin_sync.allowance"


class RateHeaders:
    """ASGI middleware: tells what is left to a request that was counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        told: list[Allowance | None] = []
        scope[ALLOWANCE] = told

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and told and told[0]:
                MutableHeaders(scope=message).update(headers_of(told[0]))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def headers_of(allowance: Allowance) -> dict[str, str]:
    full = int(allowance.full_after_seconds)
    return {
        "RateLimit-Policy": f'"default";q={allowance.limit};w={allowance.window_seconds}',
        "RateLimit": f'"default";r={allowance.remaining};t={full}',
    }


def spend(request: Request, desk: Desk, caller: Caller) -> None:
    """Count the request, once, against its key. Raises TooManyRequests."""
    told = request.scope.get(ALLOWANCE)
    if told == []:
        told.append(desk.limits.take(caller.key_id))
        ensure_within(told[0])


def spend_soon(request: Request, desk: Desk, caller: Caller) -> bool:
    """The same without waiting; False where the database has to be asked. Raises as `spend`."""
    told = request.scope.get(ALLOWANCE)
    if told or told is None or desk.limits.is_off:
        return True
    known = desk.limits.take_leased(caller.key_id)
    if known is None:
        return False
    told.append(known)
    ensure_within(known)
    return True


def ensure_within(allowance: Allowance | None) -> None:
    """Raises TooManyRequests."""
    if allowance is not None and allowance.retry_after_seconds:
        raise TooManyRequests(
            f"{allowance.limit} requests in {allowance.window_seconds} seconds",
            allowance.retry_after_seconds,
        )
