"""Events of the audit trail as a page shows them: what, about whom, by whom, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.ids import Kind, public_id
from api.l10n import mark
from api.log_text import what_happened
from api.pages.page_frame import Visit
from api.words import OUTCOMES
from domain.ticket.facts import STAFF_ONLY
from domain.values import Value
from projections import bindings, sync_log
from projections.audit_trail import AuditRow

PLACES: dict[str, tuple[Kind, str]] = {
    "asin_binding": ("bnd", "/bindings/"),
    "submission": ("sub", "/upload/"),
    "ticket": ("tkt", "/tickets/"),
}
"""The page of a subject, by the first word of its events' types."""

QUIET: Mapping[str, str] = {
    "asin_binding.requested": mark("Binding asked for"),
    "asin_binding.validated": mark("Checks passed"),
    "asin_binding.mapped": mark("Category matched"),
    "submission.received": mark("CSV uploaded"),
    "submission.rows_settled": mark("Rows of an upload decided"),
    "seller_look.opened": mark("Mercari’s staff looked at the shop"),
    "person.invited": mark("A person was invited"),
    "person.joined": mark("A person signed in for the first time"),
    "person.revoked": mark("A person was revoked"),
    "person.forgotten": mark("A person’s name and e-mail were erased"),
    "ticket.opened": mark("Ticket opened"),
    "ticket.replied": mark("Reply to a ticket"),
    "ticket.resolved": mark("Ticket resolved"),
    "seller.settings_changed": mark("Settings changed"),
    "seller.pricing_rules_changed": mark("Pricing rules changed"),
    "seller.amazon_linked": mark("Amazon.co.jp linked"),
    "seller.mercari_linked": mark("Mercari linked"),
}
"""Events of which the sync log says nothing."""


class EventLine(Value):
    """One event. `subject` is an ASIN, a public id or the subject's UUID; `href` may be empty."""

    position: int
    moment: datetime
    type: str
    kind: str
    said: str
    subject: str
    subject_href: str
    href: str
    version: int
    actor: str
    relation: str = ""


def hidden_from(visit: Visit) -> tuple[str, ...]:
    """Types of events that only staff see."""
    return () if visit.caller.seller_id is None else tuple(sorted(STAFF_ONLY))


def event_lines_of(
    connection: Connection[Any], visit: Visit, rows: Sequence[AuditRow]
) -> list[EventLine]:
    """These events in the reader's language; what the sync log says of them is repeated."""
    said: dict[int, tuple[str, str]] = {}
    for line in sync_log.at_positions(connection, [row.position for row in rows]):
        words = what_happened(line, visit.l10n)
        before = said[line.position][1] + " · " if line.position in said else ""
        said[line.position] = (OUTCOMES[line.outcome].kind, before + words)
    asins = bindings.asins_of(connection, {row.subject for row in rows if is_binding(row)})
    return [line_of(visit, row, said.get(row.position), asins.get(row.subject)) for row in rows]


def is_binding(row: AuditRow) -> bool:
    return row.type.startswith("asin_binding.")


def line_of(
    visit: Visit, row: AuditRow, said: tuple[str, str] | None, asin: str | None
) -> EventLine:
    quiet = visit.l10n.text(QUIET[row.type]) if row.type in QUIET else ""
    kind, words = said or ("none", quiet)
    subject, path = subject_of(row.type, row.subject)
    event = {"view": "event", "event": row.version} if is_binding(row) else {}
    return EventLine(
        position=row.position, moment=row.recorded_at, type=row.type, kind=kind, said=words,
        subject=asin or subject, version=row.version, actor=row.actor,
        subject_href=visit.url(path) if path else "",
        href=visit.url(path, **event) if event else "",
    )  # fmt: skip


def subject_of(type_: str, subject: UUID) -> tuple[str, str]:
    """How the subject of an event is named, and where its page is; empty where it has none."""
    place = PLACES.get(type_.partition(".")[0])
    if place is None:
        return str(subject), ""
    name = public_id(place[0], subject)
    return name, place[1] + name
