"""Mercari's answers as tests script them, and the adapter that is to read them."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx

from domain.ports import ListingDraft, MercariListing
from infra.http_client import HttpSettings
from infra.mercari.calls import MercariAccess
from infra.mercari.shops import MercariShops
from tests.contracts.sandbox_market import FreeLimiter
from tests.infra.scripted_server import ScriptedServer, json_reply

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SKU = "B000000001-0123456789ab"
PRODUCT = {
    "id": "p1",
    "name": "腕時計",
    "price": 3980,
    "status": "OPENED",
    "description": "腕時計\n初期不良保証期間:7日",
    "imageUrls": ["https://example.com/1.jpg"],
    "categories": [{"id": "c1"}, {"id": "c2"}],
}
VARIANT = {"skuCode": SKU, "stockQuantity": 3}
FOUND = {"data": {"productVariant": {**VARIANT, "product": PRODUCT}}}
CHANGED = {"product": {**PRODUCT, "variants": [VARIANT]}}
STOCKS = {"data": {"updateProductVariants": {"productVariants": [VARIANT], "errors": []}}}
STOCKED = {"data": {"updateProductVariant": {"productVariant": VARIANT}}}
TREE = [
    {"id": "c1", "name": "ファッション", "hasChild": True, "parentId": None},
    {"id": "c2", "name": "腕時計", "hasChild": False, "parentId": "c1"},
]
DRAFT = ListingDraft(
    sku_code=SKU,
    title="腕時計",
    description="腕時計\n初期不良保証期間:7日",
    price_jpy=3980,
    category_id="c2",
    image_urls=("https://example.com/1.jpg",),
    stock=3,
)
LISTING = MercariListing(
    listing_id="p1",
    sku_code=SKU,
    title="腕時計",
    price_jpy=3980,
    stock=3,
    is_on_sale=True,
    category_id="c2",
    image_urls=("https://example.com/1.jpg",),
    description_sha256=sha256("腕時計\n初期不良保証期間:7日".encode()).hexdigest(),
    observed_at=NOW,
)


def products(*nodes: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    """A page of the shop's listings; with a cursor, another one follows."""
    page_info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    edges = [{"node": node} for node in nodes]
    return {"data": {"products": {"edges": edges, "pageInfo": page_info}}}


def shop_at(
    server: ScriptedServer, client: httpx.Client, limiter: FreeLimiter | None = None
) -> MercariShops:
    access = MercariAccess(access_token="msp_token", client_name="asin-sync", url=server.url)
    return MercariShops(
        client, access, limiter or FreeLimiter(), lambda: NOW, HttpSettings(timeout_seconds=1.0)
    )


def errors(*messages: str | tuple[str, str], data: Any = None) -> list[bytes | float]:
    """A GraphQL failure; a pair is a code and a message."""
    described = [
        {"message": one}
        if isinstance(one, str)
        else {"message": one[1], "extensions": {"code": one[0]}}
        for one in messages
    ]
    return json_reply({"errors": described, "data": data})
