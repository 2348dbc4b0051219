"""One seller's Amazon.co.jp account over the Selling Partner API, read only.

What an answer means is decided in amazon_answers and amazon_status. Nothing is retried here, but a
batch that is refused is read in halves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import httpx

from domain.ports import AmazonItem, AmazonOffer, Clock, UpstreamRefused
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon_answers import (
    CataloguePage,
    InventoryPage,
    Listing,
    ListingPage,
    Participations,
    item_of,
    offer_of,
)
from infra.amazon_calls import (
    GET_INVENTORY,
    GET_LISTING,
    GET_PARTICIPATIONS,
    SEARCH_CATALOGUE,
    SEARCH_LISTINGS,
    UPSTREAM,
    AmazonCalls,
    InvalidInput,
    NotFound,
    Operation,
    pace_of,
)
from infra.amazon_login import AmazonAccess, AmazonLogin
from infra.http_client import HttpSettings, OnCall, StrictHttp
from infra.limiter import Limiter

BATCH_MAX = 20
FBA_BATCH_MAX = 50

_SKU_NOT_FOUND = re.compile(r"SKU '(.*)' not found in marketplace \w+", re.DOTALL)
_LISTING_DATA = "summaries,offers,fulfillmentAvailability,issues"
_CHECK_DATA = f"{_LISTING_DATA},attributes"
_CATALOGUE_DATA = "summaries,images,classifications,productTypes,attributes"

FoundT = TypeVar("FoundT")


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
    ) -> None:
        self._access = access
        self._clock = clock
        login_http = StrictHttp(UPSTREAM, client, settings, on_call=on_call)
        api_http = StrictHttp(
            UPSTREAM, client, settings, limiter=limiter, pace_of=pace_of, on_call=on_call
        )
        self._calls = AmazonCalls(api_http, AmazonLogin(login_http, access, clock), access.api_url)

    def read_offers_by_asin(self, asins: Collection[str]) -> list[AmazonOffer]:
        """See the port. An ASIN that Amazon refuses in a batch is left out; alone, it raises."""
        return self._in_halves(
            [_distinct(asins, BATCH_MAX)], lambda batch: self._search_listings("ASIN", batch)
        )

    def read_offers(self, skus: Collection[str]) -> list[AmazonOffer]:
        """See the port. A SKU with a comma would fall apart in a list, so it is read alone."""
        return self._in_halves(_lists_of_skus(skus, BATCH_MAX), self._read_offers)

    def read_offer(self, sku: str) -> AmazonOffer:
        """See the port. A deleted SKU's ASIN is "": Amazon does not tell it any more."""
        path = {"seller_id": self._access.amazon_seller_id, "sku": sku}
        parameters = {
            "marketplaceIds": AMAZON_JP_MARKETPLACE_ID,
            "includedData": _LISTING_DATA,
            "issueLocale": "ja_JP",
        }
        try:
            listing = self._calls.read(GET_LISTING, Listing, parameters, path)
        except NotFound as error:
            return self._deleted(sku, error)
        if listing.sku != sku:
            raise self._calls.unavailable(GET_LISTING, f"an answer about SKU {listing.sku}")
        return offer_of(listing, self._clock())

    def read_fba_quantities(self, skus: Collection[str]) -> dict[str, int]:
        """See the port. `fulfillableQuantity` only: the total holds units that are on their way."""
        wanted = set(skus)
        return {
            sku: quantity
            for sku, quantity in self._in_halves(
                _lists_of_skus(skus, FBA_BATCH_MAX), self._read_fba_quantities
            )
            if sku in wanted
        }

    def read_catalogue(self, asins: Collection[str]) -> list[AmazonItem]:
        """See the port."""
        return self._in_halves([_distinct(asins, BATCH_MAX)], self._search_catalogue)

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
        pages = self._calls.read_pages(SEARCH_LISTINGS, ListingPage, parameters, path)
        self._ensure_complete(SEARCH_LISTINGS, pages)
        observed_at = self._clock()
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
        pages = self._calls.read_pages(SEARCH_CATALOGUE, CataloguePage, parameters)
        self._ensure_complete(SEARCH_CATALOGUE, pages)
        observed_at = self._clock()
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
            if summary.seller_sku is not None
            and summary.inventory_details is not None
            and summary.inventory_details.fulfillable_quantity is not None
        ]

    def _deleted(self, sku: str, error: NotFound) -> AmazonOffer:
        """Believed only if Amazon names no other SKU: it has answered about misread ones before."""
        named = _SKU_NOT_FOUND.search(error.message)
        if named and named[1] != sku:
            raise self._calls.unavailable(GET_LISTING, error.message) from error
        return AmazonOffer(
            sku=sku, asin="", status="deleted", status_reason="not_found", observed_at=self._clock()
        )

    def _in_halves(
        self, batches: Sequence[Sequence[str]], read: Callable[[Sequence[str]], list[FoundT]]
    ) -> list[FoundT]:
        """Read batches, a refused one in halves until the bad id is alone, and leave that out.

        Raises the refusal if nothing at all was accepted: that is no answer, not an empty one.
        """
        found: list[FoundT] = []
        refusal: UpstreamRefused | None = None
        is_any_accepted = False
        pending = [batch for batch in batches if batch]
        while pending:
            batch = pending.pop()
            try:
                found += read(batch)
                is_any_accepted = True
            except InvalidInput as error:
                refusal = error
                middle = len(batch) // 2
                pending += [batch[:middle], batch[middle:]] if middle else []
        if refusal and not is_any_accepted:
            raise refusal
        return found

    def _ensure_complete(
        self, operation: Operation, pages: Sequence[ListingPage] | Sequence[CataloguePage]
    ) -> None:
        received = sum(len(page.items) for page in pages)
        promised = pages[-1].number_of_results
        if received < promised:
            raise self._calls.unavailable(operation, f"{received} of {promised} results")


def _distinct(ids: Collection[str], count_max: int) -> list[str]:
    """In order, each once. Raises ValueError for more than Amazon takes."""
    distinct = list(dict.fromkeys(ids))
    if len(distinct) > count_max:
        raise ValueError(f"{len(distinct)} ids in a batch of at most {count_max}")
    return distinct


def _lists_of_skus(skus: Collection[str], count_max: int) -> list[list[str]]:
    distinct = _distinct(skus, count_max)
    plain = [sku for sku in distinct if "," not in sku]
    return [plain, *([sku] for sku in distinct if "," in sku)]
