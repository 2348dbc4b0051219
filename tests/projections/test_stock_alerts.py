"""Stock alerts: raised at the threshold, kept while it lasts, ended by stock or off the market."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from domain.asin_binding import facts
from domain.facts import Fact
from projections.stock_alerts import ENDED, WATCHED, StockAlerts
from projections.table import Rows
from tests.examples import (
    BINDING_ID,
    LIVE,
    STAMP,
    a_product,
    at,
    blocked,
    confirmed,
    listed,
    mapped,
    mapping_broken,
    recorded,
    reinstated,
    requested,
    suspended,
    the_circumstances,
    the_terms,
    validated,
    withdrawn,
)


def adjusted(quantity: int, threshold: int = 0, last_units: int = 0) -> facts.StockAdjusted:
    return facts.StockAdjusted(
        stamp=STAMP, from_stock=10, to_stock=max(0, quantity - threshold),
        amazon_quantity=quantity, stock_threshold=threshold, last_units=last_units,
    )  # fmt: skip


def after(*history: Fact) -> tuple[Any, list[Any]]:
    """The binding's row, and the alerts that ended."""
    rows = Rows({})
    for position, fact in enumerate(history, start=1):
        StockAlerts().fold(rows, recorded(position, fact))
    over = [row for (table, _), row in rows.put_rows.items() if table == ENDED.name]
    return rows.get(WATCHED, BINDING_ID), over


def born_low(quantity: int, threshold: int = 0, last_units: int = 0) -> Sequence[Fact]:
    """A binding listed with this stock on Amazon."""
    around = the_circumstances(last_units=last_units)
    return (
        requested(terms=the_terms(stock_threshold=threshold)),
        validated(product=a_product(quantity=quantity), circumstances=around),
        mapped(),
        listed(stock=0),
    )


def test_a_listing_with_stock_has_no_alert() -> None:
    row, over = after(*LIVE)
    assert (row.reason, row.raised_at, row.amazon_quantity, over) == (None, None, 10, [])


@pytest.mark.parametrize(
    ("quantity", "threshold", "last_units", "reason"),
    [
        (0, 0, 0, "sold_out"), (0, 3, 2, "sold_out"), (3, 3, 0, "at_threshold"),
        (1, 3, 0, "at_threshold"), (5, 3, 2, "last_units"), (6, 3, 2, None), (4, 3, 0, None),
    ],
)  # fmt: skip
def test_stock_that_falls_and_stock_that_was_low_from_the_start_raise_the_same_alert(
    quantity: int, threshold: int, last_units: int, reason: str | None
) -> None:
    fell, _ = after(*LIVE, adjusted(quantity, threshold, last_units))
    began, _ = after(*born_low(quantity, threshold, last_units))
    assert fell.reason == began.reason == reason
    assert fell.raised_position == (len(LIVE) + 1 if reason else None)
    assert began.raised_position == (4 if reason else None)


def test_new_terms_raise_and_end_an_alert() -> None:
    def terms(threshold: int) -> facts.TermsChanged:
        return facts.TermsChanged(
            stamp=STAMP, terms=the_terms(stock_threshold=threshold), float_rate="0",
            amazon_price_jpy=10_000, amazon_quantity=10, price_jpy=10_000, stock=0,
            submission_id=BINDING_ID, row=1,
        )  # fmt: skip

    row, over = after(*LIVE, terms(10))
    assert (row.reason, over) == ("at_threshold", [])
    row, over = after(*LIVE, terms(10), terms(9))
    assert (row.reason, [each.ended_by for each in over]) == (None, ["restocked"])


def test_an_alert_that_gets_worse_is_the_same_alert_since_the_same_moment() -> None:
    row, over = after(*LIVE, adjusted(3, 3), adjusted(1, 3), adjusted(0, 3))
    assert (row.reason, row.raised_at, over) == ("sold_out", at(5), [])


def test_an_alert_ends_once_stock_rises_and_the_next_one_is_new() -> None:
    row, over = after(*LIVE, adjusted(3, 3), confirmed("update", stock=0), adjusted(9, 3))
    [ended] = over
    assert (row.reason, row.raised_at) == (None, None)
    assert (ended.position, ended.ended_by, ended.amazon_quantity) == (7, "restocked", 9)
    assert (ended.raised_at, ended.ended_at, ended.shown_stock) == (at(5), at(7), 0)
    row, over = after(*LIVE, adjusted(3, 3), adjusted(9, 3), adjusted(2, 3))
    assert (row.reason, row.raised_position, len(over)) == ("at_threshold", 7, 1)


@pytest.mark.parametrize(
    "leaving", [suspended(), mapping_broken(), blocked(), withdrawn(), requested()],
    ids=lambda fact: fact.TOPIC,
)  # fmt: skip
def test_an_alert_ends_when_the_binding_leaves_the_market(leaving: Fact) -> None:
    row, over = after(*LIVE, adjusted(0), leaving)
    assert (row.reason, [each.ended_by for each in over]) == (None, ["off_market"])


def test_a_listing_that_comes_back_without_stock_raises_a_new_alert() -> None:
    row, over = after(*LIVE, adjusted(0), suspended(), reinstated())
    assert (row.reason, row.raised_position, len(over)) == ("sold_out", 7, 1)


def test_what_is_not_on_the_market_yet_has_no_alert() -> None:
    row, over = after(*born_low(0)[:3])
    assert (row.reason, over) == (None, [])
