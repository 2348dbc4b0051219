"""Routes that the marketplaces call when something changed, and what became of what they said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.auth import STAFF_READER_ROLES, RoleForbids, caller_of
from api.ids import public_id
from api.requests import Reception, named_seller
from api.sellers import acting
from domain.errors import NotificationRefused
from domain.hints import Taken
from domain.seller import Role
from domain.values import PLATFORM_ID, hint_id_of

BODY_BYTES_MAX = 256 * 1024
SHOWN_MAX = 100
SENDER_ROLES: tuple[Role, ...] = ("service", "admin")

LATEST = """
    SELECT notification_id, type, subject, event_time, received_at, outcome
    FROM asin_sync.notification ORDER BY received_at DESC LIMIT %s
"""
COUNTS = "SELECT type, accepted, duplicates, ignored FROM asin_sync.notification_count ORDER BY 1"


def build_notifications(reception: Reception) -> APIRouter:
    """Routes under /notifications, and the address of a shop's order webhook."""
    router = APIRouter(tags=["notifications"])

    @router.post("/notifications/amazon", status_code=202)
    async def from_amazon(request: Request) -> Any:
        """Take Amazon's notifications: EventBridge, SQS, or bare. For `service` keys."""
        body = await sent_body(request)
        return taken_answer(await run_in_threadpool(take_amazon, reception, request, body))

    @router.post("/notifications/mercari/{token}", status_code=202)
    async def from_mercari(request: Request, token: str) -> Any:
        """Take an order webhook; the address itself is the secret, as Mercari signs nothing."""
        body = await sent_body(request)
        hints = reception.desk.hints
        return taken_answer(await run_in_threadpool(hints.take_mercari, token, body))

    @router.get("/notifications")
    def latest(request: Request) -> Any:
        """The last 100 and the counts by type; for staff that name no seller, those of none."""
        seller_id = seller_looked_at(reception, request)
        with reception.desk.reading_for(seller_id) as connection:
            found = connection.execute(LATEST, (SHOWN_MAX,)).fetchall()
            counted = connection.execute(COUNTS).fetchall()
        return {
            "items": [item_of(seller_id, row) for row in found],
            "counts": {row[0]: dict(zip(Taken._fields, row[1:], strict=True)) for row in counted},
            "position": reception.desk.position(),
        }

    @router.get("/sellers/{seller_id}/mercari-webhook")
    def webhook(request: Request, seller_id: str) -> Any:
        """The address to give Mercari for ORDER_CREATED. Keep it secret: who knows it may call."""
        inner, _ = acting(reception, request, seller_id)
        token = reception.desk.hints.mercari_token(inner)
        return {
            "topic": "ORDER_CREATED",
            "url": f"{request.base_url}v1/notifications/mercari/{token}",
        }

    return router


async def sent_body(request: Request) -> bytes:
    """The body, read no further than it may be long. Raises NotificationRefused."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise NotificationRefused(f"send at most {BODY_BYTES_MAX // 1024} KiB at once")
    return bytes(body)


def take_amazon(reception: Reception, request: Request, body: bytes) -> Taken:
    """Raises NotSignedIn, RoleForbids, NotificationRefused."""
    caller = caller_of(request, reception.desk, reception.sessions)
    if caller.role not in SENDER_ROLES:
        raise RoleForbids(SENDER_ROLES)
    return reception.desk.hints.take_amazon(body, caller.seller_id)


def seller_looked_at(reception: Reception, request: Request) -> UUID:
    caller = caller_of(request, reception.desk, reception.sessions)
    named = named_seller(request)
    if named is None and caller.role in STAFF_READER_ROLES:
        return PLATFORM_ID
    return reception.visit(request, caller, named).seller_id


def taken_answer(taken: Taken) -> dict[str, int]:
    return taken._asdict()


def item_of(seller_id: UUID, row: tuple[Any, ...]) -> Mapping[str, Any]:
    """A notification; its facts share its `correlation_id`."""
    notification_id, kind, subject, event_time, received_at, outcome = row
    correlation_id = hint_id_of(seller_id, notification_id)
    return {
        "notification_id": notification_id, "seller_id": public_id("sel", seller_id),
        "type": kind, "subject": subject, "event_time": event_time, "received_at": received_at,
        "outcome": outcome, "correlation_id": correlation_id,
    }  # fmt: skip
