"""The shapes of answers about goods: bindings, uploads, the log, and the figures made of them.

They describe and check nothing: tests hold every answer against them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from domain.asin_binding import Status
from domain.error_codes import WhoActs
from domain.rules.findings import Verdict

NextCursor = Field(description="The cursor of the next page; null on the last one.")


class Recorded(BaseModel):
    """What was changed, and the position from which on every answer shows it."""

    id: str
    position: int


class RecordedVersion(Recorded):
    """The same, with the version that the next change names in If-Match."""

    version: int


class Entered(Recorded):
    entered: int


class Finding(BaseModel):
    """What a check found; `rule_key` never changes, the other words come in three languages."""

    code: str
    field: str
    seen: str
    rule: str
    rule_key: str
    source: str
    who_acts: WhoActs | None
    action: str


class Binding(BaseModel):
    """One ASIN and its listing. `price_jpy`, `stock`: decided; `shown_*`: what Mercari shows."""

    id: str
    seller_id: str
    asin: str
    status: Status
    sku: str | None
    title: str | None
    image_url: str | None
    mercari_category_id: str
    category_path: list[str] | None
    match_rate: float | None
    listing_id: str | None
    is_on_sale: bool
    is_closed_by_hand: bool
    price_jpy: int | None
    shown_price_jpy: int | None
    amazon_price_jpy: int | None
    float_pct: float | None
    stock: int | None
    shown_stock: int | None
    amazon_quantity: int | None
    stock_threshold: int
    error_codes: list[str]
    warning_codes: list[str]
    findings: list[Finding]
    is_in_review: bool
    image_verdict: str | None
    proofs: int
    version: int
    position: int
    updated_at: datetime
    observed_at: datetime | None


class BindingThen(Binding):
    """A binding; `as_of` is the instant that was asked for, null for now."""

    as_of: datetime | None


class BindingPage(BaseModel):
    items: list[Binding]
    next_cursor: str | None = NextCursor
    position: int


class CauseShape(BaseModel):
    correlation_id: UUID
    causation_id: UUID | None


class HistoryEvent(BaseModel):
    """One event of a history; `data` depends on its type."""

    id: UUID
    position: int
    version: int
    type: str
    recorded_at: datetime
    decided_at: datetime
    observed_at: datetime | None
    actor: str
    cause: CauseShape
    policy: str
    data: dict[str, Any]


class History(BaseModel):
    items: list[HistoryEvent]
    next_cursor: None
    position: int


class FieldChange(BaseModel):
    field: str
    from_: Any = Field(alias="from")
    to: Any


class Diff(BaseModel):
    from_: int = Field(alias="from")
    to: int
    changes: list[FieldChange]
    position: int


class LogEntry(BaseModel):
    """One line of the sync log; `seen` holds the values that `detail` tells in words."""

    position: int
    time: datetime
    seller_id: str
    asin: str | None
    binding_id: str | None
    operation: str
    outcome: Literal["ok", "failed", "retrying"]
    error_code: str | None
    detail: str
    seen: dict[str, Any]
    suggested_action: str | None
    who_acts: WhoActs | None
    correlation_id: UUID


class LogPage(BaseModel):
    items: list[LogEntry]
    next_cursor: str | None = NextCursor
    position: int


class AuditEntry(BaseModel):
    """One fact: what, about whom, by whom, why; its content is in the subject's history."""

    position: int
    seller_id: str
    recorded_at: datetime
    decided_at: datetime
    observed_at: datetime | None
    type: str
    subject: str
    version: int
    actor: str
    cause: CauseShape
    policy: str


class AuditPage(BaseModel):
    items: list[AuditEntry]
    next_cursor: str | None = NextCursor
    position: int


class UploadFault(BaseModel):
    code: str
    key: str
    detail: str


class UploadRow(BaseModel):
    """One row's fate; null while it is open."""

    row: int
    asin: str
    fate: str | None
    codes: list[str]
    detail: str | None
    suggested_action: str | None
    findings: list[Finding]
    binding_id: str | None


