"""The pre-check's look at the price: in range, no dumping, not on the fee cliff (SPEC §5–6)."""

from __future__ import annotations

from decimal import Decimal

from domain.policy import Policy
from domain.product import Product
from domain.rules.fees import is_on_cliff
from domain.rules.findings import Check, Finding, failed, passed
from domain.rules.pricing import bounds_of, float_rate_of, out_of_range, yen
from domain.rules.repricing import RulesInForce, priced


def check_price(
    policy: Policy,
    product: Product,
    suggested_price_jpy: int | None,
    default_float_rate: Decimal,
    rules: RulesInForce | None = None,
) -> Check:
    """The listed price lies within ±15 % of Amazon's and in Mercari's range.

    Warnings: its lower bound is a dumping price (W-101); just above ¥5,000 nets less (W-102), by
    the policy's newest fees.
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
    listed, reasons = priced(policy, product.price_jpy, rate, rules, None)
    warnings = []
    if listed == bounds.price_jpy_min and (rate < 0 or reasons):
        warnings.append(price_warning("W-101", f"{rate:+.2%}", "float_dumping", "SPEC §5"))
    fees = policy.repricing.fees[-1]
    if is_on_cliff(fees, listed):
        warnings.append(price_warning("W-102", yen(listed), "fee_cliff", fees.source))
    return passed("price", *warnings)


def price_warning(code: str, seen: str, rule: str, source: str) -> Finding:
    return Finding(code=code, field="suggested_price_jpy", seen=seen, rule=rule, source=source)
