"""What is decided about a binding: state and command in, facts out, purely."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.arbitrage import CODE, TerminationCause, WindUp
from domain.asin_binding.facts import (
    AttemptFailed,
    BindingFact,
    Blocked,
    ContentRefreshed,
    Effect,
    ImageJudged,
    Listed,
    ListingConfirmed,
    MappingBroken,
    PriceAdjusted,
    Reinstated,
    Requested,
    StockAdjusted,
    Suspended,
    TermsChanged,
    Withdrawn,
)
from domain.asin_binding.judging import of_binding
from domain.asin_binding.state import AsinBinding
from domain.errors import CategoryRefused, PriceOutOfRange, Refusal, WrongState
from domain.facts import Command, Stamp
from domain.policy import Policy, policy_of
from domain.ports import AmazonOffer, MercariListing
from domain.product import Product
from domain.rules.certificates import hard_fault
from domain.rules.findings import COMPLIANCE_PAPER, INTEGRATION_POLICY, Finding
from domain.rules.images import judge_image
from domain.rules.precheck import Circumstances, Terms, Tree, check_category
from domain.rules.pricing import bounds_of, float_rate_of, out_of_range
from domain.rules.repricing import Priced, RulesInForce, price_at_day_start, priced
from domain.rules.stock import is_at_threshold, mercari_stock


class RequestBinding(Command):
    """One row of an upload, with the product just read for it."""

    asin: str
    terms: Terms
    submission_id: UUID
    row: int
    product: Product
    default_float_rate: Decimal
    pricing: RulesInForce | None = None
    last_units: int = 0


class FollowOffer(Command):
    """A sweep read this offer of the bound SKU; `pricing` are the seller's rules for its price."""

    offer: AmazonOffer
    is_reinstated_automatically: bool
    pricing: RulesInForce | None = None
    last_units: int = 0


class FollowProduct(Command):
    """The daily catalogue sweep read this product, and looked at its image where that is new."""

    product: Product
    around: Circumstances
    tree: Tree


class RecordListing(Command):
    """Mercari shows this listing under our SKU code, after `effect`, or when it was looked at."""

    effect: Effect | Literal["seen"]
    listing: MercariListing


class RecordFailure(Command):
    """An attempt did not succeed."""

    operation: str
    code: str
    detail: str
    retry_at: datetime


class AskAgain(Command):
    """Re-map (with a category) or re-submit by hand: off sale until checked again."""

    mercari_category_id: str | None = None


class Withdraw(Command):
    reason: str = "asked by the seller"


class EndWithSeller(Command):
    """The seller was terminated, or leaves; `cause` says why it was terminated."""

    ending: WindUp
    cause: TerminationCause | None = None


def request(binding: AsinBinding | None, command: RequestBinding) -> list[BindingFact]:
    """A new binding, a resubmission, changed terms of a live one, or nothing for the same terms.

    Raises Refusal with the block's code for a blocked binding, CategoryRefused for a live binding
    that is asked for in another category.
    """
    if binding is None or not (binding.is_live or binding.status == "blocked"):
        return [
            Requested(
                stamp=command.stamp, asin=command.asin, sku=command.product.sku,
                terms=command.terms, submission_id=command.submission_id, row=command.row,
            )
        ]  # fmt: skip
    if binding.status == "blocked":
        blocked = Finding(
            code=binding.error_codes[0], field="asin", seen=binding.asin, rule="binding_blocked",
            source=COMPLIANCE_PAPER,
        )  # fmt: skip
        raise Refusal(f"{binding.asin} is blocked for ever ({blocked.code})", blocked)
    live_in, wanted = binding.terms.mercari_category_id, command.terms.mercari_category_id
    if wanted != live_in:
        other = Finding(
            code="E-403", field="mercari_category_id", seen=wanted, rule="live_in_other_category",
            source=INTEGRATION_POLICY, values={"category": live_in},
        )  # fmt: skip
        raise CategoryRefused(f"{binding.asin} is live in another category: use remap", other)
    return change_terms(binding, command)


