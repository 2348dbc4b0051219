"""Rules beyond the float: whatever they say, the price stays in bounds, and each step says why."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.error_codes import LANGUAGES
from domain.policy import policy_of
from domain.rules.fees import Span, cliff_of, net_jpy, netting, period_of
from domain.rules.pricing import bounds_of
from domain.rules.repricing import (
    LOWEST,
    AsinRule,
    OwnPrice,
    Priced,
    PriceRule,
    PricingRules,
    RuleName,
    RulesInForce,
    priced,
)
from domain.texts import rule_text
from tests.examples import NOW, at

POLICY = policy_of()
FEES = period_of(POLICY.repricing, NOW.date())
MAXIMUM = Decimal(POLICY.float_rate_max)
AMOUNTS = st.none() | st.integers(300, 12_000) | st.integers(300, 9_999_999)
RATES = st.decimals("-0.15", "0.15", places=4)
OWN = st.builds(
    OwnPrice, channel=st.sampled_from(["rakuten", "yahoo"]), price_jpy=st.integers(1, 20_000),
    entered_at=st.sampled_from([NOW, NOW - timedelta(hours=25)]),
)  # fmt: skip
RULES = st.builds(
    RulesInForce,
    rule=st.builds(
        PriceRule,
        follow=st.sampled_from([None, LOWEST, "yahoo"]),
        floor_jpy=AMOUNTS, floor_net_jpy=AMOUNTS, ceiling_jpy=AMOUNTS,
        daily_brake_pct=st.none() | st.decimals("0.1", 100, places=2),
        avoid_fee_cliff=st.booleans(),
        charm=st.none() | st.sampled_from(POLICY.repricing.charm_endings),
    ),
    own_prices=st.lists(OWN, max_size=2).map(tuple),
    at=st.just(NOW),
)  # fmt: skip
AMAZON = st.integers(300, 12_000) | st.integers(1, 10_000_000)
STARTS = st.none() | st.integers(300, 12_000) | st.integers(300, 9_999_999)


def price_of(amazon: int = 10_000, start: int | None = None, **rule: Any) -> Priced:
    own_prices = rule.pop("own_prices", ())
    rules = RulesInForce(rule=PriceRule(**rule), own_prices=own_prices, at=NOW)
    return priced(POLICY, amazon, Decimal(0), rules, start)


def said(result: Priced) -> list[tuple[str, str, int, int]]:
    return [(r.rule, r.outcome, r.from_price_jpy, r.to_price_jpy) for r in result.reasons]


def own(channel: str, price_jpy: int, hours_ago: float = 1) -> OwnPrice:
    entered_at = NOW - timedelta(hours=hours_ago)
    return OwnPrice(channel=channel, price_jpy=price_jpy, entered_at=entered_at)


@given(amazon=AMAZON, rate=RATES, rules=RULES, start=STARTS)
def test_whatever_the_rules_the_price_stays_within_fifteen_percent_and_mercari_s_range(
    amazon: int, rate: Decimal, rules: RulesInForce, start: int | None
) -> None:
    bounds = bounds_of(amazon, MAXIMUM)
    assume(bounds.price_jpy_min <= bounds.price_jpy_max)
    found = priced(POLICY, amazon, rate, rules, start)
    assert bounds.hold(found.price_jpy)
    assert 300 <= found.price_jpy <= 9_999_999
    assert all(bounds.hold(each.to_price_jpy) for each in found.reasons)


@given(amazon=AMAZON, rate=RATES, rules=RULES, start=STARTS)
def test_whatever_was_done_the_reasons_lead_from_the_float_to_the_price(
    amazon: int, rate: Decimal, rules: RulesInForce, start: int | None
) -> None:
    plain = priced(POLICY, amazon, rate, None, start).price_jpy
    found = priced(POLICY, amazon, rate, rules, start)
    path = [plain, *(each.to_price_jpy for each in found.reasons)]
    assert [each.from_price_jpy for each in found.reasons] == path[:-1]
    assert path[-1] == found.price_jpy
    for each in found.reasons:
        key = f"price_{each.rule}_{each.outcome}"
        assert all(rule_text(key, each.values, language) != key for language in LANGUAGES)


@given(amazon=AMAZON, rate=RATES, rules=RULES, start=STARTS)
def test_whatever_the_rules_the_same_inputs_give_the_same_price_and_reasons(
    amazon: int, rate: Decimal, rules: RulesInForce, start: int | None
) -> None:
    once = priced(POLICY, amazon, rate, rules, start)
    assert priced(POLICY, amazon, rate, rules, start) == once


@given(amazon=AMAZON, rate=RATES, rules=RULES, start=STARTS)
def test_whatever_the_ending_it_never_leaves_floor_ceiling_or_brake(
    amazon: int, rate: Decimal, rules: RulesInForce, start: int | None
) -> None:
    bounds = bounds_of(amazon, MAXIMUM)
    assume(bounds.price_jpy_min <= bounds.price_jpy_max)
    bare = rules.model_copy(update={"rule": rules.rule.model_copy(update={"charm": None})})
    without = priced(POLICY, amazon, rate, bare, start)
    found = priced(POLICY, amazon, rate, rules, start)
    unmet = {each.rule for each in found.reasons if each.outcome == "unmet"}
    rule, price = rules.rule, found.price_jpy
    if rule.floor_jpy and "floor_jpy" not in unmet:
        assert price >= rule.floor_jpy
    if rule.ceiling_jpy and "ceiling_jpy" not in unmet:
        assert price <= rule.ceiling_jpy
    if rule.floor_net_jpy and "floor_net_jpy" not in unmet:
        assert net_jpy(FEES, price) >= rule.floor_net_jpy
    if rule.daily_brake_pct and start and "daily_brake_pct" not in unmet:
        assert abs(price - start) * 100 <= start * rule.daily_brake_pct
    if rule.charm and {each.rule for each in found.reasons}.isdisjoint({"charm"}):
        assert price == without.price_jpy


@given(amazon=AMAZON, rate=RATES, rules=RULES, start=STARTS)
def test_whatever_the_price_leaving_the_cliff_never_nets_less(
    amazon: int, rate: Decimal, rules: RulesInForce, start: int | None
) -> None:
    for each in priced(POLICY, amazon, rate, rules, start).reasons:
        if each.rule == "avoid_fee_cliff":
            assert net_jpy(FEES, each.to_price_jpy) >= net_jpy(FEES, each.from_price_jpy)
            assert each.outcome == "unmet" or each.to_price_jpy == 5_000


@given(net=st.integers(1, 9_999_999), price=st.integers(300, 9_999_999))
def test_whatever_shall_be_left_exactly_the_prices_that_leave_it_are_found(
    net: int, price: int
) -> None:
    is_found = any(span.hold(price) for span in netting(FEES, net))
    assert is_found == (net_jpy(FEES, price) >= net)


@given(price=st.integers(4_900, 5_300))
def test_the_cliff_is_where_less_is_left_than_at_the_step(price: int) -> None:
    assert cliff_of(FEES) == Span(low_jpy=5_001, high_jpy=5_112)
    on_cliff = price > 5_000 and net_jpy(FEES, price) < net_jpy(FEES, 5_000)
    assert on_cliff == (5_001 <= price <= 5_112)


def test_before_april_2024_there_was_no_cliff() -> None:
    assert cliff_of(period_of(POLICY.repricing, date(2024, 3, 31))) is None
    assert cliff_of(period_of(POLICY.repricing, date(2001, 1, 1))) is None


@pytest.mark.parametrize(
    ("amazon", "rule", "price", "reasons"),
    [
        (10_000, {"floor_jpy": 10_500}, 10_500, [("floor_jpy", "applied", 10_000, 10_500)]),
        (10_000, {"floor_jpy": 20_000}, 11_500, [("floor_jpy", "unmet", 10_000, 11_500)]),
        (10_000, {"ceiling_jpy": 9_000}, 9_000, [("ceiling_jpy", "applied", 10_000, 9_000)]),
        (10_000, {"ceiling_jpy": 8_000}, 8_500, [("ceiling_jpy", "unmet", 10_000, 8_500)]),
        (5_060, {"floor_net_jpy": 4_490}, 5_102, [("floor_net_jpy", "applied", 5_060, 5_102)]),
        (5_010, {"floor_net_jpy": 4_490}, 5_000, [("floor_net_jpy", "applied", 5_010, 5_000)]),
        (3_000, {"floor_net_jpy": 4_000}, 3_450, [("floor_net_jpy", "unmet", 3_000, 3_450)]),
        (10_000, {"charm": "80"}, 9_980, [("charm", "applied", 10_000, 9_980)]),
        (310, {"charm": "999"}, 310, [("charm", "unmet", 310, 310)]),
        (5_060, {"avoid_fee_cliff": True}, 5_000, [("avoid_fee_cliff", "applied", 5_060, 5_000)]),
        (5_060, {"avoid_fee_cliff": True, "floor_jpy": 5_060}, 5_060,
         [("avoid_fee_cliff", "unmet", 5_060, 5_060)]),
        (5_060, {"avoid_fee_cliff": True, "charm": "99"}, 5_000,
         [("avoid_fee_cliff", "applied", 5_060, 5_000)]),
        (5_120, {"avoid_fee_cliff": True, "charm": "99"}, 5_199,
         [("charm", "applied", 5_120, 5_199)]),
        (10_000, {}, 10_000, []),
    ],
)  # fmt: skip
def test_each_rule_moves_the_price_and_says_so(
    amazon: int, rule: dict[str, Any], price: int, reasons: list[tuple[str, str, int, int]]
) -> None:
    found = price_of(amazon, **rule)
    assert (found.price_jpy, said(found)) == (price, reasons)


def test_the_seller_s_own_lowest_price_is_followed() -> None:
    prices = (own("rakuten", 10_400), own("yahoo", 9_700))
    found = price_of(follow=LOWEST, own_prices=prices)
    assert (found.price_jpy, said(found)) == (9_700, [("follow", "applied", 10_000, 9_700)])
    assert price_of(follow="rakuten", own_prices=prices).price_jpy == 10_400
    assert price_of(follow="ebay", own_prices=prices) == Priced(10_000)


def test_an_own_price_out_of_bounds_is_followed_as_far_as_they_go() -> None:
    found = price_of(follow="yahoo", own_prices=(own("yahoo", 100),))
    assert (found.price_jpy, said(found)) == (8_500, [("follow", "unmet", 10_000, 8_500)])


def test_an_own_price_entered_more_than_a_day_ago_is_not_followed_and_the_reason_says_so() -> None:
    prices = (own("rakuten", 10_400), own("yahoo", 9_700, hours_ago=24.01))
    found = price_of(follow=LOWEST, own_prices=prices)
    assert said(found) == [
        ("follow", "stale", 10_000, 10_000), ("follow", "applied", 10_000, 10_400),
    ]  # fmt: skip
    assert found.reasons[0].values == {"channel": "yahoo", "hours": "24"}
    exactly = price_of(follow="yahoo", own_prices=(own("yahoo", 9_700, hours_ago=24),))
    assert exactly.price_jpy == 9_700


def test_the_price_moves_at_most_so_much_from_where_the_day_began() -> None:
    found = price_of(20_000, start=18_000, daily_brake_pct=Decimal(5))
    assert (found.price_jpy, said(found)) == (
        18_900,
        [("daily_brake_pct", "applied", 20_000, 18_900)],
    )
    assert found.reasons[0].values == {"percent": "5", "from": "¥18,000"}


def test_the_bounds_go_before_the_brake_and_the_floor_too() -> None:
    found = price_of(20_000, start=10_000, daily_brake_pct=Decimal(5))
    assert said(found) == [("daily_brake_pct", "unmet", 20_000, 17_000)]
    kept = price_of(10_000, start=10_000, floor_jpy=11_000, daily_brake_pct=Decimal(5))
    assert kept.price_jpy == 11_000


def test_an_asin_s_own_rule_goes_before_and_may_take_rules_away() -> None:
    rules = PricingRules(
        everywhere=PriceRule(floor_jpy=1_000, charm="80", avoid_fee_cliff=True),
        overrides=(AsinRule(asin="B0EXAMPLE1", floor_jpy=2_000, off=("charm",)),),
    )
    assert rules.rule_for("B0EXAMPLE1") == PriceRule(floor_jpy=2_000, avoid_fee_cliff=True)
    assert rules.rule_for("B0EXAMPLE2") == rules.everywhere


def test_every_rule_has_a_name() -> None:
    assert set(get_args(RuleName)) == set(PriceRule.model_fields)


def test_no_rule_acts_where_amazon_s_price_allows_none_on_mercari() -> None:
    assert price_of(100, floor_jpy=5_000).reasons == ()


def test_the_day_of_the_fees_is_japan_s() -> None:
    late = at(0).replace(year=2024, month=3, day=31, hour=15)
    rules = RulesInForce(rule=PriceRule(avoid_fee_cliff=True), at=late)
    assert priced(POLICY, 5_050, Decimal(0), rules, None).price_jpy == 5_000
    earlier = rules.model_copy(update={"at": late - timedelta(seconds=1)})
    assert priced(POLICY, 5_050, Decimal(0), earlier, None).price_jpy == 5_050
