"""The audit page: search the trail, see a binding as it was, and who looked at the shop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from api.audit_export import can_write
from api.desk import Desk
from api.ids import inner_id
from api.l10n import mark
from api.looks import REASON_READERS, look_answers
from api.pages.checkpoint_view import newest_checkpoint
from api.pages.event_lines import event_lines_of, hidden_from
from api.pages.page_frame import Page, Visit
from api.query_values import Unreadable, choice_in, cursor_after, moment_in, place_after
from api.words import ROLES
from domain import looks
from domain.catalogue import BY_TOPIC
from domain.errors import NotFound
from domain.ticket.facts import STAFF_ONLY
from domain.values import NotAnAsin, asin_from, binding_id_of
from projections import audit_trail
from projections.audit_trail import Filter

PAGE_LENGTH = 50
VIEWS = ("trail", "looks")
FILTERS = ("subject", "actor", "type", "from", "to")
KINDS = ("bnd", "sub", "sel", "swp", "tkt", "whk", "sus")
NO_SUBJECT = mark("Give an ASIN, or copy an id from a page or from the API.")
NO_TYPE = mark("There is no such type of event: choose one of the list.")


def filter_of(visit: Visit) -> Filter:
    """What the address asks for. Raises Unreadable."""
    subject, type_ = visit.query("subject"), visit.query("type")
    if type_ is not None and type_ not in types_for(visit):
        raise Unreadable(type_, NO_TYPE)
    return Filter(
        subject=subject_in(subject, visit.seller_id) if subject else None,
        actor=visit.query("actor"),
        type=type_,
        since=moment_in(visit.query("from")),
        until=moment_in(visit.query("to")),
        hidden=hidden_from(visit),
    )


def types_for(visit: Visit) -> list[str]:
    """Every type of event that this reader may see."""
    hidden = STAFF_ONLY if visit.caller.seller_id else frozenset[str]()
    return sorted(set(BY_TOPIC) - hidden)


def subject_in(text: str, seller_id: UUID) -> UUID:
    """What an ASIN, a public id or a UUID names. Raises Unreadable."""
    try:
        return binding_id_of(seller_id, asin_from(text))
    except NotAnAsin:
        kind = text.partition("_")[0]
    try:
        return inner_id(kind, text) if kind in KINDS else UUID(text)  # type: ignore[arg-type]
    except (NotFound, ValueError) as error:
        raise Unreadable(text, NO_SUBJECT) from error


def audit_page(desk: Desk, visit: Visit) -> Page:
    """The trail or the looks. Raises Unreadable."""
    view = choice_in(visit.query("view"), VIEWS if sees_looks(visit) else VIEWS[:1])
    wanted = Filter(type=looks.Opened.TOPIC) if view == "looks" else filter_of(visit)
    filtered = visit.filtered_by("view", *FILTERS)
    place = place_after(visit.query("before"), filtered, 1)
    with desk.reading_for(visit.seller_id) as connection:
        rows = audit_trail.page(
            connection, wanted, before=place[0] if place else None, limit=PAGE_LENGTH + 1
        )
        shown = rows[:PAGE_LENGTH]
        lines = event_lines_of(connection, visit, shown) if view == "trail" else []
    context = {
        "view": view,
        "checkpoint": newest_checkpoint(desk, visit) if view == "trail" else None,
        "sees_looks": sees_looks(visit),
        "wanted": wanted,
        "lines": lines,
        "looks": looks_in(desk, visit, shown) if view == "looks" else [],
        "types": types_for(visit),
        "has_parquet": can_write("parquet"),
        "role_words": ROLES,
        "older": cursor_after(filtered, shown[-1].position) if len(rows) > PAGE_LENGTH else None,
        "asked": {name: visit.query(name) for name in FILTERS},
        "typed": typed,
    }
    return Page("audit.html", context, is_kept=False)


def sees_looks(visit: Visit) -> bool:
    """The seller itself, and those of staff who watch the others."""
    return visit.caller.seller_id is not None or visit.caller.role in REASON_READERS


def looks_in(desk: Desk, visit: Visit, rows: list[audit_trail.AuditRow]) -> list[Mapping[str, Any]]:
    """Who looked, newest first; only staff read why."""
    with_reason = visit.caller.seller_id is None
    return [
        {"reason": None, **each}
        for each in look_answers(desk, visit.seller_id, rows, with_reason=with_reason)
    ]


def typed(visit: Visit, moment: datetime | None) -> str:
    """A moment as a form's field holds it."""
    return visit.l10n.clock(moment, "yyyy-MM-dd'T'HH:mm:ss") if moment else ""
