"""Prices: the float within ±15 % of Amazon's, whole yen, Mercari's range (SPEC §5)."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cache

from domain.policy import NoSuchPolicy, policy_of, policy_versions
from domain.rules.findings import INTEGRATION_POLICY, Finding
from domain.values import MERCARI_PRICE_JPY_MAX, MERCARI_PRICE_JPY_MIN, Value

_RATE_STEP = Decimal("0.00000001")


class Bounds(Value):
    """The lowest and highest listed price that an Amazon price allows, both whole yen."""

    price_jpy_min: int
    price_jpy_max: int

    def hold(self, price_jpy: int) -> bool:
        return self.price_jpy_min <= price_jpy <= self.price_jpy_max


def bounds_of(amazon_price_jpy: int, float_rate_max: Decimal) -> Bounds:
    """[ceil(0.85·A), floor(1.15·A)], cut to Mercari's own 300–9,999,999 yen."""
    low = (amazon_price_jpy * (1 - float_rate_max)).to_integral_value(ROUND_CEILING)
    high = (amazon_price_jpy * (1 + float_rate_max)).to_integral_value(ROUND_FLOOR)
    return Bounds(
        price_jpy_min=max(int(low), MERCARI_PRICE_JPY_MIN),
        price_jpy_max=min(int(high), MERCARI_PRICE_JPY_MAX),
    )


@cache
def float_rate_max(version: str) -> Decimal:
    """The policy's; of one too old to decide by, that of the oldest which can."""
    try:
        return Decimal(policy_of(version).float_rate_max)
    except NoSuchPolicy:
        return Decimal(policy_of(policy_versions()[0]).float_rate_max)


def float_rate_of(suggested_price_jpy: int, amazon_price_jpy: int) -> Decimal:
    """The float that a suggested price fixes: suggested / Amazon − 1, to eight decimals."""
    return (Decimal(suggested_price_jpy) / Decimal(amazon_price_jpy) - 1).quantize(_RATE_STEP)


def listed_price_jpy(amazon_price_jpy: int, float_rate: Decimal, float_rate_max: Decimal) -> int:
    """Amazon's price at the binding's float, rounded half up and kept within the bounds."""
    bounds = bounds_of(amazon_price_jpy, float_rate_max)
    wanted = int((amazon_price_jpy * (1 + float_rate)).to_integral_value(ROUND_HALF_UP))
    return max(bounds.price_jpy_min, min(wanted, bounds.price_jpy_max))


def out_of_range(bounds: Bounds, amazon_price_jpy: int, suggested_price_jpy: int | None) -> Finding:
    """E-409, with the range that would do; an Amazon price may leave none."""
    is_empty = bounds.price_jpy_min > bounds.price_jpy_max
    by_amazon = is_empty or suggested_price_jpy is None
    return Finding(
        code="E-409",
        field="amazon_price_jpy" if by_amazon else "suggested_price_jpy",
        seen=yen(amazon_price_jpy if by_amazon else suggested_price_jpy or 0),
        rule="price_not_on_mercari" if is_empty else "price_within_float",
        source=INTEGRATION_POLICY,
        values={
            "low": yen(bounds.price_jpy_min), "high": yen(bounds.price_jpy_max),
            "amazon": yen(amazon_price_jpy),
        },
    )  # fmt: skip


def yen(amount_jpy: int) -> str:
    return f"¥{amount_jpy:,}"
