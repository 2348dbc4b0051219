"""Repricing: from the plain float to the listed price, by the seller's own rules (SPEC §9).

Whatever the rules say, the price stays within ±15 % of Amazon's and in Mercari's range; a rule that
can't be met there says so. Only the seller's own prices are followed, never rivals' offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from domain.policy import Policy
from domain.policy.repricing_policy import FeePeriod
from domain.rules.fees import Span, cliff_of, day_in_japan, net_jpy, netting, period_of
from domain.rules.pricing import bounds_of, listed_price_jpy, yen
from domain.values import MERCARI_PRICE_JPY_MAX, Value

LOWEST = "lowest"
"""`follow` with this follows the lowest of the seller's own prices, with a name that channel's."""

RuleName = Literal[
    "follow", "floor_jpy", "floor_net_jpy", "ceiling_jpy", "daily_brake_pct", "avoid_fee_cliff",
    "charm",
]  # fmt: skip
Outcome = Literal["applied", "unmet", "stale"]


class PriceRule(Value):
    """What the seller asks for beyond the float; None asks for nothing.

    `floor_net_jpy` is a floor of the net proceeds; `charm` the digits a price shall end in;
    `daily_brake_pct` how far it may move within one day of Japan, in percent.
    """

    follow: str | None = None
    floor_jpy: int | None = None
    floor_net_jpy: int | None = None
    ceiling_jpy: int | None = None
    daily_brake_pct: Decimal | None = None
    avoid_fee_cliff: bool | None = None
    charm: str | None = None


class AsinRule(PriceRule):
    """What differs for one ASIN: what is given here goes before, and `off` takes rules away."""

    asin: str
    off: tuple[RuleName, ...] = ()


class PricingRules(Value):
    """All of a seller's rules: for every ASIN, and what differs for some."""

    everywhere: PriceRule = PriceRule()
    overrides: tuple[AsinRule, ...] = ()

    @property
    def follows_own_prices(self) -> bool:
        return any(rule.follow is not None for rule in (self.everywhere, *self.overrides))

    @cached_property
    def by_asin(self) -> Mapping[str, AsinRule]:
        return {own.asin: own for own in self.overrides}

    def rule_for(self, asin: str) -> PriceRule:
        """The rule that holds for an ASIN."""
        return rule_under(self.everywhere, self.by_asin.get(asin))

    def in_force(self, asin: str, known: Sequence[OwnPrice], at: datetime) -> RulesInForce | None:
        """What an ASIN's price is decided by; None where its rule asks for nothing."""
        rule = self.rule_for(asin)
        if rule == PriceRule():
            return None
        followed = tuple(own for own in known if rule.follow in (LOWEST, own.channel))
        return RulesInForce(rule=rule, own_prices=followed, at=at)


class ChannelPrice(Value):
    """The seller's own price of an ASIN on another channel."""

    asin: str
    channel: str
    price_jpy: int


class OwnPrice(Value):
    """What a channel's price is known to be, and since when."""

    channel: str
    price_jpy: int
    entered_at: AwareDatetime


class RulesInForce(Value):
    """What a price is decided by beside float and Amazon's price; recorded with the decision."""

    rule: PriceRule
    own_prices: tuple[OwnPrice, ...] = ()
    at: AwareDatetime


class DayStart(Value):
    """What was listed when a day of Japan began: the brake is measured from there."""

    day: date
    price_jpy: int


class PriceReason(Value):
    """What one rule did to the price, or why it could not be met or not be followed.

    `values` fill the wording of `price_<rule>_<outcome>`.
    """

    rule: RuleName
    outcome: Outcome
    from_price_jpy: int
    to_price_jpy: int
    values: Mapping[str, str] = {}


class Priced(NamedTuple):
    """A listed price, and what led to it beyond the float, in order."""

    price_jpy: int
    reasons: tuple[PriceReason, ...] = ()


def rule_under(everywhere: PriceRule, own: AsinRule | None) -> PriceRule:
    """The rule that holds for an ASIN, with what differs for it."""
    if own is None:
        return everywhere
    given = own.model_dump(exclude={"asin", "off"}, exclude_none=True)
    return everywhere.model_copy(update=given | dict.fromkeys(own.off))


def day_start_after(known: DayStart | None, moment: datetime, price_before_jpy: int) -> DayStart:
    """The start of the day on which the price changed: what was listed before its first change."""
    day = day_in_japan(moment)
    if known is not None and known.day == day:
        return known
    return DayStart(day=day, price_jpy=price_before_jpy)