def change_terms(binding: AsinBinding, command: RequestBinding) -> list[BindingFact]:
    """New float and threshold for a live binding, priced from the product just read.

    Raises PriceOutOfRange for a suggested price beyond ±15 % of Amazon's.
    """
    price, quantity = command.product.price_jpy, command.product.quantity
    if command.terms == binding.terms or price is None or quantity is None:
        return []
    maximum = Decimal(policy_of(command.stamp.policy).float_rate_max)
    bounds, suggested = bounds_of(price, maximum), command.terms.suggested_price_jpy
    if suggested is not None and not bounds.hold(suggested):
        beyond = out_of_range(bounds, price, suggested)
        raise PriceOutOfRange(f"{binding.asin}: {beyond.seen} is out of range", beyond)
    rate = float_rate_of(suggested, price) if suggested else command.default_float_rate
    stamp = command.stamp.model_copy(update={"observed_at": command.product.observed_at})
    listed = repriced(binding, price, rate, command.pricing, stamp)
    return [
        TermsChanged(
            stamp=stamp, terms=command.terms, float_rate=rate, amazon_price_jpy=price,
            amazon_quantity=quantity, price_jpy=listed.price_jpy,
            stock=mercari_stock(quantity, command.terms.stock_threshold, command.last_units),
            submission_id=command.submission_id, row=command.row, last_units=command.last_units,
            reasons=listed.reasons, pricing=command.pricing,
        )
    ]  # fmt: skip


def repriced(
    binding: AsinBinding,
    amazon_price_jpy: int,
    float_rate: Decimal,
    rules: RulesInForce | None,
    stamp: Stamp,
) -> Priced:
    """The price of a live binding; the daily brake counts from what the day began with."""
    start = binding.price_jpy
    if start is not None:
        start = price_at_day_start(binding.day_start, stamp.decided_at, start)
    return priced(policy_of(stamp.policy), amazon_price_jpy, float_rate, rules, start)


def follow_offer(binding: AsinBinding, command: FollowOffer) -> list[BindingFact]:
    """Keep a live binding in step with its offer. UNKNOWN, or an older reading, changes nothing."""
    offer = command.offer
    is_older = binding.observed_at is not None and offer.observed_at < binding.observed_at
    if not binding.is_live or offer.status == "unknown" or is_older:
        return []
    if offer.asin not in ("", binding.asin):
        return []
    stamp = command.stamp.model_copy(update={"observed_at": offer.observed_at})
    at = command.model_copy(update={"stamp": stamp})
    if is_off_sale(offer) or not is_priceable(offer, stamp):
        return [] if binding.status == "suspended" else [suspension(at)]
    if binding.status == "suspended":
        if not command.is_reinstated_automatically:
            return []
        reinstated = Reinstated(
            stamp=stamp,
            reason=f"{offer.sku} is {offer.status} on Amazon",
            is_listed=binding.listing is not None or binding.is_closed_by_hand,
        )
        return [reinstated, *follow_price(binding, at), *follow_stock(binding, at)]
    return [*follow_price(binding, at), *follow_stock(binding, at)]


def is_off_sale(offer: AmazonOffer) -> bool:
    """Suspended, deleted or inactive; not buyable only because the stock is 0 is none of these."""
    return offer.status != "active" and offer.status_reason != "stock_zero"


def is_priceable(offer: AmazonOffer, stamp: Stamp) -> bool:
    """Whether some price lies within ±15 % of Amazon's and within Mercari's own range."""
    if offer.price_jpy is None:
        return True
    bounds = bounds_of(offer.price_jpy, Decimal(policy_of(stamp.policy).float_rate_max))
    return bounds.price_jpy_min <= bounds.price_jpy_max


