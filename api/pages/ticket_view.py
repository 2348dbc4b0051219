"""The pages of tickets: a seller's own with its form, staff's lists, and one conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from uuid import uuid4

from psycopg import Connection

from api.auth import OWN_SELLER_ROLES
from api.desk import Desk
from api.ids import public_id
from api.l10n import L10n
from api.pages.binding_view import timeline_of
from api.pages.page_frame import Build, Page, StaffVisit, Visit
from api.query_values import number_in, place_in
from api.ticket_answers import HISTORY_MAX, events_before, subjects_of, version_of
from api.ticket_opening import Asking, subject_of, words_for
from api.ticket_words import (
    ATTACHMENTS,
    CAUSES,
    ENTRIES,
    LISTS,
    TEAMS,
    TICKET_STATUSES,
    clock_of,
    hours_of,
)
from api.tickets import TICKET_ROLES
from domain.application import acting_for
from domain.texts import rule_text
from domain.ticket import Entry, Ticket, shown_to_seller
from domain.ticket.decisions import SUBJECT_LENGTH_MAX, TEXT_LENGTH_MAX
from domain.values import NotAnAsin, asin_from
from projections import tickets
from projections.tickets import StaffList, TicketRow

PAGE_LENGTH = 50
FIGURE_DAYS = 30


def tickets_page(desk: Desk, visit: Visit) -> Page:
    """A seller's tickets, newest first, and the form; a link from a failed row fills it in."""
    asking = asking_in(visit)
    context = lists_and_form(desk, visit, asking)
    title, text = words_for(context["about"], asking, visit.l10n)
    is_asking = bool(visit.query("log") or visit.query("asin"))
    shown = {"is_asking": is_asking, "subject": title, "text": text, "asin": context["about"].asin}
    return Page("tickets.html", context | shown, is_kept=False)


def form_again(asking: Asking, key: str, rules: Mapping[str, str]) -> Build:
    """The form as it was sent, with what is wrong beside each field."""

    def build(desk: Desk, visit: Visit) -> Page:
        about = replace(asking, asin=asking.asin if is_asin(asking.asin) else None)
        language = visit.l10n.language
        faults = {name: rule_text(rule, {}, language) for name, rule in rules.items()}
        shown = {
            "is_asking": True, "subject": asking.subject, "text": asking.text,
            "asin": asking.asin, "key": key, "faults": faults,
        }  # fmt: skip
        context = lists_and_form(desk, visit, about) | shown
        return Page("tickets.html", context, 422, is_kept=False)

    return build


def lists_and_form(desk: Desk, visit: Visit, asking: Asking) -> dict[str, Any]:
    """What the page shows whatever stands in its form. Raises TicketRefused, Unreadable."""
    before = number_in(visit.query("before"))
    now = visit.now
    with desk.reading_for(visit.seller_id) as connection:
        rows = tickets.page(connection, before=before, limit=PAGE_LENGTH + 1)
        figures = figures_of(connection, visit.l10n, visit)
        subject = subject_of(connection, visit.seller_id, asking)
    shown = rows[:PAGE_LENGTH]
    with acting_for(visit.seller_id):
        subjects = subjects_of(desk, shown)
    return {
        "rows": [line_of(visit.l10n, row, now, subjects.get(row.ticket_id)) for row in shown],
        "older": shown[-1].opened_position if len(rows) > PAGE_LENGTH else None,
        "figures": figures,
        "may_act": visit.caller.role in OWN_SELLER_ROLES,
        "about": subject,
        "faults": {},
        "key": uuid4().hex,
        "subject_max": SUBJECT_LENGTH_MAX,
        "text_max": TEXT_LENGTH_MAX,
    }


def asking_in(visit: Visit) -> Asking:
    """What the link of a failed row asks about. Raises Unreadable."""
    place = place_in(visit.query("log"))
    position, number = place or (None, None)
    asin = visit.query("asin")
    return Asking("", "", position, number, asin if is_asin(asin) else None)


def is_asin(text: str | None) -> bool:
    try:
        return bool(text and asin_from(text))
    except NotAnAsin:
        return False


def staff_page(desk: Desk, visit: StaffVisit) -> Page:
    """One of staff's lists across sellers, with the counts of all and the figures."""
    asked = visit.query("list")
    which: StaffList = next((each for each in get_args(StaffList) if each == asked), "due")
    with desk.reading_for_staff() as connection:
        rows = tickets.listed(connection, which, visit.now, limit=PAGE_LENGTH + 1)
        counts = tickets.counts(connection, visit.now)
        figures = figures_of(connection, visit.l10n, visit)
    context = {
        "rows": [line_of(visit.l10n, row, visit.now, None) for row in rows[:PAGE_LENGTH]],
        "is_cut": len(rows) > PAGE_LENGTH,
        "which": which,
        "lists": LISTS,
        "counts": counts,
        "figures": figures,
    }
    return Page("staff_tickets.html", context)


