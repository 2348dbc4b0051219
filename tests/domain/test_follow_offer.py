"""A live binding follows its Amazon offer: price, stock, status; UNKNOWN and the past never act."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain.asin_binding import AsinBinding, decisions, fold
from domain.rules.pricing import bounds_of
from tests.examples import (
    BINDING_ID,
    LIVE,
    LIVES,
    a_product,
    asking,
    at,
    confirmed,
    following,
    requested,
    suspended,
    the_terms,
    validated,
)
from tests.spec import given_by

given = given_by(lambda facts: fold(None, BINDING_ID, facts))

OFFERS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(
            ["active", "inactive", "suspended", "deleted", "suspended_account"]
        ),
        "status_reason": st.sampled_from([None, "no_offer", "LISTING_SUPPRESSED"]),
        "price_jpy": st.none() | st.integers(1, 10_000_000),
        "quantity": st.none() | st.integers(0, 10_000),
    }
)
NOT_LIVE = sorted(set(LIVES) - {"mapped", "listed", "suspended"})
STATUSES = st.sampled_from(sorted(LIVES))


def followed(state: AsinBinding | None, **offer: Any) -> AsinBinding | None:
    facts = decisions.follow_offer(state, following(**offer))
    return fold(state, BINDING_ID, facts)


def test_an_unchanged_offer_costs_no_fact() -> None:
    given(*LIVE).when(decisions.follow_offer, following()).then_nothing()


def test_the_listed_price_follows_at_the_same_float() -> None:
    terms = the_terms(suggested_price_jpy=11_000)
    history = (
        requested(terms=terms),
        validated(float_rate=Decimal("0.1"), price_jpy=11_000),
        *LIVE[2:],
    )
    when = given(*history).when(decisions.follow_offer, following(price_jpy=20_000))
    (fact,) = when.then_topics("asin_binding.price_adjusted")
    assert (fact.from_price_jpy, fact.to_price_jpy) == (11_000, 22_000)
    assert fact.stamp.observed_at == at(60)


def test_stock_follows_and_reaching_the_threshold_warns_once() -> None:
    history = (requested(terms=the_terms(stock_threshold=3)), validated(stock=7), *LIVE[2:])
    when = given(*history).when(decisions.follow_offer, following(quantity=3))
    (fact,) = when.then_topics("asin_binding.stock_adjusted")
    assert (fact.from_stock, fact.to_stock, fact.amazon_quantity) == (7, 0, 3)
    assert fact.warning is not None
    assert fact.warning.code == "W-103"
    (later,) = (
        given(*history, fact)
        .when(decisions.follow_offer, following(120, quantity=2))
        .then_topics("asin_binding.stock_adjusted")
    )
    assert later.warning is None


def test_the_last_units_above_the_threshold_are_not_offered_and_the_fact_says_why() -> None:
    history = (requested(terms=the_terms(stock_threshold=3)), validated(stock=7), *LIVE[2:])
    for quantity, stock in ((5, 0), (6, 3)):
        command = following(quantity=quantity, last_units=2)
        when = given(*history).when(decisions.follow_offer, command)
        (fact,) = when.then_topics("asin_binding.stock_adjusted")
        assert (fact.to_stock, fact.last_units, fact.warning) == (stock, 2, None)


def test_units_sold_on_mercari_are_not_put_back_while_amazon_stands_still() -> None:
    given(*LIVE, confirmed("update", stock=7)).when(
        decisions.follow_offer, following(quantity=10)
    ).then_nothing()


@pytest.mark.parametrize("status", ["active", "inactive"])
def test_stock_zero_is_an_adjustment_to_zero_and_no_suspension(status: str) -> None:
    command = following(status=status, status_reason="stock_zero", quantity=0)
    (fact,) = (
        given(*LIVE)
        .when(decisions.follow_offer, command)
        .then_topics("asin_binding.stock_adjusted")
    )
    assert fact.to_stock == 0


@pytest.mark.parametrize("status", ["inactive", "suspended", "deleted", "suspended_account"])
@pytest.mark.parametrize("life", ["mapped", "listed"])
def test_an_asin_off_sale_on_amazon_is_suspended_and_nothing_else(life: str, status: str) -> None:
    command = following(status=status, price_jpy=1, quantity=0)
    (fact,) = (
        given(*LIVES[life])
        .when(decisions.follow_offer, command)
        .then_topics("asin_binding.suspended")
    )
    assert (fact.code, fact.amazon_status) == ("E-404", status)


def test_a_suspended_binding_is_not_suspended_twice() -> None:
    command = following(status="deleted")
    given(*LIVES["suspended"]).when(decisions.follow_offer, command).then_nothing()


def test_an_active_offer_reinstates_with_today_s_price_and_stock() -> None:
    command = following(price_jpy=12_000, quantity=4)
    given(*LIVES["suspended"]).when(decisions.follow_offer, command).then_topics(
        "asin_binding.reinstated", "asin_binding.price_adjusted", "asin_binding.stock_adjusted"
    )


def test_a_seller_who_reinstates_by_hand_is_not_reinstated() -> None:
    command = following(is_reinstated_automatically=False)
    given(*LIVES["suspended"]).when(decisions.follow_offer, command).then_nothing()


def test_an_offer_read_before_the_suspension_does_not_undo_it() -> None:
    taken_off = given(*LIVE, suspended(observed=60))
    taken_off.when(decisions.follow_offer, following(30)).then_nothing()
    taken_off.when(decisions.follow_offer, following(61)).then_topics("asin_binding.reinstated")


def test_an_offer_read_before_the_new_terms_does_not_undo_them() -> None:
    product = a_product(price_jpy=20_000, observed_at=at(60))
    command = asking(terms=the_terms(stock_threshold=1), product=product)
    changed = given(*LIVE).when(decisions.request, command).facts()
    given(*LIVE, *changed).when(decisions.follow_offer, following(30)).then_nothing()


@whatever(status=STATUSES, offer=OFFERS, seconds=st.integers(-10_000, 10_000))
def test_whatever_the_offer_says_unknown_changes_nothing(
    status: str, offer: dict[str, Any], seconds: int
) -> None:
    command = following(seconds, **offer | {"status": "unknown"})
    given(*LIVES[status]).when(decisions.follow_offer, command).then_nothing()


@whatever(status=STATUSES, offer=OFFERS, seconds=st.integers(-10_000_000, -1))
def test_whatever_an_older_offer_says_it_changes_nothing(
    status: str, offer: dict[str, Any], seconds: int
) -> None:
    given(*LIVES[status]).when(decisions.follow_offer, following(seconds, **offer)).then_nothing()


@whatever(first=OFFERS, second=OFFERS, status=STATUSES)
def test_whatever_was_decided_last_an_offer_older_than_it_changes_nothing(
    first: dict[str, Any], second: dict[str, Any], status: str
) -> None:
    state = given(*LIVES[status]).state
    facts = decisions.follow_offer(state, following(60, **first))
    if facts:
        after = fold(state, BINDING_ID, facts)
        assert decisions.follow_offer(after, following(59, **second)) == []


@whatever(offer=OFFERS, status=STATUSES)
def test_whatever_the_offer_reading_it_twice_changes_nothing_more(
    offer: dict[str, Any], status: str
) -> None:
    state = followed(given(*LIVES[status]).state, **offer)
    assert decisions.follow_offer(state, following(**offer)) == []


@whatever(
    offer=OFFERS,
    status=st.sampled_from(NOT_LIVE),
)
def test_however_the_offer_moves_a_binding_that_is_not_live_stands(
    offer: dict[str, Any], status: str
) -> None:
    given(*LIVES[status]).when(decisions.follow_offer, following(**offer)).then_nothing()


@whatever(offer=OFFERS)
def test_whatever_price_is_followed_it_lies_within_fifteen_percent(offer: dict[str, Any]) -> None:
    state = given(*LIVE).state
    for fact in decisions.follow_offer(state, following(**offer)):
        if fact.TOPIC == "asin_binding.price_adjusted":
            assert bounds_of(fact.amazon_price_jpy, Decimal("0.15")).hold(fact.to_price_jpy)


def test_an_offer_of_another_asin_under_our_sku_changes_nothing() -> None:
    given(*LIVE).when(
        decisions.follow_offer, following(asin="B0ANOTHER1", price_jpy=500, quantity=99)
    ).then_nothing()


def test_a_price_that_leaves_none_to_ask_takes_the_listing_off_sale_and_says_so() -> None:
    (fact,) = (
        given(*LIVE)
        .when(decisions.follow_offer, following(price_jpy=200))
        .then_topics("asin_binding.suspended")
    )
    assert (fact.code, fact.reason, fact.amazon_price_jpy) == ("E-409", "price_out_of_range", 200)
    given(*LIVE, fact).when(decisions.follow_offer, following(180, price_jpy=200)).then_nothing()
    back = given(*LIVE, fact).when(decisions.follow_offer, following(180, price_jpy=9_000))
    back.then_topics("asin_binding.reinstated", "asin_binding.price_adjusted")
