"""What is wrong with a seller's pricing rules or channel prices: each field and the rule it breaks.

A fault is a key of the wording tables (`domain/texts/pricing.toml`), by the place of its field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from domain.policy.repricing_policy import FeePeriod, RepricingPolicy
from domain.rules.fees import netting, period_of
from domain.rules.repricing import ChannelPrice, PriceRule, PricingRules, rule_under
from domain.values import MERCARI_PRICE_JPY_MAX, MERCARI_PRICE_JPY_MIN, NotAnAsin, asin_from

OVERRIDES_MAX = 2_000
CHANNEL_PRICES_MAX = 2_000
BRAKE_PCT_MAX = Decimal(100)
FAULTS_MAX = 50
"""So many are named; a list with more is wrong throughout."""

_CHANNEL = re.compile(r"\w[\w .&-]{0,39}")

Faults = dict[str, str]


def faults_of_rules(policy: RepricingPolicy, rules: PricingRules, on: date) -> Faults:
    """Every field that can't be what it is; empty for rules that can be kept."""
    if len(rules.overrides) > OVERRIDES_MAX:
        return {"overrides": "pricing_overrides_max"}
    fees = period_of(policy, on)
    faults = faults_of_rule(policy, rules.everywhere, "")
    faults |= conflicts(fees, rules.everywhere, "")
    seen: set[str] = set()
    for number, own in enumerate(rules.overrides):
        place = f"overrides/{number}/"
        found = faults_of_rule(policy, own, place)
        if not is_asin(own.asin):
            found[f"{place}asin"] = "pricing_asin"
        elif own.asin in seen:
            found[f"{place}asin"] = "pricing_asin_repeated"
        seen.add(own.asin)
        faults |= found or conflicts(fees, rule_under(rules.everywhere, own), place)
    return first_of(faults)


def faults_of_rule(policy: RepricingPolicy, rule: PriceRule, place: str) -> Faults:
    """The fields of one rule, each by itself."""
    faults: Faults = {}
    for name in ("floor_jpy", "ceiling_jpy"):
        amount = getattr(rule, name)
        if amount is not None and not MERCARI_PRICE_JPY_MIN <= amount <= MERCARI_PRICE_JPY_MAX:
            faults[f"{place}{name}"] = "pricing_mercari_range"
    if rule.floor_net_jpy is not None and not 1 <= rule.floor_net_jpy <= MERCARI_PRICE_JPY_MAX:
        faults[f"{place}floor_net_jpy"] = "pricing_net_range"
    if rule.follow is not None and not is_channel(rule.follow):
        faults[f"{place}follow"] = "pricing_channel"
    if rule.charm is not None and rule.charm not in policy.charm_endings:
        faults[f"{place}charm"] = "pricing_charm_ending"
    if rule.daily_brake_pct is not None and not 0 < rule.daily_brake_pct <= BRAKE_PCT_MAX:
        faults[f"{place}daily_brake_pct"] = "pricing_brake_range"
    return faults


def conflicts(fees: FeePeriod, rule: PriceRule, place: str) -> Faults:
    """A floor above the ceiling leaves no price at all."""
    ceiling = rule.ceiling_jpy
    if ceiling is None:
        return {}
    if rule.floor_jpy is not None and rule.floor_jpy > ceiling:
        return {f"{place}floor_jpy": "pricing_floor_above_ceiling"}
    if rule.floor_net_jpy is not None:
        spans = netting(fees, rule.floor_net_jpy)
        if not spans or min(span.low_jpy for span in spans) > ceiling:
            return {f"{place}floor_net_jpy": "pricing_net_floor_above_ceiling"}
    return {}


def faults_of_prices(prices: Sequence[ChannelPrice]) -> Faults:
    """The seller's own prices on other channels; `prices/0` is the first."""
    if not prices:
        return {"prices": "pricing_no_prices"}
    if len(prices) > CHANNEL_PRICES_MAX:
        return {"prices": "pricing_prices_max"}
    faults: Faults = {}
    seen: set[tuple[str, str]] = set()
    for number, each in enumerate(prices):
        place = f"prices/{number}/"
        if not is_asin(each.asin):
            faults[f"{place}asin"] = "pricing_asin"
        elif (each.asin, each.channel) in seen:
            faults[f"{place}asin"] = "pricing_price_repeated"
        if not is_channel(each.channel):
            faults[f"{place}channel"] = "pricing_channel"
        if not 1 <= each.price_jpy <= MERCARI_PRICE_JPY_MAX:
            faults[f"{place}price_jpy"] = "pricing_price_range"
        seen.add((each.asin, each.channel))
    return first_of(faults)


def is_asin(text: str) -> bool:
    try:
        return asin_from(text) == text
    except NotAnAsin:
        return False


def is_channel(text: str) -> bool:
    """A short name; one that a spreadsheet would take for a formula is none."""
    return _CHANNEL.fullmatch(text) is not None


def first_of(faults: Mapping[str, str]) -> Faults:
    return dict(list(faults.items())[:FAULTS_MAX])
