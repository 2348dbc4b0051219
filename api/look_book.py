"""Whether staff may look at a seller now: for a stated reason or a ticket, asked at every request.

A request says why with `Access-Reason`, `reason=` or `ticket=`, or a look was opened before. The
log holds the looks; their ends are kept here, so that a page costs no look-up for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote
from uuid import UUID, uuid4

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.auth import READING_METHODS, ReasonRequired
from api.desk import Caller, Desk
from api.ids import inner_id, public_id
from domain import looks
from domain.application import acting_for
from domain.errors import NotFound
from domain.stamps import Work
from domain.tickets import get_ticket
from domain.values import PLATFORM_ID
from projections import audit_trail

HEADER = "access-reason"
REMEMBERED_MAX = 10_000


class Asked(NamedTuple):
    """Why a request looks at a seller: a reason in words, or a ticket's id as the outside sees it.

    Both are None where it does not say.
    """

    reason: str | None = None
    ticket: str | None = None


class LookBook:
    """The looks that are open, as far as this process knows; the log knows the rest."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._until: dict[tuple[str, UUID], datetime] = {}
        self._recorded: dict[tuple[str, UUID, Asked], datetime] = {}

    def ensure(self, request: Request, caller: Caller, seller_id: UUID) -> None:
        """Let the caller's look pass, recording what it says. Raises ReasonRequired, NotFound.

        A seller's own key needs no look, and neither do rows that belong to no seller.
        """
        if caller.seller_id is not None or seller_id == PLATFORM_ID:
            return
        asked = asked_by(request)
        if asked != Asked() and not self._is_recorded(caller, seller_id, asked):
            self.open(caller, seller_id, asked)
        elif not self.is_open(caller, seller_id):
            raise ReasonRequired(seller_id)

    def through_ticket(self, caller: Caller, seller_id: UUID, ticket_id: UUID) -> None:
        """Staff who open a ticket look at its seller for it. Raises NotFound."""
        asked = Asked(None, public_id("tkt", ticket_id))
        if caller.seller_id is None and not self._is_recorded(caller, seller_id, asked):
            self.open(caller, seller_id, asked)

    async def ensure_soon(self, request: Request, caller: Caller, seller_id: UUID) -> None:
        """Like `ensure`; stays in the event loop where the look is known."""
        if caller.seller_id is not None:
            return
        asked = asked_by(request)
        if asked == Asked() and self._is_known(caller, seller_id):
            return
        await run_in_threadpool(self.ensure, request, caller, seller_id)

    def is_open(self, caller: Caller, seller_id: UUID) -> bool:
        """True for a seller's own key, and while a look of this key lasts."""
        if caller.seller_id is not None or self._is_known(caller, seller_id):
            return True
        until = looks.looks_of(self._desk.app, seller_id, caller.key_id).until()
        if until is None or until <= self._desk.clock():
            return False
        self._remember(caller, seller_id, until)
        return True

    def open(self, caller: Caller, seller_id: UUID, asked: Asked) -> tuple[datetime, int | None]:
        """Record the look; return its end and position. Raises TicketRefused, NotFound."""
        ticket_id = inner_id("tkt", asked.ticket) if asked.ticket else None
        if ticket_id is not None:
            get_ticket(self._desk.app, seller_id, ticket_id)
        else:
            self._ensure_known(seller_id)
        work = Work(self._desk.clock, caller.actor, uuid4())
        reason = None if ticket_id else asked.reason
        until, position = looks.look(
            self._desk.app, seller_id, (caller.key_id, caller.role), (reason, ticket_id), work
        )
        self._remember(caller, seller_id, until)
        self._recorded[caller.key_id, seller_id, asked] = until
        return until, position

    def _ensure_known(self, seller_id: UUID) -> None:
        """Raises NotFound for a seller that nothing ever happened to."""
        with acting_for(seller_id):
            if self._desk.app.facts_of(seller_id):
                return
        with self._desk.reading_for(seller_id) as connection:
            if not audit_trail.page(connection, audit_trail.Filter(), limit=1):
                raise NotFound("no such seller")

    def _is_known(self, caller: Caller, seller_id: UUID) -> bool:
        until = self._until.get((caller.key_id, seller_id))
        return until is not None and self._desk.clock() < until

    def _is_recorded(self, caller: Caller, seller_id: UUID, asked: Asked) -> bool:
        until = self._recorded.get((caller.key_id, seller_id, asked))
        return until is not None and self._desk.clock() < until

    def _remember(self, caller: Caller, seller_id: UUID, until: datetime) -> None:
        if len(self._until) >= REMEMBERED_MAX or len(self._recorded) >= REMEMBERED_MAX:
            self._until.clear()
            self._recorded.clear()
        self._until[caller.key_id, seller_id] = until


def asked_by(request: Request) -> Asked:
    """What the request says. The query counts where something is read: there it means nothing else.

    The header may be percent-encoded UTF-8, so that it holds any language.
    """
    stated = unquote(request.headers.get(HEADER, "")) or None
    if request.method not in READING_METHODS:
        return Asked(stated)
    query = request.query_params
    if ticket := query.get("ticket", "").strip():
        return Asked(None, ticket)
    return Asked(query.get("reason", "").strip() or stated)
