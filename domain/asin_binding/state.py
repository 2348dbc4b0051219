"""What a binding's facts amount to, and what is still to be done on Mercari because of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, assert_never
from uuid import UUID

from domain.asin_binding.facts import (
    AttemptFailed,
    BindingFact,
    Blocked,
    CheckPostponed,
    ContentRefreshed,
    DriftFound,
    Effect,
    ImageJudged,
    ImageReviewed,
    Listed,
    ListingConfirmed,
    Mapped,
    MappingBroken,
    PriceAdjusted,
    ProofAdded,
    Reinstated,
    Rejected,
    Requested,
    ReviewRequested,
    StockAdjusted,
    Suspended,
    TermsChanged,
    Validated,
    Withdrawn,
)
from domain.ports import ListingDraft, MercariListing
from domain.product import Product
from domain.rules.precheck import ImageReview, Terms
from domain.rules.proofs import Proof
from domain.rules.repricing import DayStart, day_start_after
from domain.rules.stock import stock_left
from domain.rules.warranty import Warranty, listing_description, listing_title
from domain.values import Value, sku_code_of

Status = Literal[
    "requested", "rejected", "validated", "mapped", "unmapped", "listed", "suspended", "blocked",
    "withdrawn",
]  # fmt: skip

INHERITED = ("description", "image_urls")
WRITTEN_BLINDLY = (*INHERITED, "category_id")


class AsinBinding(Value):
    """The fold of a binding's facts. `price_jpy` and `stock` are what Mercari should show.

    `to_write` names the fields of the listing (`ListingChange`) that must be written whatever
    Mercari shows, as what it shows can't be compared: description and images.
    """

    binding_id: UUID
    version: int
    asin: str
    status: Status
    terms: Terms
    sku: str | None
    submission_id: UUID | None = None
    row: int | None = None
    product: Product | None = None
    title: str | None = None
    image_url: str | None = None
    browse_path: tuple[str, ...] = ()
    category_path: tuple[str, ...] = ()
    match_rate: float | None = None
    float_rate: Decimal | None = None
    amazon_price_jpy: int | None = None
    amazon_quantity: int | None = None
    price_jpy: int | None = None
    day_start: DayStart | None = None
    stock: int | None = None
    listing: MercariListing | None = None
    is_closed_by_hand: bool = False
    to_write: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    image_review: ImageReview | None = None
    image_in_review: str | None = None
    error_codes: tuple[str, ...] = ()
    warning_codes: tuple[str, ...] = ()
    attempts: int = 0
    retry_at: datetime | None = None
    observed_at: datetime | None = None

    @property
    def sku_code(self) -> str:
        return sku_code_of(self.asin, self.binding_id)

    @property
    def is_in_review(self) -> bool:
        """Its main image waits for a person."""
        return self.status == "requested" and self.image_in_review is not None

    @property
    def is_live(self) -> bool:
        return self.status in ("mapped", "listed", "suspended")


def effect_due(binding: AsinBinding) -> Effect | None:
    """What must be done on Mercari so that it shows what was decided; None when it does."""
    if binding.status == "mapped":
        return "list"
    shown = binding.listing
    if shown is None:
        return None
    if binding.status != "listed" or binding.is_closed_by_hand:
        return "take_down" if shown.is_on_sale else None
    if binding.to_write:
        return "update"
    wanted = (True, binding.price_jpy, binding.stock, listing_title(binding.title or binding.asin))
    seen = (shown.is_on_sale, shown.price_jpy, shown.stock, shown.title)
    return None if wanted == seen else "update"


def draft_of(binding: AsinBinding, warranty: Warranty) -> ListingDraft:
    """The listing to create; content is inherited from Amazon, with the warranty block (E-417)."""
    title = binding.title or binding.asin
    return ListingDraft(
        sku_code=binding.sku_code,
        title=listing_title(title),
        description=listing_description(title, warranty),
        price_jpy=binding.price_jpy or 0,
        category_id=binding.terms.mercari_category_id,
        image_urls=(binding.image_url,) if binding.image_url else (),
        stock=binding.stock or 0,
    )


def fold(
    binding: AsinBinding | None, binding_id: UUID, facts: Iterable[BindingFact]
) -> AsinBinding | None:
    """The state after these facts, in order."""
    for fact in facts:
        binding = evolve(binding, binding_id, fact)
    return binding


def evolve(binding: AsinBinding | None, binding_id: UUID, fact: BindingFact) -> AsinBinding:
    """The state after one more fact; every fact but a failed attempt starts the tries anew."""
    if binding is None:
        if not isinstance(fact, Requested):
            raise TypeError(f"{fact.TOPIC} can't be the first fact of a binding")
        return AsinBinding(
            binding_id=binding_id, version=1, asin=fact.asin, status="requested", **asked(fact)
        )
    changes = {**settled(), **changes_by(binding, fact)}
    return binding.model_copy(update={"version": binding.version + 1, **changes})


def changes_by(binding: AsinBinding, fact: BindingFact) -> Mapping[str, object]:
    match fact:
        case Requested():
            return {"status": "requested", **asked(fact)}
        case TermsChanged():
            return {
                **asked_amounts(fact),
                "day_start": day_started(binding, fact),
                "terms": fact.terms,
                "submission_id": fact.submission_id,
                "row": fact.row,
                "amazon_price_jpy": fact.amazon_price_jpy,
                "amazon_quantity": fact.amazon_quantity,
                **observed(fact),
            }
        case Validated():
            return {
                "status": "validated", "image_in_review": None, "day_start": None,
                "warning_codes": tuple(warning.code for warning in fact.warnings),
                "to_write": INHERITED if binding.listing else (),
                **seen_product(fact.product), **asked_amounts(fact),
            }  # fmt: skip
        case Rejected():
            codes = tuple(dict.fromkeys(finding.code for finding in fact.findings))
            return {
                "status": "rejected", "error_codes": codes, "image_in_review": None,
                **seen_product(fact.product),
            }  # fmt: skip
        case ReviewRequested():
            codes = tuple(dict.fromkeys(finding.code for finding in fact.findings))
            return {
                "error_codes": codes, "image_in_review": fact.image,
                **seen_product(fact.product),
            }  # fmt: skip
        case ImageReviewed():
            return {"image_review": fact.review, "image_in_review": None}
        case ProofAdded():
            return {"proofs": (*binding.proofs, fact.proof)}
        case ImageJudged():
            return {"image_url": fact.image_url}
        case Mapped():
            return {
                "status": "mapped",
                "category_path": fact.category_path,
                "match_rate": fact.match_rate,
                "error_codes": (),
                "terms": binding.terms.model_copy(
                    update={"mercari_category_id": fact.mercari_category_id}
                ),
            }
        case MappingBroken():
            return {
                "status": "unmapped",
                "browse_path": fact.to_browse_path,
                "error_codes": (fact.finding.code,),
            }
        case Listed():
            return {"status": "listed", "to_write": (), **seen_on_mercari(binding, fact.listing)}
        case ListingConfirmed():
            is_written = fact.effect in ("update", "list")
            written: dict[str, object] = {"to_write": ()} if is_written else {}
            is_seen = fact.effect == "seen"
            return {**written, **seen_on_mercari(binding, fact.listing, is_written=not is_seen)}
        case DriftFound():
            found = (each.field for each in fact.differences if each.outcome == "put_back")
            shown = fact.listing
            return {
                **(
                    seen_on_mercari(binding, shown, is_written=False)
                    if shown
                    else {"listing": None}
                ),
                "price_jpy": fact.price_jpy, "float_rate": fact.float_rate,
                "is_closed_by_hand": fact.is_closed_by_hand,
                "to_write": added(binding.to_write, found), "warning_codes": ("W-106",),
            }  # fmt: skip
        case PriceAdjusted():
            return {
                "price_jpy": fact.to_price_jpy,
                "day_start": day_started(binding, fact),
                "amazon_price_jpy": fact.amazon_price_jpy,
                **observed(fact),
            }
        case StockAdjusted():
            return {
                "stock": fact.to_stock,
                "amazon_quantity": fact.amazon_quantity,
                **observed(fact),
            }
        case ContentRefreshed():
            return {
                "title": fact.title,
                "image_url": fact.image_url,
                "browse_path": fact.browse_path,
                "to_write": added(binding.to_write, INHERITED),
            }
        case Suspended():
            return {"status": "suspended", "error_codes": (fact.code,), **observed(fact)}
        case Reinstated():
            status = "listed" if fact.is_listed else "mapped"
            return {"status": status, "error_codes": (), **observed(fact)}
        case Blocked():
            return {"status": "blocked", "error_codes": (fact.code,)}
        case Withdrawn():
            return {"status": "withdrawn", "error_codes": ()}
        case CheckPostponed():
            return {}
        case AttemptFailed():
            return {"attempts": fact.attempt, "retry_at": fact.retry_at}
        case _:
            assert_never(fact)


def asked(fact: Requested) -> dict[str, object]:
    return {
        "sku": fact.sku,
        "terms": fact.terms,
        "submission_id": fact.submission_id,
        "row": fact.row,
        "error_codes": (),
        "warning_codes": (),
        "image_in_review": None,
        "is_closed_by_hand": False,
    }


def added(to_write: tuple[str, ...], fields: Iterable[str]) -> tuple[str, ...]:
    """With those of the fields that can't be compared, and so must be written."""
    more = (field for field in fields if field in WRITTEN_BLINDLY)
    return tuple(dict.fromkeys((*to_write, *more)))


