"""What an own Amazon listing counts as (facts/amazon-sp-api §1.3): pure rules, first match wins.

UNKNOWN is decided where an answer is missing, DELETED where Amazon answers 404.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from domain.ports import AmazonStatus

SUSPENDING_ACTIONS = ("LISTING_SUPPRESSED", "CATALOG_ITEM_REMOVED")
NOT_BUYABLE = "not_buyable"
STOCK_ZERO = "stock_zero"


class ListingSignals(NamedTuple):
    """The inputs of the decision. `quantity` None = not given, as always for FBA."""

    statuses: Collection[str]
    actions: Collection[str]
    has_error_issue: bool
    has_offer: bool
    quantity: int | None


def status_of(signals: ListingSignals) -> tuple[AmazonStatus, str | None]:
    """The status and the input that decided it; `active` has a reason only if not discoverable."""
    if "BUYABLE" in signals.statuses:
        return "active", None if "DISCOVERABLE" in signals.statuses else "not_discoverable"
    for action in SUSPENDING_ACTIONS:
        if action in signals.actions:
            return "suspended", action
    return "inactive", _why_inactive(signals)


def _why_inactive(signals: ListingSignals) -> str:
    """`stock_zero` comes last, so that it means: not buyable only because the stock is 0."""
    if "SEARCH_SUPPRESSED" in signals.actions:
        return "SEARCH_SUPPRESSED"
    if signals.has_error_issue:
        return "error_issue"
    if not signals.has_offer:
        return "no_offer"
    return STOCK_ZERO if signals.quantity == 0 else NOT_BUYABLE
