"""How the service itself is doing, as those who run it read it: no fold of a seller's history."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from domain.values import Value


class ViewState(Value):
    """One generation of a projection; `error` says why it stopped, at which event."""

    name: str
    generation: int
    is_live: bool
    position: int
    lag: int
    stopped_at_position: int | None
    error: str | None


class JobCount(Value):
    """Jobs of one kind in one state: todo, later, doing or failed; `oldest_at` was asked first."""

    name: str
    state: str
    count: int
    oldest_at: AwareDatetime | None


class FailingEndpoint(Value):
    """A webhook endpoint that only fails, or that was given up with events to tell."""

    seller_id: UUID
    webhook_id: UUID
    is_enabled: bool
    failing_since: AwareDatetime | None
    waiting: int
    given_up: int


class MailState(Value):
    """Mails that wait to be sent, and contacts that the last one did not reach."""

    waiting: int = 0
    oldest_at: AwareDatetime | None = None
    failing: int = 0
    error: str | None = None


class ServiceState(Value):
    """Everything of the operations page that is not in a projection of the sellers' facts."""

    position: int
    views: tuple[ViewState, ...]
    jobs: tuple[JobCount, ...]
    endpoints: tuple[FailingEndpoint, ...]
    mails: MailState


class BudgetLevel(Value):
    """What one operation of a marketplace may still be called, and how often it was in a day."""

    marketplace: str
    operation: str
    left: float
    burst: int
    per_second: float
    calls: int
