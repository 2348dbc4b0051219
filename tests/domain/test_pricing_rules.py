"""A seller's rules: what is refused, what a binding's price becomes by them, and decided again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain import seller
from domain.asin_binding import decisions, fold, judging
from domain.asin_binding.facts import Validated
from domain.channel_prices import ChannelPricesEntered, EnterChannelPrices, enter
from domain.error_codes import LANGUAGES
from domain.errors import PricingRefused
from domain.policies import StartSweep, work_after
from domain.pricing import ChangePricingRules, change_rules
from domain.replay import decisions_of
from domain.rules.repricing import (
    LOWEST,
    AsinRule,
    ChannelPrice,
    OwnPrice,
    PriceRule,
    PricingRules,
    RulesInForce,
)
from domain.texts import rule_text
from tests.domain.test_repricing import RULES
from tests.examples import (
    ASIN,
    BINDING_ID,
    LIVE,
    NOW,
    SELLER_ID,
    STAMP,
    TREE,
    a_product,
    asking,
    at,
    checking,
    following,
    recorded,
    requested,
    stamp,
    the_terms,
)
from tests.spec import given_by

given = given_by(lambda facts: fold(None, BINDING_ID, facts))
given_seller = given_by(lambda facts: seller.fold(SELLER_ID, facts))

HOUR = 3600


def in_force(
    seconds: float = 0, own_prices: tuple[OwnPrice, ...] = (), **rule: Any
) -> RulesInForce:
    return RulesInForce(rule=PriceRule(**rule), own_prices=own_prices, at=at(seconds))


def by_rules(pricing: RulesInForce | None, seconds: float = 60, **offer: Any) -> Any:
    """A sweep at that moment, with these rules in force."""
    asked = following(seconds, **offer)
    return asked.model_copy(update={"stamp": stamp(seconds), "pricing": pricing})


def changing(everywhere: PriceRule | None = None, *overrides: AsinRule) -> ChangePricingRules:
    rules = PricingRules(everywhere=everywhere or PriceRule(), overrides=overrides)
    return ChangePricingRules(stamp=STAMP, rules=rules)


def entering(*prices: ChannelPrice) -> EnterChannelPrices:
    return EnterChannelPrices(stamp=STAMP, prices=prices)


def a_price(**changes: Any) -> ChannelPrice:
    fields: dict[str, Any] = {"asin": ASIN, "channel": "rakuten", "price_jpy": 9_700}
    return ChannelPrice(**fields | changes)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "rules"),
    [
        (changing(PriceRule(floor_jpy=2_000, ceiling_jpy=1_000)),
         {"floor_jpy": "pricing_floor_above_ceiling"}),
        (changing(PriceRule(floor_net_jpy=1_000, ceiling_jpy=1_100)),
         {"floor_net_jpy": "pricing_net_floor_above_ceiling"}),
        (changing(PriceRule(floor_jpy=-5)), {"floor_jpy": "pricing_mercari_range"}),
        (changing(PriceRule(ceiling_jpy=10_000_000)), {"ceiling_jpy": "pricing_mercari_range"}),
        (changing(PriceRule(floor_net_jpy=0)), {"floor_net_jpy": "pricing_net_range"}),
        (changing(PriceRule(charm="77")), {"charm": "pricing_charm_ending"}),
        (changing(PriceRule(follow="=1+1")), {"follow": "pricing_channel"}),
        (changing(PriceRule(daily_brake_pct=Decimal(0))),
         {"daily_brake_pct": "pricing_brake_range"}),
        (changing(None, AsinRule(asin=ASIN), AsinRule(asin=ASIN)),
         {"overrides/1/asin": "pricing_asin_repeated"}),
        (changing(None, AsinRule(asin="b0example1")), {"overrides/0/asin": "pricing_asin"}),
        (changing(PriceRule(ceiling_jpy=1_000), AsinRule(asin=ASIN, floor_jpy=2_000)),
         {"overrides/0/floor_jpy": "pricing_floor_above_ceiling"}),
        (changing(None, *(AsinRule(asin=f"B{number:09}") for number in range(2_001))),
         {"overrides": "pricing_overrides_max"}),
        (entering(), {"prices": "pricing_no_prices"}),
        (entering(a_price(), a_price(price_jpy=1)), {"prices/1/asin": "pricing_price_repeated"}),
        (entering(a_price(asin="=cmd")), {"prices/0/asin": "pricing_asin"}),
        (entering(a_price(channel="@SUM(A1)")), {"prices/0/channel": "pricing_channel"}),
        (entering(a_price(price_jpy=-1)), {"prices/0/price_jpy": "pricing_price_range"}),
        (entering(*(a_price(channel=f"c{number}") for number in range(10_000))),
         {"prices": "pricing_prices_max"}),
    ],
)  # fmt: skip
def test_what_can_t_hold_is_refused_whole_with_the_field_and_the_rule(
    command: Any, rules: Mapping[str, str]
) -> None:
    is_change = isinstance(command, ChangePricingRules)
    when = (
        given_seller().when(change_rules, command)
        if is_change
        else given_by(lambda _: None)().when(enter, command)
    )
    refused = when.then_refused(PricingRefused)
    assert refused.fields["rules"] == rules
    for key in rules.values():
        assert all(rule_text(key, {}, language) != key for language in LANGUAGES)


def test_a_floor_above_the_general_ceiling_holds_where_the_ceiling_is_off() -> None:
    command = changing(
        PriceRule(ceiling_jpy=1_000), AsinRule(asin=ASIN, floor_jpy=2_000, off=("ceiling_jpy",))
    )
    given_seller().when(change_rules, command).then(
        seller.PricingRulesChanged(stamp=STAMP, rules=command.rules)
    )


# --- the seller ---------------------------------------------------------------------------------


def test_the_same_rules_again_are_no_fact_and_no_rules_at_first_neither() -> None:
    command = changing(PriceRule(charm="80"))
    changed = seller.PricingRulesChanged(stamp=STAMP, rules=command.rules)
    given_seller().when(change_rules, command).then(changed)
    given_seller(changed).when(change_rules, command).then_nothing()
    given_seller().when(change_rules, changing()).then_nothing()
    given_seller(changed).when(change_rules, changing()).then(
        seller.PricingRulesChanged(stamp=STAMP, rules=PricingRules())
    )


def test_only_the_prices_that_a_rule_follows_are_taken_into_its_decision() -> None:
    rakuten = OwnPrice(channel="rakuten", price_jpy=9_700, entered_at=NOW)
    yahoo = OwnPrice(channel="yahoo", price_jpy=9_900, entered_at=NOW)
    for wanted, taken in {LOWEST: (rakuten, yahoo), "yahoo": (yahoo,), None: ()}.items():
        rules = PricingRules(everywhere=PriceRule(follow=wanted, charm="80"))
        state = given_seller(seller.PricingRulesChanged(stamp=STAMP, rules=rules)).state
        assert state.follows_own_prices == (wanted is not None)
        knowing = state.model_copy(update={"own_prices": {ASIN: (rakuten, yahoo)}})
        assert knowing.rules_in_force(ASIN, NOW).own_prices == taken
        assert knowing.rules_in_force("B0EXAMPLE2", NOW).own_prices == ()


def test_a_seller_without_rules_has_none_in_force() -> None:
    assert given_seller().state.rules_in_force(ASIN, NOW) is None
    taken_back = seller.PricingRulesChanged(stamp=STAMP, rules=PricingRules())
    assert given_seller(taken_back).state.rules_in_force(ASIN, NOW) is None


@pytest.mark.parametrize(
    "fact",
    [
        seller.PricingRulesChanged(stamp=STAMP, rules=PricingRules()),
        ChannelPricesEntered(stamp=STAMP, prices=(a_price(),)),
    ],
)
def test_new_rules_and_new_prices_lead_to_a_sweep_of_the_prices(fact: Any) -> None:
    assert work_after(recorded(1, fact)) == [
        StartSweep(SELLER_ID, "stock_price", NOW, is_requested=True)
    ]


# --- the binding --------------------------------------------------------------------------------


def test_new_rules_move_a_price_though_amazon_s_stands_still() -> None:
    pricing = in_force(charm="80")
    when = given(*LIVE).when(decisions.follow_offer, by_rules(pricing))
    (fact,) = when.then_topics("asin_binding.price_adjusted")
    assert (fact.from_price_jpy, fact.to_price_jpy, fact.pricing) == (10_000, 9_980, pricing)
    assert [(each.rule, each.outcome) for each in fact.reasons] == [("charm", "applied")]
    given(*LIVE, fact).when(decisions.follow_offer, by_rules(pricing, 120)).then_nothing()


def test_rules_taken_back_let_the_plain_float_return() -> None:
    (fact,) = given(*LIVE).when(decisions.follow_offer, by_rules(in_force(charm="80"))).facts()
    (back,) = given(*LIVE, fact).when(decisions.follow_offer, by_rules(None, 120)).facts()
    assert (back.to_price_jpy, back.reasons, back.pricing) == (10_000, (), None)


def test_a_stale_own_price_is_let_go_and_the_fact_says_so() -> None:
    entered = OwnPrice(channel="rakuten", price_jpy=9_000, entered_at=NOW)
    (first,) = (
        given(*LIVE)
        .when(decisions.follow_offer, by_rules(in_force(60, (entered,), follow="rakuten")))
        .facts()
    )
    day = 25 * HOUR
    pricing = in_force(day, (entered,), follow="rakuten")
    (fact,) = given(*LIVE, first).when(decisions.follow_offer, by_rules(pricing, day)).facts()
    assert (fact.from_price_jpy, fact.to_price_jpy) == (9_000, 10_000)
    assert [(each.rule, each.outcome) for each in fact.reasons] == [("follow", "stale")]


def test_the_brake_counts_from_the_day_s_first_price_and_anew_after_midnight_in_japan() -> None:
    """NOW is noon in Japan."""
    pricing = in_force(daily_brake_pct=Decimal(5))
    life = list(LIVE)
    for seconds, amazon, price in [
        (HOUR, 10_300, 10_300), (2 * HOUR, 11_000, 10_500), (3 * HOUR, 9_000, 9_500),
        (13 * HOUR, 9_100, 9_100), (14 * HOUR, 8_000, 9_025),
    ]:  # fmt: skip
        command = by_rules(pricing, seconds, price_jpy=amazon)
        (fact,) = given(*life).when(decisions.follow_offer, command).facts()
        assert fact.to_price_jpy == price
        life.append(fact)


def test_a_fresh_check_lists_at_the_price_that_the_rules_give() -> None:
    command = checking(pricing=in_force(floor_jpy=10_450, daily_brake_pct=Decimal(1)))
    validated, _ = given(requested()).when(judging.check, command).facts()
    assert isinstance(validated, Validated)
    assert validated.price_jpy == 10_450
    assert [each.rule for each in validated.reasons] == ["floor_jpy"]


def test_a_fresh_check_warns_of_the_price_that_will_be_listed() -> None:
    product = a_product(price_jpy=5_060)
    (plain, _) = given(requested()).when(judging.check, checking(product)).facts()
    assert [each.code for each in plain.warnings] == ["W-102"]
    command = checking(product, pricing=in_force(avoid_fee_cliff=True))
    (validated, _) = given(requested()).when(judging.check, command).facts()
    assert (validated.price_jpy, validated.warnings) == (5_000, ())
    low = checking(pricing=in_force(ceiling_jpy=8_000))
    (dumping, _) = given(requested()).when(judging.check, low).facts()
    assert [each.code for each in dumping.warnings] == ["W-101"]


def test_new_terms_are_priced_by_the_rules_too() -> None:
    command = asking(
        terms=the_terms(suggested_price_jpy=11_000), pricing=in_force(daily_brake_pct=Decimal(2))
    )
    (fact,) = given(*LIVE).when(decisions.request, command).facts()
    assert (fact.price_jpy, fact.float_rate) == (10_200, Decimal("0.1"))
    assert [each.rule for each in fact.reasons] == ["daily_brake_pct"]


# --- decided again ------------------------------------------------------------------------------

SWEEPS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(400, 20_000), st.none() | RULES), max_size=6
)


@whatever(first=RULES, sweeps=SWEEPS)
def test_whatever_the_rules_every_price_decided_by_them_is_decided_alike_again(
    first: RulesInForce, sweeps: list[tuple[int, int, RulesInForce | None]]
) -> None:
    life: list[Any] = [requested()]
    life += judging.check(
        fold(None, BINDING_ID, life), checking(pricing=first, tree_id=UUID(int=3))
    )
    life += LIVE[3:]
    command = asking(terms=the_terms(stock_threshold=1), pricing=first)
    life += decisions.request(fold(None, BINDING_ID, life), command)
    seconds = 0
    for hours, amazon, pricing in sweeps:
        seconds += hours * 5 * HOUR
        follow = by_rules(pricing, seconds, price_jpy=amazon)
        facts = decisions.follow_offer(fold(None, BINDING_ID, life), follow)
        life += facts
        assert decisions.follow_offer(fold(None, BINDING_ID, life), follow) == []
    again = list(decisions_of(BINDING_ID, life, lambda _: TREE))
    assert [each for each in again if not each.is_same] == []


def test_a_price_rewritten_in_the_log_is_decided_otherwise_again() -> None:
    (fact,) = given(*LIVE).when(decisions.follow_offer, by_rules(in_force(charm="80"))).facts()
    forged = fact.model_copy(update={"to_price_jpy": 9_990})
    decided = list(decisions_of(BINDING_ID, [*LIVE, forged], lambda _: {}))
    assert [each.is_same for each in decided if each.recorded == [forged]] == [False]


def test_the_day_of_the_brake_is_japan_s() -> None:
    """03:00 UTC is noon in Japan: the day ends twelve hours later."""
    assert NOW + timedelta(hours=12) == at(12 * HOUR)
    pricing = in_force(daily_brake_pct=Decimal(5))
    (first,) = (
        given(*LIVE).when(decisions.follow_offer, by_rules(pricing, HOUR, price_jpy=11_000)).facts()
    )
    same_day = by_rules(pricing, 12 * HOUR - 1, price_jpy=11_000)
    given(*LIVE, first).when(decisions.follow_offer, same_day).then_nothing()
    (next_day,) = (
        given(*LIVE, first)
        .when(decisions.follow_offer, by_rules(pricing, 12 * HOUR, price_jpy=11_000))
        .facts()
    )
    assert next_day.to_price_jpy == 11_000
