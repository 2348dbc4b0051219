"""One shop on Mercari Shops over its GraphQL API. Nothing is retried here.

Creation has no idempotency key: after any error the caller must look the SKU code up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from domain.ports import (
    Clock,
    ListingChange,
    ListingDraft,
    ListingsPage,
    MercariCategory,
    MercariListing,
)
from infra.http_client import HttpSettings, OnCall, StrictHttp, only
from infra.limiter import Limiter
from infra.mercari.answers import (
    Category,
    GraphQLAnswer,
    MalformedAnswer,
    ProductConnection,
    ProductPayload,
    VariantPayload,
    VariantsPayload,
    VariantWithProduct,
    category_tree,
    confirmed_stocks,
    listing_of,
    listings_of,
    next_cursor,
    only_variant,
)
from infra.mercari.calls import UPSTREAM, MercariAccess, MercariCalls, pace_reader
from infra.mercari.operations import (
    BULK_MAX,
    CREATE_PRODUCT,
    DOCUMENTS,
    FIND_VARIANT,
    PAGE_SIZE,
    READ_CATEGORIES,
    READ_PRODUCTS,
    UPDATE_PRODUCT,
    UPDATE_VARIANT,
    UPDATE_VARIANTS,
)
from infra.watching import UNWATCHED, Watch, watched

_NOT_FOUND = re.compile(r"\bnot found\W*$", re.IGNORECASE)
_CATEGORIES = TypeAdapter(list[Category])
_VARIANT = TypeAdapter(VariantWithProduct)
_PRODUCT = TypeAdapter(ProductPayload)
_PRODUCTS = TypeAdapter(ProductConnection)
_STOCK = TypeAdapter(VariantPayload)
_STOCKS = TypeAdapter(VariantsPayload)

FieldT = TypeVar("FieldT")


class MercariShops:
    """Implements the port `Mercari`."""

    def __init__(
        self,
        client: httpx.Client,
        access: MercariAccess,
        limiter: Limiter,
        clock: Clock,
        settings: HttpSettings,
        *,
        on_call: OnCall | None = None,
        watch: Watch = UNWATCHED,
    ) -> None:
        self.watch = watch
        self._clock = clock
        http = StrictHttp(
            UPSTREAM,
            client,
            settings,
            allows=only(DOCUMENTS, "POST", access.url),
            limiter=limiter,
            pace_of=pace_reader(clock),
            on_call=on_call,
        )
        self._calls = MercariCalls(http, access)

    @watched
    def read_categories(self) -> list[MercariCategory]:
        """See the port. An empty tree is not believed."""
        categories = self._ask(READ_CATEGORIES, _CATEGORIES, {})
        try:
            return category_tree(categories)
        except MalformedAnswer as error:
            raise self._calls.unavailable(READ_CATEGORIES, str(error)) from error

    @watched
    def find_listing(self, sku_code: str) -> MercariListing | None:
        """See the port. A null without an error is not Mercari's "not found", so it raises."""
        asked_at = self._clock()
        answer = self._calls.ask(FIND_VARIANT, {"by": {"skuCode": sku_code}})
        if _says_not_found(answer):
            return None
        variant = self._field(FIND_VARIANT, _VARIANT, answer)
        self._ensure_about(sku_code, variant.sku_code, FIND_VARIANT)
        return listing_of(variant.product, variant, asked_at)

    @watched
    def read_listings(self, after: str | None) -> ListingsPage:
        """See the port."""
        asked_at = self._clock()
        page = self._ask(READ_PRODUCTS, _PRODUCTS, {"first": PAGE_SIZE, "after": after})
        try:
            return ListingsPage(listings_of(page, asked_at), next_cursor(page, after))
        except MalformedAnswer as error:
            raise self._calls.unavailable(READ_PRODUCTS, str(error)) from error

    @watched
    def create_listing(self, draft: ListingDraft) -> MercariListing:
        """See the port."""
        payload = self._ask(CREATE_PRODUCT, _PRODUCT, {"input": _creation(draft)})
        listing = self._listing(CREATE_PRODUCT, payload)
        self._ensure_about(draft.sku_code, listing.sku_code, CREATE_PRODUCT)
        return listing

    @watched
    def change_listing(self, listing_id: str, change: ListingChange) -> MercariListing:
        """See the port."""
        payload = self._ask(
            UPDATE_PRODUCT, _PRODUCT, {"input": {"id": listing_id, **_changes(change)}}
        )
        listing = self._listing(UPDATE_PRODUCT, payload)
        self._ensure_about(listing_id, listing.listing_id, UPDATE_PRODUCT)
        return listing

    @watched
    def set_stock(self, sku_code: str, quantity: int) -> None:
        """See the port. The stock answered is not compared: a sale may have lowered it already."""
        payload = self._ask(
            UPDATE_VARIANT,
            _STOCK,
            {"by": {"skuCode": sku_code}, "input": {"stockQuantity": quantity}},
        )
        self._ensure_about(sku_code, payload.product_variant.sku_code, UPDATE_VARIANT)

    @watched
    def set_stocks(self, quantities: Mapping[str, int]) -> Mapping[str, int]:
        """See the port. One unknown SKU may cost the whole call (UpstreamRefused): ask it alone."""
        if len(quantities) > BULK_MAX:
            raise ValueError(f"{len(quantities)} SKUs in a call of at most {BULK_MAX}")
        if not quantities:
            return {}
        items = [
            {"by": {"skuCode": sku_code}, "stockQuantity": quantity}
            for sku_code, quantity in quantities.items()
        ]
        payload = self._ask(UPDATE_VARIANTS, _STOCKS, {"input": {"productVariants": items}})
        return confirmed_stocks(payload, quantities)

    def _ask(
        self, operation: str, field_type: TypeAdapter[FieldT], variables: Mapping[str, Any]
    ) -> FieldT:
        return self._field(operation, field_type, self._calls.ask(operation, variables))

    def _field(
        self, operation: str, field_type: TypeAdapter[FieldT], answer: GraphQLAnswer
    ) -> FieldT:
        """The operation's one field. Errors beside it count, whatever it holds."""
        if answer.errors:
            raise self._calls.failure(operation, answer.errors)
        try:
            return field_type.validate_python((answer.data or {}).get(operation))
        except ValidationError as error:
            raise self._calls.unavailable(operation, f"unexpected shape: {error}") from error

    def _listing(self, operation: str, payload: ProductPayload) -> MercariListing:
        try:
            variant = only_variant(payload.product)
        except MalformedAnswer as error:
            raise self._calls.unavailable(operation, str(error)) from error
        return listing_of(payload.product, variant, self._clock())

    def _ensure_about(self, asked: str, answered: str | None, operation: str) -> None:
        if answered != asked:
            raise self._calls.unavailable(operation, f"an answer about {answered!r}")


