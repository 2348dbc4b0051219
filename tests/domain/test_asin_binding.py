"""A binding's life: asked for, checked, listed, taken back, blocked; what each status allows."""

from __future__ import annotations

import pytest

from domain.asin_binding import decisions, effect_due, fold, judging
from domain.errors import CategoryRefused, PriceOutOfRange, Refusal, WrongState
from domain.values import sku_code_of
from tests.examples import (
    ASIN,
    BAG_ID,
    BAG_PATH,
    BINDING_ID,
    LIVE,
    LIVES,
    MOVED_WATCHES,
    OTHER_ID,
    SEEN,
    STAMP,
    TITLE,
    WATCH_ID,
    WATCH_PATH,
    WATCHES,
    a_certificate,
    a_listing,
    a_product,
    asking,
    at,
    attempt_failed,
    blocked,
    checking,
    confirmed,
    listed,
    mapped,
    reinstated,
    requested,
    stamp,
    suspended,
    sweeping,
    the_terms,
    validated,
    withdrawn,
)
from tests.spec import given_by

given = given_by(lambda facts: fold(None, BINDING_ID, facts))


# --- asking -------------------------------------------------------------------------------------


def test_an_unbound_asin_is_requested_with_the_sku_chosen() -> None:
    given().when(decisions.request, asking()).then(requested())


@pytest.mark.parametrize("status", ["requested", "rejected", "unmapped", "withdrawn"])
def test_asking_again_continues_the_history(status: str) -> None:
    given(*LIVES[status]).when(decisions.request, asking()).then(requested())


@pytest.mark.parametrize("status", ["mapped", "listed", "suspended"])
def test_the_same_terms_for_a_live_binding_change_nothing(status: str) -> None:
    given(*LIVES[status]).when(decisions.request, asking()).then_nothing()


@pytest.mark.parametrize("status", ["mapped", "listed", "suspended"])
def test_another_category_for_a_live_binding_is_refused(status: str) -> None:
    moved = asking(terms=the_terms(mercari_category_id=OTHER_ID))
    given(*LIVES[status]).when(decisions.request, moved).then_refused(CategoryRefused, "E-403")


def test_a_blocked_binding_refuses_a_new_request_with_the_code_of_the_block() -> None:
    given(*LIVES["blocked"]).when(decisions.request, asking()).then_refused(Refusal, "E-502")


def test_new_terms_of_a_live_binding_change_float_and_stock() -> None:
    terms = the_terms(suggested_price_jpy=11_000, stock_threshold=4)
    given_live = given(*LIVE).when(decisions.request, asking(terms=terms, row=3))
    (fact,) = given_live.then_topics("asin_binding.terms_changed")
    assert (fact.price_jpy, fact.stock, fact.row) == (11_000, 6, 3)
    assert float(fact.float_rate) == 0.1


@pytest.mark.parametrize("suggested", [8_499, 11_501, 300, 9_999_999])
def test_new_terms_beyond_fifteen_percent_are_refused(suggested: int) -> None:
    terms = the_terms(suggested_price_jpy=suggested)
    refused = given(*LIVE).when(decisions.request, asking(terms=terms))
    finding = refused.then_refused(PriceOutOfRange).finding
    assert finding is not None
    assert (finding.values["low"], finding.values["high"]) == ("¥8,500", "¥11,500")


@pytest.mark.parametrize("unread", ["price_jpy", "quantity"])
def test_new_terms_wait_while_amazon_gives_no_amount(unread: str) -> None:
    command = asking(terms=the_terms(stock_threshold=4), product=a_product(**{unread: None}))
    given(*LIVE).when(decisions.request, command).then_nothing()


# --- checking -----------------------------------------------------------------------------------


def test_a_good_product_is_validated_and_mapped_and_due_to_be_listed() -> None:
    when = given(requested()).when(judging.check, checking())
    made = when.facts()[1]
    when.then(validated(), mapped(reason=made.reason, reason_values=made.reason_values))
    after = fold(when.state, BINDING_ID, when.facts())
    assert after is not None
    assert (after.status, effect_due(after)) == ("mapped", "list")


def test_an_unknown_category_is_rejected_with_e_403() -> None:
    given_unknown = given(requested(terms=the_terms(mercari_category_id="no-such-category")))
    (fact,) = given_unknown.when(judging.check, checking()).then_topics("asin_binding.rejected")
    assert [found.code for found in fact.findings] == ["E-403"]


def test_a_rejection_names_every_failed_check_and_no_warning() -> None:
    product = a_product(status="deleted", image_url=None, price_jpy=10_000)
    terms = the_terms(mercari_category_id=OTHER_ID, suggested_price_jpy=8_500)
    when = given(requested(terms=terms)).when(judging.check, checking(product))
    (fact,) = when.then_topics("asin_binding.rejected")
    assert [found.code for found in fact.findings] == ["E-404", "E-403", "E-410"]


