"""The table of facts/amazon-sp-api §1.3, row by row, and what must hold however signals combine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ports import AmazonOffer, AmazonStatus
from infra.amazon_status import (
    SUSPENDING_ACTIONS,
    ListingSignals,
    status_of,
    with_account,
    with_fba_quantity,
)

ACTIONS = (*SUSPENDING_ACTIONS, "ATTRIBUTE_SUPPRESSED", "SEARCH_SUPPRESSED", "SOMETHING_NEW")

SIGNALS = st.builds(
    ListingSignals,
    statuses=st.sets(st.sampled_from(["BUYABLE", "DISCOVERABLE", "SOMETHING_NEW"])),
    actions=st.sets(st.sampled_from(ACTIONS)),
    has_error_issue=st.booleans(),
    has_offer=st.booleans(),
    quantity=st.none() | st.integers(0, 9),
)


def signals(
    *statuses: str,
    actions: tuple[str, ...] = (),
    has_error_issue: bool = False,
    has_offer: bool = True,
    quantity: int | None = 5,
) -> ListingSignals:
    return ListingSignals(statuses, actions, has_error_issue, has_offer, quantity)


def offer(status: AmazonStatus, reason: str | None, quantity: int | None = None) -> AmazonOffer:
    return AmazonOffer(
        sku="SKU-1",
        asin="B000000001",
        status=status,
        status_reason=reason,
        quantity=quantity,
        channel="fba",
        observed_at=datetime(2026, 11, 24, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("given_signals", "expected"),
    [
        (signals("BUYABLE", "DISCOVERABLE"), ("active", None)),
        (signals("BUYABLE"), ("active", "not_discoverable")),
        (signals("BUYABLE", "DISCOVERABLE", actions=("LISTING_SUPPRESSED",)), ("active", None)),
        (
            signals("DISCOVERABLE", actions=("LISTING_SUPPRESSED",)),
            ("suspended", "LISTING_SUPPRESSED"),
        ),
        (signals(actions=("CATALOG_ITEM_REMOVED",)), ("suspended", "CATALOG_ITEM_REMOVED")),
        (signals(actions=("SEARCH_SUPPRESSED",)), ("inactive", "SEARCH_SUPPRESSED")),
        (signals(actions=("ATTRIBUTE_SUPPRESSED",)), ("inactive", "not_buyable")),
        (signals("DISCOVERABLE", has_error_issue=True), ("inactive", "error_issue")),
        (signals("DISCOVERABLE", has_offer=False), ("inactive", "no_offer")),
        (signals("DISCOVERABLE", quantity=0), ("inactive", "stock_zero")),
        (signals("DISCOVERABLE", quantity=None), ("inactive", "not_buyable")),
        (signals(), ("inactive", "not_buyable")),
    ],
)
def test_the_first_rule_that_fits_decides(
    given_signals: ListingSignals, expected: tuple[str, str | None]
) -> None:
    assert status_of(given_signals) == expected


@given(SIGNALS)
def test_however_signals_combine_active_means_buyable(found: ListingSignals) -> None:
    status, _ = status_of(found)
    assert (status == "active") == ("BUYABLE" in found.statuses)
    assert status in ("active", "suspended", "inactive")


@given(SIGNALS)
def test_however_signals_combine_stock_zero_means_nothing_else_is_wrong(
    found: ListingSignals,
) -> None:
    if status_of(found)[1] == "stock_zero":
        assert found.quantity == 0
        assert found.has_offer
        assert not found.has_error_issue
        assert not found.actions & {*SUSPENDING_ACTIONS, "SEARCH_SUPPRESSED"}


def test_fba_stock_of_zero_explains_an_offer_that_nothing_else_explains() -> None:
    assert with_fba_quantity(offer("inactive", "not_buyable"), 0).status_reason == "stock_zero"
    assert with_fba_quantity(offer("inactive", "not_buyable"), 3).status_reason == "not_buyable"
    assert with_fba_quantity(offer("inactive", "error_issue"), 0).status_reason == "error_issue"
    assert with_fba_quantity(offer("suspended", "LISTING_SUPPRESSED"), 0).status == "suspended"
    assert with_fba_quantity(offer("active", None), 7) == offer("active", None, 7)


@pytest.mark.parametrize("status", ["active", "inactive", "suspended", "deleted"])
def test_a_suspended_account_suspends_every_known_offer(status: AmazonStatus) -> None:
    found = with_account(offer(status, None), is_account_suspended=True)
    assert (found.status, found.status_reason) == ("suspended_account", "hasSuspendedListings")
    assert with_account(offer(status, None), is_account_suspended=False) == offer(status, None)


def test_what_is_unknown_stays_unknown_in_a_suspended_account() -> None:
    unknown = offer("unknown", "no_summary")
    assert with_account(unknown, is_account_suspended=True) == unknown