def _says_not_found(answer: GraphQLAnswer) -> bool:
    """Only if every error says so of this very field, and nothing was found beside it."""
    if not answer.errors or (answer.data or {}).get(FIND_VARIANT) is not None:
        return False
    return all(
        error.path in (None, [FIND_VARIANT])
        and (
            error.code == "NOT_FOUND"
            if error.code is not None
            else bool(_NOT_FOUND.search(error.message))
        )
        for error in answer.errors
    )


def _creation(draft: ListingDraft) -> dict[str, Any]:
    return {
        "name": draft.title,
        "description": draft.description,
        "price": draft.price_jpy,
        "categoryId": draft.category_id,
        "condition": draft.condition,
        "imageUrls": list(draft.image_urls),
        "shippingMethod": draft.shipping_method,
        "shippingPayer": draft.shipping_payer,
        "shippingDuration": draft.shipping_duration,
        "shippingFromStateId": draft.shipping_from_state_id,
        "status": "UNOPENED",
        "variants": [{"skuCode": draft.sku_code, "stockQuantity": draft.stock}],
    }


def _changes(change: ListingChange) -> dict[str, Any]:
    status = None if change.is_on_sale is None else "OPENED" if change.is_on_sale else "UNOPENED"
    fields = {
        "name": change.title,
        "description": change.description,
        "price": change.price_jpy,
        "status": status,
        "imageUrls": None if change.image_urls is None else list(change.image_urls),
        "categoryId": change.category_id,
    }
    return {name: value for name, value in fields.items() if value is not None}
