"""Addresses of the ticket pages: lists, one ticket, and what their forms send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from api.auth import (
    OWN_SELLER_ROLES,
    poster_of,
    seller_read_by,
    seller_written_by,
)
from api.desk import Caller
from api.form_length import ensure_length
from api.ids import inner_id, public_id
from api.languages import l10n_of
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.pages.ticket_view import form_again, staff_page, ticket_page_of, tickets_page
from api.query_values import number_in, place_in
from api.ticket_opening import Asking, open_from
from api.tickets import Decide, ensure_staff, handed_over, replied, seller_of
from domain.errors import EvidenceRefused, TicketRefused
from domain.evidence import SIZE_BYTES_MAX
from domain.stamps import Work
from domain.ticket import Cause, decisions
from domain.tickets import Changed, change_ticket, get_ticket

FORM_BYTES_MAX = SIZE_BYTES_MAX + 256 * 1024
FORM_FIELDS = frozenset({"asin", "subject", "text", "screenshot"})


def add_ticket_pages(router: APIRouter, server: PageServer) -> None:
    """Everything under /tickets."""

    @router.get("/tickets")
    async def list_(request: Request) -> Response:
        try:
            caller = await server.caller(request)
        except Refused as refused:
            return server.refusal(request, refused)
        if caller.seller_id is None and caller.role not in OWN_SELLER_ROLES:
            return await server.show_staff(request, staff_page)
        return await server.show(request, tickets_page)

    @router.get("/tickets/{ticket_id}")
    async def show(request: Request, ticket_id: str) -> Response:
        try:
            caller = await server.caller(request)
            inner = inner_id("tkt", ticket_id)
            seller_id = await run_in_threadpool(entered, server, caller, inner)
            ticket = await run_in_threadpool(get_ticket, server.desk.app, seller_id, inner)
            visit = await server.visit_to(request, caller, seller_id)
        except Refused as refused:
            return server.refusal(request, refused)
        return await server.show_to(visit, ticket_page_of(ticket))

    @router.post("/tickets")
    async def open_(request: Request) -> Response:
        return await sent(request, server, None)

    @router.post("/tickets/{ticket_id}")
    async def change(request: Request, ticket_id: str) -> Response:
        return await sent(request, server, ticket_id)


def entered(server: PageServer, caller: Caller, ticket_id: UUID) -> UUID:
    """The ticket's seller; staff look at it through this ticket. Raises NotFound, RoleForbids."""
    seller_id = seller_of(server.desk, caller, ticket_id)
    server.looks.through_ticket(caller, seller_id, ticket_id)
    return seller_id


async def sent(request: Request, server: PageServer, ticket_id: str | None) -> Response:
    """Do what a form asks, and go to the ticket's page once the lists have it."""
    ensure_length(request, FORM_BYTES_MAX)
    async with request.form(max_files=1, max_fields=20) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("screenshot")
        content = await file.read(SIZE_BYTES_MAX + 1) if isinstance(file, UploadFile) else b""
        has_file = isinstance(file, UploadFile) and bool(file.filename)
    screenshot = content if has_file else None
    try:
        caller = await run_in_threadpool(
            poster_of, request, fields.get("csrf", ""), server.sessions
        )
        done = await run_in_threadpool(
            acted, request, server, caller, ticket_id, fields, screenshot
        )
    except Refused as refused:
        rules = rules_of_form(refused) if ticket_id is None else {}
        if not rules:
            return server.refusal(request, refused)
        visit = await server.visit_to(request, caller, seller_read_by(caller, None))
        make = form_again(asking_of(fields, None), key_of(fields), rules)
        return await server.show_to(visit, make)
    await server.projected(done.position)
    return RedirectResponse(f"/tickets/{public_id('tkt', done.ticket.ticket_id)}", 303)


def rules_of_form(refused: Exception) -> Mapping[str, str]:
    """The rule that each field of the form breaks; empty where that is not why."""
    if not isinstance(refused, TicketRefused | EvidenceRefused):
        return {}
    rules: Mapping[str, str] = refused.fields.get("rules", {})
    return rules if rules.keys() <= FORM_FIELDS else {}


def key_of(fields: Mapping[str, str]) -> str:
    """What makes a form that is sent twice the same ticket."""
    return fields.get("key", "")[:64] or uuid4().hex


def acted(
    request: Request,
    server: PageServer,
    caller: Caller,
    ticket_id: str | None,
    fields: Mapping[str, str],
    screenshot: bytes | None,
) -> Changed:
    """Record what was asked for. Raises the refusals."""
    desk = server.desk
    work = Work(desk.clock, caller.actor, uuid4())
    if ticket_id is None:
        seller_id = seller_written_by(caller, seller_named_in(request))
        asking = asking_of(fields, screenshot)
        return open_from(desk, seller_id, asking, key_of(fields), work, l10n_of(request))
    inner = inner_id("tkt", ticket_id)
    seller_id = entered(server, caller, inner)
    decide = decided(server, caller, fields, work)
    version = number_in(fields.get("version")) or 0
    is_staff = caller.seller_id is None
    return change_ticket(desk.app, seller_id, inner, version, decide, is_staff=is_staff)


def asking_of(fields: Mapping[str, str], screenshot: bytes | None) -> Asking:
    """Raises Unreadable for a line that is none."""
    position, number = place_in(fields.get("log")) or (None, None)
    return Asking(
        subject=fields.get("subject", ""), text=fields.get("text", ""), log_position=position,
        log_number=number, asin=fields.get("asin"), screenshot=screenshot,
    )  # fmt: skip


def decided(server: PageServer, caller: Caller, fields: Mapping[str, str], work: Work) -> Decide:
    """The decision that the form's action asks for. Raises RoleForbids, TicketRefused."""
    text = fields.get("text", "")
    match fields.get("action"):
        case "note":
            return replied(caller, text, work.stamp(), is_internal=True)
        case "hand-over":
            ensure_staff(caller)
            return handed_over(server.desk, fields.get("to", ""), text, work.stamp())
        case "resolve":
            ensure_staff(caller)
            cause = next((each for each in get_args(Cause) if each == fields.get("cause")), None)
            if cause is None:
                raise TicketRefused("cause", rules={"cause": "ticket_cause"})
            command = decisions.Resolve(stamp=work.stamp(), cause=cause, text=text)
            return lambda it: decisions.resolve(it, command)
        case _:
            return replied(caller, text, work.stamp(), is_internal=False)
