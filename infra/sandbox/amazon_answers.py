"""What the SP-API shows of offers and products: JSON in the shape of Amazon's published models."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any
from zlib import crc32

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.sandbox.goods import Product, draw
from infra.sandbox.images import SIDE_PIXELS
from infra.sandbox.tables import rows_of
from infra.sandbox.world import Offer, Seller

Json = dict[str, Any]

_SUPPRESSED = {
    "ja_JP": "制限対象商品に関するポリシーに違反しているため、出品が停止されました。",
    "en_US": "Your listing was removed for a violation of the Restricted Products policy.",
}
_CLOSED = {
    "ja_JP": "価格が設定されていないため、この商品は購入できません。",
    "en_US": "The listing has no price, so it cannot be bought.",
}
_ADVICE = {
    "ja_JP": "推奨される属性「special_feature」が指定されていません。",
    "en_US": "'special_feature' is recommended but not supplied.",
}


def listing_of(
    offer: Offer, seller: Seller, included: Collection[str], locale: str, origin: str
) -> Json:
    """An `Item` of listingsItems_2021-08-01 with only the included data sets."""
    product = offer.product
    sets: Json = {
        "summaries": [_listing_summary(offer, seller, origin)],
        "attributes": attributes_of(product) | promise_of(offer),
        "issues": issues_of(offer, locale),
        "offers": _offers(offer),
        "fulfillmentAvailability": [_availability(offer)],
        "procurement": [],
        "relationships": [],
        "productTypes": [_here(productType=product.product_type)],
    }
    return {"sku": offer.sku, **{name: sets[name] for name in sets if name in included}}


def _here(**fields: object) -> Json:
    return {"marketplaceId": AMAZON_JP_MARKETPLACE_ID, **fields}


def _listing_summary(offer: Offer, seller: Seller, origin: str) -> Json:
    product = offer.product
    summary = _here(
        asin=product.asin,
        productType=product.product_type,
        conditionType="new_new",
        status=status_of(offer, seller),
        itemName=product.title,
        createdDate=rfc3339(offer.created_at),
        lastUpdatedDate=rfc3339(offer.updated_at),
        mainImage={
            "link": image_link(product, origin),
            "height": SIDE_PIXELS,
            "width": SIDE_PIXELS,
        },
    )
    return summary | ({"fnSku": fn_sku_of(offer)} if offer.channel == "AMAZON_JP" else {})


def status_of(offer: Offer, seller: Seller) -> list[str]:
    """Suspended offers and those of a suspended account are neither bought nor seen."""
    if seller.is_suspended or offer.state == "suspended":
        return []
    if offer.state == "closed" or offer.quantity == 0:
        return ["DISCOVERABLE"]
    return ["BUYABLE", "DISCOVERABLE"]


def issues_of(offer: Offer, locale: str) -> list[Json]:
    """Why an offer is off sale; every 45th offer has a mere warning."""
    if offer.state == "suspended":
        enforcements = {
            "actions": [{"action": "LISTING_SUPPRESSED"}],
            "exemption": {"status": "NOT_EXEMPT"},
        }
        return [_issue("18742", _SUPPRESSED[locale], "ERROR", [], enforcements=enforcements)]
    if offer.state == "closed":
        named = {"attributeNames": ["purchasable_offer"]}
        return [_issue("90244", _CLOSED[locale], "ERROR", ["MISSING_PRICE"], **named)]
    if offer.product.number % 45 == 4:
        named = {"attributeNames": ["special_feature"]}
        return [_issue("99022", _ADVICE[locale], "WARNING", ["MISSING_ATTRIBUTE"], **named)]
    return []


def _issue(code: str, message: str, severity: str, categories: list[str], **more: object) -> Json:
    return {
        "code": code,
        "message": message,
        "severity": severity,
        "categories": categories,
        "marketplaceIds": [AMAZON_JP_MARKETPLACE_ID],
        **more,
    }


def _offers(offer: Offer) -> list[Json]:
    """The consumer offer; a closed offer has none. The amount is a string of whole yen."""
    if offer.state == "closed":
        return []
    return [
        _here(
            offerType="B2C",
            price={"currencyCode": "JPY", "amount": str(offer.price_jpy)},
            points={"pointsNumber": offer.price_jpy // 100},
            audience={"value": "ALL", "displayName": "Sell on Amazon"},
        )
    ]


def _availability(offer: Offer) -> Json:
    """Amazon's own warehouse never gives its quantity here."""
    if offer.channel == "AMAZON_JP":
        return {"fulfillmentChannelCode": offer.channel}
    return {"fulfillmentChannelCode": offer.channel, "quantity": offer.quantity}


