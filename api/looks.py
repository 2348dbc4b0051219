"""JSON routes of looks: open one before reading, and who looked at a seller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import STAFF_READER_ROLES, RoleForbids, caller_of, seller_read_by
from api.desk import Desk
from api.idempotency import ensure_new
from api.ids import inner_id, public_id
from api.look_book import Asked
from api.paging import cursor_after, place_after
from api.requests import Reception, page_answer
from domain import looks
from domain.application import acting_for
from domain.errors import TicketRefused
from domain.seller import Role
from projections import audit_trail
from projections.audit_trail import AuditRow

REASON_READERS: tuple[Role, ...] = ("auditor", "admin")
"""These read why somebody looked; the seller reads who, when and through which ticket."""


class LookBody(BaseModel):
    """Why: a reason in words, or a ticket of the seller."""

    reason: str | None = Field(None, max_length=2_000)
    ticket: str | None = Field(None, max_length=60)


def build_looks(reception: Reception) -> APIRouter:
    """Routes under /looks and /sellers/{seller_id}/looks."""
    router = APIRouter(tags=["sellers"])

    @router.post("/sellers/{seller_id}/looks", status_code=201)
    def look(request: Request, seller_id: str, body: LookBody) -> Any:
        """Open a look at a seller for an hour, for staff: `{reason}` or `{ticket}`. Recorded."""
        caller = caller_of(request, reception.desk, reception.sessions)
        if caller.seller_id is not None:
            raise RoleForbids(STAFF_READER_ROLES)
        inner = seller_read_by(caller, inner_id("sel", seller_id))
        if body.reason and body.ticket:
            raise TicketRefused("reason or ticket", rules={"reason": "ticket_look_reason"})
        ensure_new(request, reception.desk, caller, inner)
        asked = Asked(body.reason or "", body.ticket)
        until, position = reception.looks.open(caller, inner, asked)
        return {
            "seller_id": seller_id, "until": until,
            "position": position or reception.desk.position(),
        }  # fmt: skip

    @router.get("/looks")
    def looks_(
        request: Request,
        response: Response,
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """Who of Mercari's staff looked at the seller, newest first; for itself and auditors."""
        visit = reception.reading(request)
        if visit.caller.seller_id is None and visit.caller.role not in REASON_READERS:
            raise RoleForbids(REASON_READERS)
        place = place_after(request, visit.seller_id, 1)
        before = place[0] if place else None
        wanted = audit_trail.Filter(type=looks.Opened.TOPIC)
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = audit_trail.page(connection, wanted, before=before, limit=limit)
        following = None
        if len(rows) == limit:
            following = cursor_after(request, visit.seller_id, rows[-1].position)
        with_reason = visit.caller.seller_id is None
        items = look_answers(visit.desk, visit.seller_id, rows, with_reason=with_reason)
        return page_answer(request, response, items, following, visit.desk.position())

    return router


def look_answers(
    desk: Desk, seller_id: UUID, rows: Sequence[AuditRow], *, with_reason: bool
) -> list[dict[str, Any]]:
    """Each look with what is known of its key; `reason` is null where it was erased."""
    with acting_for(seller_id):
        streams = {subject: desk.app.facts_of(subject) for subject in {row.subject for row in rows}}
    answers: list[dict[str, Any]] = []
    for row in rows:
        fact = streams[row.subject][row.version - 1]
        if not isinstance(fact, looks.Opened):
            continue
        ticket_id = public_id("tkt", fact.ticket_id) if fact.ticket_id else None
        answers.append(
            {
                "position": row.position, "key_id": fact.key_id, "role": fact.role,
                "time": fact.stamp.decided_at, "until": fact.until, "ticket_id": ticket_id,
                **({"reason": fact.reason} if with_reason else {}),
            }
        )  # fmt: skip
    return answers
