"""Signs of arbitrage: a price above policy without a break, an ASIN without an own offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from domain.arbitrage import (
    ArbitrageDismissed,
    ArbitrageSuspected,
    BindingsWoundUp,
    Evidence,
    Terminated,
)
from domain.asin_binding import facts
from domain.facts import Fact, Recorded, Stamp
from projections.arbitrage_signs import TABLE, ArbitrageSigns, SignRow
from projections.suspicions import SUSPICIONS, TERMINATIONS, Suspicions
from projections.table import Rows
from tests.examples import (
    ASIN,
    BINDING_ID,
    LIVE,
    SELLER_ID,
    STAMP,
    SUBMISSION_ID,
    a_finding,
    a_listing,
    a_product,
    at,
    confirmed,
    drifted,
    listed,
    recorded,
    reinstated,
    rejected,
    requested,
    stamp,
    suspended,
    validated,
)

DAY = 86_400
LIMIT_JPY = 11_500
"""floor(1.15 × ¥10,000), the price on Amazon in all examples."""


def seen(price_jpy: int, seconds: float = 0, **changes: Any) -> facts.ListingConfirmed:
    """Mercari showed this price, so many seconds after the beginning."""
    listing = a_listing(price_jpy=price_jpy, **changes)
    return facts.ListingConfirmed(stamp=stamp(seconds), effect="seen", listing=listing)


def to_amazon_price(price_jpy: int, seconds: float = 0) -> facts.PriceAdjusted:
    return facts.PriceAdjusted(
        stamp=stamp(seconds), from_price_jpy=10_000, to_price_jpy=price_jpy,
        amazon_price_jpy=price_jpy, float_rate=0,
    )  # fmt: skip


def without_offer(seconds: float = 0, rule: str = "asin_has_offer") -> facts.Rejected:
    product = a_product(status="inactive", status_reason="no_offer", price_jpy=None)
    finding = a_finding("E-404", rule=rule)
    return facts.Rejected(stamp=stamp(seconds), product=product, findings=(finding,))


def deleted(reason: str = "not_found", status: Any = "deleted") -> facts.Suspended:
    return facts.Suspended(stamp=STAMP, code="E-404", amazon_status=status, reason=reason)


def after(*history: Fact) -> SignRow:
    rows = Rows({})
    for position, fact in enumerate(history, start=1):
        ArbitrageSigns().fold(rows, recorded(position, fact))
    row = rows.get(TABLE, BINDING_ID)
    assert row is not None
    return row


def test_a_listing_within_policy_has_no_sign() -> None:
    row = after(*LIVE)
    assert (row.asin, row.above_since, row.unowned_since) == (ASIN, None, None)
    assert (row.shown_price_jpy, row.amazon_price_jpy, row.is_on_sale) == (10_000, 10_000, True)


@pytest.mark.parametrize(
    ("price_jpy", "is_above"), [(LIMIT_JPY, False), (LIMIT_JPY + 1, True), (9_000, False)]
)
def test_the_line_is_the_highest_price_of_the_policy(price_jpy: int, is_above: bool) -> None:
    assert (after(*LIVE, seen(price_jpy, 60)).above_since is not None) == is_above


def test_a_price_stays_above_since_the_first_fact_that_showed_it() -> None:
    row = after(*LIVE, seen(12_000, 60), seen(13_000, DAY), to_amazon_price(11_000, 2 * DAY))
    assert (row.above_since, row.above_position) == (at(60), 5)
    assert (row.shown_position, row.amazon_position, row.positions) == (6, 7, (5, 6, 7))


@pytest.mark.parametrize(
    "break_",
    [seen(11_000, 2 * DAY), to_amazon_price(11_000, 2 * DAY), seen(12_000, is_on_sale=False),
     drifted("listing", outcome="kept", is_gone=True), drifted("price_jpy")],
    ids=["put back", "Amazon followed", "off sale", "gone", "edited back"],
)  # fmt: skip
def test_two_days_above_then_back_then_above_again_count_anew(break_: Fact) -> None:
    again = seen(13_000, 2 * DAY + 3600)
    assert after(*LIVE, seen(12_000, 60), break_).above_since is None
    assert after(*LIVE, seen(12_000, 60), break_, again).above_since == at(2 * DAY + 3600)


def test_a_falling_amazon_price_leaves_the_listing_above_policy_until_it_follows() -> None:
    fallen = to_amazon_price(8_000, 60)
    assert after(*LIVE, fallen).above_since == at(60)
    assert after(*LIVE, fallen, confirmed("update", price_jpy=8_000)).above_since is None


@pytest.mark.parametrize(
    ("decided", "recorded_at"), [(at(-9 * DAY), at(60)), (at(60), at(-9 * DAY))]
)
def test_a_slow_clock_makes_nothing_older(decided: datetime, recorded_at: datetime) -> None:
    rows = Rows({})
    for position, fact in enumerate(LIVE, start=1):
        ArbitrageSigns().fold(rows, recorded(position, fact))
    fact = seen(12_000).model_copy(update={"stamp": told_at(decided)})
    place = Recorded(9, recorded_at, SELLER_ID, BINDING_ID, 9, fact)
    ArbitrageSigns().fold(rows, place)
    row = rows.get(TABLE, BINDING_ID)
    assert row is not None
    assert row.above_since == at(60)


def told_at(decided: datetime) -> Stamp:
    return STAMP.model_copy(update={"decided_at": decided})


def test_a_policy_too_old_to_decide_by_is_still_folded() -> None:
    old = STAMP.model_copy(update={"policy": "2026-11"})
    row = after(*LIVE, seen(12_000).model_copy(update={"stamp": old}))
    assert row.above_since is not None


# --- no own offer -------------------------------------------------------------------------------


def test_an_asin_refused_for_want_of_an_offer_is_a_sign_from_the_first_time() -> None:
    row = after(requested(), without_offer(60), requested(), without_offer(DAY))
    assert (row.unowned_since, row.unowned_position) == (at(60), 2)


def test_asking_again_takes_no_sign_away_and_an_own_offer_does() -> None:
    history = (requested(), without_offer(60), requested())
    assert after(*history).unowned_since == at(60)
    assert after(*history, validated()).unowned_since is None
    assert after(*history, rejected("E-403")).unowned_since is None


@pytest.mark.parametrize(
    "fact",
    [
        without_offer(rule="asin_active"),
        without_offer(rule="asin_not_suppressed"),
        rejected("E-410"),
    ],
)
def test_an_offer_that_is_only_not_for_sale_is_no_sign(fact: Fact) -> None:
    assert after(requested(), fact).unowned_since is None


def test_an_unknown_answer_has_no_fact_and_so_no_sign() -> None:
    postponed = facts.CheckPostponed(
        stamp=STAMP, code="E-901", detail="no answer", attempt=1, retry_at=at(60)
    )
    row = after(requested(), postponed)
    assert (row.unowned_since, row.above_since, row.amazon_price_jpy) == (None, None, None)


DOWN = confirmed("take_down", is_on_sale=False)


@pytest.mark.parametrize(
    ("history", "is_sign"),
    [
        ((deleted(),), False),
        ((deleted(), DOWN), False),
        ((deleted(), confirmed("take_down", is_on_sale=True)), False),
        ((deleted(), DOWN, seen(10_000, 60)), True),
        ((deleted("no_offer", "inactive"), DOWN, seen(10_000, 60)), True),
        ((deleted(), DOWN, drifted("is_on_sale")), True),
        ((suspended(), DOWN, seen(10_000, 60)), False),
        ((deleted(), reinstated(), seen(10_000, 60)), False),
        ((deleted(), DOWN, seen(10_000, 60, is_on_sale=False)), False),
    ],
)
def test_a_deleted_offer_is_a_sign_only_while_its_listing_is_seen_on_sale_again(
    history: Sequence[Fact], is_sign: bool
) -> None:
    assert (after(*LIVE, *history).unowned_since is not None) == is_sign


def test_a_listing_without_our_knowledge_of_an_offer_is_no_sign() -> None:
    assert after(requested(), listed()).unowned_since is None


# --- suspicions ---------------------------------------------------------------------------------


def test_a_suspicion_is_open_until_it_is_decided_and_a_termination_counts_what_ended() -> None:
    named = Evidence(binding_id=BINDING_ID, asin=ASIN, since=at())
    raised = ArbitrageSuspected(
        stamp=STAMP, suspicion_id=SUBMISSION_ID, rule="no_own_offer", evidence=(named,)
    )
    judged = ArbitrageDismissed(stamp=STAMP, suspicion_id=SUBMISSION_ID, cause="other")
    ended = Terminated(stamp=STAMP, code="E-415", cause="fraud")
    wound_up = BindingsWoundUp(stamp=STAMP, ending="block", bindings=500)
    rows = Rows({})
    for position, fact in enumerate((raised, judged, ended, wound_up, wound_up), start=1):
        Suspicions().fold(rows, recorded(position, fact, SELLER_ID))
    suspicion = rows.get(SUSPICIONS, SUBMISSION_ID)
    assert (suspicion.decision, suspicion.decided_by, suspicion.bindings) == (
        "dismissed", "worker", 1,
    )  # fmt: skip
    termination = rows.get(TERMINATIONS, SELLER_ID)
    assert (termination.version, termination.wound_up, termination.cause) == (3, 1_000, "fraud")
