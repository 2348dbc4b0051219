"""Reads the notifications of one request body into hints, whatever carried them.

Carriers: an EventBridge event, one or several SQS messages, SNS inside SQS, or nothing. Amazon
spells some types in PascalCase and some in camelCase, so the case of keys does not count. Which
fields a type has: Amazon's schemas; none is published for ACCOUNT_STATUS_CHANGED.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from domain.errors import NotificationRefused
from domain.hints import Hint, HintKind
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.strict_json import NotStrictJson, parse

BODY_BYTES_MAX = 256 * 1024
MESSAGES_MAX = 1000
CARRIERS_MAX = 4
TEXT_LENGTH_MAX = 200

Fields = Mapping[str, Any]

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_SELLER = re.compile(r"[A-Z0-9]{6,20}")


class Shape(NamedTuple):
    """Where a type's payload holds what is used, as paths of lower-case keys joined by dots."""

    kind: HintKind | None
    seller: str = "sellerid"
    marketplace: str = "marketplaceid"
    sku: str = ""
    asin: str = ""
    is_seller_named: bool = True


_OFFER = Shape("offer", sku="sku", asin="asin")
_CONTENT = Shape("catalogue", asin="asin", is_seller_named=False)
_ANY_OFFER = "anyofferchangednotification"
SHAPES: Mapping[str, Shape] = {
    "LISTINGS_ITEM_STATUS_CHANGE": _OFFER,
    "LISTINGS_ITEM_ISSUES_CHANGE": _OFFER,
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": Shape("offer", sku="sku"),
    "FBA_INVENTORY_AVAILABILITY_CHANGES": Shape(
        "offer", marketplace="fulfillmentinventorybymarketplace", sku="sku", asin="asin"
    ),
    "ANY_OFFER_CHANGED": Shape(
        "offers",
        seller=f"{_ANY_OFFER}.sellerid",
        marketplace=f"{_ANY_OFFER}.offerchangetrigger.marketplaceid",
        asin=f"{_ANY_OFFER}.offerchangetrigger.asin",
    ),
    "PRICING_HEALTH": Shape(
        "offers",
        marketplace="offerchangetrigger.marketplaceid",
        asin="offerchangetrigger.asin",
    ),
    "BRANDED_ITEM_CONTENT_CHANGE": _CONTENT,
    "ITEM_PRODUCT_TYPE_CHANGE": _CONTENT,
    "ACCOUNT_STATUS_CHANGED": Shape("account", is_seller_named=False),
    "REPORT_PROCESSING_FINISHED": Shape(
        None, seller="reportprocessingfinishednotification.sellerid", is_seller_named=False
    ),
}
_UNKNOWN = Shape(None, is_seller_named=False)


def read_notifications(body: bytes) -> list[Hint]:
    """Every notification in the body, in order. Raises NotificationRefused for one unreadable."""
    return [hint_in(found) for found in carried_in(content_of(body), CARRIERS_MAX)]


def content_of(body: bytes) -> Any:
    """The body as JSON of one meaning. Raises NotificationRefused."""
    if len(body) > BODY_BYTES_MAX:
        raise NotificationRefused(f"send at most {BODY_BYTES_MAX // 1024} KiB at once")
    try:
        return parse(body)
    except NotStrictJson as error:
        raise NotificationRefused(f"send JSON: {error}") from error


def carried_in(content: Any, carriers_left: int) -> Iterator[Fields]:
    """The notifications inside their carriers, keys in lower case."""
    if isinstance(content, list):
        messages: list[Any] | None = content
    else:
        fields = lowered(content)
        messages = fields.get("messages", fields.get("records"))
        if messages is None and "notificationtype" in fields:
            yield fields
            return
        messages = [carried_by(fields)] if messages is None else messages
    if carriers_left == 0:
        raise NotificationRefused("the notification is wrapped too often")
    if not isinstance(messages, list) or not 1 <= len(messages) <= MESSAGES_MAX:
        raise NotificationRefused(f"send 1 to {MESSAGES_MAX} messages at once")
    for message in messages:
        yield from carried_in(message, carriers_left - 1)


