"""JSON routes of webhooks: where a seller is told its events, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.cloud_events import TEST_TYPE, trial_message
from api.desk import Desk
from api.ids import event_id_at, inner_id, position_of_event, public_id
from api.instants import Instant
from api.openapi_extras import MAY_MATCH
from api.paging import cursor_after, place_after
from api.requests import Reception, Visit, page_answer, version_named
from domain import webhooks
from domain.application import acting_for
from domain.errors import NotFound, Refusal, WebhookRefused
from domain.event_types import types_from
from domain.rules.webhook_address import LENGTH_MAX
from domain.sellers import change_seller
from domain.stamps import Work
from domain.webhooks import Attempt, Delivery, Webhook

TYPES_MAX = 20
NO_DELIVERY = Delivery()


class WebhookBody(BaseModel):
    """Where to tell, and which types or beginnings of types; none means all."""

    url: str = Field(max_length=LENGTH_MAX)
    types: list[str] = Field(default=[], max_length=TYPES_MAX)


class ChangedWebhookBody(WebhookBody):
    """The whole endpoint as it shall be; switching it on again tries what waits at once."""

    is_enabled: bool = Field(strict=True)


class ResendBody(BaseModel):
    """One event by its id, or all that the endpoint wants from an instant on."""

    event_id: str | None = Field(default=None, max_length=60)
    since: Instant | None = None


def build_webhooks(reception: Reception) -> APIRouter:
    """Routes under /webhooks."""
    router = APIRouter(tags=["feed"])

    @router.get("/webhooks")
    def list_(request: Request) -> Any:
        """The seller's webhooks, oldest first."""
        visit = reception.reading(request)
        items = webhook_answers(visit.desk, visit.seller_id)
        return {"items": items, "position": visit.desk.position()}

    @router.post("/webhooks", status_code=201)
    def register(request: Request, response: Response, body: WebhookBody) -> Any:
        """Register an endpoint. Its secret is in this answer and never again."""
        visit = reception.writing(request)
        webhook_id, secret, position = registered(
            visit.desk, visit.seller_id, body.url, types_from(body.types), visit.work()
        )
        response.headers["Location"] = f"/v1/webhooks/{public_id('whk', webhook_id)}"
        response.headers["Cache-Control"] = "no-store"
        shown = webhook_answer(held(visit, webhook_id), NO_DELIVERY)
        return {**shown, "secret": secret, "position": position}

    @router.get("/webhooks/{webhook_id}")
    def show(request: Request, response: Response, webhook_id: str) -> Any:
        """One endpoint, and how it fares; its ETag is for changes, as how it fares moves on."""
        visit, inner = reception.reading(request), inner_id("whk", webhook_id)
        with acting_for(visit.seller_id):
            known = visit.seller()
        webhook = webhooks.get_webhook(known.webhooks, inner)
        faring = visit.desk.webhooks.faring(visit.seller_id).get(inner, NO_DELIVERY)
        response.headers["ETag"] = f'"v{known.version}"'
        return {
            **webhook_answer(webhook, faring),
            "version": known.version, "position": visit.desk.position(),
        }  # fmt: skip

    @router.put("/webhooks/{webhook_id}", status_code=202, openapi_extra=MAY_MATCH)
    def change(request: Request, webhook_id: str, body: ChangedWebhookBody) -> Any:
        """Change address, types or switch; the secret stays."""
        visit, inner = reception.writing(request), inner_id("whk", webhook_id)
        position = changed(
            visit.desk, visit.seller_id, inner, body.url, types_from(body.types),
            visit.work(), is_enabled=body.is_enabled, expected_version=version_named(request),
        )  # fmt: skip
        return {"id": webhook_id, "position": position or visit.desk.position()}

    @router.delete("/webhooks/{webhook_id}", status_code=202, openapi_extra=MAY_MATCH)
    def remove(request: Request, webhook_id: str) -> Any:
        """Tell it nothing more, and drop what waits."""
        visit, inner = reception.writing(request), inner_id("whk", webhook_id)
        position = removed(visit.desk, visit.seller_id, inner, visit.work(), version_named(request))
        return {"id": webhook_id, "position": position or visit.desk.position()}

    add_deliveries(router, reception)
    return router


