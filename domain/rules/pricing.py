"""Prices: the float within ±15 % of Amazon's, whole yen, Mercari's range, fees (SPEC §5–6)."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal

from domain.policy import Policy
from domain.product import Product
from domain.rules.findings import INTEGRATION_POLICY, Check, Finding, failed, passed
from domain.values import MERCARI_PRICE_JPY_MAX, MERCARI_PRICE_JPY_MIN, Value

FEE_SCHEDULE_V3_FROM = date(2024, 4, 1)
FEE_CLIFF_PRICE_JPY = 5_000
FEE_CLIFF_END_PRICE_JPY = 5_112
"""From ¥5,001 to here 12 % of the whole leaves less than ¥5,000 does at 10 % (SPEC §6)."""
MERCARI_SHIPPING_SAVING_JPY = 210
_RATE_STEP = Decimal("0.00000001")

Shipping = Literal["mercari", "self"]


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


def float_rate_of(suggested_price_jpy: int, amazon_price_jpy: int) -> Decimal:
    """The float that a suggested price fixes: suggested / Amazon − 1, to eight decimals."""
    return (Decimal(suggested_price_jpy) / Decimal(amazon_price_jpy) - 1).quantize(_RATE_STEP)


def listed_price_jpy(amazon_price_jpy: int, float_rate: Decimal, float_rate_max: Decimal) -> int:
    """Amazon's price at the binding's float, rounded half up and kept within the bounds."""
    bounds = bounds_of(amazon_price_jpy, float_rate_max)
    wanted = int((amazon_price_jpy * (1 + float_rate)).to_integral_value(ROUND_HALF_UP))
    return max(bounds.price_jpy_min, min(wanted, bounds.price_jpy_max))


def check_price(
    policy: Policy, product: Product, suggested_price_jpy: int | None, default_float_rate: Decimal
) -> Check:
    """The listed price lies within ±15 % of Amazon's and in Mercari's range.

    Warnings: its lower bound is a dumping price (W-101); just above ¥5,000 nets less (W-102).
    """
    if product.price_jpy is None:
        return Check(name="price", verdict="unknown")
    maximum = Decimal(policy.float_rate_max)
    bounds = bounds_of(product.price_jpy, maximum)
    is_empty = bounds.price_jpy_min > bounds.price_jpy_max
    if is_empty or (suggested_price_jpy is not None and not bounds.hold(suggested_price_jpy)):
        return failed("price", out_of_range(bounds, product.price_jpy, suggested_price_jpy))
    rate = (
        default_float_rate
        if suggested_price_jpy is None
        else float_rate_of(suggested_price_jpy, product.price_jpy)
    )
    listed = listed_price_jpy(product.price_jpy, rate, maximum)
    warnings = []
    if rate <= -maximum or (rate < 0 and listed == bounds.price_jpy_min):
        warnings.append(price_warning("W-101", f"{rate:+.2%}", "float_dumping", "SPEC §5"))
    if FEE_CLIFF_PRICE_JPY < listed <= FEE_CLIFF_END_PRICE_JPY:
        seen = yen(listed)
        warnings.append(price_warning("W-102", seen, "fee_cliff", "Fee Schedule v3.0 (2024-04-01)"))
    return passed("price", *warnings)


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


def price_warning(code: str, seen: str, rule: str, source: str) -> Finding:
    return Finding(code=code, field="suggested_price_jpy", seen=seen, rule=rule, source=source)


def yen(amount_jpy: int) -> str:
    return f"¥{amount_jpy:,}"


class Proceeds(Value):
    """What a sale at `price_jpy` leaves after Mercari's commission; shipping shown, not guessed."""

    price_jpy: int
    commission_rate: Decimal
    commission_jpy: int
    shipping_saving_jpy: int
    net_jpy: int
    warning_code: str | None = None


def proceeds_of(price_jpy: int, on: date, shipping: Shipping) -> Proceeds:
    """Commission by date: 10 % flat before 2024-04-01, then 12 % of the whole above ¥5,000.

    Floored to whole yen. W-102 where a price just above ¥5,000 nets less than ¥5,000 itself.
    Source: Fee Schedule v3.0; Mercari Logistics White Paper 2024 (¥210 an order).
    """
    is_v3 = on >= FEE_SCHEDULE_V3_FROM
    rate = Decimal("0.12") if is_v3 and price_jpy > FEE_CLIFF_PRICE_JPY else Decimal("0.10")
    commission = int((price_jpy * rate).to_integral_value(ROUND_FLOOR))
    net = price_jpy - commission
    is_on_cliff = is_v3 and FEE_CLIFF_PRICE_JPY < price_jpy <= FEE_CLIFF_END_PRICE_JPY
    return Proceeds(
        price_jpy=price_jpy,
        commission_rate=rate,
        commission_jpy=commission,
        shipping_saving_jpy=MERCARI_SHIPPING_SAVING_JPY if shipping == "mercari" else 0,
        net_jpy=net,
        warning_code="W-102" if is_on_cliff else None,
    )
