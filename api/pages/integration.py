"""The page of integration: how each marketplace is linked, and the forms that link it.

Amazon's consent leads back to an address here; its answer is shown without what it brought along.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import OWN_SELLER_ROLES, poster_of, seller_written_by, session_token
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.l10n import mark
from api.languages import l10n_of
from api.links import SHOP_ID_LENGTH_MAX, TOKEN_LENGTH_MAX, mercari_linked
from api.log_text import broken_rules, suggested_action, title_of
from api.pages.page_frame import Build, Page, Visit
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.security_headers import content_security_policy
from api.sellers import ensure_registered, last_links
from api.words import Word
from domain.consents import CALLBACK_PATH, Browser, ConsentAnswer
from domain.error_codes import Language
from domain.errors import ConsentRefused, LinkRefused, WrongState
from domain.facts import Recorded
from domain.ports import UpstreamError
from domain.stamps import Work
from domain.texts import rule_text
from projections import conditions, sellers
from projections.conditions import ConditionRow

PATH = "/settings/integration"
FORM_BYTES_MAX = 16 * 1024
FIELDS_MAX = 10

LINK_STATES: Mapping[str, Word] = {
    "linked": Word("ok", mark("Linked")),
    "never": Word("none", mark("Never linked")),
    "revoked": Word("fail", mark("Permission taken back")),
    "tried": Word("wait", mark("Linked again, tried with the next call")),
}


def add_integration(router: APIRouter, server: PageServer) -> None:
    """The page, its forms, and the address that Amazon's consent leads back to."""

    @router.get(PATH)
    async def integration(request: Request) -> Response:
        return await shown(request, server, integration_page())

    @router.post(PATH)
    async def change(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await acted(request, server)
        except Refused as refused:
            return server.refusal(request, refused)

    @router.get(CALLBACK_PATH)
    async def callback(request: Request) -> Response:
        answer = await answered(request, server)
        answer.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        return answer


def integration_page(refused: LinkRefused | None = None, entered: str = "") -> Build:
    """The page; with what was wrong with a form that was sent."""

    def build(desk: Desk, visit: Visit) -> Page:
        with desk.reading_for(visit.seller_id) as connection:
            row = sellers.one(connection, visit.seller_id)
            state = conditions.state(connection, visit.now)
        lost = {
            each.subject: each for each in state.conditions
            if each.kind == "breaker" and each.code == "E-401"
        }  # fmt: skip
        links = last_links(desk, visit.seller_id, visit.position)
        rules = refused.fields["rules"] if refused else {}
        context = {
            "account": row.amazon_seller_id if row else "",
            "amazon": link_line(links.amazon, lost.get("amazon")),
            "mercari": link_line(links.mercari, lost.get("mercari")),
            "may_act": visit.caller.role in OWN_SELLER_ROLES,
            "faults": broken_rules(rules, visit.l10n.language),
            "entered": entered,
            "token_length_max": TOKEN_LENGTH_MAX,
            "shop_id_length_max": SHOP_ID_LENGTH_MAX,
        }
        return Page("integration.html", context, 422 if refused else 200, is_kept=False)

    return build


def link_line(link: Recorded | None, lost: ConditionRow | None) -> dict[str, Any]:
    """How a marketplace is linked, and since when that is so."""
    since: datetime | None = link.recorded_at if link else None
    if link is None:
        state = "never"
    elif lost is None:
        state = "linked"
    elif link.position > lost.position:
        state = "tried"
    else:
        state, since = "revoked", lost.since
    return {"state": state, "word": LINK_STATES[state], "since": since}


async def shown(request: Request, server: PageServer, make: Build) -> Response:
    """The page, whose form may lead on to Amazon's."""
    answer = await server.show(request, make)
    desk = server.desk
    policy = content_security_policy(desk.image_origins, (desk.consents.origin,))
    answer.headers["Content-Security-Policy"] = policy
    return answer


async def acted(request: Request, server: PageServer) -> Response:
    """Ask Amazon for the consent, or keep the shop's token."""
    async with request.form(max_files=0, max_fields=FIELDS_MAX) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    match fields.get("action"):
        case "amazon":
            return await run_in_threadpool(asked, request, server.desk, caller, seller_id)
        case "mercari":
            work = Work(server.desk.clock, caller.actor, uuid4())
            return await given(request, server, seller_id, fields, work)
        case _:
            raise WrongState("the form names no action")


def asked(request: Request, desk: Desk, caller: Caller, seller_id: UUID) -> Response:
    """On to Amazon's page. Raises ConsentRefused, NotFound."""
    ensure_registered(desk, seller_id)
    consent = desk.consents.begin(seller_id, caller.key_id, browser_of(request, caller))
    return RedirectResponse(consent.consent_url, 303, {"Cache-Control": "no-store"})


async def given(
    request: Request, server: PageServer, seller_id: UUID, fields: Mapping[str, str], work: Work
) -> Response:
    token, shop_id = fields.get("access_token", "").strip(), fields.get("shop_id", "").strip()
    try:
        position = await run_in_threadpool(
            mercari_linked, server.desk, seller_id, token, shop_id, work
        )
    except LinkRefused as refused:
        return await shown(request, server, integration_page(refused, shop_id))
    await server.projected(position)
    return RedirectResponse(f"{PATH}#mercari", 303)


def browser_of(request: Request, caller: Caller) -> Browser:
    """The session of this request; only its hash is kept."""
    session_hash = sha256(session_token(request).encode()).digest()
    return Browser(session_hash=session_hash, seller_id=caller.seller_id)


# --- what Amazon's page leads back with ---------------------------------------------------------


async def answered(request: Request, server: PageServer) -> Response:
    """Take the answer, and show what came of it and what to do next."""
    try:
        await run_in_threadpool(completed, request, server)
    except ConsentRefused as refused:
        text = rule_text(refused.rule, refused.values, l10n_of(request).language)
        return outcome_page(request, server, 409, refused.code, text)
    except UpstreamError as error:
        action = suggested_action(error.code, l10n_of(request).language)
        return outcome_page(request, server, 502, error.code, action)
    return outcome_page(request, server, 200)


def completed(request: Request, server: PageServer) -> None:
    """Raises ConsentRefused, UpstreamError."""
    query = request.query_params
    answer = ConsentAnswer(
        state=query.get("state", ""),
        selling_partner_id=query.get("selling_partner_id", ""),
        code=query.get("spapi_oauth_code", ""),
        error=query.get("error", ""),
    )
    caller = server.sessions.caller_of(session_token(request))
    browser = browser_of(request, caller) if caller else None
    server.desk.consents.complete(answer, browser)


def outcome_page(
    request: Request, server: PageServer, status: int, code: str | None = None, text: str = ""
) -> Response:
    language: Language = l10n_of(request).language
    context = {
        "code": code,
        "code_title": title_of(code, language),
        "text": text,
        "here": elsewhere,
    }
    return server.plain(request, Page("consent.html", context, status))


def elsewhere(**changed: object) -> str:
    """Another language leads to the page of integration: an answer is taken only once."""
    return f"{PATH}?{urlencode(changed)}"
