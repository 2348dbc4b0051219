"""Arbitrage of a seller: suspected by rule, judged by a reviewer, its status ended for good.

Facts, state, evolve, commands, decisions; they live on the seller's stream. What a reviewer wrote
is personal; the coded cause beside it stays readable.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Literal, assert_never
from uuid import UUID

from pydantic import AwareDatetime

from domain.errors import NotFound, SellerTerminated, WrongState
from domain.facts import Command, Fact
from domain.policy import policy_of
from domain.values import Value

CODE = "E-415"
EVIDENCE_MAX = 100
"""So many bindings one suspicion names; what is beyond them is told by the next day's check."""

Rule = Literal["no_own_offer", "price_above_policy"]
DismissalCause = Literal["own_stock_proved", "typing_mistake", "price_mended", "other"]
ConfirmationCause = Literal["bought_on_amazon", "price_kept_high", "other"]
TerminationCause = Literal["arbitrage", "fraud", "request_of_mercari"]
WindUp = Literal["block", "withdraw"]
"""How bindings end with their seller: terminated, or leaving by its own will."""

# --- facts --------------------------------------------------------------------------------------


class Evidence(Value):
    """One binding that a rule holds against: since when, the last prices, and where it stands.

    `positions` are those of the facts in the log, in their order.
    """

    binding_id: UUID
    asin: str
    since: AwareDatetime
    amazon_price_jpy: int | None = None
    shown_price_jpy: int | None = None
    positions: tuple[int, ...] = ()


class ArbitrageSuspected(Fact):
    """A rule holds against these bindings; whether that is arbitrage is a reviewer's to say."""

    TOPIC: ClassVar[str] = "seller.arbitrage_suspected"
    suspicion_id: UUID
    rule: Rule
    evidence: tuple[Evidence, ...]


class ArbitrageDismissed(Fact):
    """A reviewer found no arbitrage; the same bindings are not suspected again for a while."""

    TOPIC: ClassVar[str] = "seller.arbitrage_dismissed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    suspicion_id: UUID
    cause: DismissalCause
    reason: str | None = None


class ArbitrageConfirmed(Fact):
    """A reviewer found arbitrage."""

    TOPIC: ClassVar[str] = "seller.arbitrage_confirmed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    suspicion_id: UUID
    cause: ConfirmationCause
    reason: str | None = None


class Terminated(Fact):
    """The seller's status ended for good; every binding is blocked because of it."""

    TOPIC: ClassVar[str] = "seller.terminated"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    code: str
    cause: TerminationCause
    suspicion_id: UUID | None = None
    reason: str | None = None


class BindingsWoundUp(Fact):
    """So many more bindings ended with their seller; recorded together with the end of each."""

    TOPIC: ClassVar[str] = "seller.bindings_wound_up"
    ending: WindUp
    bindings: int


ArbitrageFact = (
    ArbitrageSuspected | ArbitrageDismissed | ArbitrageConfirmed | Terminated | BindingsWoundUp
)

# --- state --------------------------------------------------------------------------------------


class Verdict(Value):
    """What a reviewer decided on a suspicion."""

    decision: Literal["dismissed", "confirmed"]
    cause: DismissalCause | ConfirmationCause
    reason: str | None
    by: str
    at: AwareDatetime


class Suspicion(Value):
    """One suspicion; open while there is no verdict."""

    suspicion_id: UUID
    rule: Rule
    raised_at: AwareDatetime
    evidence: tuple[Evidence, ...]
    verdict: Verdict | None = None


class Termination(Value):
    """The end of a seller's status; `version` is its fact's place on the seller's stream."""

    version: int
    cause: TerminationCause
    suspicion_id: UUID | None
    reason: str | None
    by: str
    at: AwareDatetime


class Arbitrage(Value):
    """Every suspicion, oldest first, and the termination where there is one."""

    suspicions: tuple[Suspicion, ...] = ()
    termination: Termination | None = None
    wound_up_count: int = 0

    @property
    def open(self) -> tuple[Suspicion, ...]:
        return tuple(each for each in self.suspicions if each.verdict is None)


def get_suspicion(held: Arbitrage, suspicion_id: UUID) -> Suspicion:
    """Raises NotFound."""
    found = (each for each in held.suspicions if each.suspicion_id == suspicion_id)
    if (suspicion := next(found, None)) is None:
        raise NotFound("no such suspicion")
    return suspicion


def ensure_not_terminated(held: Arbitrage) -> None:
    """Raises SellerTerminated (E-415)."""
    if (ended := held.termination) is not None:
        detail = f"this seller's status ended for good on {ended.at:%Y-%m-%d}: {ended.cause}"
        raise SellerTerminated(detail, terminated_at=ended.at.isoformat(), cause=ended.cause)


# --- evolve -------------------------------------------------------------------------------------


def after(held: Arbitrage, fact: ArbitrageFact, version: int) -> Arbitrage:
    """The state after this fact, which has that version on its stream."""
    stamp = fact.stamp
    match fact:
        case ArbitrageSuspected():
            raised = Suspicion(
                suspicion_id=fact.suspicion_id, rule=fact.rule, raised_at=stamp.decided_at,
                evidence=fact.evidence,
            )  # fmt: skip
            return held.model_copy(update={"suspicions": (*held.suspicions, raised)})
        case ArbitrageDismissed() | ArbitrageConfirmed():
            return judged(held, fact)
        case Terminated():
            ended = Termination(
                version=version, cause=fact.cause, suspicion_id=fact.suspicion_id,
                reason=fact.reason, by=stamp.actor, at=stamp.decided_at,
            )  # fmt: skip
            return held.model_copy(update={"termination": ended})
        case BindingsWoundUp():
            return held.model_copy(update={"wound_up_count": held.wound_up_count + fact.bindings})
        case _:
            assert_never(fact)