class UploadLinks(BaseModel):
    events: str
    failure_report: str


class Submission(BaseModel):
    """An upload; `counts` by the fate of its rows."""

    id: str
    filename: str
    status: Literal["open", "finished", "refused"]
    row_count: int
    settled_count: int
    counts: dict[str, int]
    errors: list[UploadFault]
    received_at: datetime
    finished_at: datetime | None
    position: int
    rows: list[UploadRow]
    links: UploadLinks


class SubmissionList(BaseModel):
    items: list[Submission]
    next_cursor: None
    position: int


class AcceptedLinks(BaseModel):
    self: str
    page: str


class SubmissionAccepted(BaseModel):
    id: str
    status: Literal["open"]
    position: int
    links: AcceptedLinks


class Check(BaseModel):
    name: str
    verdict: Verdict
    is_advisory: bool
    findings: list[Finding]


class Alternative(BaseModel):
    path: list[str]
    mercari_category_id: str
    match_rate: float


class CategoryCheck(BaseModel):
    match_rate: float | None
    verdict: Verdict
    reason: str | None
    alternatives: list[Alternative]
    path: list[str]
    findings: list[Finding]


class ImageCheck(Check):
    url: str | None
    is_inspected: bool
    status: str
    engine: str | None
    said: str | None


class Proceeds(BaseModel):
    """What a sale leaves. `commission_rate` is an exact decimal, as text."""

    price_jpy: int
    commission_rate: str
    commission_jpy: int
    shipping_saving_jpy: int
    net_jpy: int
    warning_code: str | None


class ProceedsByShipping(BaseModel):
    mercari: Proceeds
    self: Proceeds


class Judgement(BaseModel):
    """What a dry run of the pre-check says."""

    asin: str
    title: str | None
    verdict: Verdict
    policy: str
    gates: list[Check]
    category: CategoryCheck
    compliance: list[Check]
    image: ImageCheck
    warranty: Check
    proceeds: ProceedsByShipping | None
    observed_at: datetime


class Targets(BaseModel):
    sync_success_rate: float
    price_deviation_rate: float
    image_compliance_rate: float


class Part(BaseModel):
    kpi: str
    weight: int
    target: float
    tolerance: float
    rate: float | None
    points: float | None


class Hour(BaseModel):
    hour: datetime
    attempts: int
    failed: int
    success_rate: float | None
    codes: dict[str, int]


class Failing(BaseModel):
    code: str
    who_acts: WhoActs | None
    failures: int
    bindings: int
    asins: list[str]
    binding_ids: list[str]


class HealthScore(BaseModel):
    """The score and what it is made of; rates are fractions, null where nothing was counted."""

    window: Literal["24h", "30d"]
    score: float | None
    sync_success_rate: float | None
    price_deviation_rate: float | None
    price_deviating_share: float | None
    image_compliance_rate: float | None
    targets: Targets
    attempts: int
    failed: int
    failures_allowed: int
    failures_left: int
    listings: int
    images_inspected: int
    images_compliant: int
    statuses: dict[str, int]
    composite: list[Part]
    worst_hours: list[Hour]
    failing: list[Failing]
    as_of_position: int


class StockAlert(BaseModel):
    """A listing at its threshold or sold out; of one that ended, the figures of its end."""

    binding_id: str
    seller_id: str
    asin: str
    title: str | None
    state: Literal["open", "ended"]
    reason: str
    error_code: str | None
    amazon_quantity: int | None
    stock_threshold: int
    last_units: int
    shown_stock: int | None
    could_oversell: bool
    since: datetime
    position: int
    ended_at: datetime | None
    ended_by: str | None
    suggested_action: str | None


class StockAlertPage(BaseModel):
    items: list[StockAlert]
    next_cursor: str | None = NextCursor
    position: int
