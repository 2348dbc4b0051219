"""From a request to a visit, and from whatever went wrong on the way to a page that says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import (
    STAFF_READER_ROLES,
    NotSignedIn,
    ReasonRequired,
    RoleForbids,
    SellerNotNamed,
    caller_of,
    ensure_staff_reader,
    seller_read_by,
    session_token,
)
from api.desk import Caller, Desk
from api.ids import inner_id, public_id
from api.l10n import mark
from api.languages import l10n_of, remembering
from api.log_text import broken_rules, suggested_action, title_of
from api.look_book import LookBook
from api.pages.docs_words import WHAT_TO_DO
from api.pages.page_frame import (
    Build,
    Page,
    PageFrame,
    StaffBuild,
    StaffVisit,
    Visit,
    page_headers,
    respond,
    stored,
)
from api.query_values import TEXT_LENGTH_MAX, Unreadable
from api.sessions import Sessions
from api.words import ROLES
from domain.errors import NotFound, Refusal, TicketRefused
from domain.texts import rule_text

PROJECTED_SECONDS_MAX = 3.0
PATH_LENGTH_MAX = 2_000
SEEN_LENGTH_MAX = 80

Refused = (
    NotSignedIn,
    SellerNotNamed,
    ReasonRequired,
    RoleForbids,
    Refusal,
    Unreadable,
)


ASKED = ("seller_id", "reason", "ticket")
"""What the form that asks staff sends itself."""
HEALTH = mark("Back to the health score")
ASKING = {"seller": "", "fault": None}


class PageServer:
    """Answers for the pages of one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.sessions = Sessions(desk.session_secret, desk.keys, desk.people, desk.clock)
        self.looks = LookBook(desk)
        self._frame = PageFrame(desk)

    async def show(self, request: Request, make: Build) -> Response:
        """The page that `make` builds, from the cache where nothing has changed."""
        try:
            visit = await self.visit(request)
            if says_why(visit):
                return RedirectResponse(visit.here(reason=None, ticket=None), 303)
        except Refused as refused:
            return self.refusal(request, refused)
        return await self.show_to(visit, make)

    async def show_to(self, visit: Visit, make: Build) -> Response:
        """The same, for a visit that was let in already."""
        request = visit.request
        try:
            kept, build = self._frame.kept(visit), self._frame.build
            status, page = (200, kept) if kept else await run_in_threadpool(build, visit, make)
        except Refused as refused:
            return self.refusal(request, refused)
        return remembering(request, respond(request, page, page_headers(visit.l10n), status))

    async def show_staff(self, request: Request, make: StaffBuild) -> Response:
        """A page across sellers, for staff."""
        try:
            caller = await self.caller(request)
        except Refused as refused:
            return self.refusal(request, refused)
        return await self.show_staff_to(request, caller, make)

    async def show_staff_to(self, request: Request, caller: Caller, make: StaffBuild) -> Response:
        """The same, for a caller that was let in already."""
        try:
            ensure_staff_reader(caller)
            visit = StaffVisit(
                request=request, l10n=l10n_of(request), now=self.desk.clock(), caller=caller,
                position=await self.desk.position_soon(),
                csrf=self.sessions.csrf_of(session_token(request)),
            )  # fmt: skip
            build = self._frame.build_for_staff
            status, page = await run_in_threadpool(build, visit, make)
        except Refused as refused:
            return self.refusal(request, refused)
        return remembering(request, respond(request, page, page_headers(visit.l10n), status))

    async def caller(self, request: Request) -> Caller:
        """Who reads, by session or key; a form acts through `poster_of`. Raises NotSignedIn."""
        if "authorization" in request.headers:
            holder = await run_in_threadpool(caller_of, request, self.desk, self.sessions)
            request.state.caller = holder
            return holder
        token = session_token(request)
        caller = self.sessions.known(token)
        caller = caller or await run_in_threadpool(self.sessions.caller_of, token)
        if caller is None:
            raise NotSignedIn
        return caller

    async def visit(self, request: Request) -> Visit:
        """Who reads what. Raises NotSignedIn, SellerNotNamed, RoleForbids, NotFound, Unreadable.

        And ReasonRequired where staff say no reason that is one.
        """
        caller = await self.caller(request)
        seller_id = seller_read_by(caller, seller_named_in(request))
        try:
            await self.looks.ensure_soon(request, caller, seller_id)
        except TicketRefused:
            raise ReasonRequired(seller_id, "ticket_look_reason") from None
        return await self.visit_to(request, caller, seller_id)

    async def visit_to(self, request: Request, caller: Caller, seller_id: UUID) -> Visit:
        """A visit of who may see this seller."""
        return Visit(
            request=request,
            l10n=l10n_of(request),
            now=self.desk.clock(),
            position=await self.desk.position_soon(),
            csrf=self.sessions.csrf_of(session_token(request)),
            caller=caller,
            seller_id=seller_id,
        )

    async def projected(self, position: int | None) -> None:
        """Wait briefly until the views show what was recorded at this position."""
        given_up_at = time.monotonic() + PROJECTED_SECONDS_MAX
        while await self.desk.position_soon() < (position or 0) and time.monotonic() < given_up_at:
            await asyncio.sleep(0.02)

    def is_still_allowed(self, visit: Visit) -> Callable[[], bool]:
        """Whether session and key are still good and staff's look lasts, asked now and then."""

        def is_allowed() -> bool:
            try:
                caller = caller_of(visit.request, self.desk, self.sessions, is_use=False)
            except NotSignedIn:
                return False
            return self.looks.is_open(caller, visit.seller_id)

        return is_allowed

    def plain(self, request: Request, page: Page, visit: StaffVisit | None = None) -> Response:
        """A page outside the frame of a seller, such as the sign-in; staff's own with `visit`."""
        l10n = l10n_of(request)
        params = {
            name: text for name, text in request.query_params.items()
            if len(text) <= TEXT_LENGTH_MAX
        }  # fmt: skip
        frame = {
            **({"visit": visit} if visit else {}),
            "path": request.url.path,
            "kept": {name: text for name, text in params.items() if name not in ASKED},
            "here": lambda **changed: f"{request.url.path}?{urlencode({**params, **changed})}",
        }
        made = stored(self._frame.render(page, l10n, frame))
        headers = page_headers(l10n) | {"Cache-Control": "no-store"}
        return remembering(request, respond(request, made, headers, page.status))

    def refusal(self, request: Request, refused: Exception) -> Response:
        """The page, or the way to the page, for what was refused."""
        match refused:
            case NotSignedIn():
                return RedirectResponse(self.way_in(request), 303)
            case SellerNotNamed():
                return self.ask_seller(request, Page("ask_seller.html", ASKING))
            case ReasonRequired():
                rule = refused.rule and rule_text(refused.rule, {}, l10n_of(request).language)
                asking = {"seller": public_id("sel", refused.seller_id), "fault": rule}
                return self.ask_seller(request, Page("ask_seller.html", asking, 403))
            case RoleForbids():
                allowed = [l10n_of(request).text(ROLES[role]) for role in refused.roles]
                title = mark("Your role may not do this")
                return self.problem(request, 403, title=title, allowed=allowed)
            case NotFound():
                return self.problem(request, 404, title=mark("Not found"))
            case Refusal():
                language = l10n_of(request).language
                return self.problem(
                    request, 409, title=mark("This was refused"), code=refused.code,
                    code_title=title_of(refused.code, language),
                    code_action=suggested_action(refused.code, language),
                    broken=broken_rules(refused.fields.get("rules", {}), language),
                    changed_by=refused.fields.get("changed_by"),
                )  # fmt: skip
            case Unreadable():
                return self.unreadable(request, refused)
            case _:
                raise refused

    def ask_seller(self, request: Request, page: Page) -> Response:
        """In staff's frame where it is known whose it is."""
        caller = self.seen(request)
        if caller is None:
            return self.plain(request, page)
        visit = StaffVisit(
            request=request, l10n=l10n_of(request), now=self.desk.clock(), caller=caller,
            position=None, csrf=self.sessions.csrf_of(session_token(request)),
        )  # fmt: skip
        return self.plain(request, page, visit)

    def seen(self, request: Request) -> Caller | None:
        """Who asks, as far as it is known without a look-up; only to lead them on."""
        held: Caller | None = getattr(request.state, "caller", None)
        return held or self.sessions.seen(session_token(request))

    def home_of(self, request: Request) -> tuple[str, str]:
        """Where whoever met a problem goes on, and the words of that link."""
        caller = self.seen(request)
        if caller is not None and is_staff(caller):
            return "/tickets", mark("Go to the tickets")
        is_stranger = not session_token(request) and "authorization" not in request.headers
        return ("/sign-in", mark("Sign in")) if is_stranger else ("/", HEALTH)

    def way_in(self, request: Request) -> str:
        """The sign-in that leads back here; from a form, to the page that it stood on."""
        if request.method == "GET":
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return f"/sign-in?{urlencode({'next': here})}"
        request.state.is_unsent = True
        return f"/sign-in?{urlencode({'next': page_before(request), 'sent': 'no'})}"

    def unreadable(self, request: Request, refused: Unreadable) -> Response:
        """Which part of the address can't be read, what to mend, and the way on without it."""
        given = request.query_params.multi_items()
        named = [name for name, text in given if text.strip() == refused.text.strip()]
        kept = [(name, text) for name, text in given if name not in named]
        onward = f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path
        return self.problem(
            request, 400, title=mark("The address can't be read"), mend=refused.rule,
            named=", ".join(dict.fromkeys(named)), seen=shortened(refused.text), onward=onward,
        )  # fmt: skip

    def problem_page(self, request: Request, body: Mapping[str, Any]) -> Response:
        """What `api.problems` says to programs, as a reader is told it."""
        l10n, code = l10n_of(request), body["code"]
        action = suggested_action(code, l10n.language) or l10n.text(WHAT_TO_DO[code])
        faults = [each["detail"] for each in body.get("errors", ())]
        return self.problem(
            request, body["status"], title=body["title"], told=[*faults, action],
            request_id=body["request_id"],
        )  # fmt: skip

    def problem(self, request: Request, status: int, **context: object) -> Response:
        home = self.home_of(request)
        shown = {"status": status, "home": home, **context}
        return self.plain(request, Page("problem.html", shown, status))


