"""Prices stay within ±15 % of Amazon's and Mercari's own range; fees by date; the fee cliff."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import ceil, floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.policy import policy_of
from domain.rules.fees import proceeds_of
from domain.rules.pricing import bounds_of, float_rate_of, listed_price_jpy
from domain.rules.stock import is_at_threshold, mercari_stock

MAXIMUM = Decimal("0.15")
PRICES = st.integers(1, 20_000_000)
RATES = st.decimals(-1, 1, places=8)
V3 = date(2024, 4, 1)
FEES = policy_of().repricing


@given(amazon=PRICES, rate=RATES)
def test_whatever_the_float_the_listed_price_lies_in_the_allowed_range(
    amazon: int, rate: Decimal
) -> None:
    low = max(ceil(amazon * 85 / Decimal(100)), 300)
    high = min(floor(amazon * 115 / Decimal(100)), 9_999_999)
    assume(low <= high)
    assert low <= listed_price_jpy(amazon, rate, MAXIMUM) <= high
    bounds = bounds_of(amazon, MAXIMUM)
    assert (bounds.price_jpy_min, bounds.price_jpy_max) == (low, high)


@given(amazon=st.integers(300, 9_000_000), share=st.floats(0, 1))
def test_whatever_price_is_suggested_within_the_range_it_is_listed_to_the_yen(
    amazon: int, share: float
) -> None:
    bounds = bounds_of(amazon, MAXIMUM)
    suggested = bounds.price_jpy_min + int(share * (bounds.price_jpy_max - bounds.price_jpy_min))
    rate = float_rate_of(suggested, amazon)
    assert listed_price_jpy(amazon, rate, MAXIMUM) == suggested
    assert abs(rate) <= MAXIMUM


@given(amazon=st.integers(400, 8_000_000), rate=st.decimals("-0.15", "0.15", places=4))
def test_however_the_price_moves_the_float_stays(amazon: int, rate: Decimal) -> None:
    exact = amazon * (1 + rate)
    assert abs(listed_price_jpy(amazon, rate, MAXIMUM) - exact) < 1


@pytest.mark.parametrize(
    ("amazon", "low", "high"), [(1001, 851, 1151), (1000, 850, 1150), (333, 300, 382)]
)
def test_bounds_are_rounded_inwards_to_whole_yen(amazon: int, low: int, high: int) -> None:
    bounds = bounds_of(amazon, MAXIMUM)
    assert (bounds.price_jpy_min, bounds.price_jpy_max) == (low, high)
    assert [bounds.hold(price) for price in (low - 1, low, high, high + 1)] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("amazon", [1, 260, 11_764_705])
def test_some_amazon_prices_allow_no_price_on_mercari(amazon: int) -> None:
    bounds = bounds_of(amazon, MAXIMUM)
    assert bounds.price_jpy_min > bounds.price_jpy_max


@pytest.mark.parametrize(
    ("price", "commission", "net", "warning"),
    [
        (300, 30, 270, None),
        (4_999, 499, 4_500, None),
        (5_000, 500, 4_500, None),
        (5_001, 600, 4_401, "W-102"),
        (5_112, 613, 4_499, "W-102"),
        (5_113, 613, 4_500, None),
        (9_999_999, 1_199_999, 8_800_000, None),
    ],
)
def test_fees_from_april_2024(price: int, commission: int, net: int, warning: str | None) -> None:
    proceeds = proceeds_of(FEES, price, V3, "self")
    assert (proceeds.commission_jpy, proceeds.net_jpy) == (commission, net)
    assert proceeds.warning_code == warning


def test_before_april_2024_the_fee_was_ten_percent_flat() -> None:
    proceeds = proceeds_of(FEES, 10_005, date(2024, 3, 31), "self")
    assert (proceeds.commission_jpy, proceeds.warning_code) == (1_000, None)
    assert proceeds_of(FEES, 10_005, V3, "self").commission_jpy == 1_200


@given(price=st.integers(300, 9_999_999), on=st.dates(date(2022, 1, 1), date(2030, 1, 1)))
def test_whatever_is_sold_commission_and_net_make_the_price(price: int, on: date) -> None:
    proceeds = proceeds_of(FEES, price, on, "mercari")
    percent = 12 if on >= V3 and price > 5_000 else 10
    assert proceeds.commission_jpy == price * percent // 100
    assert proceeds.commission_jpy + proceeds.net_jpy == price
    assert (proceeds.warning_code == "W-102") == (on >= V3 and 5_001 <= price <= 5_112)


def test_mercari_s_own_shipping_is_cheaper_by_210_yen_an_order() -> None:
    assert proceeds_of(FEES, 1_000, V3, "mercari").shipping_saving_jpy == 210
    assert proceeds_of(FEES, 1_000, V3, "self").shipping_saving_jpy == 0


@given(
    quantity=st.integers(0, 10**6), threshold=st.integers(0, 10**6), last_units=st.integers(0, 100)
)
def test_of_last_units_or_fewer_mercari_sells_none_and_of_more_all(
    quantity: int, threshold: int, last_units: int
) -> None:
    left = quantity - threshold
    expected = left if left > max(0, last_units) else 0
    assert mercari_stock(quantity, threshold, last_units) == expected


@given(quantity=st.integers(0, 10**6), threshold=st.integers(0, 10**6))
def test_whatever_amazon_holds_mercari_sells_what_lies_above_the_threshold(
    quantity: int, threshold: int
) -> None:
    stock = mercari_stock(quantity, threshold)
    assert stock == max(0, quantity - threshold)
    assert (stock == 0) == is_at_threshold(quantity, threshold)