def add_deliveries(router: APIRouter, reception: Reception) -> None:
    """What was sent, sending again, and trying out."""

    @router.get("/webhooks/{webhook_id}/attempts")
    def attempts(
        request: Request,
        response: Response,
        webhook_id: str,
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """Every attempt of the last thirty days, newest first."""
        visit = reception.reading(request)
        webhook = held(visit, inner_id("whk", webhook_id))
        place = place_after(request, visit.seller_id, 1)
        before = place[0] if place else None
        found = visit.desk.webhooks.attempts(visit.seller_id, webhook.webhook_id, before, limit)
        following = None
        if len(found) == limit:
            following = cursor_after(request, visit.seller_id, found[-1].number)
        items = [attempt_answer(each) for each in found]
        return page_answer(request, response, items, following, visit.desk.position())

    @router.post("/webhooks/{webhook_id}/resend", status_code=202)
    def resend(request: Request, webhook_id: str, body: ResendBody) -> Any:
        """Send events again, or for the first time: one, or up to 10,000 from an instant on."""
        visit = reception.writing(request)
        webhook = held(visit, inner_id("whk", webhook_id))
        return {"id": webhook_id, "events": resent(visit, webhook, body)}

    @router.post("/webhooks/{webhook_id}/test")
    def test(request: Request, webhook_id: str) -> Any:
        """Send a test message now; the answer says what came of it."""
        visit = reception.writing(request)
        webhook = held(visit, inner_id("whk", webhook_id))
        return attempt_answer(tried(visit.desk, visit.seller_id, webhook))


def held(visit: Visit, webhook_id: UUID) -> Webhook:
    """Raises NotFound."""
    with acting_for(visit.seller_id):
        return webhooks.get_webhook(visit.seller().webhooks, webhook_id)


def resent(visit: Visit, webhook: Webhook, body: ResendBody) -> int:
    """How many events will be sent. Raises WebhookRefused, NotFound."""
    desk, seller_id = visit.desk.webhooks, visit.seller_id
    if body.since and body.event_id is None:
        return desk.resend_since(seller_id, webhook, body.since)
    if body.event_id is None or body.since:
        raise WebhookRefused("event_id or since", rules={"event_id": "webhook_resend_what"})
    if not (count := desk.resend_event(seller_id, webhook, position_of_event(body.event_id))):
        raise NotFound("no such event")
    return count


def registered(
    desk: Desk, seller_id: UUID, url: str, types: tuple[str, ...], work: Work
) -> tuple[UUID, str, int | None]:
    """Register and make a secret; id, secret and position. Raises WebhookRefused."""
    webhook_id = uuid4()
    secret = desk.webhooks.new_secret(seller_id, webhook_id)
    command = webhooks.RegisterWebhook(
        stamp=work.stamp(), webhook_id=webhook_id, url=url, types=types,
        may_be_loopback=desk.is_sandbox,
    )  # fmt: skip
    try:
        position = change_seller(
            desk.app, seller_id, lambda it: webhooks.register_webhook(it.webhooks, command)
        )
    except Refusal:
        desk.webhooks.forget_secret(seller_id, webhook_id)
        raise
    return webhook_id, secret, position


def changed(
    desk: Desk, seller_id: UUID, webhook_id: UUID, url: str, types: tuple[str, ...], work: Work,
    *, is_enabled: bool, expected_version: int | None = None,
) -> int | None:  # fmt: skip
    """Raises WebhookRefused, NotFound."""
    command = webhooks.ChangeWebhook(
        stamp=work.stamp(), webhook_id=webhook_id, url=url, types=types, is_enabled=is_enabled,
        may_be_loopback=desk.is_sandbox,
    )  # fmt: skip
    return change_seller(
        desk.app, seller_id, lambda it: webhooks.change_webhook(it.webhooks, command),
        expected_version,
    )  # fmt: skip


def removed(
    desk: Desk, seller_id: UUID, webhook_id: UUID, work: Work, expected_version: int | None = None
) -> int | None:
    """Raises NotFound, VersionConflict."""
    command = webhooks.RemoveWebhook(stamp=work.stamp(), webhook_id=webhook_id)
    position = change_seller(
        desk.app, seller_id, lambda it: webhooks.remove_webhook(it.webhooks, command),
        expected_version,
    )  # fmt: skip
    desk.webhooks.forget_secret(seller_id, webhook_id)
    return position


def tried(desk: Desk, seller_id: UUID, webhook: Webhook) -> Attempt:
    message = trial_message(seller_id, webhook, desk.clock(), uuid4())
    return desk.webhooks.test(seller_id, webhook, message, TEST_TYPE)


def webhook_answers(desk: Desk, seller_id: UUID) -> list[dict[str, Any]]:
    with acting_for(seller_id):
        known = desk.app.seller(seller_id).webhooks
    faring = desk.webhooks.faring(seller_id)
    return [webhook_answer(each, faring.get(each.webhook_id, NO_DELIVERY)) for each in known]


def webhook_answer(webhook: Webhook, delivery: Delivery) -> dict[str, Any]:
    """An endpoint; `waiting` events are still to be told, `given_up` ones were tried for days."""
    return {
        "id": public_id("whk", webhook.webhook_id),
        "url": webhook.url,
        "types": list(webhook.types),
        "is_enabled": webhook.is_enabled,
        "disabled_because": webhook.disabled_because,
        **delivery.model_dump(),
    }


def attempt_answer(attempt: Attempt) -> dict[str, Any]:
    """`event_id` is null for a test; `error` says why there is no status."""
    return {
        "time": attempt.at,
        "event_id": None if attempt.position is None else event_id_at(attempt.position),
        "type": attempt.type,
        "status": attempt.status,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
        "outcome": attempt.outcome,
    }
