"""Mercari's commission and what a sale leaves, versioned by date (SPEC §6).

Source: Fee Schedule v3.0; Mercari Logistics White Paper 2024 (¥210 an order).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_FLOOR, Decimal
from typing import Literal, NamedTuple

from domain.policy.repricing_policy import FeePeriod, RepricingPolicy
from domain.values import MERCARI_PRICE_JPY_MAX, Value

JAPAN = timezone(timedelta(hours=9))

Shipping = Literal["mercari", "self"]


class Span(NamedTuple):
    """Whole yen from the lowest to the highest, both inside."""

    low_jpy: int
    high_jpy: int

    def hold(self, price_jpy: int) -> bool:
        return self.low_jpy <= price_jpy <= self.high_jpy

    def nearest(self, price_jpy: int) -> int:
        return max(self.low_jpy, min(price_jpy, self.high_jpy))


class Proceeds(Value):
    """What a sale at `price_jpy` leaves after Mercari's commission; shipping shown, not guessed."""

    price_jpy: int
    commission_rate: Decimal
    commission_jpy: int
    shipping_saving_jpy: int
    net_jpy: int
    warning_code: str | None = None


def day_in_japan(moment: datetime) -> date:
    """The business day that a moment falls on."""
    return moment.astimezone(JAPAN).date()


def period_of(policy: RepricingPolicy, on: date) -> FeePeriod:
    """The fees of that day; before the first period there was, those of the first."""
    begun = [period for period in policy.fees if period.since <= on]
    return begun[-1] if begun else policy.fees[0]


def rate_at(fees: FeePeriod, price_jpy: int) -> Decimal:
    """The share of the whole price that Mercari keeps."""
    is_above = fees.step_price_jpy is not None and price_jpy > fees.step_price_jpy
    return Decimal(fees.rate_above if is_above and fees.rate_above else fees.rate)


def commission_jpy(fees: FeePeriod, price_jpy: int) -> int:
    """Floored to whole yen."""
    return int((price_jpy * rate_at(fees, price_jpy)).to_integral_value(ROUND_FLOOR))


def net_jpy(fees: FeePeriod, price_jpy: int) -> int:
    return price_jpy - commission_jpy(fees, price_jpy)


def cliff_of(fees: FeePeriod) -> Span | None:
    """The prices just above the step that net less than the step itself (¥5,001 to ¥5,112)."""
    step = fees.step_price_jpy
    if step is None or fees.rate_above is None:
        return None
    end = least_netting(Decimal(fees.rate_above), net_jpy(fees, step))
    return Span(low_jpy=step + 1, high_jpy=end - 1) if end > step + 1 else None


def is_on_cliff(fees: FeePeriod, price_jpy: int) -> bool:
    cliff = cliff_of(fees)
    return cliff is not None and cliff.hold(price_jpy)


def netting(fees: FeePeriod, net_jpy_min: int) -> list[Span]:
    """Every price that leaves at least so much: one span, or two where the step parts them."""
    step = fees.step_price_jpy or MERCARI_PRICE_JPY_MAX
    above = Decimal(fees.rate_above or fees.rate)
    spans = [
        Span(low_jpy=least_netting(Decimal(fees.rate), net_jpy_min), high_jpy=step),
        Span(
            low_jpy=max(step + 1, least_netting(above, net_jpy_min)),
            high_jpy=MERCARI_PRICE_JPY_MAX,
        ),
    ]
    return [span for span in spans if span.low_jpy <= span.high_jpy]


def least_netting(rate: Decimal, net_jpy_min: int) -> int:
    """The lowest price that leaves so much at one rate: price − floor(price x rate) ≥ net."""
    return int((Decimal(net_jpy_min - 1) / (1 - rate)).to_integral_value(ROUND_FLOOR)) + 1


def proceeds_of(policy: RepricingPolicy, price_jpy: int, on: date, shipping: Shipping) -> Proceeds:
    """Commission by date, of the whole price; W-102 where a lower price nets more."""
    fees = period_of(policy, on)
    return Proceeds(
        price_jpy=price_jpy,
        commission_rate=rate_at(fees, price_jpy),
        commission_jpy=commission_jpy(fees, price_jpy),
        shipping_saving_jpy=policy.shipping_saving_jpy if shipping == "mercari" else 0,
        net_jpy=net_jpy(fees, price_jpy),
        warning_code="W-102" if is_on_cliff(fees, price_jpy) else None,
    )
