"""Facts of a ticket: what was asked, said, decided, and whether the promised time was kept."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from domain.facts import Fact
from domain.requests import KeyUsed
from domain.values import Value

CATEGORY, SUBCATEGORY = "Category Integration", "ASIN Sync"
"""Where Mercari's help desk files every ticket of ours."""

Cause = Literal["seller_data", "amazon", "mercari", "asin_sync", "unclear", "duplicate"]
Group = Literal["support", "reviewer", "engineering"]
AttachmentKind = Literal["log_excerpt", "failure_report", "screenshot"]


class Attachment(Value):
    """A file that goes with the ticket, kept as evidence by the hash of its content."""

    kind: AttachmentKind
    sha256: str
    media_type: str
    size_bytes: int


class LogLine(Value):
    """The line of the sync log that the ticket is about."""

    position: int
    number: int
    operation: str
    error_code: str | None


class Opened(Fact):
    """The seller asks for help; `answer_due_at` is the promise."""

    TOPIC: ClassVar[str] = "ticket.opened"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"subject", "text"})
    category: str = CATEGORY
    subcategory: str = SUBCATEGORY
    subject: str | None = None
    text: str | None = None
    log_line: LogLine | None
    asin: str | None
    binding_id: UUID | None
    answer_due_at: AwareDatetime
    attachments: tuple[Attachment, ...] = ()


class Replied(Fact):
    """Somebody said something that both sides see; the first of staff's is the answer."""

    TOPIC: ClassVar[str] = "ticket.replied"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"text"})
    text: str | None = None
    is_from_staff: bool
    is_first_answer: bool = False
    is_late: bool = False


class NoteAdded(Fact):
    """Staff said something to staff: no answer, and never shown to the seller."""

    TOPIC: ClassVar[str] = "ticket.note_added"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"text"})
    text: str | None = None


class HandedOver(Fact):
    """Another group, or the holder of this key, goes on with it; the reason stays with staff."""

    TOPIC: ClassVar[str] = "ticket.handed_over"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    to: str
    reason: str | None = None


class Resolved(Fact):
    """Staff settled it, and say what the cause was; where nothing was said before, this answers."""

    TOPIC: ClassVar[str] = "ticket.resolved"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"text"})
    cause: Cause
    text: str | None = None
    is_first_answer: bool = False
    is_late: bool = False


class Reopened(Fact):
    """The seller was not helped: its reply follows in the same append."""

    TOPIC: ClassVar[str] = "ticket.reopened"
    resolved_at: AwareDatetime


TicketFact = Opened | Replied | NoteAdded | HandedOver | Resolved | Reopened

STAFF_ONLY = frozenset({NoteAdded.TOPIC, KeyUsed.TOPIC})
"""Facts that no feed, webhook or list of the seller's own tells of."""
