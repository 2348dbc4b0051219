"""Breaker: stops asking a marketplace that does not answer for a seller, and says so.

One stream for each (seller, marketplace). What stopped, since when, why and when it is tried again
are facts; while it is open nothing is asked, and so nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Literal, assert_never
from uuid import UUID, uuid5

from pydantic import AwareDatetime

from domain.facts import Command, Fact
from domain.ports import (
    AddressNotRegistered,
    AuthorisationRevoked,
    ShopClosed,
    UpstreamError,
    UpstreamUnavailable,
)
from domain.values import Value

Marketplace = Literal["amazon", "mercari"]

FAILURES_MAX = 5
"""So many calls in a row must stay without an answer before the marketplace is left alone."""
DELAYS_SECONDS = (60, 120, 240, 480, 900)
"""How long it is left alone, by the number of tries since."""
BY_HAND_SECONDS = 1800
"""How often it is tried where only a person can mend it."""
STOPPING_AT_ONCE = (AuthorisationRevoked, AddressNotRegistered, ShopClosed)

# --- facts --------------------------------------------------------------------------------------


class Paused(Fact):
    """The marketplace is not asked until `retry_at`; each failed try since is one more of these."""

    TOPIC: ClassVar[str] = "breaker.paused"
    marketplace: Marketplace
    code: str
    reason: str
    since: AwareDatetime
    tries: int
    retry_at: AwareDatetime


class Resumed(Fact):
    """The marketplace answers again."""

    TOPIC: ClassVar[str] = "breaker.resumed"
    marketplace: Marketplace
    code: str
    since: AwareDatetime


BreakerFact = Paused | Resumed

# --- state --------------------------------------------------------------------------------------


class Breaker(Value):
    """The fold of the facts; `pause` while it is open."""

    version: int = 0
    pause: Paused | None = None


def breaker_id_of(seller_id: UUID, marketplace: Marketplace) -> UUID:
    return uuid5(seller_id, f"breaker:{marketplace}")


def fold(facts: Iterable[BreakerFact]) -> Breaker:
    """The state after these facts, in order."""
    breaker = Breaker()
    for fact in facts:
        match fact:
            case Paused():
                breaker = Breaker(version=breaker.version + 1, pause=fact)
            case Resumed():
                breaker = Breaker(version=breaker.version + 1)
            case _:
                assert_never(fact)
    return breaker


# --- decisions ----------------------------------------------------------------------------------


class Pause(Command):
    """Calls failed in a way that asking on would not mend."""

    marketplace: Marketplace
    code: str
    reason: str
    is_for_a_person: bool = False


class Resume(Command):
    """A call was answered."""


def pause(breaker: Breaker, command: Pause) -> list[BreakerFact]:
    """Open it, or keep it open for longer; while its time runs, once is enough."""
    before, now = breaker.pause, command.stamp.decided_at
    if before is not None and now < before.retry_at:
        return []
    tries = before.tries + 1 if before else 0
    since = before.since if before else now
    return [
        Paused(
            stamp=command.stamp, marketplace=command.marketplace, code=command.code,
            reason=command.reason, since=since, tries=tries,
            retry_at=now + delay(tries, is_for_a_person=command.is_for_a_person),
        )
    ]  # fmt: skip


def delay(tries: int, *, is_for_a_person: bool) -> timedelta:
    if is_for_a_person:
        return timedelta(seconds=BY_HAND_SECONDS)
    return timedelta(seconds=DELAYS_SECONDS[min(tries, len(DELAYS_SECONDS) - 1)])


def resume(breaker: Breaker, command: Resume) -> list[BreakerFact]:
    """Close it; one that is closed stays so."""
    before = breaker.pause
    if before is None:
        return []
    return [
        Resumed(
            stamp=command.stamp, marketplace=before.marketplace, code=before.code,
            since=before.since,
        )
    ]  # fmt: skip


def counts_against(error: UpstreamError) -> bool:
    """Whether the marketplace gave no answer; a refusal is one, and pacing is not its failure."""
    return isinstance(error, UpstreamUnavailable)


def stops_at_once(error: UpstreamError) -> bool:
    """Whether only a person can mend it, so that asking on is useless."""
    return isinstance(error, STOPPING_AT_ONCE)


class UpstreamPaused(UpstreamError):
    """Nothing was asked: the marketplace is left alone until `retry_after_seconds` are over."""

    def __init__(self, paused: Paused, now: datetime) -> None:
        since = f"{paused.since:%Y-%m-%d %H:%M} UTC"
        super().__init__(
            paused.marketplace, "any call", f"left alone since {since}: {paused.reason}",
            retry_after_seconds=max(1.0, (paused.retry_at - now).total_seconds()),
        )  # fmt: skip
        self.code = paused.code
