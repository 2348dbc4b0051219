"""The mass-change brake: many listings at once are suspended or re-priced only on two readings.

One wrong answer of an upstream must not empty a shop. A change that a second reading confirms goes
on at once; what it does not confirm is held, and said (SPEC §5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from domain.asin_binding import BindingFact
from domain.asin_binding.facts import Blocked, MappingBroken, PriceAdjusted, Suspended
from domain.policy import Policy

Facts = Sequence[BindingFact]


class Brake(NamedTuple):
    """The limit of one sweep: `rate` of the seller's `listings`, and never below `count_min`."""

    listings: int
    rate: Decimal
    count_min: int
    is_off: bool = False

    @property
    def limit(self) -> int:
        """How many drastic changes go on without a second reading."""
        return max(self.count_min, int(self.listings * self.rate))

    def holds(self, drastic: int) -> bool:
        return not self.is_off and drastic > self.limit


def brake_of(policy: Policy, listings: int, rate: Decimal, *, is_off: bool) -> Brake:
    """The brake of a sweep; the seller may have said that this one goes on without."""
    return Brake(listings, rate, policy.guards.mass_change_count_min, is_off)


def drastic_change(facts: Facts) -> str | None:
    """What these facts would do to a listing that the brake counts; None for anything else.

    In words that two readings can be compared by: the status and its reason, the price, or what was
    found in the catalogue.
    """
    for fact in facts:
        match fact:
            case Suspended():
                return f"{fact.amazon_status}: {fact.reason}"
            case Blocked() | MappingBroken():
                return f"{fact.finding.code}: {fact.finding.seen}"
            case PriceAdjusted() if fact.from_price_jpy != fact.to_price_jpy:
                return f"¥{fact.amazon_price_jpy}"
            case _:
                continue
    return None


def drastic_among(decided: Mapping[UUID, Facts]) -> dict[UUID, str]:
    """Those that the brake counts, with what would be done."""
    changes = ((binding_id, drastic_change(facts)) for binding_id, facts in decided.items())
    return {binding_id: change for binding_id, change in changes if change is not None}
