"""Replay: every past decision of a binding made again, under its own policy, from its own inputs.

The answer must be the same. What was decided before its inputs were recorded can't be made again,
and is counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from domain import arbitrage, asin_binding
from domain.asin_binding import AsinBinding, BindingFact, decisions, judging
from domain.asin_binding.drift import FollowListing, drift_of, gone
from domain.asin_binding.facts import (
    Blocked,
    DriftFound,
    MappingBroken,
    PriceAdjusted,
    Reinstated,
    Rejected,
    ReviewRequested,
    StockAdjusted,
    Suspended,
    TermsChanged,
    Validated,
)
from domain.facts import Stamp
from domain.policy import NoSuchPolicy, policy_of
from domain.ports import AmazonOffer
from domain.product import Product
from domain.rules.precheck import Circumstances, Tree

TreeOf = Callable[[UUID], Tree]
Checked = Validated | Rejected | ReviewRequested
Followed = PriceAdjusted | StockAdjusted | Suspended | Reinstated


class Decision(NamedTuple):
    """A decision at its place in a binding's history, and what deciding it again gave.

    `again` is None where it could not be made again; `lacking` says what is missing.
    """

    version: int
    recorded: Sequence[BindingFact]
    again: Sequence[BindingFact] | None
    lacking: str = ""

    @property
    def is_same(self) -> bool:
        return self.again is not None and list(self.again) == list(self.recorded)


def decisions_of(
    binding_id: UUID, history: Sequence[BindingFact], tree_of: TreeOf
) -> Iterator[Decision]:
    """Each decision in a history, made again on the state as it then stood."""
    binding: AsinBinding | None = None
    for number, fact in enumerate(history):
        if binding is not None:
            recorded = together(history, number)
            if recorded:
                yield decided_again(binding, number + 1, recorded, tree_of)
        binding = asin_binding.evolve(binding, binding_id, fact)


def together(history: Sequence[BindingFact], number: int) -> Sequence[BindingFact]:
    """The facts of the decision that this fact begins; empty where it begins none of ours."""
    fact = history[number]
    match fact:
        case Validated():
            return history[number : number + 2]
        case (
            Rejected() | ReviewRequested() | Blocked() | MappingBroken() | PriceAdjusted()
            | StockAdjusted() | Suspended() | Reinstated() | TermsChanged() | DriftFound()
        ):  # fmt: skip
            return [fact]
        case _:
            return []


def decided_again(
    binding: AsinBinding, version: int, recorded: Sequence[BindingFact], tree_of: TreeOf
) -> Decision:
    fact = recorded[0]
    try:
        policy_of(fact.stamp.policy)
    except NoSuchPolicy:
        return Decision(version, recorded, None, f"policy {fact.stamp.policy}")
    match fact:
        case Validated() | Rejected() | ReviewRequested():
            return checked_again(binding, version, recorded, tree_of)
        case Blocked(code=arbitrage.CODE):
            return Decision(version, recorded, ended_again(binding, fact))
        case Blocked() | MappingBroken():
            return product_followed_again(binding, version, recorded, tree_of)
        case PriceAdjusted() | StockAdjusted() | Suspended() | Reinstated():
            again = offer_followed_again(binding, fact)
            return Decision(version, recorded, [each for each in again if same_kind(each, fact)])
        case TermsChanged():
            return Decision(version, recorded, terms_changed_again(binding, fact))
        case DriftFound():
            return Decision(version, recorded, drift_found_again(binding, fact))
        case _:
            return Decision(version, recorded, None, "no rule")


def checked_again(
    binding: AsinBinding, version: int, recorded: Sequence[BindingFact], tree_of: TreeOf
) -> Decision:
    """A check, from the product and the circumstances that were recorded with it."""
    fact = recorded[0]
    assert isinstance(fact, Validated | Rejected | ReviewRequested)  # noqa: S101 - tells the types
    if fact.circumstances is None:
        return Decision(version, recorded, None, "circumstances")
    command = judging.CheckBinding(
        stamp=asked(fact.stamp), product=fact.product, around=fact.circumstances,
        tree=tree_in(fact.circumstances, tree_of),
    )  # fmt: skip
    return Decision(version, recorded, judging.check(binding, command))


def product_followed_again(
    binding: AsinBinding, version: int, recorded: Sequence[BindingFact], tree_of: TreeOf
) -> Decision:
    """What the daily sweep, or a check, made of a product."""
    fact = recorded[0]
    assert isinstance(fact, Blocked | MappingBroken)  # noqa: S101 - tells the types
    if fact.circumstances is None or fact.product is None:
        return Decision(version, recorded, None, "circumstances")
    tree = tree_in(fact.circumstances, tree_of)
    if binding.status == "requested":
        check = judging.CheckBinding(
            stamp=asked(fact.stamp), product=fact.product, around=fact.circumstances, tree=tree
        )
        return Decision(version, recorded, judging.check(binding, check))
    follow = decisions.FollowProduct(
        stamp=asked(fact.stamp), product=fact.product, around=fact.circumstances, tree=tree
    )
    return Decision(version, recorded, decisions.follow_product(binding, follow))


def ended_again(binding: AsinBinding, fact: Blocked) -> list[BindingFact]:
    """The end of a binding with its seller's status."""
    command = decisions.EndWithSeller.model_validate(
        {"stamp": asked(fact.stamp), "ending": "block", "cause": fact.finding.seen}
    )
    return decisions.end_with_seller(binding, command)