@pytest.mark.parametrize(
    "changes",
    [{"status": "unknown"}, {"price_jpy": None}, {"price_jpy": None, "status": "active"},
     {"status": "inactive", "status_reason": "stock_zero", "price_jpy": None, "quantity": 0}],
)  # fmt: skip
def test_what_amazon_did_not_say_decides_nothing(changes: dict[str, object]) -> None:
    given(requested()).when(judging.check, checking(a_product(**changes))).then_nothing()


def test_an_asin_only_out_of_stock_is_listed_at_zero() -> None:
    product = a_product(status="inactive", status_reason="stock_zero", quantity=0)
    when = given(requested()).when(judging.check, checking(product))
    assert when.then_topics("asin_binding.validated", "asin_binding.mapped")[0].stock == 0


def test_the_suggested_price_is_the_listed_price() -> None:
    terms = the_terms(suggested_price_jpy=9_333, stock_threshold=3)
    when = given(requested(terms=terms)).when(judging.check, checking())
    fact = when.then_topics("asin_binding.validated", "asin_binding.mapped")[0]
    assert (fact.price_jpy, fact.stock) == (9_333, 7)


# --- listing ------------------------------------------------------------------------------------


def shown(effect: str = "list", **changes: object) -> decisions.RecordListing:
    return decisions.RecordListing(stamp=STAMP, effect=effect, listing=a_listing(**changes))


def test_a_mapped_binding_seen_open_is_listed_once() -> None:
    given(*LIVES["mapped"]).when(decisions.record_listing, shown()).then(listed())
    given(*LIVE).when(decisions.record_listing, shown(observed_at=at(9))).then_nothing()


def test_a_listing_still_closed_is_not_listed() -> None:
    when = given(*LIVES["mapped"]).when(decisions.record_listing, shown(is_on_sale=False))
    when.then(confirmed("list", is_on_sale=False))


def test_what_mercari_shows_after_an_update_is_recorded() -> None:
    given(*LIVE).when(decisions.record_listing, shown("update", price_jpy=9_000)).then(
        confirmed("update", price_jpy=9_000)
    )


def test_failed_attempts_are_counted_until_one_succeeds() -> None:
    failure = decisions.RecordFailure(
        stamp=STAMP, operation="update", code="E-901", detail="timed out", retry_at=at(300)
    )
    given(*LIVE).when(decisions.record_failure, failure).then(attempt_failed(attempt=1))
    twice = given(*LIVE, attempt_failed(attempt=1))
    twice.when(decisions.record_failure, failure).then(attempt_failed(attempt=2))
    mended = given(*LIVE, attempt_failed(attempt=1), confirmed("update"))
    mended.when(decisions.record_failure, failure).then(attempt_failed(attempt=1))


@pytest.mark.parametrize("status", ["requested", "rejected", "unmapped", "blocked", "withdrawn"])
def test_a_binding_no_longer_for_sale_is_taken_down(status: str) -> None:
    history = (*LIVES[status], confirmed("update"))
    state = given(*history).state
    assert effect_due(state) == "take_down"
    closed = given(*history, confirmed("take_down", is_on_sale=False)).state
    assert effect_due(closed) is None


def test_units_sold_on_mercari_are_not_put_back() -> None:
    sold = given(*LIVE, confirmed("update", stock=9)).state
    assert (sold.stock, effect_due(sold)) == (9, None)


def test_what_was_never_listed_needs_nothing_on_mercari() -> None:
    assert effect_due(given(requested(), validated()).state) is None
    assert effect_due(given(requested(), validated(), mapped(), suspended()).state) is None


@pytest.mark.parametrize(
    "changes", [{"price_jpy": 9_999}, {"stock": 99}, {"title": "x"}, {"is_on_sale": False}]
)
def test_a_listing_that_differs_from_what_was_decided_is_updated(changes: dict) -> None:
    assert effect_due(given(*LIVES["mapped"], listed()).state) is None
    assert effect_due(given(*LIVE, confirmed("update", **changes)).state) == "update"


def test_a_reinstated_listing_goes_on_sale_again() -> None:
    closed = (*LIVE, suspended(), confirmed("take_down", is_on_sale=False))
    assert effect_due(given(*closed).state) is None
    assert effect_due(given(*closed, reinstated()).state) == "update"
    unlisted = given(*LIVES["mapped"], suspended(), reinstated(is_listed=False)).state
    assert (unlisted.status, effect_due(unlisted)) == ("mapped", "list")


def test_the_sku_code_never_varies_through_a_whole_life() -> None:
    codes = {given(*history).state.sku_code for history in LIVES.values()}
    assert codes == {sku_code_of(ASIN, BINDING_ID)}


# --- the daily catalogue sweep ------------------------------------------------------------------

