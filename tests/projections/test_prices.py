"""Views of prices: they show what the aggregate knows, and each own price as entered last."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain import asin_binding
from domain.asin_binding.facts import PriceAdjusted
from domain.channel_prices import ChannelPricesEntered
from domain.rules.repricing import ChannelPrice
from projections.channel_prices import TABLE as PRICES
from projections.channel_prices import ChannelPrices
from projections.price_bases import TABLE as BASES
from projections.price_bases import PriceBases, day_start_of
from projections.table import Rows
from tests.examples import ASIN, BINDING_ID, LIVE, SELLER_ID, at, recorded, stamp

HOURS = 3600


def folded(projection: Any, facts: list[Any]) -> Rows:
    rows = Rows({})
    for position, fact in enumerate(facts, start=1):
        projection.fold(rows, recorded(position, fact))
    return rows


@given(moves=st.lists(st.tuples(st.integers(0, 30), st.integers(300, 20_000)), max_size=8))
def test_whatever_a_price_lived_through_the_view_knows_float_price_and_start_of_the_day(
    moves: list[tuple[int, int]],
) -> None:
    facts: list[Any] = list(LIVE)
    price, seconds = 10_000, 0
    for hours, to in moves:
        seconds += hours * HOURS
        facts.append(
            PriceAdjusted(
                stamp=stamp(seconds), from_price_jpy=price, to_price_jpy=to,
                amazon_price_jpy=to, float_rate=Decimal(0),
            )
        )  # fmt: skip
        price = to
    state = asin_binding.fold(None, BINDING_ID, facts)
    row = folded(PriceBases(), facts).get(BASES, BINDING_ID)
    assert state is not None
    assert row is not None
    assert (row.float_rate, row.price_jpy) == (state.float_rate, state.price_jpy)
    assert day_start_of(row) == state.day_start


def test_an_own_price_is_known_as_it_was_entered_last() -> None:
    def entered(seconds: float, channel: str, price_jpy: int) -> ChannelPricesEntered:
        price = ChannelPrice(asin=ASIN, channel=channel, price_jpy=price_jpy)
        return ChannelPricesEntered(stamp=stamp(seconds), prices=(price,))

    facts = [entered(0, "rakuten", 9_700), entered(1, "yahoo", 9_900), entered(2, "rakuten", 9_800)]
    rows = folded(ChannelPrices(), facts)
    rakuten = rows.get(PRICES, SELLER_ID, ASIN, "rakuten")
    yahoo = rows.get(PRICES, SELLER_ID, ASIN, "yahoo")
    assert rakuten is not None
    assert yahoo is not None
    assert (rakuten.price_jpy, rakuten.entered_at) == (9_800, at(2))
    assert (yahoo.price_jpy, yahoo.entered_at) == (9_900, at(1))
