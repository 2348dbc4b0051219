"""Webhooks of a seller: where it is told its facts, which ones, and why it no longer is.

Facts, state, evolve, commands, decisions; they live on the seller's stream. The secret that signs
never enters a fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Literal, NamedTuple, assert_never
from uuid import UUID

from pydantic import AwareDatetime

from domain.errors import NotFound, WebhookRefused
from domain.facts import Command, Fact
from domain.rules.webhook_address import is_allowed
from domain.ticket.facts import STAFF_ONLY
from domain.values import Value

WEBHOOKS_MAX = 10
RETRY_DELAYS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
    timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20),
    timedelta(hours=24),
)  # fmt: skip
"""The waits before the second and every later attempt to tell one event; then it is given up."""
FAILING_MAX = timedelta(days=5)
"""An endpoint that did nothing but fail for this long is disabled."""

DisableReason = Literal["gone", "failing"]
Outcome = Literal["delivered", "failed", "given_up"]

# --- facts --------------------------------------------------------------------------------------


class WebhookRegistered(Fact):
    """The seller wants to be told at this address. `types` are beginnings; none means all."""

    TOPIC: ClassVar[str] = "seller.webhook_registered"
    webhook_id: UUID
    url: str
    types: tuple[str, ...]


class WebhookChanged(Fact):
    """Address, types or switch are now these; what waits is tried anew."""

    TOPIC: ClassVar[str] = "seller.webhook_changed"
    webhook_id: UUID
    url: str
    types: tuple[str, ...]
    is_enabled: bool


class WebhookDisabled(Fact):
    """We stopped telling: the address said that it is gone (410), or failed for five days."""

    TOPIC: ClassVar[str] = "seller.webhook_disabled"
    webhook_id: UUID
    reason: DisableReason


class WebhookRemoved(Fact):
    """The seller wants to be told there no more; what still waited is dropped."""

    TOPIC: ClassVar[str] = "seller.webhook_removed"
    webhook_id: UUID


WebhookFact = WebhookRegistered | WebhookChanged | WebhookDisabled | WebhookRemoved

# --- state --------------------------------------------------------------------------------------


class Webhook(Value):
    """One endpoint as it stands. `disabled_because` is None where the seller switched it off."""

    webhook_id: UUID
    url: str
    types: tuple[str, ...]
    is_enabled: bool = True
    disabled_because: DisableReason | None = None


Webhooks = tuple[Webhook, ...]


class Message(NamedTuple):
    """An event as it is sent: its id never changes, however often it is sent."""

    message_id: str
    body: bytes


class Attempt(Value):
    """One attempt to tell; `position` is None for a test. `error` says why there is no status."""

    number: int
    position: int | None
    type: str
    at: AwareDatetime
    status: int | None
    error: str | None
    duration_ms: int
    outcome: Outcome


class Delivery(Value):
    """How an endpoint fares: events that wait or were given up, since when it only fails."""

    waiting: int = 0
    given_up: int = 0
    next_attempt_at: AwareDatetime | None = None
    failing_since: AwareDatetime | None = None


def wants(types: Iterable[str], topic: str) -> bool:
    """True where the topic begins with one of these, or there are none; never for staff's notes."""
    beginnings = tuple(types)
    return topic not in STAFF_ONLY and (not beginnings or topic.startswith(beginnings))


def find_webhook(held: Webhooks, webhook_id: UUID) -> Webhook | None:
    return next((each for each in held if each.webhook_id == webhook_id), None)


def get_webhook(held: Webhooks, webhook_id: UUID) -> Webhook:
    """Raises NotFound."""
    if (found := find_webhook(held, webhook_id)) is None:
        raise NotFound("no such webhook")
    return found


# --- evolve -------------------------------------------------------------------------------------


def after(held: Webhooks, fact: WebhookFact) -> Webhooks:
    """The endpoints after this fact, in the order in which they were registered."""
    match fact:
        case WebhookRegistered():
            return (*held, Webhook(webhook_id=fact.webhook_id, url=fact.url, types=fact.types))
        case WebhookChanged():
            now: dict[str, object] = {
                "url": fact.url, "types": fact.types, "is_enabled": fact.is_enabled,
                "disabled_because": None,
            }  # fmt: skip
        case WebhookDisabled():
            now = {"is_enabled": False, "disabled_because": fact.reason}
        case WebhookRemoved():
            return tuple(each for each in held if each.webhook_id != fact.webhook_id)
        case _:
            assert_never(fact)
    return tuple(
        each.model_copy(update=now) if each.webhook_id == fact.webhook_id else each for each in held
    )


# --- commands -----------------------------------------------------------------------------------


class RegisterWebhook(Command):
    """`may_be_loopback`: the sandbox is in use."""

    webhook_id: UUID
    url: str
    types: tuple[str, ...]
    may_be_loopback: bool


class ChangeWebhook(Command):
    webhook_id: UUID
    url: str
    types: tuple[str, ...]
    is_enabled: bool
    may_be_loopback: bool


class DisableWebhook(Command):
    webhook_id: UUID
    reason: DisableReason


class RemoveWebhook(Command):
    webhook_id: UUID


# --- decisions ----------------------------------------------------------------------------------


def register_webhook(held: Webhooks, command: RegisterWebhook) -> list[WebhookFact]:
    """Raises WebhookRefused for an address that may not be told, or one endpoint too many."""
    ensure_allowed(command.url, command.may_be_loopback)
    if len(held) >= WEBHOOKS_MAX:
        raise WebhookRefused(f"{len(held)} webhooks", rules={"webhooks": "webhook_too_many"})
    return [
        WebhookRegistered(
            stamp=command.stamp,
            webhook_id=command.webhook_id,
            url=command.url,
            types=command.types,
        )
    ]


def change_webhook(held: Webhooks, command: ChangeWebhook) -> list[WebhookFact]:
    """Raises NotFound, WebhookRefused."""
    known = get_webhook(held, command.webhook_id)
    ensure_allowed(command.url, command.may_be_loopback)
    if (known.url, known.types, known.is_enabled) == (
        command.url, command.types, command.is_enabled,
    ):  # fmt: skip
        return []
    return [
        WebhookChanged(
            stamp=command.stamp,
            webhook_id=command.webhook_id,
            url=command.url,
            types=command.types,
            is_enabled=command.is_enabled,
        )
    ]


def disable_webhook(held: Webhooks, command: DisableWebhook) -> list[WebhookFact]:
    """Nothing where it is off, or gone, already."""
    known = find_webhook(held, command.webhook_id)
    if known is None or not known.is_enabled:
        return []
    return [
        WebhookDisabled(stamp=command.stamp, webhook_id=command.webhook_id, reason=command.reason)
    ]


def remove_webhook(held: Webhooks, command: RemoveWebhook) -> list[WebhookFact]:
    """Raises NotFound."""
    get_webhook(held, command.webhook_id)
    return [WebhookRemoved(stamp=command.stamp, webhook_id=command.webhook_id)]


def ensure_allowed(url: str, may_be_loopback: bool) -> None:
    """Raises WebhookRefused, saying which addresses may be told."""
    if not is_allowed(url, may_be_loopback=may_be_loopback):
        rule = "webhook_address_sandbox" if may_be_loopback else "webhook_address"
        raise WebhookRefused(f"url {url[:200]!r}", rules={"url": rule})
