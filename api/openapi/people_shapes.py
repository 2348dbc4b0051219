"""The shapes of answers about sellers and people: settings, keys, tickets, admission, the feed.

They describe and check nothing: tests hold every answer against them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from api.openapi.shapes import NextCursor
from domain.error_codes import Language, WhoActs
from domain.seller import HandEditedPrice, Reinstatement, Role
from domain.sync_sweep import SweepKind


class Settings(BaseModel):
    """A seller's defaults and guards."""

    default_float_pct: float
    reinstatement: Reinstatement
    brake_pct: float
    hand_edited_price: HandEditedPrice
    last_units: int
    version: int
    position: int


class Seller(Settings):
    """A seller as it stands."""

    id: str
    shop_name: str
    amazon_seller_id: str
    is_amazon_linked: bool
    amazon_linked_at: datetime | None
    is_mercari_linked: bool
    mercari_linked_at: datetime | None
    is_sync_enabled: bool
    warranty_days: int


class Warranty(BaseModel):
    """The initial-defect warranty of new listings, and the block as it is shown."""

    days: int
    conditions: str
    remedy: str
    exclusions: str
    text: str
    version: int
    position: int


class Brand(BaseModel):
    brand: str
    registration_number: str
    chain: list[str]
    document_sha256: str | None
    valid_until: datetime | None


class Brands(BaseModel):
    items: list[Brand]
    position: int


class UpstreamCalls(BaseModel):
    """Calls by operation, and their total."""

    calls: dict[str, int]
    total: int
    position: int


class Linking(BaseModel):
    """Where the seller consents, and until when the answer is taken; or what was recorded."""

    consent_url: str | None = None
    expires_at: datetime | None = None
    id: str | None = None
    position: int | None = None


class Contact(BaseModel):
    email: str
    language: Language
    topics: list[str]
    last_sent_at: datetime | None
    last_error: str | None
    retry_at: datetime | None


class Contacts(BaseModel):
    """Whom the seller wants told; without a mail server nobody is."""

    is_mail_on: bool
    items: list[Contact]
    position: int


class Key(BaseModel):
    """A key as it may be shown; `last_used_at` is exact to the hour."""

    id: str
    role: Role
    label: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_yours: bool


class Keys(BaseModel):
    items: list[Key]
    position: int


class NewKey(BaseModel):
    """A key that was just made; it is null where the answer is replayed."""

    id: str
    role: Role
    label: str
    key: str | None
    position: int


class Look(BaseModel):
    seller_id: str
    until: datetime
    position: int


class PastLook(BaseModel):
    """Who looked; `reason` is told to auditors and admins alone."""

    position: int
    key_id: str
    role: Role
    time: datetime
    until: datetime
    ticket_id: str | None
    reason: str | None = None


class Looks(BaseModel):
    items: list[PastLook]
    next_cursor: str | None = NextCursor
    position: int


class PriceRule(BaseModel):
    follow: str | None
    floor_jpy: int | None
    floor_net_jpy: int | None
    ceiling_jpy: int | None
    daily_brake_pct: float | None
    avoid_fee_cliff: bool | None
    charm: str | None


class PriceOverride(PriceRule):
    asin: str
    off: list[str]


class PriceRules(PriceRule):
    overrides: list[PriceOverride]


class ChannelPrice(BaseModel):
    asin: str
    channel: str
    price_jpy: int
    entered_at: datetime


class Pricing(BaseModel):
    """The rules in force, the channel prices known, and the endings to choose from."""

    rules: PriceRules
    channel_prices: list[ChannelPrice]
    charm_endings: list[str]
    version: int
    position: int


class PriceReason(BaseModel):
    rule: str
    outcome: str
    from_price_jpy: int
    to_price_jpy: int
    said: str


class PriceMove(BaseModel):
    id: str
    asin: str
    title: str | None
    status: str
    amazon_price_jpy: int
    observed_at: datetime | None
    from_price_jpy: int
    to_price_jpy: int
    net_from_jpy: int
    net_to_jpy: int
    reasons: list[PriceReason]


class PricingTrial(BaseModel):
    """What rules would change; the first five hundred are named, all are counted."""

    live: int
    would_change: int
    items: list[PriceMove]
    position: int


class Taken(BaseModel):
    accepted: int
    duplicates: int
    ignored: int


class Notification(BaseModel):
    notification_id: str
    seller_id: str
    type: str
    subject: str | None
    event_time: datetime | None
    received_at: datetime
    outcome: str
    correlation_id: UUID


class Notifications(BaseModel):
    """The last hundred, and the counts by type."""

    items: list[Notification]
    counts: dict[str, Taken]
    position: int


class MercariWebhook(BaseModel):
    """The address to give Mercari; it is a secret."""

    topic: str
    url: str


class Webhook(BaseModel):
    """An endpoint and how it fares."""

    id: str
    url: str
    types: list[str]
    is_enabled: bool
    disabled_because: Literal["gone", "failing"] | None
    waiting: int
    given_up: int
    next_attempt_at: datetime | None
    failing_since: datetime | None


class WebhookShown(Webhook):
    version: int
    position: int


class NewWebhook(Webhook):
    """An endpoint that was just registered; its secret is null where the answer is replayed."""

    secret: str | None
    position: int


class Webhooks(BaseModel):
    items: list[Webhook]
    position: int


class Attempt(BaseModel):
    """An attempt to tell; `event_id` is null for a test, `error` says why there is no status."""

    time: datetime
    event_id: str | None
    type: str
    status: int | None
    error: str | None
    duration_ms: int
    outcome: Literal["delivered", "failed", "given_up"]


class Attempts(BaseModel):
    items: list[Attempt]
    next_cursor: str | None = NextCursor
    position: int


class Resent(BaseModel):
    id: str
    events: int


class CloudEvent(BaseModel):
    """A fact as those outside are told it: CloudEvents 1.0; `data` depends on the type."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"]
    sequence: str
    subjectversion: int
    actor: str
    policy: str
    correlationid: UUID
    decidedat: datetime
    data: dict[str, Any]
    observedat: datetime | None = None
    causationid: UUID | None = None


class Events(BaseModel):
    """A page of the feed; `next` is where the page after it begins."""

    items: list[CloudEvent]
    next: str


class Condition(BaseModel):
    """What is paused, held or late; further fields depend on the kind."""

    kind: Literal["breaker", "brake", "delay"]
    subject: str
    error_code: str | None
    since: datetime
    said: str
    meaning: str
    suggested_action: str
    who_acts: WhoActs | None


class SweepUnderWay(BaseModel):
    kind: SweepKind
    due_at: datetime
    started_at: datetime
    promised_at: datetime
    projected_at: datetime
    done: int
    listings: int
    updated_at: datetime


class SweepEnded(BaseModel):
    kind: SweepKind
    due_at: datetime
    started_at: datetime
    ended_at: datetime | None
    late_seconds: int
    bindings: int
    changed: int
    failed: int
    stopped_by: str | None


class SyncState(BaseModel):
    conditions: list[Condition]
    under_way: list[SweepUnderWay]
    ended: list[SweepEnded]
    as_of_position: int
