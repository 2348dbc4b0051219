"""Pricing rules and channel prices as JSON or a form sends them, read strictly, and written again.

Whatever is wrong is refused whole, each field with the rule it breaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, StrictStr, ValidationError

from domain.errors import PricingRefused
from domain.price_file import normalised
from domain.rules.pricing_faults import FAULTS_MAX
from domain.rules.repricing import AsinRule, ChannelPrice, PriceRule, PricingRules, RuleName


class RuleBody(BaseModel):
    """The rules of every ASIN; null or absent asks for nothing."""

    model_config = ConfigDict(extra="forbid")

    follow: StrictStr | None = None
    floor_jpy: StrictInt | None = None
    floor_net_jpy: StrictInt | None = None
    ceiling_jpy: StrictInt | None = None
    daily_brake_pct: Decimal | None = None
    avoid_fee_cliff: StrictBool | None = None
    charm: StrictStr | None = None


class OverrideBody(RuleBody):
    """What differs for one ASIN; `off` names the rules that do not hold for it."""

    asin: StrictStr
    off: tuple[RuleName, ...] = ()


class RulesBody(RuleBody):
    """All rules of a seller."""

    overrides: tuple[OverrideBody, ...] = ()


class RulesEnvelope(BaseModel):
    """`{"rules": {…}}`."""

    model_config = ConfigDict(extra="forbid")

    rules: RulesBody


class PriceBody(BaseModel):
    """One of the seller's own prices, in whole yen."""

    model_config = ConfigDict(extra="forbid")

    asin: StrictStr
    channel: StrictStr
    price_jpy: StrictInt


class PricesBody(BaseModel):
    """`{"prices": [{…}]}`."""

    model_config = ConfigDict(extra="forbid")

    prices: tuple[PriceBody, ...]


YEN_FIELDS = ("floor_jpy", "floor_net_jpy", "ceiling_jpy", "price_jpy")
MALFORMED: Mapping[str, str] = {
    **dict.fromkeys(YEN_FIELDS, "pricing_whole_yen"),
    "daily_brake_pct": "pricing_brake_range", "follow": "pricing_channel",
    "channel": "pricing_channel", "charm": "pricing_charm_ending", "asin": "pricing_asin",
}  # fmt: skip


def rules_in(body: object) -> PricingRules:
    """The rules that a JSON value describes. Raises PricingRefused."""
    try:
        read = RulesEnvelope.model_validate(body).rules
    except ValidationError as error:
        raise malformed(error) from None
    everywhere = PriceRule(**read.model_dump(exclude={"overrides"}))
    overrides = tuple(
        AsinRule(**{**own.model_dump(), "asin": normalised(own.asin)}) for own in read.overrides
    )
    return PricingRules(everywhere=everywhere, overrides=overrides)


def prices_in(body: object) -> tuple[ChannelPrice, ...]:
    """The channel prices that a JSON value describes. Raises PricingRefused."""
    try:
        read = PricesBody.model_validate(body)
    except ValidationError as error:
        raise malformed(error) from None
    return tuple(
        ChannelPrice(asin=normalised(each.asin), channel=each.channel.strip(),
                     price_jpy=each.price_jpy)
        for each in read.prices
    )  # fmt: skip


def json_in(content: bytes) -> object:
    """The JSON value of a body. Raises PricingRefused."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise PricingRefused("mend: body", rules={"body": "pricing_malformed"}) from None


def malformed(error: ValidationError) -> PricingRefused:
    """Each field that has not the right form, by its place below `rules`."""
    rules: dict[str, str] = {}
    for each in error.errors()[:FAULTS_MAX]:
        parts = [str(part) for part in each["loc"]]
        place = "/".join(parts[1:] if parts[:1] == ["rules"] and len(parts) > 1 else parts)
        is_unknown = each["type"] == "extra_forbidden"
        named = next((part for part in reversed(parts) if part in MALFORMED), "")
        key = MALFORMED.get(named, "pricing_malformed")
        rules[place or "body"] = "pricing_unknown" if is_unknown else key
    return PricingRefused(f"mend: {', '.join(rules)}", rules=rules)


def rules_answer(rules: PricingRules) -> dict[str, Any]:
    """The rules as `rules_in` reads them."""
    return {
        **rule_answer(rules.everywhere),
        "overrides": [
            {"asin": own.asin, **rule_answer(own), "off": list(own.off)} for own in rules.overrides
        ],
    }


def rule_answer(rule: PriceRule) -> dict[str, Any]:
    given = {name: getattr(rule, name) for name in PriceRule.model_fields}
    brake = rule.daily_brake_pct
    return {**given, "daily_brake_pct": None if brake is None else float(brake)}
