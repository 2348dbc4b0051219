"""Signing in with an identity provider: there, back, and the code of the first administrator."""

from __future__ import annotations

from secrets import token_urlsafe
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import LOOPBACK_HOSTS, STAFF_READER_ROLES, cookie_name, is_plain_loopback
from api.desk import Caller
from api.l10n import mark
from api.languages import l10n_of
from api.pages.page_frame import Page
from api.pages.page_server import PageServer, local_path
from api.pages.sign_in import (
    START_PATH,
    fault_of_transport,
    fault_of_way,
    sign_in_page,
    signed_in,
)
from domain.errors import SignInRefused
from domain.people import CALLBACK_PATH, SIGN_IN_LIFETIME, SignInAnswer
from domain.texts import rule_text

FIRST_PATH = "/sign-in/first"
PEOPLE_PATH, STAFF_HOME = "/people", "/tickets"
CODE_LENGTH_MAX = 100
QUIET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
STATUSES = {"provider": 502, "token": 502, "sign": 400, "setup": 403, "person": 403}
"""By the first word of the rule that was broken."""


def add_provider_sign_in(router: APIRouter, server: PageServer) -> None:
    """The way to the provider, the address that it leads back to, and the first administrator."""

    @router.get(START_PATH)
    async def start(request: Request) -> Response:
        if fault := fault_of_transport(request):
            return sign_in_page(request, server, fault, 403)
        try:
            return await led_away(request, server)
        except SignInRefused as refused:
            return refusal_page(request, server, refused)

    @router.get(CALLBACK_PATH)
    async def back(request: Request) -> Response:
        try:
            answer = await arrived(request, server)
        except SignInRefused as refused:
            answer = refusal_page(request, server, refused)
        answer.headers.update(QUIET)
        return answer

    @router.get(FIRST_PATH)
    async def first(request: Request) -> Response:
        return await setup_page(request, server)

    @router.post(FIRST_PATH)
    async def claim(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=5) as form:
            csrf, code = str(form.get("csrf", "")), str(form.get("code", ""))[:CODE_LENGTH_MAX]
        if fault_of_way(request) or not server.sessions.is_csrf_of(browser_of(request), csrf):
            said = l10n_of(request).text(mark("Send the form from this page."))
            return await setup_page(request, server, said)
        try:
            made = await run_in_threadpool(server.desk.sign_ins.claim, code, browser_of(request))
        except SignInRefused as refused:
            if refused.rule == "setup_code_wrong":
                said = rule_text(refused.rule, refused.values, l10n_of(request).language)
                return await setup_page(request, server, said)
            return refusal_page(request, server, refused)
        return await let_in(request, server, made.caller, PEOPLE_PATH)


async def led_away(request: Request, server: PageServer) -> Response:
    """On to the provider, with a cookie that the way back is bound to. Raises SignInRefused."""
    following = local_path(request.query_params.get("next", "/"))
    if elsewhere := other_loopback(request, server.desk.sign_ins.callback_url):
        return RedirectResponse(f"{elsewhere}?{urlencode({'next': following})}", 303)
    browser = browser_of(request) or token_urlsafe(32)
    begin = server.desk.sign_ins.begin
    answer = RedirectResponse(await run_in_threadpool(begin, browser, following), 303, QUIET)
    answer.set_cookie(
        door_name(request), browser, max_age=int(SIGN_IN_LIFETIME.total_seconds()),
        httponly=True, samesite="lax", secure=not is_plain_loopback(request),
    )  # fmt: skip
    return answer


async def arrived(request: Request, server: PageServer) -> Response:
    """In, or on to the set-up code. Raises SignInRefused."""
    query = request.query_params
    answer = SignInAnswer(
        state=query.get("state", ""), code=query.get("code", ""),
        error=query.get("error", ""), issuer=query.get("iss", ""),
    )  # fmt: skip
    complete = server.desk.sign_ins.complete
    arrival = await run_in_threadpool(complete, answer, browser_of(request))
    if arrival.caller is None:
        return RedirectResponse(arrival.following, 303)
    return await let_in(request, server, arrival.caller, arrival.following)


async def let_in(request: Request, server: PageServer, caller: Caller, following: str) -> Response:
    """With a session, on to where the person wanted to be; the cookie of the way is done with."""
    is_staff = caller.role in STAFF_READER_ROLES
    target = STAFF_HOME if following == "/" and is_staff else local_path(following)
    answer = await signed_in(request, server, RedirectResponse(target, 303, QUIET), caller)
    answer.delete_cookie(
        door_name(request), httponly=True, samesite="lax", secure=not is_plain_loopback(request)
    )
    return answer


async def setup_page(request: Request, server: PageServer, fault: str | None = None) -> Response:
    """The form for the set-up code, for whom the provider has named in this browser."""
    browser = browser_of(request)
    newcomer = await run_in_threadpool(server.desk.sign_ins.newcomer, browser)
    if newcomer is None:
        text = rule_text("setup_nobody", {}, "en")
        return refusal_page(request, server, SignInRefused(text, "setup_nobody", {}))
    context = {
        "email": newcomer.email, "fault": fault, "csrf": server.sessions.csrf_of(browser)
    }  # fmt: skip
    return server.plain(request, Page("sign_in_first.html", context, 403 if fault else 200))


def refusal_page(request: Request, server: PageServer, refused: SignInRefused) -> Response:
    """Why nobody was let in, with a code to tell and the next step."""
    language = l10n_of(request).language
    context = {
        "code": refused.rule.replace("_", "-"),
        "text": rule_text(refused.rule, refused.values, language),
        "here": elsewhere_in,
    }
    status = STATUSES[refused.rule.partition("_")[0]]
    return server.plain(request, Page("sign_in_refused.html", context, status))


def elsewhere_in(**changed: object) -> str:
    """Another language leads to the sign-in: an answer is taken only once."""
    return f"/sign-in?{urlencode(changed)}"


def door_name(request: Request) -> str:
    return f"{cookie_name(request)}_door"


def browser_of(request: Request) -> str:
    """The secret of a browser on its way through the provider; empty for any other."""
    return request.cookies.get(door_name(request), "")


def other_loopback(request: Request, callback_url: str) -> str | None:
    """This computer under the name that the provider leads back to: cookies know only names."""
    host = urlsplit(callback_url).hostname
    if host in LOOPBACK_HOSTS and is_plain_loopback(request) and request.url.hostname != host:
        return f"http://{urlsplit(callback_url).netloc}{START_PATH}"
    return None
