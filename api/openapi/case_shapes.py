"""The shapes of answers about cases that people decide: admission, arbitrage, tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.openapi.shapes import AuditEntry, HistoryEvent, NextCursor
from domain.ticket import Cause


class Applied(BaseModel):
    """An application that was taken; its key is never shown again."""

    id: str
    position: int
    key: str
    key_id: str
    missing: list[str]


class Review(BaseModel):
    stage: str
    progress: str
    round: int
    requested_at: datetime | None
    due_on: str | None
    decided_at: datetime | None
    decided_by: str | None
    review_days: int | None


class Item(BaseModel):
    """One thing that is asked for: its state and, where it came back, what to send instead."""

    item: str
    title: str
    needs: str
    stage: str
    state: Literal["missing", "returned", "filed"]
    is_asked: bool
    fault: str | None
    why: str | None
    action: str | None
    possible_faults: list[str]
    sha256: str | None
    media_type: str | None
    size_bytes: int | None
    asins: int | None
    filed_at: datetime | None


class Application(BaseModel):
    """An admission as it stands; persons are named to the seller itself and to reviewers."""

    id: str
    entity: str | None
    company_name: str | None
    registration_number: str | None
    sells_brands: bool
    representative_name: str | None
    contact_name: str | None
    contact_email: str | None
    reviews: list[Review]
    items: list[Item]
    asins: list[dict[str, Any]]
    missing: list[str]
    is_amazon_linked: bool
    is_mercari_linked: bool
    is_sync_enabled: bool
    template_version: str
    position: int


class QueuedApplication(Review):
    seller_id: str
    company_name: str
    entity: str
    is_overdue: bool


class Queue(BaseModel):
    items: list[QueuedApplication]
    next_cursor: None
    position: int


class StageFigures(BaseModel):
    stage: str
    decided: int
    first_pass_rate: float | None
    review_days_mean: float | None
    waiting: int
    overdue: int


class ApplicationFigures(BaseModel):
    since: datetime
    stages: list[StageFigures]


class Termination(BaseModel):
    """`by` and `reason` are told to reviewers alone."""

    error_code: str
    cause: str
    at: datetime
    suspicion_id: str | None
    by: str | None = None
    reason: str | None = None


class Evidence(BaseModel):
    """Prices that were seen; `positions` in the log are told to reviewers alone."""

    binding_id: str
    asin: str
    since: datetime
    amazon_price_jpy: int | None
    shown_price_jpy: int | None
    positions: list[int] | None = None


class Suspicion(BaseModel):
    """`cause`, `reason` and `decided_by` are told to reviewers alone."""

    id: str
    rule: str
    state: str
    raised_at: datetime
    decided_at: datetime | None
    evidence: list[Evidence]
    cause: str | None = None
    reason: str | None = None
    decided_by: str | None = None


class Arbitrage(BaseModel):
    """Suspicions, the termination, and how far the wind-up has come."""

    seller_id: str
    is_terminated: bool
    termination: Termination | None
    bindings_ended: int
    bindings_left: int
    listings_on_sale: int
    suspicions: list[Suspicion]
    suggested_action: str | None
    position: int


class Clock(BaseModel):
    """The promise: null seconds once it was answered, below 0 once it is broken."""

    due_at: datetime
    seconds_left: int | None
    is_breached: bool


class TicketHead(BaseModel):
    id: str
    seller_id: str
    status: str
    asin: str | None
    binding_id: str | None
    operation: str | None
    error_code: str | None
    log_position: int | None
    opened_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    cause: Cause | None
    assignee: str | None
    reopened_count: int
    clock: Clock


class TicketLine(TicketHead):
    """One ticket of a list; `subject` is left out of staff's lists."""

    is_answer_late: bool | None
    seller_replies: int
    staff_replies: int
    subject: str | None = None


class TicketPage(BaseModel):
    """`counts` stand in staff's lists."""

    items: list[TicketLine]
    next_cursor: str | None = NextCursor
    position: int
    counts: dict[str, int] | None = None


class Entry(BaseModel):
    """One thing said or done; `actor` is told to staff."""

    kind: str
    time: datetime
    from_: Literal["staff", "seller"] = Field(alias="from")
    text: str | None
    is_late: bool
    to: str | None
    cause: Cause | None
    actor: str | None = None


class Attachment(BaseModel):
    kind: Literal["log_excerpt", "failure_report", "screenshot"]
    sha256: str
    media_type: str
    size_bytes: int


class Ticket(TicketHead):
    """A ticket with its conversation; the last two fields are for staff who read it."""

    category: str
    subcategory: str
    subject: str | None
    entries: list[Entry]
    attachments: list[Attachment]
    version: int
    position: int
    binding_history: list[HistoryEvent] | None = None
    events_before: list[AuditEntry] | None = None


class TicketFigures(BaseModel):
    """Seconds from opening; null where nothing was counted."""

    days: int
    resolved: int
    resolve_seconds_mean: float | None
    resolve_seconds_p90: float | None
    answered: int
    answer_seconds_mean: float | None
    answer_seconds_p90: float | None
    in_time: int
    promised: int
    in_time_share: float | None
    position: int
