"""JSON routes of tickets: a seller asks, staff answer, hand over and resolve; lists and figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.auth import OWN_SELLER_ROLES, RoleForbids, caller_of, ensure_staff_reader, seller_read_by
from api.desk import Caller, Desk
from api.idempotency import ensure_new
from api.ids import inner_id, public_id
from api.openapi_extras import IF_MATCH, json_body
from api.paging import cursor_after, place_after
from api.requests import Reception, Visit, named_seller, page_answer, tagged
from api.ticket_answers import (
    around_answer,
    figures_answer,
    row_answer,
    subjects_of,
    ticket_answer,
    version_of,
)
from api.ticket_opening import Asking, open_from
from domain.application import acting_for
from domain.errors import NotFound, TicketRefused
from domain.evidence import SIZE_BYTES_MAX
from domain.facts import Stamp
from domain.seller import Role
from domain.ticket import Cause, Ticket, TicketFact, decisions
from domain.tickets import change_ticket, get_ticket
from projections import tickets
from projections.tickets import Place, StaffList

TICKET_ROLES: tuple[Role, ...] = ("support", "reviewer", "admin")
"""These of staff answer tickets; an auditor reads them."""
GROUPS = ("support", "reviewer", "engineering")
OPENING = {"asin": "B0EXAMPLE1", "subject": "Suspended", "text": "Why was it suspended?"}
TEXT_BYTES_MAX = 200_000
EXTENSIONS = {
    "application/json": "json", "text/csv": "csv", "image/png": "png", "image/jpeg": "jpg",
    "application/pdf": "pdf",
}  # fmt: skip
Days = Query(30, ge=1, le=366, description="How far back.")
_KEY_ID = re.compile(r"[0-9a-f]{12}")


class OpenBody(BaseModel):
    """A line of the sync log or an ASIN, if it is about one, and the words.

    Without words, those of the failed line are taken.
    """

    log_position: int | None = Field(None, ge=1, le=2**62)
    log_number: int | None = Field(None, ge=0, le=999_999)
    asin: str | None = Field(None, max_length=40)
    subject: str = Field("", max_length=TEXT_BYTES_MAX)
    text: str = Field("", max_length=TEXT_BYTES_MAX)


class ReplyBody(BaseModel):
    """What is said; internal is for staff only, and no answer."""

    text: str = Field(max_length=TEXT_BYTES_MAX)
    is_internal: bool = Field(False, strict=True)


class HandOverBody(BaseModel):
    """support, reviewer, engineering or the id of a key, and why."""

    to: str = Field(max_length=60)
    reason: str = Field(max_length=TEXT_BYTES_MAX)


class ResolutionBody(BaseModel):
    """What the cause was, and what the seller is told."""

    cause: Cause
    text: str = Field(max_length=TEXT_BYTES_MAX)


def build_tickets(reception: Reception) -> APIRouter:
    """Routes under /tickets."""
    router = APIRouter(prefix="/tickets", tags=["tickets"])

    @router.post("", status_code=201, openapi_extra=json_body(OPENING))
    async def open_(request: Request, response: Response) -> Any:
        """Ask for help (JSON `{log_position?, log_number?, asin?, subject?, text?}`, or multipart
        with `screenshot`, a PNG or JPEG ≤ 10 MB). The log excerpt and the failure report are
        attached by themselves. The first answer is due in 72 hours. `Idempotency-Key`: once.
        """
        fields, screenshot = await sent_by(request)
        return await run_in_threadpool(opened, reception, request, response, fields, screenshot)

    add_lists(router, reception)

    @router.get("/{ticket_id}")
    def show(request: Request, response: Response, ticket_id: str) -> Any:
        """The ticket with its conversation, attachments and clock.

        For staff also their notes, the binding's history and the ten events before the failure;
        reading it is a look at the seller through this ticket, and recorded as one.
        """
        visit, ticket = ticket_seen(reception, request, ticket_id)
        answer = {**shown(visit, response, ticket), "position": visit.desk.position()}
        if is_staff(visit):
            answer |= around_answer(visit.desk, visit.seller_id, ticket)
        return tagged(request, response, answer["version"], answer)

    @router.get("/{ticket_id}/attachments/{sha256}")
    def attachment(request: Request, ticket_id: str, sha256: str) -> Response:
        """A file that goes with the ticket."""
        visit, ticket = ticket_seen(reception, request, ticket_id)
        return attachment_answer(visit.desk, visit.seller_id, ticket, sha256)

    add_writing(router, reception)
    return router


def add_lists(router: APIRouter, reception: Reception) -> None:
    """What there is, and how soon help came."""

    @router.get("")
    def list_(
        request: Request,
        response: Response,
        which: StaffList = Query("due", alias="list"),
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """A seller's tickets, newest first. For staff a list across sellers, by when they are due.

        `due` is all that is unresolved, `at_risk` unanswered with less than 24 hours left. Staff's
        list needs no look: it shows ids, codes and times, and nothing that a seller said.
        """
        caller = caller_of(request, reception.desk, reception.sessions)
        reception.wait_for(request)
        if caller.seller_id is None and named_seller(request) is None:
            ensure_staff_reader(caller)
            return staff_page(reception.desk, request, response, which, limit)
        visit = reception.reading(request)
        place = place_after(request, visit.seller_id, 1)
        before = place[0] if place else None
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = tickets.page(connection, before=before, limit=limit)
        with acting_for(visit.seller_id):
            subjects = subjects_of(visit.desk, rows)
        now = visit.desk.clock()
        items = [{**row_answer(row, now), "subject": subjects.get(row.ticket_id)} for row in rows]
        following = None
        if len(rows) == limit:
            following = cursor_after(request, visit.seller_id, rows[-1].opened_position)
        return page_answer(request, response, items, following, visit.desk.position())

    @router.get("/figures")
    def figures(request: Request, days: int = Days) -> Any:
        """Mean and 90th percentile of the seconds to solution and first answer, share in time.

        Over one's own tickets; for staff over every seller's, without a look.
        """
        desk = reception.desk
        caller = caller_of(request, desk, reception.sessions)
        now = desk.clock()
        since, position = now - timedelta(days=days), desk.position()
        if caller.seller_id is None and named_seller(request) is None:
            ensure_staff_reader(caller)
            with desk.reading_for_staff() as connection:
                return figures_answer(tickets.figures(connection, since, now), days, position)
        visit = reception.reading(request)
        with desk.reading_for(visit.seller_id) as connection:
            return figures_answer(tickets.figures(connection, since, now), days, position)


def add_writing(router: APIRouter, reception: Reception) -> None:
    """What is said and done; each needs If-Match with the version that was seen."""

    @router.post("/{ticket_id}/replies", status_code=202, openapi_extra=IF_MATCH)
    def reply(request: Request, response: Response, ticket_id: str, body: ReplyBody) -> Any:
        """Say something; staff's first answers, a seller's within 14 days opens it anew."""
        visit, inner = ticket_visit(reception, request, ticket_id)
        stamp = visit.work().stamp()
        decide = replied(visit.caller, body.text, stamp, is_internal=body.is_internal)
        return changed(visit, response, inner, decide)

    @router.post("/{ticket_id}/hand-over", status_code=202, openapi_extra=IF_MATCH)
    def hand_over(request: Request, response: Response, ticket_id: str, body: HandOverBody) -> Any:
        """Another group or person of staff goes on with it; the reason stays with staff."""
        visit, inner = ticket_visit(reception, request, ticket_id)
        ensure_staff(visit.caller)
        decide = handed_over(visit.desk, body.to, body.reason, visit.work().stamp())
        return changed(visit, response, inner, decide)

    @router.post("/{ticket_id}/resolution", status_code=202, openapi_extra=IF_MATCH)
    def resolve(request: Request, response: Response, ticket_id: str, body: ResolutionBody) -> Any:
        """Settle it with a cause: seller_data, amazon, mercari, asin_sync, unclear, duplicate."""
        visit, inner = ticket_visit(reception, request, ticket_id)
        ensure_staff(visit.caller)
        command = decisions.Resolve(stamp=visit.work().stamp(), cause=body.cause, text=body.text)
        return changed(visit, response, inner, lambda it: decisions.resolve(it, command))


Decide = Callable[[Ticket], Sequence[TicketFact]]


def replied(caller: Caller, text: str, stamp: Stamp, *, is_internal: bool) -> Decide:
    """A note of staff, or a reply of either side. Raises RoleForbids for who only reads."""
    if is_internal:
        ensure_staff(caller)
        return lambda it: decisions.add_note(it, decisions.AddNote(stamp=stamp, text=text))
    is_from_staff = caller.seller_id is None
    if is_from_staff:
        ensure_staff(caller)
    elif caller.role not in OWN_SELLER_ROLES:
        raise RoleForbids(OWN_SELLER_ROLES)
    command = decisions.Reply(stamp=stamp, text=text, is_from_staff=is_from_staff)
    return lambda it: decisions.reply(it, command)


def handed_over(desk: Desk, to: str, reason: str, stamp: Stamp) -> Decide:
    """Raises TicketRefused for nobody of staff."""
    if to not in GROUPS:
        holder = desk.keys.by_id(to) if _KEY_ID.fullmatch(to) else None
        if holder is None or holder.seller_id is not None or holder.role not in TICKET_ROLES:
            raise TicketRefused(f"to {to[:40]!r}", rules={"to": "ticket_to"})
    command = decisions.HandOver(stamp=stamp, to=to, reason=reason)
    return lambda it: decisions.hand_over(it, command)


def is_staff(visit: Visit) -> bool:
    return visit.caller.seller_id is None


def ensure_staff(caller: Caller) -> None:
    """Raises RoleForbids for whoever does not answer tickets."""
    if caller.seller_id is not None or caller.role not in TICKET_ROLES:
        raise RoleForbids(TICKET_ROLES)


def ticket_visit(reception: Reception, request: Request, ticket_id: str) -> tuple[Visit, UUID]:
    """A visit to the ticket's seller; staff come through the ticket. Raises NotFound."""
    caller = caller_of(request, reception.desk, reception.sessions)
    reception.wait_for(request)
    inner = inner_id("tkt", ticket_id)
    seller_id = seller_of(reception.desk, caller, inner)
    reception.looks.through_ticket(caller, seller_id, inner)
    ensure_new(request, reception.desk, caller, seller_id)
    return Visit(request, reception.desk, caller, seller_id), inner