def suspension(command: FollowOffer) -> Suspended:
    """Off sale on Amazon (E-404), or priced there as nothing may be priced here (E-409)."""
    offer = command.offer
    if is_off_sale(offer):
        code, reason, price_jpy = "E-404", offer.status_reason or "not buyable", None
    else:
        code, reason, price_jpy = "E-409", "price_out_of_range", offer.price_jpy
    return Suspended(
        stamp=command.stamp, code=code, amazon_status=offer.status, reason=reason,
        amazon_price_jpy=price_jpy,
    )  # fmt: skip


def follow_price(binding: AsinBinding, command: FollowOffer) -> list[BindingFact]:
    """The same float on Amazon's price and the seller's rules, inside ±15 % and Mercari's range."""
    amazon_price, rate = command.offer.price_jpy, binding.float_rate
    if amazon_price is None or rate is None or binding.price_jpy is None:
        return []
    bounds = bounds_of(amazon_price, Decimal(policy_of(command.stamp.policy).float_rate_max))
    listed = repriced(binding, amazon_price, rate, command.pricing, command.stamp)
    is_same = (listed.price_jpy, amazon_price) == (binding.price_jpy, binding.amazon_price_jpy)
    if is_same or not bounds.hold(listed.price_jpy):
        return []
    return [
        PriceAdjusted(
            stamp=command.stamp, from_price_jpy=binding.price_jpy, to_price_jpy=listed.price_jpy,
            amazon_price_jpy=amazon_price, float_rate=rate, reasons=listed.reasons,
            pricing=command.pricing,
        )
    ]  # fmt: skip


def follow_stock(binding: AsinBinding, command: FollowOffer) -> list[BindingFact]:
    """What Mercari may sell of it, only when Amazon's quantity moved: units sold stay sold."""
    offer, threshold = command.offer, binding.terms.stock_threshold
    quantity = 0 if offer.status_reason == "stock_zero" else offer.quantity
    if quantity is None or quantity == binding.amazon_quantity or binding.stock is None:
        return []
    was_above = not is_at_threshold(binding.amazon_quantity or 0, threshold)
    warning = None
    if was_above and is_at_threshold(quantity, threshold):
        warning = Finding(
            code="W-103", field="amazon_quantity", seen=str(quantity), rule="stock_at_threshold",
            source=INTEGRATION_POLICY, values={"threshold": str(threshold)},
        )  # fmt: skip
    return [
        StockAdjusted(
            stamp=command.stamp, from_stock=binding.stock,
            to_stock=mercari_stock(quantity, threshold, command.last_units),
            amazon_quantity=quantity, stock_threshold=threshold, warning=warning,
            last_units=command.last_units,
        )
    ]  # fmt: skip


def follow_product(binding: AsinBinding, command: FollowProduct) -> list[BindingFact]:
    """A certificate gone blocks, a moved category breaks the mapping, new content is inherited."""
    product = command.product
    is_older = binding.observed_at is not None and product.observed_at < binding.observed_at
    if not binding.is_live or product.title is None or is_older:
        return []
    stamp = command.stamp.model_copy(update={"observed_at": product.observed_at})
    policy, around = policy_of(stamp.policy), of_binding(binding, command.around)
    fault = hard_fault(policy, product, binding.product, binding.category_path, binding.proofs)
    if fault is not None:
        return [
            Blocked(
                stamp=stamp, code=fault.code, finding=fault, product=product, circumstances=around
            )
        ]
    if product.browse_path and product.browse_path != binding.browse_path:
        check, _, _ = check_category(policy, product, binding.terms, command.tree)
        if check.verdict == "fail":
            return [
                MappingBroken(
                    stamp=stamp, from_browse_path=binding.browse_path,
                    to_browse_path=product.browse_path, finding=check.findings[0],
                    product=product, circumstances=around,
                )
            ]  # fmt: skip
    return follow_content(binding, product, around, policy, stamp)


