"""The facts of a binding, in the order of its life; their topics are permanent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from domain.facts import Fact
from domain.images import ImageReading
from domain.ports import AmazonStatus, MercariListing
from domain.product import Product
from domain.rules.findings import Finding, Verdict
from domain.rules.precheck import Circumstances, ImageReview, Terms
from domain.rules.proofs import Proof
from domain.rules.repricing import PriceReason, RulesInForce
from domain.values import Value

Effect = Literal["take_down", "update", "list"]


class Requested(Fact):
    """The seller asked to bind this ASIN, or to try again; `sku` is the offer chosen for good."""

    TOPIC: ClassVar[str] = "asin_binding.requested"
    asin: str
    sku: str | None
    terms: Terms
    submission_id: UUID | None = None
    row: int | None = None


class TermsChanged(Fact):
    """A new upload changed float or threshold of a live binding; the category stays.

    `last_units` is the seller's setting that the stock was decided by.
    """

    TOPIC: ClassVar[str] = "asin_binding.terms_changed"
    terms: Terms
    float_rate: Decimal
    amazon_price_jpy: int
    amazon_quantity: int
    price_jpy: int
    stock: int
    submission_id: UUID
    row: int
    reasons: tuple[PriceReason, ...] = ()
    pricing: RulesInForce | None = None
    last_units: int = 0


class Validated(Fact):
    """Every check passed on this product; what will be listed follows from it.

    `image_verdict` is None where no inspector was installed. Decisions before policy 2026-11-25 did
    not record their circumstances.
    """

    TOPIC: ClassVar[str] = "asin_binding.validated"
    product: Product
    warnings: tuple[Finding, ...]
    float_rate: Decimal
    price_jpy: int
    stock: int
    image_verdict: Verdict | None = None
    circumstances: Circumstances | None = None
    reasons: tuple[PriceReason, ...] = ()


class Rejected(Fact):
    """At least one check failed on this product; the findings say which, and what was seen."""

    TOPIC: ClassVar[str] = "asin_binding.rejected"
    product: Product
    findings: tuple[Finding, ...]
    circumstances: Circumstances | None = None


class ReviewRequested(Fact):
    """Nothing failed, but the main image is for a person to judge; `image` is its key."""

    TOPIC: ClassVar[str] = "asin_binding.review_requested"
    product: Product
    findings: tuple[Finding, ...]
    image: str
    circumstances: Circumstances


class ImageReviewed(Fact):
    """A reviewer judged the main image."""

    TOPIC: ClassVar[str] = "asin_binding.image_reviewed"
    review: ImageReview


class ImageJudged(Fact):
    """A live listing has a new main image; a verdict that is not pass counts as not compliant."""

    TOPIC: ClassVar[str] = "asin_binding.image_judged"
    image_url: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    title: str
    image: ImageReading


class ProofAdded(Fact):
    """The seller filed evidence: a certificate, a brand, a shipping time or a label."""

    TOPIC: ClassVar[str] = "asin_binding.proof_added"
    proof: Proof


class Mapped(Fact):
    """The ASIN's category holds in this Mercari category."""

    TOPIC: ClassVar[str] = "asin_binding.mapped"
    mercari_category_id: str
    category_path: tuple[str, ...]
    match_rate: float
    reason: str
    reason_values: Mapping[str, str] = {}


class MappingBroken(Fact):
    """Amazon moved the ASIN and the mapping no longer holds."""

    TOPIC: ClassVar[str] = "asin_binding.mapping_broken"
    from_browse_path: tuple[str, ...]
    to_browse_path: tuple[str, ...]
    finding: Finding
    product: Product | None = None
    circumstances: Circumstances | None = None


class Listed(Fact):
    """The listing is open on Mercari, seen there with our SKU code."""

    TOPIC: ClassVar[str] = "asin_binding.listed"
    listing: MercariListing


class ListingConfirmed(Fact):
    """What Mercari showed after we changed the listing, or (`seen`) when we only looked at it."""

    TOPIC: ClassVar[str] = "asin_binding.listing_confirmed"
    effect: Effect | Literal["seen"]
    listing: MercariListing


