"""Idempotency-Key: what was done under a key is answered again, and done once.

That a key was used is a fact beside those it led to (`domain.requests`); here it is read from the
request, found again, and answered. What was sent is kept as a fingerprint alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import orjson
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.desk import Caller, Desk
from domain import requests
from domain.application import acting_for
from domain.errors import Refusal
from domain.facts import Recorded
from domain.requests import KeyInHand, KeyOfAnother, KeyUsed

HEADER = "idempotency-key"
BODY = "asin_sync.sent_body"
_KEY = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)


class KeyMalformed(Refusal):
    """The key is longer than 200 characters, or not printable ASCII."""

    code = "invalid-request"


@dataclass(eq=False)
class Replayed(Exception):
    """The request was done before, by this caller's seller: answer it as it was."""

    desk: Desk
    caller: Caller
    seller_id: UUID
    used: Recorded

    @property
    def fact(self) -> KeyUsed:
        return cast(KeyUsed, self.used.fact)


class SentBodies:
    """ASGI middleware: keeps the body of a request with a key, as far as it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or HEADER not in Headers(scope=scope):
            await self._app(scope, receive, send)
            return
        chunks: list[bytes] = []
        scope[BODY] = chunks

        async def receive_and_keep() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                chunks.append(message.get("body", b""))
            return message

        await self._app(scope, receive_and_keep, send)


def ensure_new(request: Request, desk: Desk, caller: Caller, seller_id: UUID) -> None:
    """Take the request's key in hand, where it has one.

    Raises Replayed for what was done under it, KeyOfAnother, KeyMalformed.
    """
    requests.take(None)
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return
    if not _KEY.fullmatch(key):
        rules = {"Idempotency-Key": "idempotency_key"}
        raise KeyMalformed(f"{len(key)} characters", rules=rules)
    route = route_of(request)
    stream = requests.request_id_of(seller_id, f"{request.method} {route}", key)
    fingerprint = fingerprint_of(request)
    if used := use_of(desk, seller_id, stream):
        ensure_same(used, fingerprint)
        raise Replayed(desk, caller, seller_id, used)
    requests.take(KeyInHand(stream=stream, fingerprint=fingerprint))
    request.state.replay = (desk, caller, seller_id, stream, fingerprint)


def replay_of(request: Request) -> Replayed:
    """Of a request that came second while the first was being done. Raises KeyOfAnother."""
    desk, caller, seller_id, stream, fingerprint = request.state.replay
    used = use_of(desk, seller_id, stream)
    assert used is not None  # noqa: S101
    ensure_same(used, fingerprint)
    return Replayed(desk, caller, seller_id, used)


def use_of(desk: Desk, seller_id: UUID, stream: UUID) -> Recorded | None:
    """The fact that the key was used, with what it was used for."""
    with acting_for(seller_id):
        facts = desk.app.facts_of(stream)
    if not facts:
        return None
    [recorded] = desk.history(seller_id, stream)
    return recorded._replace(fact=facts[0])


def ensure_same(used: Recorded, fingerprint: str) -> None:
    """Raises KeyOfAnother where something else was sent under the key."""
    if cast(KeyUsed, used.fact).fingerprint != fingerprint:
        rules = {"Idempotency-Key": "idempotency_key_reused"}
        raise KeyOfAnother("this Idempotency-Key was used for another request", rules=rules)


def route_of(request: Request) -> str:
    """The path with the names of its parts instead of what they hold."""
    names = {value: f"{{{name}}}" for name, value in request.path_params.items()}
    return "/".join(names.get(part, part) for part in request.scope["path"].split("/"))


def fingerprint_of(request: Request) -> str:
    """SHA-256 of the path and of what was sent, however that was written down."""
    content = b"".join(request.scope.get(BODY, ()))
    kind = request.headers.get("content-type", "")
    boundary = _BOUNDARY.search(kind) if kind.startswith("multipart/") else None
    if boundary is not None:
        content = content.replace(boundary[1].encode(), b"")
    else:
        content = canonical(content)
    return hashlib.sha256(request.url.path.encode() + b"\n" + content).hexdigest()


def canonical(content: bytes) -> bytes:
    """JSON without its spaces and with its fields in order; anything else as it is."""
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return content
