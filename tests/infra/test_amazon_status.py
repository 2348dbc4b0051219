"""The table of facts/amazon-sp-api §1.3, row by row, and what must hold however signals combine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.amazon.status import SUSPENDING_ACTIONS, ListingSignals, status_of

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