WATCH = {"browse_path": WATCHES, "certificates": (a_certificate("pse_circle"),)}
LIVE_WATCH = (
    requested(terms=the_terms(mercari_category_id=WATCH_ID)),
    validated(product=a_product(**WATCH)),
    mapped(mercari_category_id=WATCH_ID, category_path=WATCH_PATH),
    listed(category_id=WATCH_ID),
)


def test_smart_watches_moved_to_wearable_devices_break_the_mapping() -> None:
    moved = sweeping(**WATCH | {"browse_path": MOVED_WATCHES})
    (fact,) = (
        given(*LIVE_WATCH)
        .when(decisions.follow_product, moved)
        .then_topics("asin_binding.mapping_broken")
    )
    assert (fact.from_browse_path, fact.to_browse_path) == (WATCHES, MOVED_WATCHES)
    assert fact.finding.code == "E-403"


def test_a_certificate_gone_from_a_complete_answer_blocks_for_ever() -> None:
    gone = sweeping(**WATCH | {"certificates": ()})
    (fact,) = (
        given(*LIVE_WATCH).when(decisions.follow_product, gone).then_topics("asin_binding.blocked")
    )
    assert fact.code == fact.finding.code == "E-502"


@pytest.mark.parametrize("changes", [{"certificates": None}, {"certificates": (), "title": None}])
def test_a_certificate_not_exposed_or_an_incomplete_answer_never_blocks(changes: dict) -> None:
    given(*LIVE_WATCH).when(decisions.follow_product, sweeping(**WATCH | changes)).then_nothing()


def test_a_new_title_or_image_is_inherited() -> None:
    (fact,) = (
        given(*LIVE)
        .when(decisions.follow_product, sweeping(title="新"))
        .then_topics("asin_binding.content_refreshed")
    )
    assert (fact.title, fact.stamp.observed_at) == ("新", at(3600))


def test_the_same_product_again_costs_no_fact() -> None:
    given(*LIVE).when(decisions.follow_product, sweeping()).then_nothing()


@pytest.mark.parametrize("status", ["requested", "rejected", "unmapped", "blocked", "withdrawn"])
def test_only_a_live_binding_follows_its_product(status: str) -> None:
    changed = sweeping(title="新", browse_path=("本",), certificates=())
    given(*LIVES[status]).when(decisions.follow_product, changed).then_nothing()


# --- by hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(set(LIVES) - {"blocked"}))
def test_any_binding_but_a_blocked_one_can_be_withdrawn_once(status: str) -> None:
    when = given(*LIVES[status]).when(decisions.withdraw, decisions.Withdraw(stamp=STAMP))
    when.then(*([] if status == "withdrawn" else [withdrawn()]))


def test_a_blocked_binding_can_not_be_withdrawn() -> None:
    command = decisions.Withdraw(stamp=STAMP)
    given(*LIVES["blocked"]).when(decisions.withdraw, command).then_refused(WrongState)


@pytest.mark.parametrize("status", sorted(set(LIVES) - {"blocked", "requested"}))
def test_asking_again_by_hand_puts_a_binding_off_sale_until_it_is_checked(status: str) -> None:
    remap = decisions.AskAgain(stamp=STAMP, mercari_category_id=OTHER_ID)
    when = given(*LIVES[status]).when(decisions.ask_again, remap)
    terms = the_terms(mercari_category_id=OTHER_ID)
    when.then(requested(terms=terms, submission_id=None, row=None))
    after = fold(when.state, BINDING_ID, when.facts())
    assert after is not None
    assert effect_due(after) in ("take_down", None)


@pytest.mark.parametrize("status", ["blocked", "requested"])
def test_a_blocked_or_unchecked_binding_can_not_be_asked_for_again(status: str) -> None:
    command = decisions.AskAgain(stamp=STAMP)
    given(*LIVES[status]).when(decisions.ask_again, command).then_refused(WrongState)


# --- the fold -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(LIVES))
def test_the_facts_of_a_life_fold_to_its_status(status: str) -> None:
    state = given(*LIVES[status]).state
    assert (state.status, state.version) == (status, len(LIVES[status]))


def test_only_a_request_can_begin_a_binding() -> None:
    with pytest.raises(TypeError, match=r"asin_binding\.listed"):
        given(listed())


def test_a_resubmission_forgets_the_codes_and_attempts_of_before() -> None:
    state = given(requested(), attempt_failed(), blocked(), requested()).state
    assert (state.error_codes, state.attempts, state.retry_at) == ((), 0, None)


def test_a_decision_carries_who_why_when_and_under_which_policy() -> None:
    for fact in given(requested()).when(judging.check, checking()).facts():
        assert fact.stamp.model_copy(update={"observed_at": None}) == STAMP
    assert stamp(observed=0) == SEEN


def test_mapped_facts_show_where_the_listing_goes() -> None:
    state = given(*LIVE).state
    assert (state.category_path, state.terms.mercari_category_id) == (BAG_PATH, BAG_ID)
    assert (state.title, state.warning_codes) == (TITLE, ())
