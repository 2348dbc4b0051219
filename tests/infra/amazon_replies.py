"""Amazon's answers as tests script them, and the adapter that is to read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.login import AmazonAccess
from infra.amazon.sp_api import AmazonSpApi
from infra.http_client import HttpSettings
from tests.contracts.sandbox_market import FreeLimiter
from tests.infra.scripted_server import ScriptedServer, json_reply

SETTINGS = HttpSettings(timeout_seconds=1.0)
JP = {"marketplaceId": AMAZON_JP_MARKETPLACE_ID}
DENIED = "Access to requested resource is denied."
EXPIRED = "The access token you provided has expired."
NOT_FOUND_TEXT = "SKU '{}' not found in marketplace " + AMAZON_JP_MARKETPLACE_ID


class StandingClock:
    """Time passes only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def amazon_at(
    server: ScriptedServer, client: httpx.Client, clock: StandingClock | None = None
) -> AmazonSpApi:
    access = AmazonAccess(
        client_id="client",
        client_secret="client secret & more",
        refresh_token="Atzr|refresh",
        amazon_seller_id="A2EXAMPLE12345",
        api_url=server.url,
        login_url=f"{server.url}/auth/o2/token",
    )
    return AmazonSpApi(
        client, access, FreeLimiter(), clock or StandingClock(), SETTINGS,
        download_settings=SETTINGS,
    )  # fmt: skip


def listing(sku: str = "SKU-1", asin: str = "B000000001", **changes: Any) -> dict[str, Any]:
    return {
        "sku": sku,
        "summaries": [
            {
                **JP,
                "asin": asin,
                "productType": "WATCH",
                "status": ["BUYABLE", "DISCOVERABLE"],
                "itemName": "腕時計",
                "createdDate": "2026-01-01T00:00:00Z",
                "lastUpdatedDate": "2026-01-01T00:00:00Z",
                "mainImage": {"link": "https://m.media-amazon.com/1.jpg", "height": 9, "width": 9},
            }
        ],
        "issues": [],
        "offers": [
            {**JP, "offerType": "B2C", "price": {"currencyCode": "JPY", "amount": "3980.00"}}
        ],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}],
        **changes,
    }


def page(*items: dict[str, Any], total: int | None = None, **pagination: str) -> dict[str, Any]:
    count = len(items) if total is None else total
    return {"numberOfResults": count, "pagination": pagination, "items": list(items)}


def refused(status: int, code: str, message: str, details: str = "") -> list[bytes | float]:
    return json_reply({"errors": [{"code": code, "message": message, "details": details}]}, status)


BAD_INPUT = refused(400, "InvalidInput", "Invalid 'asin' provided.")
EXPIRED_REPLY = refused(403, "Unauthorized", DENIED, EXPIRED)


def identifiers_of(target: str) -> list[str]:
    return parse_qs(urlsplit(target).query)["identifiers"][0].split(",")


CATALOGUE_ENTRY = {
    "asin": "B000000001",
    "attributes": {"brand": [{**JP, "value": "音"}]},
    "classifications": [
        {
            **JP,
            "classifications": [
                {
                    "displayName": "腕時計",
                    "classificationId": "2",
                    "parent": {"displayName": "時計", "classificationId": "1"},
                }
            ],
        }
    ],
    "images": [{**JP, "images": [{"variant": "MAIN", "link": "x", "height": 1, "width": 1}]}],
    "productTypes": [{**JP, "productType": "WATCH"}],
    "summaries": [{**JP, "itemName": "腕時計", "brand": "音"}],
}
INVENTORY = {
    "payload": {
        "granularity": {},
        "inventorySummaries": [
            {"sellerSku": "SKU-1", "inventoryDetails": {"fulfillableQuantity": 3}}
        ],
    },
    "pagination": {"nextToken": ""},
}
PARTICIPATIONS = {
    "payload": [
        {
            "marketplace": {"id": AMAZON_JP_MARKETPLACE_ID},
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
        }
    ]
}
