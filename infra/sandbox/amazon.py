"""The simulated Selling Partner API: nine operations with their limits, refusals and headers.

It answers what it simulates as Amazon would, and refuses the rest with a 400 that says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.sandbox.amazon_answers import (
    Json,
    catalogue_item_of,
    inventory_summary_of,
    listing_of,
    participation_of,
)
from infra.sandbox.amazon_query import RESULTS_MAX, Query, Refused, next_page_token
from infra.sandbox.faults import Call, Gate, errors_of, json_answer
from infra.sandbox.limits import TokenBuckets
from infra.sandbox.lwa import LoginWithAmazon, TokenRefused
from infra.sandbox.offer_scan import Place, places_with
from infra.sandbox.reports import Reports
from infra.sandbox.world import Offer, Seller, World

LISTING_SETS = (
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
)
CATALOGUE_SETS = (
    "attributes",
    "classifications",
    "dimensions",
    "identifiers",
    "images",
    "productTypes",
    "relationships",
    "salesRanks",
    "summaries",
    "vendorDetails",
)
FBA_SKUS_MAX = 50

Answer = Callable[[Query, Seller], Json]


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of Amazon's operation table: tokens a second and the most that can be saved up."""

    name: str
    path: str
    rate: float
    burst: int
    answer: Answer
    method: str = "GET"
    success: int = 200