def day_started(binding: AsinBinding, fact: PriceAdjusted | TermsChanged) -> DayStart | None:
    """What was listed before the day's first change of the price."""
    if binding.price_jpy is None:
        return None
    return day_start_after(binding.day_start, fact.stamp.decided_at, binding.price_jpy)


def asked_amounts(fact: TermsChanged | Validated) -> dict[str, object]:
    return {"float_rate": fact.float_rate, "price_jpy": fact.price_jpy, "stock": fact.stock}


def observed(fact: BindingFact) -> dict[str, object]:
    """When Amazon was read for this fact, so that an older reading changes nothing after it."""
    return {"observed_at": fact.stamp.observed_at} if fact.stamp.observed_at else {}


def seen_on_mercari(
    binding: AsinBinding, shown: MercariListing, *, is_written: bool = True
) -> dict[str, object]:
    before = binding.listing.stock if binding.listing else None
    left = stock_left(binding.stock, before, shown.stock, is_written=is_written)
    return {"listing": shown, "stock": left}


def seen_product(product: Product) -> dict[str, object]:
    return {
        "product": product,
        "sku": product.sku,
        "title": product.title,
        "image_url": product.image_url,
        "browse_path": product.browse_path,
        "amazon_price_jpy": product.price_jpy,
        "amazon_quantity": product.quantity,
        "observed_at": product.observed_at,
    }


def settled() -> dict[str, object]:
    return {"attempts": 0, "retry_at": None}