def offer_followed_again(binding: AsinBinding, fact: Followed) -> list[BindingFact]:
    """What a sweep made of an offer, as far as the fact tells what the offer said."""
    status, reason = "active", None
    if isinstance(fact, Suspended):
        status, reason = fact.amazon_status, fact.reason
    offer = AmazonOffer(
        sku=binding.sku or "", asin=binding.asin, status=status, status_reason=reason,
        price_jpy=getattr(fact, "amazon_price_jpy", None),
        quantity=fact.amazon_quantity if isinstance(fact, StockAdjusted) else None,
        observed_at=fact.stamp.observed_at or fact.stamp.decided_at,
    )  # fmt: skip
    follow = decisions.FollowOffer(
        stamp=asked(fact.stamp), offer=offer, is_reinstated_automatically=True,
        pricing=fact.pricing if isinstance(fact, PriceAdjusted) else None,
        last_units=fact.last_units if isinstance(fact, StockAdjusted) else 0,
    )  # fmt: skip
    return decisions.follow_offer(binding, follow)


def terms_changed_again(binding: AsinBinding, fact: TermsChanged) -> list[BindingFact]:
    """What an upload made of a live binding's terms."""
    product = Product(
        asin=binding.asin, status="active", sku=binding.sku, price_jpy=fact.amazon_price_jpy,
        quantity=fact.amazon_quantity, observed_at=fact.stamp.observed_at or fact.stamp.decided_at,
    )  # fmt: skip
    command = decisions.RequestBinding(
        stamp=asked(fact.stamp), asin=binding.asin, terms=fact.terms, product=product,
        submission_id=fact.submission_id, row=fact.row, default_float_rate=fact.float_rate,
        pricing=fact.pricing,
        last_units=fact.last_units,
    )  # fmt: skip
    return decisions.request(binding, command)


def drift_found_again(binding: AsinBinding, fact: DriftFound) -> list[BindingFact]:
    """What was made of a listing that Mercari showed otherwise than we last saw it."""
    command = FollowListing(
        stamp=asked(fact.stamp), listing=fact.listing, keeps_price=fact.keeps_price
    )
    if binding.listing is not None and fact.listing is None:
        return gone(binding, binding.listing, command)
    return drift_of(binding, command)


def same_kind(made: BindingFact, fact: BindingFact) -> bool:
    """An offer may lead to several facts; each is compared with its own."""
    return type(made) is type(fact)


def asked(stamp: Stamp) -> Stamp:
    """The stamp that the command had: what was observed comes with the inputs."""
    return stamp.model_copy(update={"observed_at": None})


def tree_in(around: Circumstances, tree_of: TreeOf) -> Tree:
    return tree_of(around.tree_id) if around.tree_id else {}