def follow_content(
    binding: AsinBinding, product: Product, around: Circumstances, policy: Policy, stamp: Stamp
) -> list[BindingFact]:
    """Title, image and path as Amazon has them now; a new image brings its own verdict."""
    title = product.title or binding.title or binding.asin
    image_url = product.image_url or binding.image_url
    content = (title, image_url, product.browse_path or binding.browse_path)
    if content == (binding.title, binding.image_url, binding.browse_path):
        return []
    facts: list[BindingFact] = [
        ContentRefreshed(stamp=stamp, title=title, image_url=image_url, browse_path=content[2])
    ]
    image = judge_image(around.image, title, product.brand, policy.images)
    if image_url and image_url != binding.image_url and not image.is_advisory:
        facts.append(
            ImageJudged(
                stamp=stamp, image_url=image_url, verdict=image.verdict, findings=image.findings,
                title=title, image=around.image,
            )
        )  # fmt: skip
    return facts


def record_listing(binding: AsinBinding, command: RecordListing) -> list[BindingFact]:
    """Listed for the first time, or what Mercari shows now."""
    shown = command.listing
    stamp = command.stamp.model_copy(update={"observed_at": shown.observed_at})
    if binding.listing is not None and shown.observed_at < binding.listing.observed_at:
        return []
    if binding.status == "mapped" and shown.is_on_sale and command.effect == "list":
        return [Listed(stamp=stamp, listing=shown)]
    seen = (
        binding.listing.model_copy(update={"observed_at": shown.observed_at})
        if (binding.listing)
        else None
    )
    if seen == shown:
        return []
    return [ListingConfirmed(stamp=stamp, effect=command.effect, listing=shown)]


def record_failure(binding: AsinBinding, command: RecordFailure) -> list[BindingFact]:
    """One more failed attempt; the count starts anew with the next success."""
    return [
        AttemptFailed(
            stamp=command.stamp, operation=command.operation, code=command.code,
            detail=command.detail, attempt=binding.attempts + 1, retry_at=command.retry_at,
        )
    ]  # fmt: skip


def ask_again(binding: AsinBinding, command: AskAgain) -> list[BindingFact]:
    """Re-map or re-submit: Requested again, so off sale until checked. Raises WrongState."""
    category_id = command.mercari_category_id or binding.terms.mercari_category_id
    is_under_check = binding.status == "requested" and not binding.is_in_review
    if binding.status == "blocked" or is_under_check:
        raise WrongState(
            f"{binding.asin} is {binding.status}: it can't be checked again",
            rules={"status": "state_unrecheckable"},
        )
    terms = binding.terms.model_copy(update={"mercari_category_id": category_id})
    return [Requested(stamp=command.stamp, asin=binding.asin, sku=binding.sku, terms=terms)]


def withdraw(binding: AsinBinding, command: Withdraw) -> list[BindingFact]:
    """Take the ASIN back; withdrawing twice is one withdrawal. Raises WrongState when blocked."""
    if binding.status == "blocked":
        raise WrongState(
            f"{binding.asin} is blocked for ever: there is nothing to withdraw",
            rules={"status": "state_blocked"},
        )
    if binding.status == "withdrawn":
        return []
    return [Withdrawn(stamp=command.stamp, reason=command.reason)]


def end_with_seller(binding: AsinBinding, command: EndWithSeller) -> list[BindingFact]:
    """Blocked (E-415) or withdrawn with its seller; what is blocked, or withdrawn by it, stays."""
    if binding.status == "blocked":
        return []
    if command.ending == "withdraw":
        return withdraw(binding, Withdraw(stamp=command.stamp, reason="the seller left"))
    terminated = Finding(
        code=CODE, field="seller", seen=command.cause or "-", rule="seller_terminated",
        source=INTEGRATION_POLICY,
    )  # fmt: skip
    return [Blocked(stamp=command.stamp, code=CODE, finding=terminated)]