def is_staff(caller: Caller) -> bool:
    return caller.seller_id is None and caller.role in STAFF_READER_ROLES


def local_path(text: str) -> str:
    """The path to go on to; home for anything that could lead to another site."""
    is_local = text.startswith("/") and not text.startswith("//") and text.isprintable()
    return text if is_local and "\\" not in text and len(text) <= PATH_LENGTH_MAX else "/"


def page_before(request: Request) -> str:
    """The page of ours whose form this is, as the browser names it; home where it does not."""
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    if (before.scheme, before.netloc) != (request.url.scheme, request.url.netloc):
        return "/"
    return local_path(before._replace(scheme="", netloc="", fragment="").geturl())


def shortened(text: str) -> str:
    return text if len(text) <= SEEN_LENGTH_MAX else f"{text[:SEEN_LENGTH_MAX]}…"


def says_why(visit: Visit) -> bool:
    """Staff's reason is in the address: it is recorded, and goes on into no other address."""
    query = visit.request.query_params
    return visit.caller.seller_id is None and bool({"reason", "ticket"} & set(query))


def seller_named_in(request: Request) -> UUID | None:
    """The seller that staff name. Raises NotFound for text that is no seller's id."""
    named = request.query_params.get("seller_id", "").strip()
    return inner_id("sel", named) if named else None