def line_of(l10n: L10n, row: TicketRow, now: Any, subject: str | None) -> dict[str, Any]:
    return {
        "row": row,
        "id": public_id("tkt", row.ticket_id),
        "seller": public_id("sel", row.seller_id),
        "subject": subject,
        "status": TICKET_STATUSES[row.status],
        "team": team_of(l10n, row.assignee),
        "cause": l10n.text(CAUSES[row.cause]) if row.cause else "",
        "clock": clock_of(l10n, row.opened_at, row.answer_due_at, row.answered_at, now),
    }


def team_of(l10n: L10n, assignee: str) -> str:
    """A group in words, or the id of a person's key."""
    return l10n.text(TEAMS[assignee]) if assignee in TEAMS else assignee


def figures_of(
    connection: Connection[Any], l10n: L10n, visit: Visit | StaffVisit
) -> dict[str, Any]:
    """Hours to answer and to solution over the last thirty days, and the share in time."""
    since = visit.now - timedelta(days=FIGURE_DAYS)
    found = tickets.figures(connection, since, visit.now)
    share = found.in_time_share
    return {
        "days": FIGURE_DAYS,
        "answer_mean": hours_of(l10n, found.answer_seconds_mean),
        "answer_p90": hours_of(l10n, found.answer_seconds_p90),
        "resolve_mean": hours_of(l10n, found.resolve_seconds_mean),
        "resolve_p90": hours_of(l10n, found.resolve_seconds_p90),
        "in_time": "—" if share is None else f"{l10n.percent(share, 1)}%",
        "kind": None if share is None else "ok" if share == 1.0 else "fail",
        "in_time_count": found.in_time,
        "promised": found.promised,
        "resolved": found.resolved,
    }


def ticket_page_of(ticket: Ticket) -> Build:
    """The page of one ticket, for its seller or, with what support needs, for staff."""

    def ticket_page(desk: Desk, visit: Visit) -> Page:
        is_staff, l10n = visit.caller.seller_id is None, visit.l10n
        entries = ticket.entries if is_staff else shown_to_seller(ticket)
        is_own = visit.caller.role in OWN_SELLER_ROLES
        context = {
            "ticket": ticket,
            "id": public_id("tkt", ticket.ticket_id),
            "binding": public_id("bnd", ticket.binding_id) if ticket.binding_id else None,
            "version": version_of(ticket, is_staff=is_staff),
            "status": TICKET_STATUSES[ticket.status],
            "team": team_of(l10n, ticket.assignee),
            "clock": clock_of(
                l10n, ticket.opened_at, ticket.answer_due_at, ticket.answered_at, visit.now
            ),
            "entries": [entry_shown(l10n, each, is_own=is_own) for each in entries],
            "attachments": ATTACHMENTS,
            "is_staff": is_staff,
            "may_reply": is_own or (is_staff and visit.caller.role in TICKET_ROLES),
            "causes": CAUSES,
            "teams": TEAMS,
            "text_max": TEXT_LENGTH_MAX,
            **(around(desk, visit, ticket) if is_staff else {}),
        }
        return Page("ticket.html", context, is_kept=False)

    return ticket_page


def entry_shown(l10n: L10n, entry: Entry, *, is_own: bool) -> dict[str, Any]:
    """One thing said, from the reader's side."""
    if entry.is_from_staff:
        who = l10n.text("Mercari support")
    else:
        who = l10n.text("You") if is_own else l10n.text("Seller")
    return {
        "entry": entry,
        "what": l10n.text(ENTRIES[entry.kind]),
        "who": who,
        "to": team_of(l10n, entry.to) if entry.to else "",
        "cause": l10n.text(CAUSES[entry.cause]) if entry.cause else "",
    }


def around(desk: Desk, visit: Visit, ticket: Ticket) -> dict[str, Any]:
    """What support looks at: the binding's history, and the ten events before the failure."""
    seller_id = visit.seller_id
    history = desk.history(seller_id, ticket.binding_id) if ticket.binding_id else []
    return {
        "timeline": timeline_of(visit.l10n, history[-HISTORY_MAX:]),
        "events": events_before(desk, seller_id, ticket),
    }
