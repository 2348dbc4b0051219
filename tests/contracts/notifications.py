"""Amazon's published notification schemas, with the examples that Amazon gives in them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

FOLDER = Path(__file__).parent / "sp-api" / "notifications"
FILES = {
    "LISTINGS_ITEM_STATUS_CHANGE": "ListingsItemStatusChangeNotification.json",
    "LISTINGS_ITEM_ISSUES_CHANGE": "ListingsItemIssuesChangeNotification_2023-12-13.json",
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": "ListingsItemMfnQuantityChange.json",
    "FBA_INVENTORY_AVAILABILITY_CHANGES": "FBAInventoryAvailabilityChangeNotification.json",
    "ANY_OFFER_CHANGED": "AnyOfferChangedNotification.json",
    "PRICING_HEALTH": "PricingHealthNotification.json",
    "BRANDED_ITEM_CONTENT_CHANGE": "BrandedItemContentChangeNotification.json",
    "ITEM_PRODUCT_TYPE_CHANGE": "ItemProductTypeChangeNotification.json",
    "REPORT_PROCESSING_FINISHED": "ReportProcessingFinishedNotification.json",
}
METADATA = {
    "ApplicationId": "app", "SubscriptionId": "sub", "PublishTime": "2020-07-13T19:42:04.284Z",
    "NotificationId": "d0e9e693-c3ad-4373-979f-ed4ec98dd746",
}  # fmt: skip


@cache
def schema(kind: str) -> Any:
    return json.loads((FOLDER / FILES[kind]).read_text("utf-8"))


def examples(kind: str) -> list[Any]:
    """Amazon's own; the FBA schema gives its payload only, so the rest is put around it."""
    given = schema(kind).get("examples")
    if given:
        return list(given)
    return [
        {
            "NotificationVersion": "1.0", "NotificationType": kind, "PayloadVersion": "1.0",
            "EventTime": "2020-07-13T19:42:04.284Z", "NotificationMetadata": METADATA,
            "Payload": payload,
        }
        for payload in schema(kind)["properties"]["Payload"]["examples"]
    ]  # fmt: skip


def faults(kind: str, content: object) -> list[str]:
    """What Amazon's schema has against a notification, but for the type's name in its enum.

    The status schema's enum says LISTINGS_ITEM_STATUS_CHANGED, its own example and the
    documentation ..._CHANGE.
    """
    validator = Draft7Validator(
        {**schema(kind), "$schema": "http://json-schema.org/draft-07/schema#"}
    )
    return [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in validator.iter_errors(content)
        if list(error.path) not in (["NotificationType"], ["notificationType"])
    ]
