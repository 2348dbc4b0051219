"""What the domain asks of the two marketplaces, and how a marketplace may fail to answer.

An adapter is made for one seller. It never invents: whatever is not a complete, well-formed answer
raises an `UpstreamError`, which is UNKNOWN and never a change of state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from domain.images import ImageReading
from domain.values import Value

Clock = Callable[[], datetime]

AmazonStatus = Literal["active", "inactive", "suspended", "deleted", "suspended_account", "unknown"]
FulfilmentChannel = Literal["fba", "seller"]
ReportedStatus = Literal["active", "inactive", "incomplete", "unknown"]


class AmazonOffer(Value):
    """The seller's own offer of one SKU, as Amazon showed it at one moment.

    `status` follows facts/amazon-sp-api §1.3, first match wins; `status_reason` says which input
    decided ("no_offer", "stock_zero", "LISTING_SUPPRESSED", ...). `quantity` is what can be sold:
    seller-fulfilled from the listing, FBA from `fulfillableQuantity`; None = not given, never 0.
    `shipping_days` is known only where the attributes were read (`read_offers_by_asin`).
    """

    sku: str
    asin: str
    status: AmazonStatus
    status_reason: str | None = None
    title: str | None = None
    image_url: str | None = None
    price_jpy: int | None = None
    quantity: int | None = None
    channel: FulfilmentChannel | None = None
    product_type: str | None = None
    shipping_days: int | None = None
    observed_at: datetime


class ReportedListing(Value):
    """An own listing as Amazon's listings report told it: up to six hours old, so never a status.

    `asin` and `price_jpy` are None where the report gives none, as is `quantity` for FBA.
    """

    sku: str
    asin: str | None = None
    status: ReportedStatus = "unknown"
    price_jpy: int | None = None
    quantity: int | None = None
    channel: FulfilmentChannel | None = None


class AmazonItem(Value):
    """An ASIN in Amazon's catalogue; `browse_path` runs from department to leaf, in Japanese."""

    asin: str
    title: str | None = None
    brand: str | None = None
    browse_path: tuple[str, ...] = ()
    product_type: str | None = None
    image_url: str | None = None
    attributes: Mapping[str, Any] = {}
    observed_at: datetime


class MercariCategory(Value):
    """A node of the shop's category tree. Ids are opaque; only a leaf can hold a listing."""

    category_id: str
    path: tuple[str, ...]
    is_leaf: bool


class ListingDraft(Value):
    """What a new listing is made of. Created closed (UNOPENED), with one variant: our SKU code."""

    sku_code: str
    title: str
    description: str
    price_jpy: int
    category_id: str
    image_urls: tuple[str, ...]
    stock: int
    condition: str = "BRAND_NEW"
    shipping_method: str = "UNDECIDED"
    shipping_payer: str = "SELLER"
    shipping_duration: str = "ONE_TO_TWO_DAYS"
    shipping_from_state_id: str = "jp13"


class ListingChange(Value):
    """The fields of a listing to change; None leaves a field as it is."""

    title: str | None = None
    description: str | None = None
    price_jpy: int | None = None
    is_on_sale: bool | None = None
    image_urls: tuple[str, ...] | None = None
    category_id: str | None = None


class MercariListing(Value):
    """A listing as Mercari showed it. `is_on_sale` is OPENED; `category_id` is the leaf.

    `description_sha256` is the hex SHA-256 of the UTF-8 text that is shown; None = not told, as in
    facts older than the field.
    """

    listing_id: str
    sku_code: str
    title: str
    price_jpy: int
    stock: int
    is_on_sale: bool
    category_id: str | None = None
    image_urls: tuple[str, ...] | None = None
    description_sha256: str | None = None
    observed_at: datetime


class ListingsPage(NamedTuple):
    """A page of a shop's listings; `next` leads to the next one, None on the last."""

    listings: tuple[MercariListing, ...]
    next: str | None