class SellingPartnerApi:
    """Routes of the API; each request is authorised, taken from the seller's bucket, answered."""

    def __init__(self, world: World, gate: Gate, login: LoginWithAmazon) -> None:
        self._world = world
        self._gate = gate
        self._login = login
        self._buckets = TokenBuckets()
        self._reports = Reports(world)

    def operations(self) -> tuple[Operation, ...]:
        """Rates and bursts from the models (facts/amazon-sp-api §1.1)."""
        listings, catalogue = "/listings/2021-08-01/items", "/catalog/2022-04-01/items"
        return (
            *self._report_operations(),
            Operation("searchListingsItems", f"{listings}/{{sellerId}}", 5.0, 5, self._search),
            Operation(
                "getListingsItem", f"{listings}/{{sellerId}}/{{sku:path}}", 5.0, 10, self._get
            ),
            Operation("searchCatalogItems", catalogue, 2.0, 2, self._search_catalogue),
            Operation("getCatalogItem", f"{catalogue}/{{asin}}", 2.0, 2, self._get_catalogue),
            Operation("getInventorySummaries", "/fba/inventory/v1/summaries", 2.0, 2, self._fba),
            Operation(
                "getMarketplaceParticipations",
                "/sellers/v1/marketplaceParticipations",
                0.016,
                15,
                self._participations,
            ),
        )

    def _report_operations(self) -> tuple[Operation, ...]:
        path, reports = "/reports/2021-06-30", self._reports
        return (
            Operation("createReport", f"{path}/reports", 0.0167, 15, reports.create, "POST", 202),
            Operation("getReport", f"{path}/reports/{{reportId}}", 2.0, 15, reports.get),
            Operation(
                "getReportDocument",
                f"{path}/documents/{{reportDocumentId}}",
                0.0167,
                15,
                reports.document,
            ),
        )

    def routes(self) -> list[Route]:
        return [
            *self._reports.routes(),
            *(
                Route(operation.path, self._endpoint(operation), methods=[operation.method])
                for operation in self.operations()
            ),
        ]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            query = Query(request, await request.body())
            call = Call(
                upstream="amazon",
                operation=operation.name,
                answer=lambda: self._answer(operation, query),
                throttled=lambda _: _throttled(),
                batch_size=len(query.values("identifiers")) + len(query.values("sellerSkus")),
            )
            return await self._gate.through(request, call)

        return endpoint

    def _answer(self, operation: Operation, query: Query) -> Response:
        request_id = {"x-amzn-RequestId": str(uuid4())}
        try:
            seller = self._login.seller_of(query.header("x-amz-access-token"))
        except TokenRefused as refusal:
            message = "Access to requested resource is denied."
            return json_answer(403, errors_of("Unauthorized", message, str(refusal)), request_id)
        key = (seller.number, operation.name)
        if not self._buckets.take(key, operation.rate, operation.burst, self._world.clock()):
            return _throttled()
        headers = {**request_id, "x-amzn-RateLimit-Limit": str(operation.rate)}
        try:
            return json_answer(operation.success, operation.answer(query, seller), headers)
        except Refused as refusal:
            is_forbidden = refusal.status == 403
            body = errors_of(refusal.code, str(refusal))
            return json_answer(refusal.status, body, request_id if is_forbidden else headers)

    def _search(self, query: Query, seller: Seller) -> Json:
        """searchListingsItems, by ASIN, SKU or status only."""
        _own_account(query, seller)
        query.marketplace("marketplaceIds")
        included = query.included(LISTING_SETS)
        size, offset = query.page()
        statuses = query.status_filter()
        if statuses:
            total, page = self._offers_with(statuses, query, seller)
        else:
            kind, identifiers = query.identifiers()
            offers = self._offers_by(kind, identifiers, seller)
            total, page = len(offers), offers[offset : offset + size]
        locale, origin = query.locale("issueLocale"), query.origin()
        return {
            "numberOfResults": total,
            "pagination": next_page_token(offset + size, min(total, RESULTS_MAX)),
            "items": [listing_of(offer, seller, included, locale, origin) for offer in page],
        }

    def _get(self, query: Query, seller: Seller) -> Json:
        """getListingsItem"""
        _own_account(query, seller)
        query.marketplace("marketplaceIds")
        included = query.included(LISTING_SETS)
        sku = query.path("sku")
        offer = self._world.find_offer(seller, sku)
        if offer is None:
            where = f"marketplace {AMAZON_JP_MARKETPLACE_ID}"
            raise Refused(404, "NOT_FOUND", f"SKU '{sku}' not found in {where}")
        return listing_of(offer, seller, included, query.locale("issueLocale"), query.origin())

    def _search_catalogue(self, query: Query, seller: Seller) -> Json:
        """searchCatalogItems, by ASIN or SKU only."""
        query.marketplace("marketplaceIds")
        included = query.included(CATALOGUE_SETS)
        size, offset = query.page()
        kind, identifiers = query.identifiers()
        if kind == "SKU":
            _own_account(query, seller)
            offers = self._offers_by(kind, identifiers, seller)
            identifiers = list(dict.fromkeys(offer.product.asin for offer in offers))
        found = [self._world.find_product(asin) for asin in identifiers]
        products = [product for product in found if product is not None]
        origin = query.origin()
        page = products[offset : offset + size]
        return {
            "numberOfResults": len(products),
            "pagination": next_page_token(offset + size, len(products)),
            "items": [catalogue_item_of(product, included, origin) for product in page],
        }

    def _get_catalogue(self, query: Query, _seller: Seller) -> Json:
        """getCatalogItem"""
        query.marketplace("marketplaceIds")
        included = query.included(CATALOGUE_SETS)
        asin = query.path("asin")
        product = self._world.find_product(asin)
        if product is None:
            where = f"marketplace {AMAZON_JP_MARKETPLACE_ID}"
            raise Refused(404, "NOT_FOUND", f"Requested item '{asin}' not found in {where}.")
        return catalogue_item_of(product, included, query.origin())

    def _fba(self, query: Query, seller: Seller) -> Json:
        """getInventorySummaries, by SKU only; SKUs not in the warehouse are absent."""
        query.marketplace("marketplaceIds")
        query.marketplace("granularityId")
        if query.text("granularityType") != "Marketplace":
            raise Refused(400, "InvalidInput", "granularityType must be Marketplace.")
        alone = query.text("sellerSku")
        skus = [alone] if alone else list(dict.fromkeys(query.values("sellerSkus")))
        if not 1 <= len(skus) <= FBA_SKUS_MAX:
            raise Refused(400, "InvalidInput", f"sellerSkus must hold 1 to {FBA_SKUS_MAX} SKUs.")
        with_details = query.text("details") == "true"
        offers = self._offers_by("SKU", skus, seller)
        summaries = [
            inventory_summary_of(offer, with_details)
            for offer in offers
            if offer.channel == "AMAZON_JP"
        ]
        granularity = {
            "granularityType": "Marketplace",
            "granularityId": AMAZON_JP_MARKETPLACE_ID,
        }
        return {"payload": {"granularity": granularity, "inventorySummaries": summaries}}

    def _participations(self, _query: Query, seller: Seller) -> Json:
        """getMarketplaceParticipations"""
        return {"payload": [participation_of(seller)]}

    def _offers_with(
        self, statuses: tuple[list[str], list[str]], query: Query, seller: Seller
    ) -> tuple[int, list[Offer]]:
        """How many offers have these statuses, and a page of the first 1,000 of them."""
        size, offset = query.page()
        if offset >= RESULTS_MAX:
            raise Refused(400, "InvalidInput", "Invalid 'pageToken' provided.")
        name, is_falling = query.order()
        places = places_with(self._world, seller, *statuses)
        places.sort(key=lambda place: (_sort_key(place, name), place.sku), reverse=is_falling)
        found = [
            self._world.find_offer(seller, place.sku) for place in places[offset : offset + size]
        ]
        return len(places), [offer for offer in found if offer is not None]

    def _offers_by(self, kind: str, identifiers: Collection[str], seller: Seller) -> list[Offer]:
        """The offers of these ASINs or SKUs, last updated first; unknown ones are left out."""
        if kind == "ASIN":
            found = [offer for asin in identifiers for offer in self._world.offers(seller, asin)]
        else:
            each = (self._world.find_offer(seller, sku) for sku in identifiers)
            found = [offer for offer in each if offer is not None]
        return sorted(found, key=lambda offer: offer.updated_at, reverse=True)


def _throttled() -> Response:
    """A throttled answer carries the request id and nothing that helps to wait."""
    body = errors_of("QuotaExceeded", "You exceeded your quota for the requested resource.")
    return json_answer(429, body, {"x-amzn-RequestId": str(uuid4())})


def _sort_key(place: Place, name: str) -> str | datetime:
    if name == "sku":
        return place.sku
    return place.created_at if name == "createdDate" else place.updated_at


def _own_account(query: Query, seller: Seller) -> None:
    """The sellerId of the request is that of the token. Raises Refused."""
    if (query.path("sellerId") or query.text("sellerId")) != seller.amazon_seller_id:
        raise Refused(403, "Unauthorized", "Access to requested resource is denied.")
