"""The answers of requests that were done before: what was made or changed, as it was then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic_core import to_jsonable_python
from starlette.responses import Response

from api.idempotency import Replayed, replay_of, route_of
from api.ids import Kind, public_id
from api.problems import on_known, on_precondition
from api.submissions import received_before
from api.ticket_answers import ticket_answer, version_of
from api.webhooks import NO_DELIVERY, webhook_answer
from domain import looks, seller
from domain.application import acting_for
from domain.channel_prices import ChannelPricesEntered
from domain.errors import FileRefused
from domain.requests import KeyOfAnother, KeyUsedBefore
from domain.ticket import TicketFact, fold
from domain.webhooks import WebhookRegistered

Answer = dict[str, Any]
FAMILIES: Mapping[str, Kind] = {
    "asin_binding": "bnd", "submission": "sub", "seller": "sel", "ticket": "tkt",
}  # fmt: skip


def install(app: FastAPI) -> None:
    """Let what is raised of a key that was used lead to the answer."""
    app.add_exception_handler(Replayed, on_replayed)
    app.add_exception_handler(KeyUsedBefore, on_used_in_between)


def on_replayed(request: Request, replayed: Exception) -> Response:
    """The same status and the same answer, marked as replayed; an upload refused whole is again."""
    done = cast(Replayed, replayed)
    if needs_version(request) and "if-match" not in request.headers:
        return on_precondition(request, replayed)
    render = RENDERED.get(route_of(request), changed)
    try:
        answer, headers = render(done)
    except FileRefused as refused:
        return on_known(request, refused)
    answer = {**answer, "position": done.used.position}
    marked = {**headers, "Idempotency-Replayed": "true", "Cache-Control": "no-store"}
    status = request.scope["route"].status_code
    return JSONResponse(to_jsonable_python(answer), status, marked)


def needs_version(request: Request) -> bool:
    """The route asks for If-Match, also of who asks again."""
    told = request.scope["route"].openapi_extra or {}
    return any(
        each["required"] for each in told.get("parameters", ()) if each["name"] == "If-Match"
    )


def on_used_in_between(request: Request, _: Exception) -> Response:
    """Two came at once: the second is answered as the first was."""
    try:
        return on_replayed(request, replay_of(request))
    except KeyOfAnother as refused:
        return on_known(request, refused)


Rendered = tuple[Answer, Mapping[str, str]]


def changed(done: Replayed) -> Rendered:
    """Something that was there: its id and, of what names versions, its version."""
    fact = done.fact
    kind = FAMILIES.get(fact.family, "sel")
    subject = fact.subject if fact.family == "asin_binding" else done.seller_id
    answer: Answer = {"id": public_id(kind, subject)}
    if kind != "bnd":
        return answer, {}
    version = fact.subject_version
    return {**answer, "version": version}, {"ETag": f'"v{version}"'}


def ticket(done: Replayed) -> Rendered:
    """The ticket as it was when this had been said."""
    with acting_for(done.seller_id):
        facts = done.desk.app.facts_of(done.fact.subject)[: done.fact.subject_version]
    was = fold(done.fact.subject, cast(list[TicketFact], facts))
    assert was is not None  # noqa: S101
    is_staff = done.caller.seller_id is None
    shown = ticket_answer(was, done.seller_id, done.desk.clock(), is_staff=is_staff)
    location = f"/v1/tickets/{public_id('tkt', was.ticket_id)}"
    etag = f'"v{version_of(was, is_staff=is_staff)}"'
    return shown, {"Location": location, "ETag": etag}


def submission(done: Replayed) -> Rendered:
    return received_before(done.desk, done.seller_id, done.fact.subject)


def webhook(done: Replayed) -> Rendered:
    """The endpoint as it was registered; its secret was shown once."""
    fact = fact_of(done, WebhookRegistered)
    with acting_for(done.seller_id):
        registered = seller.fold(done.seller_id, facts_until(done)).webhooks
    made = next(each for each in registered if each.webhook_id == fact.webhook_id)
    location = f"/v1/webhooks/{public_id('whk', fact.webhook_id)}"
    return {**webhook_answer(made, NO_DELIVERY), "secret": None}, {"Location": location}


def key(done: Replayed) -> Rendered:
    """What key was made; the key itself was shown once."""
    fact = fact_of(done, seller.KeyIssued)
    return {"id": fact.key_id, "role": fact.role, "label": fact.label, "key": None}, {}


def look(done: Replayed) -> Rendered:
    fact = fact_of(done, looks.Opened)
    return {"seller_id": public_id("sel", done.seller_id), "until": fact.until}, {}


def entered(done: Replayed) -> Rendered:
    fact = fact_of(done, ChannelPricesEntered)
    return {"id": public_id("sel", done.seller_id), "entered": len(fact.prices)}, {}


def facts_until(done: Replayed) -> list[Any]:
    """The facts of the subject, up to what was done."""
    with acting_for(done.seller_id):
        return list(done.desk.app.facts_of(done.fact.subject)[: done.fact.subject_version])


def fact_of(done: Replayed, kind: type[Any]) -> Any:
    return next(each for each in reversed(facts_until(done)) if isinstance(each, kind))


RENDERED: Mapping[str, Callable[[Replayed], Rendered]] = {
    "/v1/submissions": submission,
    "/v1/tickets": ticket,
    "/v1/tickets/{ticket_id}/replies": ticket,
    "/v1/tickets/{ticket_id}/hand-over": ticket,
    "/v1/tickets/{ticket_id}/resolution": ticket,
    "/v1/webhooks": webhook,
    "/v1/keys": key,
    "/v1/sellers/{seller_id}/looks": look,
    "/v1/pricing-rules/channel-prices": entered,
}
"""By the route; any other answers with the id of what it changed."""
