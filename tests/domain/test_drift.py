"""A listing edited on Mercari by hand: shown, put back, or kept where the rules allow it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain.asin_binding import decisions, effect_due, fold
from domain.asin_binding.drift import FollowListing, follow_listing
from domain.asin_binding.facts import DriftFound, ListingConfirmed
from domain.rules.pricing import bounds_of
from tests.examples import (
    ASIN,
    AT_MAPPED,
    BINDING_ID,
    LIVE,
    STAMP,
    a_listing,
    at,
    following,
    listed,
    stamp,
    suspended,
)
from tests.spec import given_by

given = given_by(lambda facts: fold(None, BINDING_ID, facts))
KNOWN = listed(image_urls=("https://mercari.example/1.jpg",), description_sha256="aa")
SHOWN = (*AT_MAPPED, KNOWN)


def showing(*, keeps_price: bool = False, **changes: Any) -> FollowListing:
    """Mercari shows the listing an hour later, changed so."""
    fields = {"image_urls": KNOWN.listing.image_urls, "description_sha256": "aa"}
    shown = a_listing(**{**fields, "observed_at": at(3600)} | changes)
    return FollowListing(stamp=STAMP, listing=shown, keeps_price=keeps_price)


def drift(*history: Any, **changes: Any) -> DriftFound:
    (fact,) = (
        given(*history or SHOWN)
        .when(follow_listing, showing(**changes))
        .then_topics("asin_binding.drift_found")
    )
    return fact  # type: ignore[no-any-return]


def outcomes(fact: DriftFound) -> dict[str, str]:
    return {each.field: each.outcome for each in fact.differences}


def listed_off() -> ListingConfirmed:
    """What Mercari showed after the take-down."""
    shown = KNOWN.listing.model_copy(update={"is_on_sale": False})
    return ListingConfirmed(stamp=stamp(61), effect="take_down", listing=shown)


def test_a_listing_that_shows_what_we_last_saw_costs_no_fact() -> None:
    given(*SHOWN).when(follow_listing, showing()).then_nothing()


def test_units_sold_on_mercari_are_no_drift() -> None:
    given(*SHOWN).when(follow_listing, showing(stock=4)).then_nothing()


@pytest.mark.parametrize(
    ("field", "seen"),
    [
        ("title", "限定品!! 本革ハンドバッグ"),
        ("description_sha256", "bb"),
        ("image_urls", ("https://mercari.example/mine.jpg",)),
        ("category_id", "sbx-shoes"),
    ],
)
def test_content_edited_by_hand_is_always_put_back(field: str, seen: Any) -> None:
    fact = drift(**{field: seen})
    assert set(outcomes(fact).values()) == {"put_back"}
    after = given(*SHOWN, fact).state
    assert effect_due(after) == "update"


def test_a_price_edited_by_hand_is_put_back_unless_the_seller_keeps_such_prices() -> None:
    fact = drift(price_jpy=10_500)
    assert (outcomes(fact), fact.price_jpy) == ({"price_jpy": "put_back"}, 10_000)
    assert effect_due(given(*SHOWN, fact).state) == "update"


def test_a_price_kept_within_its_range_is_the_binding_s_float_from_then_on() -> None:
    fact = drift(price_jpy=10_500, keeps_price=True)
    assert (outcomes(fact), fact.price_jpy) == ({"price_jpy": "kept"}, 10_500)
    kept = given(*SHOWN, fact)
    assert effect_due(kept.state) is None
    (followed,) = kept.when(decisions.follow_offer, following(7200, price_jpy=20_000)).then_topics(
        "asin_binding.price_adjusted"
    )
    assert followed.to_price_jpy == 21_000


@whatever(price=st.integers(300, 100_000))
def test_whatever_the_hand_wrote_a_kept_price_lies_within_its_range(price: int) -> None:
    facts = given(*SHOWN).when(follow_listing, showing(price_jpy=price, keeps_price=True)).facts()
    for fact in facts:
        is_kept = outcomes(fact)["price_jpy"] == "kept"
        assert is_kept == bounds_of(10_000, Decimal("0.15")).hold(price)


def test_stock_raised_by_hand_is_put_back_to_the_rule() -> None:
    fact = drift(stock=50)
    assert outcomes(fact) == {"stock": "put_back"}
    after = given(*SHOWN, fact).state
    assert after is not None
    assert (after.stock, effect_due(after)) == (10, "update")


def test_a_listing_closed_by_hand_stays_closed_while_amazon_moves() -> None:
    fact = drift(is_on_sale=False)
    assert (outcomes(fact), fact.is_closed_by_hand) == ({"is_on_sale": "kept"}, True)
    closed = given(*SHOWN, fact)
    assert effect_due(closed.state) is None
    moved = closed.when(decisions.follow_offer, following(7200, price_jpy=12_000)).facts()
    assert effect_due(given(*SHOWN, fact, *moved).state) is None


def test_a_listing_closed_by_hand_and_opened_again_is_followed_again() -> None:
    closed = drift(is_on_sale=False)
    opened = drift(*SHOWN, closed, observed_at=at(7200))
    assert opened.is_closed_by_hand is False
    assert effect_due(given(*SHOWN, closed, opened).state) is None


def test_a_listing_opened_by_hand_while_suspended_is_taken_down_again() -> None:
    off = (*SHOWN, suspended(60), listed_off())
    fact = drift(*off)
    assert outcomes(fact) == {"is_on_sale": "put_back"}
    assert effect_due(given(*off, fact).state) == "take_down"


def test_a_listing_deleted_by_hand_is_not_made_again_until_it_is_asked_for() -> None:
    command = FollowListing(stamp=STAMP, listing=None, keeps_price=False)
    (fact,) = given(*SHOWN).when(follow_listing, command).then_topics("asin_binding.drift_found")
    gone = given(*SHOWN, fact)
    assert effect_due(gone.state) is None
    asked = gone.when(decisions.ask_again, decisions.AskAgain(stamp=STAMP)).facts()
    again = given(*SHOWN, fact, *asked, *AT_MAPPED[1:]).state
    assert effect_due(again) == "list"


def test_nothing_is_drift_while_a_change_of_our_own_is_still_to_be_written() -> None:
    priced = given(*SHOWN).when(decisions.follow_offer, following(60, price_jpy=12_000)).facts()
    given(*SHOWN, *priced).when(follow_listing, showing(title="x")).then_nothing()


def test_an_older_look_at_mercari_finds_nothing() -> None:
    given(*SHOWN).when(follow_listing, showing(title="x", observed_at=at(-1))).then_nothing()


def test_what_was_never_seen_before_is_not_compared() -> None:
    given(*LIVE).when(follow_listing, showing()).then_nothing()
    assert ASIN in KNOWN.listing.sku_code


def test_a_listing_deleted_by_hand_is_not_made_again_when_its_asin_returns() -> None:
    command = FollowListing(stamp=STAMP, listing=None, keeps_price=False)
    (gone,) = given(*SHOWN).when(follow_listing, command).then_topics("asin_binding.drift_found")
    off = (*SHOWN, gone, suspended(60))
    back = given(*off).when(decisions.follow_offer, following(120)).facts()
    assert effect_due(given(*off, *back).state) is None