class UpstreamError(Exception):
    """The marketplace gave no answer that may be believed. `code` is the error code of SPEC §10."""

    code = "E-901"

    def __init__(
        self,
        upstream: str,
        operation: str,
        detail: str,
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{upstream} {operation}: {detail}")
        self.upstream = upstream
        self.operation = operation
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


class UpstreamUnavailable(UpstreamError):
    """Timed out, 5xx, HTML, an empty or truncated body: nothing was learnt; try again."""


class UpstreamThrottled(UpstreamError):
    """429, or our own budget is spent: wait `retry_after_seconds` and try again."""

    code = "E-902"


class UpstreamRefused(UpstreamError):
    """The marketplace understood the request and said no; the same request will not pass later."""

    code = "E-903"


class AddressNotRegistered(UpstreamRefused):
    """Mercari does not know this server's IP address: every call fails until a person acts."""


class ShopClosed(UpstreamRefused):
    """The shop is not public: nothing can be listed or opened until its owner opens it."""


class AuthorisationRevoked(UpstreamError):
    """The seller's permission is gone (invalid_grant, 401, 403): the seller must link again."""

    code = "E-401"


class OffersBatch(NamedTuple):
    """What one call said of its SKUs, and the error that kept it from saying more.

    A SKU without an offer is UNKNOWN, error or not: read it alone. The other batches are alike.
    """

    skus: tuple[str, ...]
    offers: tuple[AmazonOffer, ...]
    error: UpstreamError | None


class StockBatch(NamedTuple):
    """FBA units by SKU."""

    skus: tuple[str, ...]
    quantities: Mapping[str, int]
    error: UpstreamError | None


class CatalogueBatch(NamedTuple):
    """Catalogue entries of some ASINs."""

    asins: tuple[str, ...]
    items: tuple[AmazonItem, ...]
    error: UpstreamError | None


class Amazon(Protocol):
    """One seller's Amazon.co.jp account, read only. Every method raises UpstreamError.

    Any number of ids may be asked for: they are read in as few calls as Amazon allows. The methods
    that answer `in_batches` raise nothing; an error that concerns all calls (AuthorisationRevoked,
    UpstreamThrottled) ends them with one last batch of everything that was not read.
    """

    def read_offers_by_asin(self, asins: Collection[str]) -> list[AmazonOffer]:
        """All own offers of these ASINs. An ASIN with several SKUs gives several offers."""

    def read_offers(self, skus: Collection[str]) -> list[AmazonOffer]:
        """Own offers of these SKUs. A SKU absent from the answer is UNKNOWN: read it alone."""

    def read_offers_in_batches(self, skus: Collection[str]) -> Iterator[OffersBatch]:
        """The same, batch by batch: an error costs no other batch."""

    def read_offer(self, sku: str) -> AmazonOffer:
        """One own offer; a SKU that Amazon does not know (404) has status `deleted`."""

    def read_fba_quantities(self, skus: Collection[str]) -> dict[str, int]:
        """Sellable FBA units of these SKUs; a SKU absent from the answer is absent here."""

    def read_fba_in_batches(self, skus: Collection[str]) -> Iterator[StockBatch]:
        """The same, batch by batch."""

    def read_not_buyable(self) -> list[AmazonOffer] | None:
        """Every own offer that can't be bought now; None where there are more than 1,000.

        Deleted offers are not among them, and the FBA stock of what is sold out is not told.
        """

    def request_listings_report(self) -> str:
        """Ask for the report of all own listings; the id to read it by, minutes later."""

    def read_listings_report(self, report_id: str) -> list[ReportedListing] | None:
        """Every listing of the report; None while it is not done.

        Rows that can't be read are left out, and counted in the process's log: absence is a hint,
        never a deletion. Raises UpstreamRefused for a report that will never be done.
        """

    def is_account_suspended(self) -> bool:
        """Whether Amazon has suspended the seller's listings as a whole."""

    def read_catalogue(self, asins: Collection[str]) -> list[AmazonItem]:
        """Catalogue entries of these ASINs; an ASIN absent from the answer is absent here."""

    def read_catalogue_in_batches(self, asins: Collection[str]) -> Iterator[CatalogueBatch]:
        """The same, batch by batch."""


class Mercari(Protocol):
    """One Mercari Shops shop. Every method raises UpstreamError, above all AddressNotRegistered."""

    def read_categories(self) -> Sequence[MercariCategory]:
        """The shop's whole category tree."""

    def find_listing(self, sku_code: str) -> MercariListing | None:
        """The listing that carries our SKU code; None is Mercari's own clear "not found"."""

    def read_listings(self, after: str | None) -> ListingsPage:
        """Up to 100 of the shop's listings, from the first on or `after` the page before.

        Only those that may be ours: with one variant, and with a SKU code. A page may hold none.
        """

    def create_listing(self, draft: ListingDraft) -> MercariListing:
        """Create a closed listing. After any error look it up: it may have been created."""

    def change_listing(self, listing_id: str, change: ListingChange) -> MercariListing:
        """Change only the fields given."""

    def set_stock(self, sku_code: str, quantity: int) -> None:
        """Set the absolute stock of the SKU."""

    def set_stocks(self, quantities: Mapping[str, int]) -> Mapping[str, int]:
        """Set the absolute stock of up to 20 SKUs; the stock Mercari then told for each of them.

        A SKU absent from the answer is UNKNOWN. Raises ValueError for more than 20.
        """


class ImageInspector(Protocol):
    """Looks at main images. Never raises for an image, however hostile: the reading says why."""

    def inspect(self, urls: Collection[str]) -> Iterator[tuple[str, ImageReading]]:
        """Fetch and measure each of these images; each reading as it is ready, in any order."""


class Sources(NamedTuple):
    """What a check reads of the outside world, for one seller."""

    amazon: Amazon
    tree: Sequence[MercariCategory]
    images: ImageInspector
