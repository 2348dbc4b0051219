"""State of a ticket: the conversation, its clock, and who goes on with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, assert_never
from uuid import UUID, uuid5

from pydantic import AwareDatetime

from domain.ticket.facts import (
    Attachment,
    Cause,
    HandedOver,
    LogLine,
    NoteAdded,
    Opened,
    Reopened,
    Replied,
    Resolved,
    TicketFact,
)
from domain.values import Value

Status = Literal["open", "answered", "resolved"]
EntryKind = Literal["opened", "reply", "note", "hand_over", "resolution", "reopened"]


class Entry(Value):
    """One thing said or done. `text` is None where there is none, or it was erased."""

    version: int
    kind: EntryKind
    at: AwareDatetime
    actor: str
    is_from_staff: bool
    text: str | None = None
    is_late: bool = False
    to: str | None = None
    cause: Cause | None = None


class Ticket(Value):
    """The fold of the facts. `shown_version` is the last one that the seller sees."""

    ticket_id: UUID
    version: int
    shown_version: int
    status: Status
    subject: str | None
    log_line: LogLine | None
    asin: str | None
    binding_id: UUID | None
    attachments: tuple[Attachment, ...]
    opened_at: AwareDatetime
    answer_due_at: AwareDatetime
    answered_at: AwareDatetime | None = None
    resolved_at: AwareDatetime | None = None
    cause: Cause | None = None
    assignee: str = "support"
    reopened_count: int = 0
    entries: tuple[Entry, ...]

    def attachment(self, sha256: str) -> Attachment | None:
        return next((each for each in self.attachments if each.sha256 == sha256), None)


def ticket_id_of(seller_id: UUID, key: str) -> UUID:
    """The id of the ticket opened under this key, so that sending twice meets itself."""
    return uuid5(seller_id, f"ticket:{key}")


def shown_to_seller(ticket: Ticket) -> tuple[Entry, ...]:
    """The conversation without what staff say to staff."""
    plain = (each for each in ticket.entries if each.kind != "note")
    return tuple(
        each.model_copy(update={"text": None}) if each.kind == "hand_over" else each
        for each in plain
    )


def fold(ticket_id: UUID, facts: Iterable[TicketFact]) -> Ticket | None:
    """The state after these facts, in order; None where there are none."""
    ticket: Ticket | None = None
    for fact in facts:
        ticket = begun(ticket_id, fact) if ticket is None else evolve(ticket, fact)
    return ticket


def begun(ticket_id: UUID, fact: TicketFact) -> Ticket:
    """The ticket as it was opened."""
    assert isinstance(fact, Opened), f"{fact.TOPIC} can't be the first fact of a ticket"  # noqa: S101
    first = Entry(
        version=1, kind="opened", at=fact.stamp.decided_at, actor=fact.stamp.actor,
        is_from_staff=False, text=fact.text,
    )  # fmt: skip
    return Ticket(
        ticket_id=ticket_id, version=1, shown_version=1, status="open", subject=fact.subject,
        log_line=fact.log_line, asin=fact.asin, binding_id=fact.binding_id,
        attachments=fact.attachments, opened_at=fact.stamp.decided_at,
        answer_due_at=fact.answer_due_at, entries=(first,),
    )  # fmt: skip


def evolve(ticket: Ticket, fact: TicketFact) -> Ticket:
    """The ticket after one more fact."""
    version, at = ticket.version + 1, fact.stamp.decided_at
    entry = Entry(version=version, at=at, actor=fact.stamp.actor, **entry_of(fact))
    changes: dict[str, object] = {"version": version, "entries": (*ticket.entries, entry)}
    if not isinstance(fact, NoteAdded):
        changes["shown_version"] = version
    match fact:
        case Opened() | NoteAdded():
            pass
        case Replied():
            if fact.is_first_answer:
                changes |= {"answered_at": at, "status": "answered"}
        case HandedOver():
            changes["assignee"] = fact.to
        case Resolved():
            changes |= {"status": "resolved", "resolved_at": at, "cause": fact.cause}
            changes["answered_at"] = ticket.answered_at or at
        case Reopened():
            changes |= {
                "status": "answered", "resolved_at": None, "cause": None,
                "reopened_count": ticket.reopened_count + 1,
            }  # fmt: skip
        case _:
            assert_never(fact)
    return ticket.model_copy(update=changes)


def entry_of(fact: TicketFact) -> dict[str, object]:
    """What a fact adds to the conversation, beside its place in it."""
    match fact:
        case Opened():
            return {"kind": "opened", "is_from_staff": False, "text": fact.text}
        case Replied():
            return {
                "kind": "reply", "is_from_staff": fact.is_from_staff, "text": fact.text,
                "is_late": fact.is_late,
            }  # fmt: skip
        case NoteAdded():
            return {"kind": "note", "is_from_staff": True, "text": fact.text}
        case HandedOver():
            return {
                "kind": "hand_over", "is_from_staff": True, "text": fact.reason, "to": fact.to,
            }  # fmt: skip
        case Resolved():
            return {
                "kind": "resolution", "is_from_staff": True, "text": fact.text,
                "is_late": fact.is_late, "cause": fact.cause,
            }  # fmt: skip
        case Reopened():
            return {"kind": "reopened", "is_from_staff": False}
        case _:
            assert_never(fact)
