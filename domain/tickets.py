"""Use cases of tickets: open one, and change one as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast
from uuid import UUID

from domain.application import AsinSync, Change, acting_for, until_settled
from domain.errors import NotFound, VersionConflict
from domain.ticket import Ticket, TicketFact, fold
from domain.ticket.decisions import Open, open_ticket
from domain.ticket.state import ticket_id_of

Decide = Callable[[Ticket], Sequence[TicketFact]]


class Changed(NamedTuple):
    """The ticket as it now stands; `position` is None where nothing was to be recorded."""

    ticket: Ticket
    position: int | None


def get_ticket(app: AsinSync, seller_id: UUID, ticket_id: UUID) -> Ticket:
    """The seller's ticket, with its texts. Raises NotFound."""
    with acting_for(seller_id):
        facts = app.facts_of(ticket_id)
    if not facts or not facts[0].TOPIC.startswith("ticket."):
        raise NotFound("no such ticket")
    ticket = fold(ticket_id, cast(list[TicketFact], facts))
    if ticket is None:
        raise NotFound("no such ticket")
    return ticket


def start_ticket(app: AsinSync, seller_id: UUID, key: str, command: Open) -> Changed:
    """Open the ticket of this key, once. Raises TicketRefused, WrongState."""
    ticket_id = ticket_id_of(seller_id, key)

    def attempt() -> Changed:
        facts = cast(list[TicketFact], app.facts_of(ticket_id))
        known = fold(ticket_id, facts)
        added = open_ticket(known, command)
        position = app.record(Change(ticket_id, known.version if known else 0, added))
        ticket = fold(ticket_id, (*facts, *added))
        assert ticket is not None  # noqa: S101
        return Changed(ticket, position)

    with acting_for(seller_id):
        return until_settled(attempt)


def change_ticket(
    app: AsinSync,
    seller_id: UUID,
    ticket_id: UUID,
    expected_version: int,
    decide: Decide,
    *,
    is_staff: bool,
) -> Changed:
    """Decide on the ticket as it stands and record it.

    Raises NotFound, VersionConflict naming who was faster, and whatever the decision refuses. A
    seller's version is the last one it sees: staff's notes don't hold its reply up.
    """
    ticket = get_ticket(app, seller_id, ticket_id)
    facts = decide(ticket)
    ensure_seen(ticket, expected_version, is_staff=is_staff)
    try:
        with acting_for(seller_id):
            position = app.record(Change(ticket_id, ticket.version, facts))
    except VersionConflict:
        ensure_seen(get_ticket(app, seller_id, ticket_id), expected_version, is_staff=is_staff)
        raise
    return Changed(get_ticket(app, seller_id, ticket_id) if facts else ticket, position)


def ensure_seen(ticket: Ticket, expected_version: int, *, is_staff: bool) -> None:
    """Raises VersionConflict with who did what since."""
    version = ticket.version if is_staff else ticket.shown_version
    if expected_version == version:
        return
    last = next(each for each in ticket.entries if each.version == version)
    raise VersionConflict(
        f"{last.actor}: {last.kind} at {last.at:%Y-%m-%d %H:%M} UTC",
        version=version, changed_by=last.actor, changed_at=last.at.isoformat(),
        rules={"ticket": "ticket_changed"},
    )  # fmt: skip
