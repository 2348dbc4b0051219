"""Amazon's answers: the parts we read, checked for shape, and turned into values of the domain.

Only what we use is checked, so a new field or a new word in an enumeration never costs an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.ports import AmazonItem, AmazonOffer, FulfilmentChannel
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.status import NOT_BUYABLE, ListingSignals, status_of

_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_SELLER_CHANNEL = "DEFAULT"
_FBA_CHANNELS = "AMAZON_"

Quantity = Annotated[int, Field(ge=0)]
RecordT = TypeVar("RecordT", bound="InMarketplace")


class Wire(BaseModel):
    """A part of an answer. Types are exact: "5" is no number, 1 is no truth value."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel)


class Pagination(Wire):
    next_token: str | None = None


class Page(Wire):
    """One page of a search; the last has no next token."""

    number_of_results: int
    pagination: Pagination | None = None


class InMarketplace(Wire):
    """A record that Amazon gives once per marketplace."""

    marketplace_id: str


class Image(Wire):
    link: str
    height: int
    width: int


class ListingSummary(InMarketplace):
    status: list[str]
    asin: str | None = None
    product_type: str | None = None
    item_name: str | None = None
    main_image: Image | None = None


class Action(Wire):
    action: str


class Enforcements(Wire):
    actions: list[Action]


class Issue(Wire):
    severity: str
    enforcements: Enforcements | None = None


class Money(Wire):
    currency_code: str
    amount: str


class Audience(Wire):
    value: str | None = None


class ListingOffer(InMarketplace):
    offer_type: str
    price: Money
    audience: Audience | None = None


class Availability(Wire):
    fulfillment_channel_code: str
    quantity: Quantity | None = None


class Listing(Wire):
    """`Item` of listingsItems_2021-08-01."""

    sku: str
    summaries: list[ListingSummary] = []
    issues: list[Issue] = []
    offers: list[ListingOffer] = []
    fulfillment_availability: list[Availability] = []
    attributes: dict[str, Any] = {}


class ListingPage(Page):
    items: list[Listing]


class InventoryDetails(Wire):
    fulfillable_quantity: Quantity | None = None


class InventorySummary(Wire):
    seller_sku: str | None = None
    inventory_details: InventoryDetails | None = None


class InventoryPayload(Wire):
    inventory_summaries: list[InventorySummary]


class InventoryPage(Wire):
    """`GetInventorySummariesResponse` of fbaInventory."""

    payload: InventoryPayload
    pagination: Pagination | None = None
    errors: Annotated[list[Any], Field(max_length=0)] = []


class BrowseNode(Wire):
    display_name: str
    classification_id: str
    parent: BrowseNode | None = None


class BrowseNodes(InMarketplace):
    classifications: list[BrowseNode] = []


class ProductType(Wire):
    marketplace_id: str | None = None
    product_type: str | None = None


class CatalogueSummary(InMarketplace):
    item_name: str | None = None
    brand: str | None = None
    browse_classification: BrowseNode | None = None


class CatalogueImage(Image):
    variant: str


class CatalogueImages(InMarketplace):
    images: list[CatalogueImage]


class CatalogueEntry(Wire):
    """`Item` of catalogItems_2022-04-01."""

    asin: str
    attributes: dict[str, Any] = {}
    classifications: list[BrowseNodes] = []
    images: list[CatalogueImages] = []
    product_types: list[ProductType] = []
    summaries: list[CatalogueSummary] = []


class CataloguePage(Page):
    items: list[CatalogueEntry]


class Marketplace(Wire):
    id: str


class Participation(Wire):
    has_suspended_listings: bool


class MarketplaceParticipation(Wire):
    marketplace: Marketplace
    participation: Participation


class Participations(Wire):
    """`GetMarketplaceParticipationsResponse` of sellers."""

    payload: list[MarketplaceParticipation]
    errors: Annotated[list[Any], Field(max_length=0)] = []


class ReportCreated(Wire):
    """`CreateReportResponse` of reports_2021-06-30."""

    report_id: Annotated[str, Field(min_length=1)]


class Report(Wire):
    """`Report` of reports_2021-06-30."""

    report_id: str
    report_type: str
    processing_status: str
    report_document_id: Annotated[str, Field(min_length=1)] | None = None


class ReportDocument(Wire):
    """`ReportDocument` of reports_2021-06-30; `url` is good for five minutes."""

    report_document_id: str
    url: str
    compression_algorithm: str | None = None


class ErrorEntry(Wire):
    code: str
    message: str = ""
    details: str | None = None


class ErrorList(Wire):
    errors: Annotated[list[ErrorEntry], Field(min_length=1)]


