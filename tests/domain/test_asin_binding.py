"""A binding is asked for, checked, listed, asked for again and taken back (SPEC §5)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.asin_binding import Status, decisions, effect_due, fold
from domain.asin_binding.facts import (
    Listed,
    ListingConfirmed,
    Mapped,
    Rejected,
    Requested,
    TermsChanged,
    Validated,
    Withdrawn,
)
from domain.errors import CategoryRefused, PriceOutOfRange, Refusal, WrongState
from tests.examples import (
    BACKPACKS_ID,
    BINDING_ID,
    HISTORIES,
    LISTED,
    MERCARI_HANDBAGS,
    SKU,
    SUBMISSION_ID,
    around,
    at,
    attempt_failed,
    check_binding,
    follow_offer,
    listing,
    mapped,
    mapping_broken,
    offer,
    price_adjusted,
    product,
    record_listing,
    request_binding,
    requested,
    stamp,
    suspended,
    terms,
    validated,
)
from tests.spec import given

LIVE = ("mapped", "listed", "suspended")
OPEN_TO_A_NEW_REQUEST = ("requested", "rejected", "unmapped", "withdrawn")


# --- asking ---


def test_a_row_of_an_upload_asks_for_a_new_binding() -> None:
    given().when(decisions.request, request_binding()).then(requested())


def test_the_sku_is_chosen_when_the_binding_is_asked_for() -> None:
    given().when(decisions.request, request_binding(product(sku="SKU-9"))).then(
        requested(sku="SKU-9")
    )


@pytest.mark.parametrize("status", OPEN_TO_A_NEW_REQUEST)
def test_binding_the_same_pair_again_continues_its_history(status: str) -> None:
    given(*HISTORIES[status]).when(decisions.request, request_binding(row=4)).then(
        requested(row=4)
    )
    after = fold(None, BINDING_ID, (*HISTORIES[status], requested(row=4)))
    assert after is not None
    assert (after.status, after.version) == ("requested", len(HISTORIES[status]) + 1)


def test_a_blocked_asin_can_never_be_asked_for_again() -> None:
    given(*HISTORIES["blocked"]).when(decisions.request, request_binding()).then_refused(
        Refusal, "E-502", "blocked for ever"
    )


@pytest.mark.parametrize("status", LIVE)
def test_the_same_row_for_a_live_binding_changes_nothing(status: str) -> None:
    given(*HISTORIES[status]).when(decisions.request, request_binding()).then_nothing()


@pytest.mark.parametrize("status", LIVE)
def test_another_category_for_a_live_binding_is_refused(status: str) -> None:
    command = request_binding(terms=terms(mercari_category_id=BACKPACKS_ID))
    given(*HISTORIES[status]).when(decisions.request, command).then_refused(
        CategoryRefused, "E-403", "remap"
    )


# --- new terms of a live binding ---


def test_a_row_for_a_live_binding_changes_its_float_and_threshold() -> None:
    wanted = terms(suggested_price_jpy=3300, stock_threshold=3)
    later = product(observed=5)
    given(*LISTED).when(decisions.request, request_binding(later, terms=wanted, row=2)).then(
        TermsChanged(
            stamp=stamp(5), terms=wanted, float_rate=Decimal("0.1"), amazon_price_jpy=3000,
            amazon_quantity=10, price_jpy=3300, stock=7, submission_id=SUBMISSION_ID, row=2,
        )
    )  # fmt: skip


@pytest.mark.parametrize("suggested_jpy", [300, 2549, 3451, 9_999_999])
def test_new_terms_outside_fifteen_percent_are_refused(suggested_jpy: int) -> None:
    command = request_binding(terms=terms(suggested_price_jpy=suggested_jpy))
    given(*LISTED).when(decisions.request, command).then_refused(PriceOutOfRange, "E-409")


@pytest.mark.parametrize("suggested_jpy", [2550, 3450])
def test_new_terms_at_the_bounds_are_taken(suggested_jpy: int) -> None:
    command = request_binding(terms=terms(suggested_price_jpy=suggested_jpy))
    (fact,) = given(*LISTED).when(decisions.request, command).facts
    assert fact.price_jpy == suggested_jpy


@pytest.mark.parametrize(
    "read",
    [
        product(5, price_jpy=None, quantity=None, status="inactive", status_reason="no_offer"),
        product(5, status="unknown", price_jpy=9000, quantity=1),
        product(-60, price_jpy=9000, quantity=1),
        product(5, sku="SKU-2", price_jpy=9000, quantity=1),
    ],
    ids=["without a price", "unknown", "older than the last reading", "of another sku"],
)
def test_new_terms_are_priced_by_what_is_known_of_the_bound_sku(read: object) -> None:
    command = request_binding(read, terms=terms(stock_threshold=4))  # type: ignore[arg-type]
    (fact,) = given(*LISTED).when(decisions.request, command).facts
    assert (fact.amazon_price_jpy, fact.amazon_quantity) == (3000, 10)
    assert (fact.price_jpy, fact.stock) == (3000, 6)


def test_an_offer_older_than_new_terms_changes_nothing() -> None:
    command = request_binding(product(observed=9), terms=terms(stock_threshold=4))
    changed = given(*LISTED).when(decisions.request, command).facts
    late = follow_offer(offer(observed=5, price_jpy=2000, quantity=99))
    given(*LISTED, *changed).when(decisions.follow_offer, late).then_nothing()


# --- checking ---


def test_a_good_product_is_validated_and_mapped() -> None:
    given(requested()).when(decisions.check, check_binding()).then(validated(), mapped())


def test_a_suggested_price_fixes_the_float() -> None:
    asked = requested(terms=terms(suggested_price_jpy=2700))
    first, _ = given(asked).when(decisions.check, check_binding()).facts
    assert (first.float_rate, first.price_jpy) == (Decimal("-0.1"), 2700)


def test_without_a_suggested_price_the_sellers_default_float_applies() -> None:
    command = check_binding(beside=around("0.05"))
    first, _ = given(requested()).when(decisions.check, command).facts
    assert (first.float_rate, first.price_jpy) == (Decimal("0.05"), 3150)


def test_the_threshold_is_held_back_from_the_first_stock() -> None:
    asked = requested(terms=terms(stock_threshold=4))
    first, _ = given(asked).when(decisions.check, check_binding()).facts
    assert first.stock == 6


def test_goods_that_are_only_sold_out_are_listed_at_zero() -> None:
    sold_out = product(status="inactive", status_reason="stock_zero", quantity=0)
    first, _ = given(requested()).when(decisions.check, check_binding(sold_out)).facts
    assert isinstance(first, Validated)
    assert first.stock == 0


@pytest.mark.parametrize(
    "missing",
    [
        {"price_jpy": None},
        {"quantity": None},
        {"price_jpy": None, "status": "inactive", "status_reason": "stock_zero", "quantity": 0},
        {"status": "unknown"},
    ],
    ids=["price", "quantity", "price of sold-out goods", "status"],
)
def test_what_amazon_did_not_tell_is_never_guessed(missing: dict[str, object]) -> None:
    given(requested()).when(decisions.check, check_binding(product(**missing))).then_nothing()


def test_a_rejection_names_every_failed_check_and_keeps_the_product() -> None:
    bad = product(status="suspended", price_jpy=100, image_url=None)
    (fact,) = given(requested()).when(decisions.check, check_binding(bad)).facts
    assert isinstance(fact, Rejected)
    assert fact.product == bad
    assert [found.code for found in fact.findings] == ["E-404", "E-409", "E-410"]
    assert fact.stamp == stamp(0)


def test_a_warning_does_not_reject() -> None:
    asked = requested(terms=terms(suggested_price_jpy=2550))
    first, second = given(asked).when(decisions.check, check_binding()).facts
    assert [warning.code for warning in first.warnings] == ["W-101"]
    assert isinstance(second, Mapped)


@pytest.mark.parametrize("status", sorted(set(HISTORIES) - {"requested"}))
def test_only_what_was_asked_for_is_checked(status: str) -> None:
    given(*HISTORIES[status]).when(decisions.check, check_binding()).then_nothing()


# --- asking again by hand ---


def test_a_broken_mapping_is_mended_by_choosing_a_category() -> None:
    command = decisions.AskAgain(stamp=stamp(), mercari_category_id=BACKPACKS_ID)
    given(*HISTORIES["unmapped"]).when(decisions.ask_again, command).then(
        requested(
            terms=terms(mercari_category_id=BACKPACKS_ID), submission_id=None, row=None, sku=SKU
        )
    )


def test_a_remapped_binding_is_off_sale_until_it_was_checked() -> None:
    again = requested(submission_id=None, row=None)
    held = fold(None, BINDING_ID, (*LISTED, again))
    assert held is not None
    assert effect_due(held) == "take_down"


def test_a_remapped_binding_keeps_the_float_that_its_suggested_price_fixed() -> None:
    asked = terms(suggested_price_jpy=3300)
    history = (
        requested(terms=asked), validated(float_rate=Decimal("0.1"), price_jpy=3300), mapped(),
        listed_at(3300), price_adjusted(3300, 5500, amazon_price_jpy=5000), mapping_broken(),
        requested(terms=asked, submission_id=None, row=None),
    )  # fmt: skip
    first, _ = given(*history).when(decisions.check, check_binding(product(price_jpy=6000))).facts
    assert (first.float_rate, first.price_jpy) == (Decimal("0.1"), 6600)


def listed_at(price_jpy: int) -> Listed:
    return Listed(stamp=stamp(1), listing=listing(price_jpy=price_jpy))


@pytest.mark.parametrize("status", ["blocked", "requested"])
def test_nothing_is_asked_again_while_blocked_or_being_checked(status: str) -> None:
    command = decisions.AskAgain(stamp=stamp())
    given(*HISTORIES[status]).when(decisions.ask_again, command).then_refused(
        WrongState, "wrong-state", status
    )


@pytest.mark.parametrize("status", ["rejected", "unmapped", "listed", "suspended", "withdrawn"])
def test_anything_else_can_be_asked_again(status: str) -> None:
    command = decisions.AskAgain(stamp=stamp())
    (fact,) = given(*HISTORIES[status]).when(decisions.ask_again, command).facts
    assert isinstance(fact, Requested)
    assert fact.terms == terms()


# --- taking back ---


@pytest.mark.parametrize("status", sorted(set(HISTORIES) - {"blocked", "withdrawn"}))
def test_a_binding_can_be_withdrawn_from_any_state_but_blocked(status: str) -> None:
    command = decisions.Withdraw(stamp=stamp(), reason="sold out for good")
    given(*HISTORIES[status]).when(decisions.withdraw, command).then(
        Withdrawn(stamp=stamp(), reason="sold out for good")
    )


def test_withdrawing_twice_is_one_withdrawal() -> None:
    command = decisions.Withdraw(stamp=stamp())
    given(*HISTORIES["withdrawn"]).when(decisions.withdraw, command).then_nothing()


def test_a_blocked_binding_is_not_withdrawn() -> None:
    command = decisions.Withdraw(stamp=stamp())
    given(*HISTORIES["blocked"]).when(decisions.withdraw, command).then_refused(
        WrongState, "wrong-state", "blocked for ever"
    )


# --- what Mercari shows ---


def test_a_mapped_binding_seen_on_sale_is_listed() -> None:
    given(*HISTORIES["mapped"]).when(decisions.record_listing, record_listing("list")).then(
        Listed(stamp=stamp(1), listing=listing())
    )


def test_a_listing_still_closed_is_not_yet_listed() -> None:
    command = record_listing("list", is_on_sale=False)
    given(*HISTORIES["mapped"]).when(decisions.record_listing, command).then(
        ListingConfirmed(stamp=stamp(1), effect="list", listing=listing(is_on_sale=False))
    )


def test_seeing_the_same_again_is_no_fact() -> None:
    command = record_listing("update", observed_at=at(30))
    given(*LISTED).when(decisions.record_listing, command).then_nothing()


def test_a_failed_attempt_counts_on_from_the_last_and_anew_after_a_success() -> None:
    command = decisions.RecordFailure(
        stamp=stamp(), operation="update", code="E-902", detail="slow down", retry_at=at(3)
    )
    failures = (attempt_failed("update", attempt=1), attempt_failed("update", attempt=2))
    (third,) = given(*LISTED, *failures).when(decisions.record_failure, command).facts
    success = ListingConfirmed(stamp=stamp(1), effect="update", listing=listing(stock=9))
    history = (*LISTED, *failures, success)
    (first,) = given(*history).when(decisions.record_failure, command).facts
    assert (third.attempt, first.attempt) == (3, 1)


# --- the state ---


@pytest.mark.parametrize("status", sorted(HISTORIES))
def test_each_example_stands_in_its_status(status: Status) -> None:
    held = fold(None, BINDING_ID, HISTORIES[status])
    assert held is not None
    assert held.status == status


@pytest.mark.parametrize("status", ["unmapped", "suspended", "blocked", "withdrawn"])
def test_what_may_not_be_sold_is_taken_down(status: str) -> None:
    held = fold(None, BINDING_ID, HISTORIES[status])
    assert held is not None
    assert effect_due(held) == "take_down"


def test_a_listing_that_shows_what_was_decided_needs_nothing() -> None:
    held = fold(None, BINDING_ID, LISTED)
    assert held is not None
    assert effect_due(held) is None


def test_goods_without_a_title_are_listed_once_and_then_left_alone() -> None:
    history = (requested(), validated(product(title=None)), mapped(), listed_as_its_asin())
    held = fold(None, BINDING_ID, history)
    assert held is not None
    assert effect_due(held) is None


def listed_as_its_asin() -> Listed:
    return Listed(stamp=stamp(1), listing=listing(title=product().asin))


def test_a_suspension_before_the_first_listing_leaves_nothing_to_do() -> None:
    held = fold(None, BINDING_ID, (*HISTORIES["mapped"], suspended()))
    assert held is not None
    assert effect_due(held) is None


def test_a_history_begins_with_a_request() -> None:
    with pytest.raises(TypeError, match=r"asin_binding\.mapped"):
        fold(None, BINDING_ID, [mapped()])


def test_the_category_is_recorded_with_its_rate_and_its_path() -> None:
    _, second = given(requested()).when(decisions.check, check_binding()).facts
    assert (second.match_rate, second.category_path) == (100.0, MERCARI_HANDBAGS)