def seller_of(desk: Desk, caller: Caller, ticket_id: UUID) -> UUID:
    """Whose ticket it is, as far as the caller may know. Raises NotFound, RoleForbids."""
    if caller.seller_id is not None or caller.role in OWN_SELLER_ROLES:
        return seller_read_by(caller, None)
    with desk.reading_for_staff() as connection:
        row = tickets.one(connection, ticket_id)
    if row is None:
        raise NotFound("no such ticket")
    return row.seller_id


def ticket_seen(reception: Reception, request: Request, ticket_id: str) -> tuple[Visit, Ticket]:
    visit, inner = ticket_visit(reception, request, ticket_id)
    return visit, get_ticket(visit.desk.app, visit.seller_id, inner)


def shown(visit: Visit, response: Response, ticket: Ticket) -> dict[str, Any]:
    """The ticket for this reader, with its ETag."""
    for_staff = is_staff(visit)
    response.headers["ETag"] = f'"v{version_of(ticket, is_staff=for_staff)}"'
    response.headers["Cache-Control"] = "no-store"
    return ticket_answer(ticket, visit.seller_id, visit.desk.clock(), is_staff=for_staff)


def changed(visit: Visit, response: Response, ticket_id: UUID, decide: Decide) -> dict[str, Any]:
    """Record the decision; the answer says from which position on the lists show it."""
    ticket, position = change_ticket(
        visit.desk.app, visit.seller_id, ticket_id, visit.expected_version(), decide,
        is_staff=is_staff(visit),
    )  # fmt: skip
    return {
        **shown(visit, response, ticket),
        "position": position or visit.desk.position(),
    }


