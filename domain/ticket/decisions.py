"""Decisions on a ticket: who may say what when, what answers it, what ends it and opens it anew."""

from __future__ import annotations

import unicodedata
from datetime import UTC, timedelta
from uuid import UUID

from domain.errors import TicketRefused, WrongState
from domain.facts import Command, Stamp
from domain.policy import SupportPolicy, policy_of
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
from domain.ticket.state import Ticket

SUBJECT_LENGTH_MAX = 120
TEXT_LENGTH_MAX = 5_000
ENTRIES_MAX = 200
ATTACHMENTS_MAX = 3
"""The log excerpt and the failure report, which we make, and one screenshot."""
OPEN_TICKETS_MAX = 100
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Open(Command):
    subject: str
    text: str
    log_line: LogLine | None = None
    asin: str | None = None
    binding_id: UUID | None = None
    attachments: tuple[Attachment, ...] = ()


class Reply(Command):
    text: str
    is_from_staff: bool


class AddNote(Command):
    text: str


class HandOver(Command):
    """`to` is a group, or the id of a key."""

    to: str
    reason: str


class Resolve(Command):
    cause: Cause
    text: str


def open_ticket(ticket: Ticket | None, command: Open) -> list[TicketFact]:
    """Nothing where this very ticket is open already. Raises TicketRefused, WrongState."""
    subject, text = words_of(command)
    if len(command.attachments) > ATTACHMENTS_MAX:
        raise TicketRefused("attachments", rules={"attachments": "ticket_attachments"})
    if ticket is not None:
        asked = (ticket.subject, ticket.entries[0].text, ticket.log_line, ticket.asin)
        if asked != (subject, text, command.log_line, command.asin):
            raise WrongState("the key was used", rules={"key": "ticket_key_used"})
        return []
    hours = support_of(command.stamp).first_answer_hours
    return [
        Opened(
            stamp=command.stamp, subject=subject, text=text, log_line=command.log_line,
            asin=command.asin, binding_id=command.binding_id, attachments=command.attachments,
            answer_due_at=command.stamp.decided_at.astimezone(UTC) + timedelta(hours=hours),
        )
    ]  # fmt: skip


def reply(ticket: Ticket, command: Reply) -> list[TicketFact]:
    """Staff answer an open ticket; a seller's reply opens a resolved one anew for 14 days.

    Raises TicketRefused, WrongState.
    """
    text = plain(command.text, "text", TEXT_LENGTH_MAX)
    ensure_room(ticket)
    if command.is_from_staff:
        ensure_open(ticket)
        answers = first_answer(ticket, command.stamp)
        return [Replied(stamp=command.stamp, text=text, is_from_staff=True, **answers)]
    replied = Replied(stamp=command.stamp, text=text, is_from_staff=False)
    if ticket.resolved_at is None:
        return [replied]
    days = support_of(command.stamp).reopen_days
    if command.stamp.decided_at > ticket.resolved_at.astimezone(UTC) + timedelta(days=days):
        raise WrongState(
            f"resolved at {ticket.resolved_at:%Y-%m-%d %H:%M} UTC",
            rules={"ticket": "ticket_closed_for_good"},
        )
    return [Reopened(stamp=command.stamp, resolved_at=ticket.resolved_at), replied]


def add_note(ticket: Ticket, command: AddNote) -> list[TicketFact]:
    """What staff tell each other, also after the end. Raises TicketRefused."""
    text = plain(command.text, "text", TEXT_LENGTH_MAX)
    ensure_room(ticket)
    return [NoteAdded(stamp=command.stamp, text=text)]


def hand_over(ticket: Ticket, command: HandOver) -> list[TicketFact]:
    """Nothing where it is with them already. Raises TicketRefused, WrongState."""
    reason = plain(command.reason, "reason", TEXT_LENGTH_MAX)
    ensure_room(ticket)
    ensure_open(ticket)
    if command.to == ticket.assignee:
        return []
    return [HandedOver(stamp=command.stamp, to=command.to, reason=reason)]


def resolve(ticket: Ticket, command: Resolve) -> list[TicketFact]:
    """Raises TicketRefused, WrongState, saying who resolved it before."""
    text = plain(command.text, "text", TEXT_LENGTH_MAX)
    ensure_open(ticket)
    answers = first_answer(ticket, command.stamp)
    return [Resolved(stamp=command.stamp, cause=command.cause, text=text, **answers)]


def first_answer(ticket: Ticket, stamp: Stamp) -> dict[str, bool]:
    """Whether this is what the seller waits for, and comes after it was promised."""
    is_first = ticket.answered_at is None
    return {
        "is_first_answer": is_first,
        "is_late": is_first and stamp.decided_at > ticket.answer_due_at,
    }


def ensure_open(ticket: Ticket) -> None:
    """Raises WrongState, saying who resolved it and when."""
    if ticket.status == "resolved":
        last = next(each for each in reversed(ticket.entries) if each.kind == "resolution")
        raise WrongState(
            f"{last.actor} resolved it at {last.at:%Y-%m-%d %H:%M} UTC",
            rules={"ticket": "ticket_resolved"},
            changed_by=last.actor,
        )


def ensure_room(ticket: Ticket) -> None:
    if len(ticket.entries) >= ENTRIES_MAX:
        raise TicketRefused(f"{len(ticket.entries)} entries", rules={"ticket": "ticket_full"})


def support_of(stamp: Stamp) -> SupportPolicy:
    return policy_of(stamp.policy).support


def words_of(command: Open) -> tuple[str, str]:
    """Subject and text. Raises TicketRefused, which names each that is at fault."""
    words, refusals = {}, []
    for name, length_max in (("subject", SUBJECT_LENGTH_MAX), ("text", TEXT_LENGTH_MAX)):
        is_one_line = name == "subject"
        try:
            words[name] = plain(getattr(command, name), name, length_max, is_one_line=is_one_line)
        except TicketRefused as refused:
            refusals.append(refused)
    if refusals:
        rules = {name: key for each in refusals for name, key in each.fields["rules"].items()}
        raise TicketRefused("; ".join(each.detail for each in refusals), rules=rules)
    return words["subject"], words["text"]


def plain(text: str, field: str, length_max: int, *, is_one_line: bool = False) -> str:
    """The text without what no reader sees: controls, and marks that turn what follows around.

    Raises TicketRefused where nothing is left, or too much.
    """
    joined = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(
        each for each in joined
        if each in "\n\t" or (unicodedata.category(each) not in ("Cc", "Cs")
                              and each not in _BIDI_CONTROLS)
    )  # fmt: skip
    cleaned = " ".join(kept.split()) if is_one_line else kept.strip()
    if not cleaned or len(cleaned) > length_max:
        raise TicketRefused(f"{field}: {len(text)} characters", rules={field: f"ticket_{field}"})
    return cleaned
