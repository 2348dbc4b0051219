"""The page of webhooks: the endpoints, what was last tried, and the forms that change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Desk
from api.ids import event_id_at, inner_id, public_id
from api.log_text import broken_rules
from api.pages.page_frame import Build, Page, Visit
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.webhooks import NO_DELIVERY, changed, registered, removed, tried
from api.words import ATTEMPT_OUTCOMES, DISABLED_BECAUSE, EVENT_KINDS, SENDING_ERRORS, Word
from domain.application import acting_for
from domain.errors import WebhookRefused, WrongState
from domain.event_types import types_from
from domain.stamps import Work
from domain.webhooks import WEBHOOKS_MAX, Attempt, Delivery, Webhook, get_webhook

ATTEMPTS_SHOWN = 5
PATH = "/webhooks"


def add_webhook_page(router: APIRouter, server: PageServer) -> None:
    """One address for the page and every form on it; `action` says which."""

    @router.get(PATH)
    async def webhooks(request: Request) -> Response:
        return await server.show(request, webhooks_page())

    @router.post(PATH)
    async def change(request: Request) -> Response:
        try:
            return await acted(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


def webhooks_page(
    *, secret: str | None = None, refused: WebhookRefused | None = None, entered: str = ""
) -> Build:
    """The page; with the secret of the endpoint just made, or with what was wrong with one."""

    def build(desk: Desk, visit: Visit) -> Page:
        with acting_for(visit.seller_id):
            known = desk.app.seller(visit.seller_id).webhooks
        faring = desk.webhooks.faring(visit.seller_id)
        rules = refused.fields["rules"] if refused else {}
        context = {
            "endpoints": [
                shown(desk, visit, each, faring.get(each.webhook_id, NO_DELIVERY)) for each in known
            ],
            "may_add": len(known) < WEBHOOKS_MAX,
            "may_act": visit.caller.role in ("seller", "service"),
            "kinds": EVENT_KINDS,
            "secret": secret,
            "faults": broken_rules(rules, visit.l10n.language),
            "entered": entered,
        }
        status = 201 if secret else 422 if refused else 200
        return Page("webhooks.html", context, status, is_kept=False)

    return build


def shown(desk: Desk, visit: Visit, webhook: Webhook, delivery: Delivery) -> dict[str, Any]:
    attempts = desk.webhooks.attempts(visit.seller_id, webhook.webhook_id, None, ATTEMPTS_SHOWN)
    return {
        "id": public_id("whk", webhook.webhook_id),
        "webhook": webhook,
        "delivery": delivery,
        "state": state_of(webhook, delivery),
        "attempts": [attempt_line(visit, each) for each in attempts],
    }


def state_of(webhook: Webhook, delivery: Delivery) -> Word:
    if not webhook.is_enabled:
        return DISABLED_BECAUSE[webhook.disabled_because]
    return DISABLED_BECAUSE["only_failing" if delivery.failing_since else "on"]


def attempt_line(visit: Visit, attempt: Attempt) -> dict[str, Any]:
    """One attempt in the reader's language."""
    l10n = visit.l10n
    answer = f"HTTP {attempt.status}" if attempt.status else ""
    why = l10n.text(SENDING_ERRORS[attempt.error]) if attempt.error in SENDING_ERRORS else ""
    return {
        "at": attempt.at,
        "word": ATTEMPT_OUTCOMES[attempt.outcome],
        "type": attempt.type,
        "event_id": "" if attempt.position is None else event_id_at(attempt.position),
        "answer": " · ".join(filter(None, (answer, why))),
        "duration_ms": attempt.duration_ms,
    }


async def acted(request: Request, server: PageServer) -> Response:
    """Do what the form asks. A secret is shown in the answer itself, and so never again."""
    async with request.form(max_files=0, max_fields=40) as form:
        fields = {name: str(value) for name, value in form.items()}
        types = kinds_in(form)
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    work = Work(server.desk.clock, caller.actor, uuid4())
    if fields.get("action") == "add":
        return await added(request, server, seller_id, fields.get("url", "").strip(), types, work)
    await run_in_threadpool(done, server.desk, seller_id, fields, work)
    return RedirectResponse(PATH, 303)


async def added(
    request: Request, server: PageServer, seller_id: UUID, url: str, types: list[str], work: Work
) -> Response:
    try:
        _, secret, _ = await run_in_threadpool(
            registered, server.desk, seller_id, url, types_from(types), work
        )
        answer = await server.show(request, webhooks_page(secret=secret))
    except WebhookRefused as refused:
        answer = await server.show(request, webhooks_page(refused=refused, entered=url))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def done(desk: Desk, seller_id: UUID, fields: Mapping[str, str], work: Work) -> None:
    """Test, switch or remove an endpoint. Raises NotFound, WebhookRefused, WrongState."""
    webhook_id = inner_id("whk", fields.get("webhook_id", ""))
    with acting_for(seller_id):
        webhook = get_webhook(desk.app.seller(seller_id).webhooks, webhook_id)
    match fields.get("action"):
        case "test":
            tried(desk, seller_id, webhook)
        case "enable" | "disable" as action:
            changed(
                desk, seller_id, webhook_id, webhook.url, webhook.types, work,
                is_enabled=action == "enable",
            )  # fmt: skip
        case "remove":
            removed(desk, seller_id, webhook_id, work)
        case _:
            raise WrongState("the form names no action")


def kinds_in(form: FormData) -> list[str]:
    """The kinds that were ticked; all of them are the same as none."""
    ticked = [str(value) for value in form.getlist("types")]
    return [] if set(ticked) >= set(EVENT_KINDS) else ticked
