"""What every JSON route needs of its request: caller, seller, language, version, position."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.auth import (
    REVIEWER_ROLES,
    NotSignedIn,
    RoleForbids,
    bearer_key,
    caller_of,
    seller_read_by,
    seller_written_by,
)
from api.desk import Caller, Desk
from api.idempotency import ensure_new
from api.ids import inner_id
from api.l10n import L10n
from api.languages import l10n_of
from api.look_book import LookBook
from api.problems import PreconditionRequired
from api.rate_limits import spend_soon
from api.sessions import Sessions
from domain.errors import NotFound, PositionRefused, TextRefused
from domain.seller import Seller
from domain.stamps import Work

WAIT_SECONDS = 2.0
WAIT_STEP_SECONDS = 0.01
_POSITION = re.compile(r"[0-9]{1,18}")
_ETAG = re.compile(r'(?:W/)?"v([0-9]{1,18})"')


@dataclass(frozen=True)
class Visit:
    """One request, once it is known who asks for which seller."""

    request: Request
    desk: Desk
    caller: Caller
    seller_id: UUID

    @property
    def l10n(self) -> L10n:
        return l10n_of(self.request)

    def work(self) -> Work:
        """The piece of work that this request asks for; X-Request-ID may name it."""
        return Work(self.desk.clock, self.caller.actor, correlation_of(self.request))

    def seller(self) -> Seller:
        return self.desk.app.seller(self.seller_id)

    def expected_version(self) -> int:
        """The version that the caller saw. Raises PreconditionRequired without If-Match."""
        if (version := version_named(self.request)) is None:
            raise PreconditionRequired
        return version


def version_named(request: Request) -> int | None:
    """The version in If-Match; None without one. Raises PreconditionRequired for another form."""
    given = request.headers.get("if-match")
    form = _ETAG.fullmatch(given or "")
    if given is not None and form is None:
        raise PreconditionRequired
    return int(form[1]) if form else None


def tagged(request: Request, response: Response, version: int, answer: Any) -> Any:
    """The answer with its ETag; 304 where the caller holds this version already."""
    etag = f'"v{version}"'
    headers = {"ETag": etag}
    held = request.headers.get("if-none-match", "").split(",")
    if {etag, "*"} & {each.strip().removeprefix("W/") for each in held}:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return answer


def correlation_of(request: Request) -> UUID:
    try:
        return UUID(request.headers.get("x-request-id", ""))
    except ValueError:
        return uuid4()


async def ensure_text(request: Request) -> None:
    """No route looks for what no column can hold. Raises TextRefused, NotFound."""
    if any("\0" in str(value) for value in request.path_params.values()):
        raise NotFound("no such thing")
    for name, value in request.query_params.multi_items():
        if "\0" in name + value:
            raise TextRefused(f"{name} holds a NUL", rules={name: "text_with_nul"})


@dataclass(frozen=True)
class Reception:
    """Lets requests in: who they are, and that the views have reached what they must see."""

    desk: Desk
    sessions: Sessions
    looks: LookBook

    def reading(self, request: Request) -> Visit:
        """A request that reads. Raises NotSignedIn, SellerNotNamed, NotFound, ReasonRequired."""
        caller = caller_of(request, self.desk, self.sessions)
        visit = self.visit(request, caller, named_seller(request))
        self.wait_for(request)
        return visit

    def visit(self, request: Request, caller: Caller, named: UUID | None) -> Visit:
        """A look at the seller that is named. Raises SellerNotNamed, NotFound, ReasonRequired."""
        seller_id = seller_read_by(caller, named)
        self.looks.ensure(request, caller, seller_id)
        return Visit(request, self.desk, caller, seller_id)

    async def reading_soon(self, request: Request) -> Visit:
        """Like `reading`; stays in the event loop where everything needed is in memory."""
        caller = self.desk.keys.known(bearer_key(request) or "")
        is_asked = caller is None or "at_position" in request.query_params
        if caller is None or is_asked or not spend_soon(request, self.desk, caller):
            return await run_in_threadpool(self.reading, request)
        seller_id = seller_read_by(caller, named_seller(request))
        await self.looks.ensure_soon(request, caller, seller_id)
        return Visit(request, self.desk, caller, seller_id)

    def writing(self, request: Request) -> Visit:
        """A request that acts for a seller. Raises also RoleForbids."""
        caller = caller_of(request, self.desk, self.sessions)
        seller_id = seller_written_by(caller, named_seller(request))
        ensure_new(request, self.desk, caller, seller_id)
        return Visit(request, self.desk, caller, seller_id)

    def reviewing(self, request: Request) -> Visit:
        """A reviewer acting on the seller it names. Raises RoleForbids, and as `visit` does."""
        caller = caller_of(request, self.desk, self.sessions)
        if caller.role not in REVIEWER_ROLES:
            raise RoleForbids(REVIEWER_ROLES)
        visit = self.visit(request, caller, named_seller(request))
        ensure_new(request, self.desk, caller, visit.seller_id)
        return visit

    def is_still_allowed(self, visit: Visit) -> Callable[[], bool]:
        """Whether the key, or the session, still opens this, and staff's look lasts."""

        def is_allowed() -> bool:
            try:
                caller = caller_of(visit.request, self.desk, self.sessions, is_use=False)
            except NotSignedIn:
                return False
            return self.looks.is_open(caller, visit.seller_id)

        return is_allowed

    def wait_for(self, request: Request) -> None:
        """Read your own write: wait briefly until the views reflect `at_position`.

        Raises PositionRefused for one that no answer can have told.
        """
        wanted = request.query_params.get("at_position", "")
        position = int(wanted) if _POSITION.fullmatch(wanted) else 0
        if position > self.desk.position() and not self.desk.is_recorded(position):
            rules = {"at_position": "position_to_come"}
            raise PositionRefused(f"the log has not come to {position}", rules=rules)
        ends_at = time.monotonic() + WAIT_SECONDS
        while self.desk.position() < position:
            if time.monotonic() > ends_at:
                return
            time.sleep(WAIT_STEP_SECONDS)


def named_seller(request: Request) -> UUID | None:
    named = request.query_params.get("seller_id")
    return inner_id("sel", named) if named else None


def page_answer(
    request: Request, response: Response, items: list[Any], cursor: str | None, position: int
) -> dict[str, Any]:
    """A page of a list, with the way to the next one in body and `Link` header."""
    if cursor:
        url = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return {"items": items, "next_cursor": cursor, "position": position}