def offer_of(listing: Listing, observed_at: datetime) -> AmazonOffer:
    """The offer a listing shows; without a summary for Japan its status is unknown, its ASIN ""."""
    summary = next(iter(_in_japan(listing.summaries)), None)
    if summary is None:
        return AmazonOffer(
            sku=listing.sku,
            asin="",
            status="unknown",
            status_reason="no_summary",
            observed_at=observed_at,
        )
    prices = [offer for offer in _in_japan(listing.offers) if offer.offer_type == "B2C"]
    channel, quantity = _channel_and_quantity(listing.fulfillment_availability)
    status, reason = status_of(
        ListingSignals(
            statuses=summary.status,
            actions=_actions(listing.issues),
            has_error_issue=any(issue.severity == "ERROR" for issue in listing.issues),
            has_offer=bool(prices),
            quantity=quantity,
        )
    )
    if reason == NOT_BUYABLE and channel != "fba" and quantity is None:
        status = "unknown"  # sold out or not, nobody says
    return AmazonOffer(
        sku=listing.sku,
        asin=summary.asin or "",
        status=status,
        status_reason=reason,
        title=summary.item_name,
        image_url=summary.main_image.link if summary.main_image else None,
        price_jpy=_price_jpy(prices),
        quantity=quantity,
        channel=channel,
        product_type=summary.product_type,
        shipping_days=_shipping_days(listing.attributes) if channel == "seller" else None,
        observed_at=observed_at,
    )


def item_of(entry: CatalogueEntry, observed_at: datetime) -> AmazonItem:
    """The catalogue entry as the Japanese marketplace shows it."""
    summary = next(iter(_in_japan(entry.summaries)), None)
    images = [image for group in _in_japan(entry.images) for image in group.images]
    main_images = [image for image in images if image.variant == "MAIN"]
    largest = max(main_images, key=lambda image: image.width * image.height, default=None)
    product_types = [
        one.product_type
        for one in entry.product_types
        if one.marketplace_id == AMAZON_JP_MARKETPLACE_ID
    ]
    return AmazonItem(
        asin=entry.asin,
        title=summary.item_name if summary else None,
        brand=summary.brand if summary else None,
        browse_path=_browse_path(entry, summary),
        product_type=next(iter(product_types), None),
        image_url=largest.link if largest else None,
        attributes=entry.attributes,
        observed_at=observed_at,
    )


def whole_yen(money: Money) -> int | None:
    """The amount in yen; None for another currency, a fraction of a yen, or nothing at all."""
    return yen_in(money.amount) if money.currency_code == "JPY" else None


def yen_in(amount: str) -> int | None:
    """Whole yen above zero, as Amazon writes them: "3980" or "3980.00"; None for anything else."""
    if not _AMOUNT.fullmatch(amount):
        return None
    whole, _, fraction = amount.partition(".")
    return None if fraction.strip("0") else int(whole) or None


def _in_japan(records: Sequence[RecordT]) -> list[RecordT]:
    return [record for record in records if record.marketplace_id == AMAZON_JP_MARKETPLACE_ID]


def _actions(issues: Sequence[Issue]) -> set[str]:
    return {
        entry.action
        for issue in issues
        if issue.enforcements
        for entry in issue.enforcements.actions
    }


def _price_jpy(offers: Sequence[ListingOffer]) -> int | None:
    """The price for everybody; None where several offers leave it open which one that is."""
    for_all = [offer for offer in offers if _is_for_everybody(offer)]
    prices = {whole_yen(offer.price) for offer in for_all}
    return prices.pop() if len(prices) == 1 else None


def _is_for_everybody(offer: ListingOffer) -> bool:
    return offer.audience is None or offer.audience.value in (None, "ALL")


def _channel_and_quantity(
    availability: Sequence[Availability],
) -> tuple[FulfilmentChannel | None, int | None]:
    """A SKU that is in both channels counts as FBA, whose quantity the listing does not tell."""
    channels = [channel_of(entry.fulfillment_channel_code) for entry in availability]
    if "fba" in channels:
        return "fba", None
    if "seller" in channels:
        return "seller", availability[channels.index("seller")].quantity
    return None, None


def channel_of(code: str) -> FulfilmentChannel | None:
    """The channel of a fulfilment channel code; None for one we do not know."""
    if code.startswith(_FBA_CHANNELS):
        return "fba"
    return "seller" if code == _SELLER_CHANNEL else None


def _shipping_days(attributes: dict[str, Any]) -> int | None:
    """The seller's own promise: `fulfillment_availability[].lead_time_to_ship_max_days` (inferred).

    None where it is not there or is no whole number of days.
    """
    entries = attributes.get("fulfillment_availability")
    for entry in entries if isinstance(entries, list) else []:
        days = entry.get("lead_time_to_ship_max_days") if isinstance(entry, dict) else None
        if isinstance(days, int) and not isinstance(days, bool) and days >= 0:
            return days
    return None


def _browse_path(entry: CatalogueEntry, summary: CatalogueSummary | None) -> tuple[str, ...]:
    """From department to leaf: the summary's node, in the tree that tells its parents."""
    nodes = [node for group in _in_japan(entry.classifications) for node in group.classifications]
    main = summary.browse_classification if summary else None
    chosen = next(
        (node for node in nodes if main and node.classification_id == main.classification_id),
        nodes[0] if nodes else main,
    )
    names: list[str] = []
    while chosen is not None:
        names.append(chosen.display_name)
        chosen = chosen.parent
    return tuple(reversed(names))
