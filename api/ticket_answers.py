"""The JSON shapes of tickets: a line of a list, the whole conversation, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from api.answers import audit_answer, history_answer
from api.desk import Desk
from api.ids import public_id
from domain.ticket import Entry, Ticket, shown_to_seller
from domain.ticket.facts import CATEGORY, SUBCATEGORY
from projections import audit_trail, tickets
from projections.tickets import Figures, TicketRow

EVENTS_BEFORE = 10
HISTORY_MAX = 200


def row_answer(row: TicketRow, now: datetime) -> dict[str, Any]:
    """One ticket of a list: ids, codes and times, and not a word of what was said."""
    return {
        "id": public_id("tkt", row.ticket_id),
        "seller_id": public_id("sel", row.seller_id),
        "status": row.status,
        "asin": row.asin,
        "binding_id": public_id("bnd", row.binding_id) if row.binding_id else None,
        "operation": row.operation,
        "error_code": row.error_code,
        "log_position": row.log_position,
        "opened_at": row.opened_at,
        "answered_at": row.answered_at,
        "is_answer_late": row.is_answer_late,
        "resolved_at": row.resolved_at,
        "cause": row.cause,
        "assignee": row.assignee,
        "seller_replies": row.seller_replies,
        "staff_replies": row.staff_replies,
        "reopened_count": row.reopened_count,
        "clock": clock_answer(row.answer_due_at, row.answered_at, now),
    }


def clock_answer(due_at: datetime, answered_at: datetime | None, now: datetime) -> dict[str, Any]:
    """The promise: `seconds_left` is null once it was answered, and below 0 once it is broken."""
    left = None if answered_at else int((due_at - now).total_seconds())
    return {
        "due_at": due_at,
        "seconds_left": left,
        "is_breached": (answered_at or now) > due_at,
    }


def ticket_answer(
    ticket: Ticket, seller_id: UUID, now: datetime, *, is_staff: bool
) -> dict[str, Any]:
    """The whole ticket; what staff say to staff only where staff read."""
    line = ticket.log_line
    entries = ticket.entries if is_staff else shown_to_seller(ticket)
    return {
        "id": public_id("tkt", ticket.ticket_id),
        "seller_id": public_id("sel", seller_id),
        "category": CATEGORY,
        "subcategory": SUBCATEGORY,
        "status": ticket.status,
        "subject": ticket.subject,
        "asin": ticket.asin,
        "binding_id": public_id("bnd", ticket.binding_id) if ticket.binding_id else None,
        "operation": line.operation if line else None,
        "error_code": line.error_code if line else None,
        "log_position": line.position if line else None,
        "opened_at": ticket.opened_at,
        "answered_at": ticket.answered_at,
        "resolved_at": ticket.resolved_at,
        "cause": ticket.cause,
        "assignee": ticket.assignee,
        "reopened_count": ticket.reopened_count,
        "clock": clock_answer(ticket.answer_due_at, ticket.answered_at, now),
        "entries": [entry_answer(each, is_staff=is_staff) for each in entries],
        "attachments": [each.model_dump() for each in ticket.attachments],
        "version": version_of(ticket, is_staff=is_staff),
    }


def version_of(ticket: Ticket, *, is_staff: bool) -> int:
    """What If-Match names: the last fact that this reader sees."""
    return ticket.version if is_staff else ticket.shown_version


def entry_answer(entry: Entry, *, is_staff: bool) -> dict[str, Any]:
    """One thing said or done; who of staff did it is told to staff."""
    who = {"actor": entry.actor} if is_staff else {}
    return {
        "kind": entry.kind, "time": entry.at, "from": "staff" if entry.is_from_staff else "seller",
        **who, "text": entry.text, "is_late": entry.is_late, "to": entry.to, "cause": entry.cause,
    }  # fmt: skip


def around_answer(desk: Desk, seller_id: UUID, ticket: Ticket) -> dict[str, Any]:
    """What support looks at: the binding's history, and the ten events before the failure."""
    history = desk.history(seller_id, ticket.binding_id) if ticket.binding_id else []
    return {
        "binding_history": [history_answer(each) for each in history[-HISTORY_MAX:]],
        "events_before": [audit_answer(each) for each in events_before(desk, seller_id, ticket)],
    }


def events_before(desk: Desk, seller_id: UUID, ticket: Ticket) -> list[audit_trail.AuditRow]:
    """Newest first; before the line that failed, or before the ticket where it names none."""
    with desk.reading_for(seller_id) as connection:
        row = tickets.one(connection, ticket.ticket_id)
        opened = row.opened_position if row else None
        before = ticket.log_line.position if ticket.log_line else opened
        return audit_trail.page(
            connection, audit_trail.Filter(), before=before, limit=EVENTS_BEFORE
        )


def figures_answer(figures: Figures, days: int, position: int) -> dict[str, Any]:
    """Seconds from opening; null where nothing was counted."""
    return {
        "days": days,
        "resolved": figures.resolved,
        "resolve_seconds_mean": figures.resolve_seconds_mean,
        "resolve_seconds_p90": figures.resolve_seconds_p90,
        "answered": figures.answered,
        "answer_seconds_mean": figures.answer_seconds_mean,
        "answer_seconds_p90": figures.answer_seconds_p90,
        "in_time": figures.in_time,
        "promised": figures.promised,
        "in_time_share": figures.in_time_share,
        "position": position,
    }


def subjects_of(desk: Desk, rows: Sequence[TicketRow]) -> dict[UUID, str | None]:
    """The subject lines of a seller's tickets, in one query; inside `acting_for`."""
    found = {}
    for ticket_id, facts in desk.app.streams([row.ticket_id for row in rows]):
        found[ticket_id] = getattr(facts[0], "subject", None)
    return found