def carried_by(fields: Fields) -> Any:
    """What an EventBridge event, an SQS message or an SNS message holds."""
    for name in ("detail", "body", "message"):
        held = fields.get(name)
        if isinstance(held, str):
            return content_of(held.encode())
        if held is not None:
            return held
    raise NotificationRefused("it has no notificationType, detail, Body, Message or Messages")


def hint_in(notification: Fields) -> Hint:
    """Raises NotificationRefused naming what is missing."""
    kind = text_at(notification, "notificationtype")
    if kind is None or not _TYPE.fullmatch(kind):
        raise NotificationRefused("notificationType is missing, or is none")
    if kind == "LISTINGS_ITEM_STATUS_CHANGED":
        kind = "LISTINGS_ITEM_STATUS_CHANGE"
    shape = SHAPES.get(kind, _UNKNOWN)
    payload = lowered(notification.get("payload", {}))
    hint = Hint(
        notification_id=needed(kind, notification, "notificationmetadata.notificationid"),
        type=kind,
        kind=shape.kind,
        amazon_seller_id=seller_in(payload, shape),
        marketplace_id=marketplace_in(payload, shape),
        sku=needed(kind, payload, shape.sku) if shape.sku else None,
        asin=needed(kind, payload, shape.asin) if shape.asin else None,
        event_time=moment_in(notification),
    )
    if shape.is_seller_named and hint.amazon_seller_id is None:
        raise NotificationRefused(f"{kind}: the payload names no seller")
    return hint


def seller_in(payload: Fields, shape: Shape) -> str | None:
    """The seller's Amazon account; None for what no account's id could be."""
    seller = text_at(payload, shape.seller)
    if seller is None and shape.kind == "account":
        inner = [lowered(each) for each in payload.values() if isinstance(each, dict)]
        named = [text_at(each, key) for each in (payload, *inner)
                 for key in ("sellerid", "merchantid")]  # fmt: skip
        seller = next(filter(None, named), None)
    return seller if seller and _SELLER.fullmatch(seller) else None


def marketplace_in(payload: Fields, shape: Shape) -> str | None:
    """Of several, Japan's where it is one of them; None where the type names none."""
    found = at(payload, shape.marketplace)
    if not isinstance(found, list):
        return text_at(payload, shape.marketplace)
    each = [text_at(lowered(one), "marketplaceid") for one in found if isinstance(one, dict)]
    is_japan_there = AMAZON_JP_MARKETPLACE_ID in each
    return AMAZON_JP_MARKETPLACE_ID if is_japan_there else next(iter(each), None)


def moment_in(notification: Fields) -> datetime | None:
    """Amazon's own time of the event; nothing is decided by it, so one unreadable is none."""
    try:
        moment = datetime.fromisoformat(text_at(notification, "eventtime") or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def needed(kind: str, fields: Fields, path: str) -> str:
    found = text_at(fields, path)
    if found is None:
        raise NotificationRefused(f"{kind}: {path} is missing")
    return found


def text_at(fields: Fields, path: str) -> str | None:
    """The text at a path of lower-case keys; None where there is none that is fit to keep."""
    found = at(fields, path)
    is_fit = isinstance(found, str) and found.isprintable() and 0 < len(found) <= TEXT_LENGTH_MAX
    return found if is_fit else None


def at(fields: Fields, path: str) -> Any:
    found: Any = fields
    for name in path.split("."):
        found = lowered(found).get(name) if isinstance(found, dict) else None
    return found


def lowered(content: Any) -> Fields:
    """An object with its keys in lower case. Raises NotificationRefused for anything else."""
    if not isinstance(content, dict):
        raise NotificationRefused("an object was expected")
    fields = {key.lower(): value for key, value in content.items()}
    if len(fields) != len(content):
        raise NotificationRefused("a key is given twice")
    return fields