class Difference(Value):
    """One field of a listing that somebody changed on Mercari; `expected` is what we last saw."""

    field: Literal[
        "title", "description", "image_urls", "category_id", "price_jpy", "stock", "is_on_sale",
        "listing",
    ]  # fmt: skip
    expected: str
    seen: str
    outcome: Literal["put_back", "kept"]


class DriftFound(Fact):
    """Mercari shows what nobody here decided: the listing was edited there by hand.

    `price_jpy` and `float_rate` are what holds from now on; `listing` is None where it is gone;
    `keeps_price` is the seller's setting.
    A listing closed by hand stays closed until it is opened there, or asked for again here.
    """

    TOPIC: ClassVar[str] = "asin_binding.drift_found"
    listing: MercariListing | None
    differences: tuple[Difference, ...]
    price_jpy: int | None
    float_rate: Decimal | None
    is_closed_by_hand: bool
    keeps_price: bool = False


class PriceAdjusted(Fact):
    """The listed price follows Amazon's at the same float, by the seller's own rules.

    `reasons` are what the rules did to it, in order; `pricing` is what they were then, None where
    the seller had none. The day's first price follows from the history.
    """

    TOPIC: ClassVar[str] = "asin_binding.price_adjusted"
    from_price_jpy: int
    to_price_jpy: int
    amazon_price_jpy: int
    float_rate: Decimal
    reasons: tuple[PriceReason, ...] = ()
    pricing: RulesInForce | None = None


class StockAdjusted(Fact):
    """Amazon's quantity moved; `warning` is W-103 when the threshold was reached by it.

    `last_units` is the seller's setting that the stock was decided by.
    """

    TOPIC: ClassVar[str] = "asin_binding.stock_adjusted"
    from_stock: int
    to_stock: int
    amazon_quantity: int
    stock_threshold: int
    warning: Finding | None = None
    last_units: int = 0


class ContentRefreshed(Fact):
    """Amazon's title or main image changed and the listing inherits it."""

    TOPIC: ClassVar[str] = "asin_binding.content_refreshed"
    title: str
    image_url: str | None
    browse_path: tuple[str, ...]


class Suspended(Fact):
    """The ASIN is not for sale on Amazon, so it is not for sale on Mercari.

    Or (E-409) its price there leaves none that may be asked here.
    """

    TOPIC: ClassVar[str] = "asin_binding.suspended"
    code: str
    amazon_status: AmazonStatus
    reason: str
    amazon_price_jpy: int | None = None


class Reinstated(Fact):
    """The ASIN is for sale on Amazon again, and so on Mercari where it was listed before."""

    TOPIC: ClassVar[str] = "asin_binding.reinstated"
    reason: str
    is_listed: bool


class Blocked(Fact):
    """The binding is closed for ever: a hard compliance fault or the end of the seller's status."""

    TOPIC: ClassVar[str] = "asin_binding.blocked"
    code: str
    finding: Finding
    product: Product | None = None
    circumstances: Circumstances | None = None


class Withdrawn(Fact):
    """The seller took the ASIN back."""

    TOPIC: ClassVar[str] = "asin_binding.withdrawn"
    reason: str


class CheckPostponed(Fact):
    """A check asked for by hand got no usable answer; None for `retry_at`: it was given up."""

    TOPIC: ClassVar[str] = "asin_binding.check_postponed"
    code: str
    detail: str
    attempt: int
    retry_at: AwareDatetime | None


class AttemptFailed(Fact):
    """An effect on Mercari did not succeed; nothing was decided from it, and it is tried again."""

    TOPIC: ClassVar[str] = "asin_binding.attempt_failed"
    operation: str
    code: str
    detail: str
    attempt: int
    retry_at: AwareDatetime


BindingFact = (
    Requested | TermsChanged | Validated | Rejected | ReviewRequested | ImageReviewed | ProofAdded
    | Mapped | MappingBroken | Listed | ListingConfirmed | PriceAdjusted | StockAdjusted
    | DriftFound | ContentRefreshed | ImageJudged | Suspended | Reinstated | Blocked | Withdrawn
    | CheckPostponed | AttemptFailed
)  # fmt: skip