def price_at_day_start(known: DayStart | None, moment: datetime, price_now_jpy: int) -> int:
    """What was listed when the day began; today's price where nothing has changed since."""
    return day_start_after(known, moment, price_now_jpy).price_jpy


def priced(
    policy: Policy,
    amazon_price_jpy: int,
    float_rate: Decimal,
    rules: RulesInForce | None,
    day_start_price_jpy: int | None,
) -> Priced:
    """The price to list at. `day_start_price_jpy` is None for what was not on sale before.

    In this order: the float, the own price that is followed, floor, ceiling, daily brake, fee
    cliff, charm ending. A floor goes before a ceiling, and both before the brake.
    """
    maximum = Decimal(policy.float_rate_max)
    bounds = bounds_of(amazon_price_jpy, maximum)
    price = listed_price_jpy(amazon_price_jpy, float_rate, maximum)
    if rules is None or bounds.price_jpy_min > bounds.price_jpy_max:
        return Priced(price)
    span = Span(low_jpy=bounds.price_jpy_min, high_jpy=bounds.price_jpy_max)
    fees = period_of(policy.repricing, day_in_japan(rules.at))
    steps = Steps(price, [span])
    stale_limit = timedelta(seconds=policy.repricing.channel_price_seconds_max)
    follow(steps, rules, stale_limit)
    keep_above_floor(steps, rules.rule, fees)
    if (ceiling := rules.rule.ceiling_jpy) is not None:
        steps.narrow("ceiling_jpy", [Span(low_jpy=0, high_jpy=ceiling)], {"wanted": yen(ceiling)})
    if day_start_price_jpy is not None:
        brake(steps, rules.rule, day_start_price_jpy)
    if not avoid_cliff(steps, rules.rule, fees):
        end_in(steps, rules.rule, fees)
    return Priced(steps.price_jpy, tuple(steps.reasons))


class Steps:
    """A price on its way through the rules: where it may lie, and what was done to it so far."""

    def __init__(self, price_jpy: int, allowed: Sequence[Span]) -> None:
        self.price_jpy = price_jpy
        self.allowed = list(allowed)
        self.reasons: list[PriceReason] = []

    def move(self, rule: RuleName, outcome: Outcome, to: int, values: Mapping[str, str]) -> None:
        """Take the price there, and say by which rule."""
        self.reasons.append(
            PriceReason(
                rule=rule, outcome=outcome, from_price_jpy=self.price_jpy, to_price_jpy=to,
                values=values,
            )
        )  # fmt: skip
        self.price_jpy = to

    def narrow(
        self,
        rule: RuleName,
        wanted: Sequence[Span],
        values: Mapping[str, str],
        instead: int | None = None,
    ) -> None:
        """Allow only what is wanted too; where nothing is left, the price that comes nearest.

        `instead` is that price where coming nearest is not a matter of distance.
        """
        shared = common(self.allowed, wanted)
        if not shared:
            point = closest(self.allowed, wanted) if instead is None else instead
            self.allowed = [Span(low_jpy=point, high_jpy=point)]
            self.move(rule, "unmet", point, values)
            return
        self.allowed = shared
        if (nearest := nearest_in(shared, self.price_jpy)) != self.price_jpy:
            self.move(rule, "applied", nearest, values)