def judged(held: Arbitrage, fact: ArbitrageDismissed | ArbitrageConfirmed) -> Arbitrage:
    verdict = Verdict(
        decision="confirmed" if isinstance(fact, ArbitrageConfirmed) else "dismissed",
        cause=fact.cause, reason=fact.reason, by=fact.stamp.actor, at=fact.stamp.decided_at,
    )  # fmt: skip
    suspicions = tuple(
        each.model_copy(update={"verdict": verdict})
        if each.suspicion_id == fact.suspicion_id
        else each
        for each in held.suspicions
    )
    return held.model_copy(update={"suspicions": suspicions})


# --- commands -----------------------------------------------------------------------------------


class SuspectArbitrage(Command):
    """A rule holds against all of these bindings now."""

    suspicion_id: UUID
    rule: Rule
    evidence: tuple[Evidence, ...]


class DismissSuspicion(Command):
    suspicion_id: UUID
    cause: DismissalCause
    reason: str


class ConfirmSuspicion(Command):
    suspicion_id: UUID
    cause: ConfirmationCause
    reason: str


class Terminate(Command):
    """`is_admin`: without a confirmed suspicion only an admin may."""

    cause: TerminationCause
    reason: str
    is_admin: bool


# --- decisions ----------------------------------------------------------------------------------


def suspect(held: Arbitrage, command: SuspectArbitrage) -> list[ArbitrageFact]:
    """A suspicion of what is neither suspected nor was lately dismissed, where that is enough."""
    if held.termination is not None:
        return []
    policy, now = policy_of(command.stamp.policy).arbitrage, command.stamp.decided_at
    known = already_judged(held, command.rule, now - timedelta(days=policy.dismissal_days))
    fresh = [
        each for each in command.evidence if each.binding_id not in known and each.since <= now
    ]
    enough = policy.no_own_offer_asins if command.rule == "no_own_offer" else 1
    if len(fresh) < enough:
        return []
    return [
        ArbitrageSuspected(
            stamp=command.stamp, suspicion_id=command.suspicion_id, rule=command.rule,
            evidence=tuple(fresh[:EVIDENCE_MAX]),
        )
    ]  # fmt: skip


def already_judged(held: Arbitrage, rule: Rule, since: datetime) -> set[UUID]:
    """Bindings under an open suspicion of this rule, or one that was dismissed after `since`."""
    return {
        evidence.binding_id
        for each in held.suspicions
        if each.rule == rule and (each.verdict is None or each.verdict.at > since)
        for evidence in each.evidence
    }


def dismiss(held: Arbitrage, command: DismissSuspicion) -> list[ArbitrageFact]:
    """Raises NotFound, WrongState where somebody decided otherwise or before."""
    if is_decided(get_suspicion(held, command.suspicion_id), "dismissed", command.stamp.actor):
        return []
    return [
        ArbitrageDismissed(
            stamp=command.stamp, suspicion_id=command.suspicion_id, cause=command.cause,
            reason=command.reason,
        )
    ]  # fmt: skip


def confirm(held: Arbitrage, command: ConfirmSuspicion) -> list[ArbitrageFact]:
    """Confirmed, and with it terminated. Raises NotFound, WrongState like `dismiss`."""
    if is_decided(get_suspicion(held, command.suspicion_id), "confirmed", command.stamp.actor):
        return []
    confirmed = ArbitrageConfirmed(
        stamp=command.stamp, suspicion_id=command.suspicion_id, cause=command.cause,
        reason=command.reason,
    )  # fmt: skip
    if held.termination is not None:
        return [confirmed]
    ended = Terminated(
        stamp=command.stamp, code=CODE, cause="arbitrage", suspicion_id=command.suspicion_id,
        reason=command.reason,
    )  # fmt: skip
    return [confirmed, ended]


def is_decided(
    suspicion: Suspicion, decision: Literal["dismissed", "confirmed"], actor: str
) -> bool:
    """True where the same reviewer says the same again.

    Raises WrongState for a suspicion that is decided already, saying how, by whom and when.
    """
    verdict = suspicion.verdict
    if verdict is None:
        return False
    if (verdict.decision, verdict.by) == (decision, actor):
        return True
    raise WrongState(
        f"this suspicion was {verdict.decision} by {verdict.by} at {verdict.at.isoformat()}",
        decision=verdict.decision, decided_by=verdict.by, decided_at=verdict.at.isoformat(),
        rules={"decision": "suspicion_decided"},
    )  # fmt: skip


def terminate(held: Arbitrage, command: Terminate) -> list[ArbitrageFact]:
    """Once, for good. Raises WrongState for a reviewer where no suspicion was confirmed."""
    if held.termination is not None:
        return []
    confirmed = next((each for each in held.suspicions if is_confirmed(each)), None)
    if confirmed is None and not command.is_admin:
        raise WrongState("no suspicion was confirmed", rules={"suspicion": "nothing_confirmed"})
    return [
        Terminated(
            stamp=command.stamp, code=CODE, cause=command.cause, reason=command.reason,
            suspicion_id=confirmed.suspicion_id if confirmed else None,
        )
    ]  # fmt: skip


def is_confirmed(suspicion: Suspicion) -> bool:
    return suspicion.verdict is not None and suspicion.verdict.decision == "confirmed"
