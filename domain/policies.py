"""When this fact, then that work: the one table of what follows from what.

A replay never asks for work again: the follower that reads this table keeps its own position.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import arbitrage, submission
from domain.asin_binding import facts as binding
from domain.channel_prices import ChannelPricesEntered
from domain.facts import Recorded
from domain.seller import ErasureRequested, PricingRulesChanged, SweepRequested
from domain.sync_sweep import SweepKind
from domain.uploads import PAGE_SIZE


@dataclass(frozen=True)
class CheckRows:
    """Check these rows of an upload against Amazon."""

    seller_id: UUID
    submission_id: UUID
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class CheckAgain:
    """Check one binding that was asked for again."""

    seller_id: UUID
    binding_id: UUID


@dataclass(frozen=True)
class StartSweep:
    """Sweep this seller's live bindings now."""

    seller_id: UUID
    kind: SweepKind
    due_at: datetime
    is_brake_off: bool = False
    is_requested: bool = False


@dataclass(frozen=True)
class DrainEffects:
    """Something is due on Mercari for this seller."""

    seller_id: UUID


@dataclass(frozen=True)
class WindUp:
    """End every binding of a seller that was terminated, or leaves."""

    seller_id: UUID
    ending: arbitrage.WindUp


@dataclass(frozen=True)
class CheckArbitrage:
    """Hold this seller's signs of arbitrage against the rules."""

    seller_id: UUID


@dataclass(frozen=True)
class Erase:
    """Erase the personal data of this seller, once nothing of it is on sale."""

    seller_id: UUID


WorkDue = (
    CheckRows | CheckAgain | StartSweep | DrainEffects | WindUp | CheckArbitrage | Erase
)  # fmt: skip

_CHANGES_MERCARI = (
    binding.Mapped, binding.MappingBroken, binding.PriceAdjusted, binding.StockAdjusted,
    binding.ContentRefreshed, binding.Suspended, binding.Reinstated, binding.Blocked,
    binding.Withdrawn, binding.TermsChanged, binding.DriftFound,
)  # fmt: skip


def work_after(recorded: Recorded) -> list[WorkDue]:
    """What has to be done because of this fact."""
    fact, seller_id = recorded.fact, recorded.seller_id
    if isinstance(fact, submission.Received):
        numbers = [row.number for row in fact.rows if row.fault is None]
        return [
            CheckRows(seller_id, recorded.originator_id, tuple(numbers[start : start + PAGE_SIZE]))
            for start in range(0, len(numbers), PAGE_SIZE)
        ]
    if isinstance(fact, binding.Requested) and fact.submission_id is None:
        return [CheckAgain(seller_id, recorded.originator_id), DrainEffects(seller_id)]
    if isinstance(fact, binding.ImageReviewed):
        return [CheckAgain(seller_id, recorded.originator_id)]
    if isinstance(fact, SweepRequested):
        is_brake_off = fact.is_brake_off
        return [StartSweep(seller_id, fact.kind, fact.stamp.decided_at, is_brake_off, True)]
    if isinstance(fact, ErasureRequested):
        return [WindUp(seller_id, "withdraw"), Erase(seller_id)]
    if isinstance(fact, PricingRulesChanged | ChannelPricesEntered):
        due_at = fact.stamp.decided_at
        return [StartSweep(seller_id, "stock_price", due_at, is_requested=True)]
    if isinstance(fact, arbitrage.Terminated):
        return [WindUp(seller_id, "block")]
    return [DrainEffects(seller_id)] if isinstance(fact, _CHANGES_MERCARI) else []
