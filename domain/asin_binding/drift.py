"""What is decided when Mercari shows a listing otherwise than we last saw it: put back, or kept.

Content is inherited from Amazon and always put back; a price may be kept within its range where
the seller chose so; stock is never above the rule; a listing closed by hand stays closed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from domain.asin_binding.facts import BindingFact, Difference, DriftFound, ListingConfirmed
from domain.asin_binding.state import AsinBinding, effect_due
from domain.facts import Command
from domain.policy import policy_of
from domain.ports import MercariListing
from domain.rules.pricing import bounds_of, float_rate_of

EXCERPT_LENGTH_MAX = 200


class FollowListing(Command):
    """What Mercari shows now; None: there is no listing of our SKU code any more."""

    listing: MercariListing | None
    keeps_price: bool


def follow_listing(binding: AsinBinding, command: FollowListing) -> list[BindingFact]:
    """Record what was edited by hand. Nothing while a change of our own is still to be written."""
    known, shown = binding.listing, command.listing
    if known is None:
        return [] if shown is None else found_open(binding, shown, command)
    if effect_due(binding) is not None:
        return []
    if shown is None:
        return gone(binding, known, command)
    return drift_of(binding, command)


def found_open(
    binding: AsinBinding, shown: MercariListing, command: FollowListing
) -> list[BindingFact]:
    """A listing that nobody here knows of, on sale for a binding that is not: it was opened while
    the binding went another way, or by hand."""
    if not shown.is_on_sale or binding.status in ("mapped", "listed"):
        return []
    stamp = command.stamp.model_copy(update={"observed_at": shown.observed_at})
    return [ListingConfirmed(stamp=stamp, effect="seen", listing=shown)]


def drift_of(binding: AsinBinding, command: FollowListing) -> list[BindingFact]:
    """What was edited by hand since we last looked."""
    known, shown = binding.listing, command.listing
    if known is None or shown is None or shown.observed_at < known.observed_at:
        return []
    price = difference_of_price(binding, known, shown, command)
    found = [
        *differences_of_content(known, shown),
        *([price] if price else []),
        *differences_of_stock(known, shown),
        *differences_of_state(binding, known, shown),
    ]
    if not found:
        return []
    is_kept = price is not None and price.outcome == "kept"
    amazon_price = binding.amazon_price_jpy
    rate = float_rate_of(shown.price_jpy, amazon_price) if is_kept and amazon_price else None
    stamp = command.stamp.model_copy(update={"observed_at": shown.observed_at})
    return [
        DriftFound(
            stamp=stamp, listing=shown, differences=tuple(found),
            price_jpy=shown.price_jpy if is_kept else binding.price_jpy,
            float_rate=binding.float_rate if rate is None else rate,
            is_closed_by_hand=is_closed_by_hand(binding, known, shown),
            keeps_price=command.keeps_price,
        )
    ]  # fmt: skip


def is_closed_by_hand(binding: AsinBinding, known: MercariListing, shown: MercariListing) -> bool:
    """Closed now by somebody's hand, or before and still closed."""
    is_closed_now = binding.status == "listed" and known.is_on_sale
    return not shown.is_on_sale and (is_closed_now or binding.is_closed_by_hand)


def gone(binding: AsinBinding, known: MercariListing, command: FollowListing) -> list[BindingFact]:
    """A listing deleted by hand is not made again until it is asked for."""
    deleted = Difference(field="listing", expected=known.listing_id, seen="", outcome="kept")
    return [
        DriftFound(
            stamp=command.stamp, listing=None, differences=(deleted,),
            price_jpy=binding.price_jpy, float_rate=binding.float_rate, is_closed_by_hand=True,
            keeps_price=command.keeps_price,
        )
    ]  # fmt: skip


def differences_of_content(known: MercariListing, shown: MercariListing) -> list[Difference]:
    """Title, description, images and category; what was not seen before is not compared."""
    pairs = (
        ("title", known.title, shown.title),
        ("description", known.description_sha256, shown.description_sha256),
        ("image_urls", known.image_urls, shown.image_urls),
        ("category_id", known.category_id, shown.category_id),
    )
    return [
        difference(field, expected, seen, "put_back")
        for field, expected, seen in pairs
        if expected is not None and seen is not None and expected != seen
    ]


def difference_of_price(
    binding: AsinBinding, known: MercariListing, shown: MercariListing, command: FollowListing
) -> Difference | None:
    """A price may be kept within ±15 % of Amazon's, where the seller chose so."""
    if shown.price_jpy == known.price_jpy:
        return None
    maximum = Decimal(policy_of(command.stamp.policy).float_rate_max)
    amazon_price = binding.amazon_price_jpy
    is_within = amazon_price is not None and bounds_of(amazon_price, maximum).hold(shown.price_jpy)
    outcome: Literal["put_back", "kept"] = (
        "kept" if command.keeps_price and is_within else "put_back"
    )
    return difference("price_jpy", known.price_jpy, shown.price_jpy, outcome)


def differences_of_stock(known: MercariListing, shown: MercariListing) -> list[Difference]:
    """Less than we last saw was sold; more was added by hand, and is not there on Amazon."""
    if shown.stock <= known.stock:
        return []
    return [difference("stock", known.stock, shown.stock, "put_back")]


def differences_of_state(
    binding: AsinBinding, known: MercariListing, shown: MercariListing
) -> list[Difference]:
    if shown.is_on_sale == known.is_on_sale:
        return []
    may_be_open = binding.status == "listed"
    outcome: Literal["put_back", "kept"] = (
        "kept" if may_be_open or not shown.is_on_sale else "put_back"
    )
    return [difference("is_on_sale", known.is_on_sale, shown.is_on_sale, outcome)]


def difference(
    field: str, expected: object, seen: object, outcome: Literal["put_back", "kept"]
) -> Difference:
    return Difference.model_validate({
        "field": field, "expected": text_of(expected), "seen": text_of(seen), "outcome": outcome,
    })  # fmt: skip


def text_of(value: object) -> str:
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return text[:EXCERPT_LENGTH_MAX]
