"""One seller's Amazon.co.jp account over the Selling Partner API, read only.

What was read is dated by the moment before it was asked for, so that it is never taken for newer.
What an answer means is decided in amazon_answers and amazon_status, how many ids are read, in
amazon_batches. Nothing is retried here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import httpx

from domain.ports import (
    AmazonItem,
    AmazonOffer,
    CatalogueBatch,
    Clock,
    OffersBatch,
    ReportedListing,
    StockBatch,
    UpstreamRefused,
)
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.allowed import only_documents, only_operations, only_the_login
from infra.amazon.answers import (
    CataloguePage,
    InventoryPage,
    Listing,
    ListingPage,
    Participations,
    item_of,
    offer_of,
)
from infra.amazon.batches import batches_of, batches_of_skus, read_all, read_each
from infra.amazon.calls import (
    GET_INVENTORY,
    GET_LISTING,
    GET_PARTICIPATIONS,
    SEARCH_CATALOGUE,
    SEARCH_LISTINGS,
    UPSTREAM,
    AmazonCalls,
    NotFound,
    Operation,
    pace_of,
)
from infra.amazon.login import AmazonAccess, AmazonLogin
from infra.amazon.reports import DOWNLOAD_SETTINGS, AmazonReports
from infra.http_client import HttpSettings, OnCall, StrictHttp
from infra.limiter import Limiter
from infra.watching import UNWATCHED, Watch

BATCH_MAX = 20
RESULTS_MAX = 1_000
FBA_BATCH_MAX = 50

_SKU_NOT_FOUND = re.compile(r"SKU '(.*)' not found in marketplace \w+", re.DOTALL)
_LISTING_DATA = "summaries,offers,fulfillmentAvailability,issues"
_CHECK_DATA = f"{_LISTING_DATA},attributes"
_CATALOGUE_DATA = "summaries,images,classifications,productTypes,attributes"


class AmazonSpApi:
    """Implements the port `Amazon`. Keep one per seller and process: it holds the access token."""

    def __init__(
        self,
        client: httpx.Client,
        access: AmazonAccess,
        limiter: Limiter,
        clock: Clock,
        settings: HttpSettings,
        *,
        on_call: OnCall | None = None,
        watch: Watch = UNWATCHED,
        download_settings: HttpSettings = DOWNLOAD_SETTINGS,
    ) -> None:
        self._access = access
        self._clock = clock
        login_http = StrictHttp(
            UPSTREAM, client, settings, allows=only_the_login(access.login_url), on_call=on_call
        )
        api_http = StrictHttp(
            UPSTREAM, client, settings, allows=only_operations(access.api_url),
            limiter=limiter, pace_of=pace_of, on_call=on_call,
        )  # fmt: skip
        self._calls = AmazonCalls(
            api_http, AmazonLogin(login_http, access, clock), access.api_url, watch
        )
        download_http = StrictHttp(
            UPSTREAM, client, download_settings, allows=only_documents(access.api_url)
        )
        self._reports = AmazonReports(self._calls, download_http, access.api_url)

    def read_offers_by_asin(self, asins: Collection[str]) -> list[AmazonOffer]:
        """See the port. An ASIN that Amazon refuses in a batch is left out; alone, it raises."""
        return read_all(
            batches_of(asins, BATCH_MAX), lambda batch: self._search_listings("ASIN", batch)
        )

    def read_offers(self, skus: Collection[str]) -> list[AmazonOffer]:
        """See the port."""
        return read_all(batches_of_skus(skus, BATCH_MAX), self._read_offers)

    def read_offers_in_batches(self, skus: Collection[str]) -> Iterator[OffersBatch]:
        """See the port."""
        for batch in read_each(batches_of_skus(skus, BATCH_MAX), self._read_offers):
            yield OffersBatch(batch.ids, tuple(batch.found), batch.error)

    def read_offer(self, sku: str) -> AmazonOffer:
        """See the port. A deleted SKU's ASIN is "": Amazon does not tell it any more."""
        path = {"seller_id": self._access.amazon_seller_id, "sku": sku}
        parameters = {
            "marketplaceIds": AMAZON_JP_MARKETPLACE_ID,
            "includedData": _LISTING_DATA,
            "issueLocale": "ja_JP",
        }
        observed_at = self._clock()
        try:
            listing = self._calls.read(GET_LISTING, Listing, parameters, path)
        except NotFound as error:
            return self._deleted(sku, error, observed_at)
        if listing.sku != sku:
            raise self._calls.unavailable(GET_LISTING, f"an answer about SKU {listing.sku}")
        return offer_of(listing, observed_at)

    def read_fba_quantities(self, skus: Collection[str]) -> dict[str, int]:
        """See the port. `fulfillableQuantity` only: the total holds units that are on their way."""
        return dict(read_all(batches_of_skus(skus, FBA_BATCH_MAX), self._read_fba_quantities))

    def read_fba_in_batches(self, skus: Collection[str]) -> Iterator[StockBatch]:
        """See the port."""
        for batch in read_each(batches_of_skus(skus, FBA_BATCH_MAX), self._read_fba_quantities):
            yield StockBatch(batch.ids, dict(batch.found), batch.error)

    def read_not_buyable(self) -> list[AmazonOffer] | None:
        """See the port. Amazon pages through the first 1,000 results only, so more are not read."""
        parameters = {
            "marketplaceIds": AMAZON_JP_MARKETPLACE_ID,
            "withoutStatus": "BUYABLE",
            "sortBy": "sku",
            "sortOrder": "ASC",
            "includedData": _LISTING_DATA,
            "issueLocale": "ja_JP",
            "pageSize": str(BATCH_MAX),
        }
        path = {"seller_id": self._access.amazon_seller_id}
        offers: dict[str, AmazonOffer] = {}
        promised = 0
        for page in self._calls.read_pages(SEARCH_LISTINGS, ListingPage, parameters, path):
            promised = page.number_of_results
            if promised > RESULTS_MAX:
                return None
            observed_at = self._clock()
            offers |= {listing.sku: offer_of(listing, observed_at) for listing in page.items}
        if len(offers) < promised:
            raise self._calls.unavailable(SEARCH_LISTINGS, f"{len(offers)} of {promised} results")
        return [offer for offer in offers.values() if offer.status != "active"]

    def read_catalogue(self, asins: Collection[str]) -> list[AmazonItem]:
        """See the port."""
        return read_all(batches_of(asins, BATCH_MAX), self._search_catalogue)

    def read_catalogue_in_batches(self, asins: Collection[str]) -> Iterator[CatalogueBatch]:
        """See the port."""
        for batch in read_each(batches_of(asins, BATCH_MAX), self._search_catalogue):
            yield CatalogueBatch(batch.ids, tuple(batch.found), batch.error)

    def request_listings_report(self) -> str:
        """See the port."""
        return self._reports.request_listings()

    def read_listings_report(self, report_id: str) -> list[ReportedListing] | None:
        """See the port."""
        return self._reports.read_listings(report_id)

    def is_account_suspended(self) -> bool:
        """Whether the seller's listings on Amazon.co.jp are suspended as a whole.

        Raises UpstreamRefused if the seller does not sell there, else as every method.
        """
        answer = self._calls.read(GET_PARTICIPATIONS, Participations, {})
        for entry in answer.payload:
            if entry.marketplace.id == AMAZON_JP_MARKETPLACE_ID:
                return entry.participation.has_suspended_listings
        raise UpstreamRefused(
            UPSTREAM, GET_PARTICIPATIONS.name, "the seller does not sell on Amazon.co.jp"
        )

    def _read_offers(self, skus: Sequence[str]) -> list[AmazonOffer]:
        if "," in skus[0]:
            return [self.read_offer(skus[0])]
        return self._search_listings("SKU", skus)

    def _search_listings(self, id_type: str, ids: Sequence[str]) -> list[AmazonOffer]:
        parameters = {
            "marketplaceIds": AMAZON_JP_MARKETPLACE_ID,
            "identifiersType": id_type,
            "identifiers": ",".join(ids),
            "includedData": _CHECK_DATA if id_type == "ASIN" else _LISTING_DATA,
            "issueLocale": "ja_JP",
            "pageSize": str(BATCH_MAX),
        }
        path = {"seller_id": self._access.amazon_seller_id}
        observed_at = self._clock()
        pages = list(self._calls.read_pages(SEARCH_LISTINGS, ListingPage, parameters, path))
        self._ensure_complete(SEARCH_LISTINGS, pages)
        offers = [offer_of(listing, observed_at) for page in pages for listing in page.items]
        return [
            offer for offer in offers if (offer.asin if id_type == "ASIN" else offer.sku) in ids
        ]

    def _search_catalogue(self, asins: Sequence[str]) -> list[AmazonItem]:
        parameters = {
            "marketplaceIds": AMAZON_JP_MARKETPLACE_ID,
            "identifiersType": "ASIN",
            "identifiers": ",".join(asins),
            "includedData": _CATALOGUE_DATA,
            "locale": "ja_JP",
            "pageSize": str(BATCH_MAX),
        }
        observed_at = self._clock()
        pages = list(self._calls.read_pages(SEARCH_CATALOGUE, CataloguePage, parameters))
        self._ensure_complete(SEARCH_CATALOGUE, pages)
        items = [item_of(entry, observed_at) for page in pages for entry in page.items]
        return [item for item in items if item.asin in asins]

    def _read_fba_quantities(self, skus: Sequence[str]) -> list[tuple[str, int]]:
        parameters = {
            "details": "true",
            "granularityType": "Marketplace",
            "granularityId": AMAZON_JP_MARKETPLACE_ID,
            "marketplaceIds": AMAZON_JP_MARKETPLACE_ID,
            "sellerSku" if "," in skus[0] else "sellerSkus": ",".join(skus),
        }
        return [
            (summary.seller_sku, summary.inventory_details.fulfillable_quantity)
            for page in self._calls.read_pages(GET_INVENTORY, InventoryPage, parameters)
            for summary in page.payload.inventory_summaries
            if summary.seller_sku in skus
            and summary.seller_sku is not None
            and summary.inventory_details is not None
            and summary.inventory_details.fulfillable_quantity is not None
        ]

    def _deleted(self, sku: str, error: NotFound, observed_at: datetime) -> AmazonOffer:
        """Believed only if Amazon names no other SKU: it has answered about misread ones before."""
        named = _SKU_NOT_FOUND.search(error.message)
        if named and named[1] != sku:
            raise self._calls.unavailable(GET_LISTING, error.message) from error
        return AmazonOffer(
            sku=sku, asin="", status="deleted", status_reason="not_found", observed_at=observed_at
        )

    def _ensure_complete(
        self, operation: Operation, pages: Sequence[ListingPage] | Sequence[CataloguePage]
    ) -> None:
        received = sum(len(page.items) for page in pages)
        promised = pages[-1].number_of_results
        if received < promised:
            raise self._calls.unavailable(operation, f"{received} of {promised} results")