def catalogue_item_of(product: Product, included: Collection[str], origin: str) -> Json:
    """An `Item` of catalogItems_2022-04-01 with only the included data sets."""
    node = browse_node(product.browse_path)
    image = {"link": image_link(product, origin), "height": SIDE_PIXELS, "width": SIDE_PIXELS}
    summary = _here(
        brand=product.brand,
        manufacturer=product.brand,
        browseClassification=node,
        color=product.variant,
        itemClassification="BASE_PRODUCT",
        itemName=product.title,
        modelNumber=product.model,
        packageQuantity=1,
    )
    sets: Json = {
        "summaries": [summary],
        "attributes": attributes_of(product),
        "classifications": [_here(classifications=[node])],
        "images": [_here(images=[{"variant": "MAIN", **image}])],
        "productTypes": [_here(productType=product.product_type)],
        "dimensions": [_here()],
        "identifiers": [_here(identifiers=[])],
        "relationships": [_here(relationships=[])],
        "salesRanks": [_here(classificationRanks=[], displayGroupRanks=[])],
        "vendorDetails": [],
    }
    return {"asin": product.asin, **{name: sets[name] for name in sets if name in included}}


def attributes_of(product: Product) -> Json:
    """The attributes by name; the certificates are left out where Amazon does not expose them."""
    attributes: Json = {
        "item_name": [_attribute(value=product.title, language_tag="ja_JP")],
        "brand": [_attribute(value=product.brand, language_tag="ja_JP")],
        "model_number": [_attribute(value=product.model)],
        "color": [_attribute(value=product.variant, language_tag="ja_JP")],
    }
    jan = _attribute(type="ean", value=jan_of(product))
    attributes["externally_assigned_product_identifier"] = [jan]
    if product.manual_language:
        manual = _attribute(type="manual", value=product.manual_language)
        attributes["language"] = [manual]
    if product.certificates is not None:
        attributes["regulatory_compliance_certification"] = [
            _attribute(regulation_type=kind, value=number) for kind, number in product.certificates
        ]
    return attributes


def promise_of(offer: Offer) -> Json:
    """How soon the seller ships what Amazon does not; a flawed product's seller never said."""
    if offer.channel == "AMAZON_JP" or offer.product.flaw == "no_shipping_time":
        return {}
    days = 1 + offer.product.number % 4
    return {
        "fulfillment_availability": [
            _attribute(fulfillment_channel_code="DEFAULT", lead_time_to_ship_max_days=days)
        ]
    }


def jan_of(product: Product) -> str:
    """A JAN of the range for use within a shop (20-29), with its right check digit."""
    digits = f"29{product.number:010d}"
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighed % 10}"


def _attribute(**fields: object) -> Json:
    """Attributes spell the marketplace with an underscore, everything around them does not."""
    return {**fields, "marketplace_id": AMAZON_JP_MARKETPLACE_ID}


def browse_node(path: tuple[str, ...]) -> Json:
    """The leaf as a `ItemBrowseClassification`, its parents nested up to the department."""
    node: Json = {}
    for depth in range(1, len(path) + 1):
        here: Json = {
            "displayName": path[depth - 1],
            "classificationId": classification_id(path[:depth]),
        }
        node = here | ({"parent": node} if node else {})
    return node


def classification_id(path: tuple[str, ...]) -> str:
    """Amazon's own number where it is known, else a made-up one that belongs to the path."""
    return _known_nodes().get(path) or str(5_000_000_000 + crc32(" > ".join(path).encode()))


@cache
def _known_nodes() -> dict[tuple[str, ...], str]:
    rows = rows_of("amazon_browse_nodes.csv")
    return {tuple(row["path"].split(" > ")): row["classification_id"] for row in rows}


def inventory_summary_of(offer: Offer, with_details: bool) -> Json:
    """An `InventorySummary` of fbaInventory; the total counts goods that can't be sold yet."""
    on_the_way = offer.product.number % 4
    summary: Json = {
        "asin": offer.product.asin,
        "fnSku": fn_sku_of(offer),
        "sellerSku": offer.sku,
        "condition": "NewItem",
        "lastUpdatedTime": rfc3339(offer.updated_at),
        "productName": offer.product.title,
        "totalQuantity": offer.quantity + on_the_way,
        "stores": [],
    }
    if not with_details:
        return summary
    return summary | {
        "inventoryDetails": {
            "fulfillableQuantity": offer.quantity,
            "inboundWorkingQuantity": 0,
            "inboundShippedQuantity": on_the_way,
            "inboundReceivingQuantity": 0,
        }
    }


def participation_of(seller: Seller) -> Json:
    """A `MarketplaceParticipation` of sellers."""
    return {
        "marketplace": {
            "id": AMAZON_JP_MARKETPLACE_ID,
            "countryCode": "JP",
            "name": "Amazon.co.jp",
            "defaultCurrencyCode": "JPY",
            "defaultLanguageCode": "ja_JP",
            "domainName": "www.amazon.co.jp",
        },
        "participation": {
            "isParticipating": True,
            "hasSuspendedListings": seller.is_suspended,
        },
        "storeName": seller.name,
    }


def image_link(product: Product, origin: str) -> str:
    return f"{origin}/images/{product.asin}.{product.image_number}.jpg"


def fn_sku_of(offer: Offer) -> str:
    return f"X{draw('fnsku', offer.sku) % 10**9:09d}"


def rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