async def sent_by(request: Request) -> tuple[OpenBody, bytes | None]:
    """The fields of a ticket, by JSON or form. Raises RequestValidationError."""
    content: bytes | None = None
    sent: Any
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=10) as form:
            sent = {name: value for name, value in form.items() if isinstance(value, str) and value}
            file = form.get("screenshot")
            if isinstance(file, UploadFile):
                content = await file.read(SIZE_BYTES_MAX + 1)
    else:
        sent = await request.body()
    try:
        if isinstance(sent, bytes):
            return OpenBody.model_validate_json(sent), None
        return OpenBody.model_validate(sent), content
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found) from None


def opened(
    reception: Reception,
    request: Request,
    response: Response,
    body: OpenBody,
    screenshot: bytes | None,
) -> dict[str, Any]:
    """Open it. Raises TicketRefused, EvidenceRefused, RoleForbids."""
    visit = reception.writing(request)
    asking = Asking(**body.model_dump(), screenshot=screenshot)
    ticket, position = open_from(
        visit.desk, visit.seller_id, asking, uuid4().hex, visit.work(), visit.l10n
    )
    response.headers["Location"] = f"/v1/tickets/{public_id('tkt', ticket.ticket_id)}"
    return {
        **shown(visit, response, ticket),
        "position": position or visit.desk.position(),
    }


def staff_page(
    desk: Desk,
    request: Request,
    response: Response,
    which: StaffList,
    limit: int,
) -> dict[str, Any]:
    """A list across sellers."""
    now = desk.clock()
    place = place_after(request, None, 3)
    after = Place(bool(place[0]), moment_of(place[1]), place[2]) if place else None
    with desk.reading_for_staff() as connection:
        rows = tickets.listed(connection, which, now, after=after, limit=limit)
        counts = tickets.counts(connection, now)
    following = None
    if len(rows) == limit:
        last = tickets.place_of(rows[-1])
        following = cursor_after(
            request, None, int(last.was_answered), micros_of(last.due), last.place
        )
    items = [row_answer(row, now) for row in rows]
    return {
        **page_answer(request, response, items, following, desk.position()),
        "counts": counts,
    }


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros_of(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """Clipped to what can be a time."""
    return EPOCH + timedelta(microseconds=min(max(micros, 0), 10**17))


def attachment_answer(desk: Desk, seller_id: UUID, ticket: Ticket, sha256: str) -> Response:
    """The file as it was filed. Raises NotFound for one that is not this ticket's, or erased."""
    attached = ticket.attachment(sha256)
    kept = desk.evidence(seller_id, sha256) if attached else None
    if attached is None or kept is None:
        raise NotFound("no such file")
    media_type, content = kept
    name = f"{attached.kind}.{EXTENSIONS[media_type]}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