def follow(steps: Steps, rules: RulesInForce, stale_limit: timedelta) -> None:
    """Take over the seller's own price on another channel; one entered too long ago is named."""
    wanted = rules.rule.follow
    if wanted is None:
        return
    named = [own for own in rules.own_prices if wanted in (LOWEST, own.channel)]
    by_price = sorted(named, key=lambda own: (own.price_jpy, own.channel))
    fresh = [own for own in by_price if rules.at - own.entered_at <= stale_limit]
    best = fresh[0] if fresh else None
    stale = [own for own in by_price if own not in fresh]
    passed_over = [own for own in stale if best is None or own.price_jpy < best.price_jpy]
    if passed_over:
        hours = str(int(stale_limit.total_seconds() // 3600))
        channels = ", ".join(own.channel for own in passed_over)
        values = {"channel": channels, "hours": hours}
        steps.move("follow", "stale", steps.price_jpy, values)
    if best is None:
        return
    nearest = nearest_in(steps.allowed, best.price_jpy)
    values = {"channel": best.channel, "wanted": yen(best.price_jpy)}
    if nearest != best.price_jpy:
        steps.move("follow", "unmet", nearest, values)
    elif nearest != steps.price_jpy:
        steps.move("follow", "applied", nearest, values)


def keep_above_floor(steps: Steps, rule: PriceRule, fees: FeePeriod) -> None:
    """Never below the floor, nor where a sale leaves less than the floor of the proceeds."""
    if (floor := rule.floor_jpy) is not None:
        wanted = [Span(low_jpy=floor, high_jpy=MERCARI_PRICE_JPY_MAX)]
        steps.narrow("floor_jpy", wanted, {"wanted": yen(floor)})
    if (net := rule.floor_net_jpy) is not None:
        most = most_netting(steps.allowed, fees)
        steps.narrow("floor_net_jpy", netting(fees, net), {"wanted": yen(net)}, instead=most)


def brake(steps: Steps, rule: PriceRule, day_start_price_jpy: int) -> None:
    """No further from the day's first price than the brake lets it."""
    if rule.daily_brake_pct is None:
        return
    share = rule.daily_brake_pct / 100
    low = (day_start_price_jpy * (1 - share)).to_integral_value(ROUND_CEILING)
    high = (day_start_price_jpy * (1 + share)).to_integral_value(ROUND_FLOOR)
    values = {"percent": f"{rule.daily_brake_pct:f}", "from": yen(day_start_price_jpy)}
    steps.narrow("daily_brake_pct", [Span(low_jpy=int(low), high_jpy=int(high))], values)


def avoid_cliff(steps: Steps, rule: PriceRule, fees: FeePeriod) -> bool:
    """Down to the step where just above it nets less; True where the price stays there."""
    cliff, step = cliff_of(fees), fees.step_price_jpy
    if not rule.avoid_fee_cliff or cliff is None or step is None or not cliff.hold(steps.price_jpy):
        return False
    if any(span.hold(step) for span in steps.allowed):
        steps.move("avoid_fee_cliff", "applied", step, {"wanted": yen(step)})
        return True
    steps.move("avoid_fee_cliff", "unmet", steps.price_jpy, {"wanted": yen(step)})
    return False


def end_in(steps: Steps, rule: PriceRule, fees: FeePeriod) -> None:
    """The nearest price with the ending that every rule before it allows."""
    if rule.charm is None:
        return
    allowed, cliff = steps.allowed, cliff_of(fees)
    if rule.avoid_fee_cliff and cliff is not None:
        below = Span(low_jpy=0, high_jpy=cliff.low_jpy - 1)
        above = Span(low_jpy=cliff.high_jpy + 1, high_jpy=MERCARI_PRICE_JPY_MAX)
        allowed = common(allowed, [below, above])
    found = [price for span in allowed for price in ending_in(rule.charm, span, steps.price_jpy)]
    values = {"wanted": rule.charm}
    if not found:
        steps.move("charm", "unmet", steps.price_jpy, values)
    elif (nearest := by_distance(found, steps.price_jpy)) != steps.price_jpy:
        steps.move("charm", "applied", nearest, values)


def ending_in(digits: str, span: Span, price_jpy: int) -> list[int]:
    """The prices of a span with this ending that lie next to a price."""
    period, end = 10 ** len(digits), int(digits)
    start = span.nearest(price_jpy)
    below = start - (start - end) % period
    return [each for each in (below, below + period) if span.hold(each)]


def common(some: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """What both allow."""
    shared = [
        Span(low_jpy=max(one.low_jpy, other.low_jpy), high_jpy=min(one.high_jpy, other.high_jpy))
        for one in some
        for other in others
    ]
    return [span for span in shared if span.low_jpy <= span.high_jpy]


def nearest_in(allowed: Iterable[Span], price_jpy: int) -> int:
    return by_distance((span.nearest(price_jpy) for span in allowed), price_jpy)


def by_distance(prices: Iterable[int], price_jpy: int) -> int:
    """The nearest of these; of two as near, the lower."""
    return min(prices, key=lambda each: (abs(each - price_jpy), each))


def closest(allowed: Sequence[Span], wanted: Sequence[Span]) -> int:
    """The allowed price that comes nearest to what is wanted."""
    edges = [edge for span in wanted for edge in (span.low_jpy, span.high_jpy)]
    pairs = [(span.nearest(edge), edge) for span in allowed for edge in edges]
    return min(pairs, key=lambda pair: (abs(pair[0] - pair[1]), pair[0]))[0]


def most_netting(allowed: Sequence[Span], fees: FeePeriod) -> int:
    """The allowed price that leaves most: an upper end, or the step below the higher rate."""
    step = fees.step_price_jpy
    ends = [span.high_jpy for span in allowed]
    if step is not None and any(span.hold(step) for span in allowed):
        ends.append(step)
    return max(ends, key=lambda price: (net_jpy(fees, price), -price))
