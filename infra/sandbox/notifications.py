"""What Amazon and Mercari send when something changes: bodies in Amazon's own shapes and spellings.

Amazon publishes no schema of ACCOUNT_STATUS_CHANGED and Mercari none of ORDER_CREATED: those two
shapes are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import uuid4

import orjson

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.sandbox.amazon_answers import Json, fn_sku_of, rfc3339, status_of
from infra.sandbox.world import Offer, Seller

Spelling = Literal["own", "pascal", "camel", "eventbridge", "sqs"]
SPELLINGS: Sequence[Spelling] = get_args(Spelling)
PRICING_HEALTH = "PRICING_HEALTH"
ACCOUNT = "ACCOUNT_STATUS_CHANGED"
TYPES = (
    "LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE",
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "ANY_OFFER_CHANGED", PRICING_HEALTH, "BRANDED_ITEM_CONTENT_CHANGE",
    "ITEM_PRODUCT_TYPE_CHANGE", ACCOUNT,
)  # fmt: skip
_HERE = {"MarketplaceId": AMAZON_JP_MARKETPLACE_ID}
_VERSIONS = {"LISTINGS_ITEM_ISSUES_CHANGE": "2023-12-13"}


def notification(kind: str, payload: Json, now: datetime) -> Json:
    """The notification around a payload; PascalCase, but for the type that Amazon has in camel."""
    whole = {
        "NotificationVersion": "1.0",
        "NotificationType": kind,
        "PayloadVersion": _VERSIONS.get(kind, "1.0"),
        "EventTime": rfc3339(now),
        "NotificationMetadata": {
            "ApplicationId": "amzn1.sellerapps.app.sandbox",
            "SubscriptionId": "00000000-0000-4000-8000-000000000000",
            "PublishTime": rfc3339(now),
            "NotificationId": str(uuid4()),
        },
        "Payload": payload,
    }
    return in_camel_case(whole) if kind == PRICING_HEALTH else whole


def spelt(whole: Json, spelling: Spelling) -> bytes:
    """The body of one request, in the spelling and with the carrier asked for."""
    if spelling == "eventbridge":
        return orjson.dumps(event_of(whole))
    if spelling == "sqs":
        body = orjson.dumps(whole).decode()
        message = {"MessageId": str(uuid4()), "ReceiptHandle": uuid4().hex, "Body": body}
        return orjson.dumps({"Messages": [message]})
    change = {"camel": in_camel_case, "pascal": in_pascal_case}.get(spelling)
    return orjson.dumps(change(whole) if change else whole)


def event_of(whole: Json) -> Json:
    """The EventBridge event of a notification."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": whole.get("NotificationType") or whole.get("notificationType"),
        "source": "aws.partner/sellingpartnerapi.amazon.com/000000000000/sandbox",
        "account": "000000000000",
        "time": whole.get("EventTime") or whole.get("eventTime"),
        "region": "us-west-2",
        "resources": [],
        "detail": whole,
    }


def in_camel_case(content: Any) -> Any:
    return with_keys(
        content, lambda key: key.lower() if key.isupper() else key[0].lower() + key[1:]
    )


def in_pascal_case(content: Any) -> Any:
    return with_keys(content, lambda key: key[0].upper() + key[1:])


def with_keys(content: Any, spell: Any) -> Any:
    if isinstance(content, dict):
        return {spell(key): with_keys(value, spell) for key, value in content.items()}
    return [with_keys(each, spell) for each in content] if isinstance(content, list) else content


def payload_of(
    kind: str, seller: Seller, offer: Offer, now: datetime, said: Mapping[str, Any]
) -> Json:
    """What a type says of an offer; `said` goes before the truth, so that one may lie."""
    own = {"SellerId": seller.amazon_seller_id}
    product = {**_HERE, "Asin": offer.product.asin}
    match kind:
        case "LISTINGS_ITEM_STATUS_CHANGE":
            status = status_of(offer, seller) if offer.state != "deleted" else ["DELETED"]
            told: Json = {**own, **product, "Sku": offer.sku,
                          "CreatedDate": rfc3339(offer.created_at), "Status": status}  # fmt: skip
        case "LISTINGS_ITEM_ISSUES_CHANGE":
            actions = ["LISTING_SUPPRESSED"] if offer.state == "suspended" else []
            told = {**own, **product, "Sku": offer.sku, "EnforcementActions": actions,
                    "Severities": ["ERROR"] if actions else []}  # fmt: skip
        case "LISTINGS_ITEM_MFN_QUANTITY_CHANGE":
            told = {**own, "FulfillmentChannelCode": "DEFAULT", "Sku": offer.sku,
                    "Quantity": offer.quantity}  # fmt: skip
        case "FBA_INVENTORY_AVAILABILITY_CHANGES":
            told = {**own, **inventory_of(offer)}
        case "ANY_OFFER_CHANGED":
            told = {"AnyOfferChangedNotification": {**own, **offers_of(seller, offer, now)}}
        case "PRICING_HEALTH":
            told = {"IssueType": "BuyBoxDisqualification", **own, **health_of(offer, now)}
        case "BRANDED_ITEM_CONTENT_CHANGE":
            told = {**product, "BrandName": offer.product.brand or "",
                    "AttributesChanged": ["item_name"]}  # fmt: skip
        case _:
            kinds = {"PreviousProductType": offer.product.product_type,
                     "CurrentProductType": offer.product.product_type}  # fmt: skip
            told = {**product, **kinds}
    return {**told, **said}


def account_payload(seller: Seller) -> Json:
    """How the account stands."""
    status = "DEACTIVATED" if seller.is_suspended else "NORMAL"
    return {"SellerId": seller.amazon_seller_id, **_HERE, "CurrentAccountStatus": status}


def inventory_of(offer: Offer) -> Json:
    """One marketplace's stock, all of it there to be sold."""
    nothing = {"Working": 0, "Shipped": 0, "Receiving": 0}
    held = {"WarehouseProcessing": 0, "WarehouseTransfer": 0, "PendingCustomerOrder": 0}
    stock = {
        "InboundQuantityBreakdown": nothing, "Fulfillable": offer.quantity, "Unfulfillable": 0,
        "Researching": 0, "ReservedQuantityBreakdown": held, "FutureSupplyBuyable": 0,
        "PendingCustomerOrderInTransit": 0,
    }  # fmt: skip
    here = {**_HERE, "ItemName": offer.product.title, "FulfillmentInventory": stock, "Stores": []}
    return {
        "FNSKU": fn_sku_of(offer), "ASIN": offer.product.asin, "SKU": offer.sku,
        "FulfillmentInventoryByMarketplace": [here],
    }  # fmt: skip


def yen(amount: int) -> Json:
    return {"Amount": amount, "CurrencyCode": "JPY"}


def trigger_of(offer: Offer, now: datetime) -> Json:
    return {
        **_HERE, "ASIN": offer.product.asin, "ItemCondition": "new",
        "TimeOfOfferChange": rfc3339(now),
    }  # fmt: skip


def offers_of(seller: Seller, offer: Offer, now: datetime) -> Json:
    """The only offer of an ASIN is the seller's own."""
    is_fba = offer.channel == "AMAZON_JP"
    channel = {"Condition": "new", "FulfillmentChannel": "Amazon" if is_fba else "Merchant"}
    price, none = yen(offer.price_jpy), yen(0)
    count = {**channel, "OfferCount": 1}
    prices = {"LandedPrice": price, "ListingPrice": price, "Shipping": none}
    summary = {
        "NumberOfOffers": [count], "LowestPrices": [{**channel, **prices}],
        "BuyBoxPrices": [{"Condition": "new", **prices}], "ListPrice": price,
        "MinimumAdvertisedPrice": price, "SuggestedLowerPricePlusShipping": price,
        "TotalBuyBoxEligibleOffers": 1, "SalesRankings": [],
        "NumberOfBuyBoxEligibleOffers": [count], "CompetitivePriceThreshold": price,
    }  # fmt: skip
    shipping = {
        "MinimumHours": 24, "MaximumHours": 48, "AvailabilityType": "NOW", "AvailableDate": "",
    }  # fmt: skip
    own = {
        "SellerId": seller.amazon_seller_id, "SubCondition": "new",
        "SellerFeedbackRating": {"FeedbackCount": 100, "SellerPositiveFeedbackRating": 98},
        "ShippingTime": shipping, "ListingPrice": price,
        "Points": {"PointsNumber": offer.price_jpy // 100}, "Shipping": none,
        "ShipsFrom": {"Country": "JP", "State": ""}, "IsFulfilledByAmazon": is_fba,
        "PrimeInformation": {"IsOfferPrime": is_fba, "IsOfferNationalPrime": is_fba},
        "IsExpeditedShippingAvailable": False, "IsFeaturedMerchant": True,
        "ShipsDomestically": True, "ShipsInternationally": False,
    }  # fmt: skip
    trigger = {**trigger_of(offer, now), "OfferChangeType": "Internal"}
    return {"OfferChangeTrigger": trigger, "Summary": summary, "Offers": [own]}


def health_of(offer: Offer, now: datetime) -> Json:
    """An offer that lost its place as the featured one."""
    fulfilment = "AFN" if offer.channel == "AMAZON_JP" else "MFN"
    condition, price = {"Condition": "new", "FulfillmentType": fulfilment}, yen(offer.price_jpy)
    prices = {"ListingPrice": price, "Shipping": yen(0), "LandedPrice": price}
    count = {**condition, "OfferCount": 1}
    reference = {
        "AverageSellingPrice": price, "CompetitivePriceThreshold": price, "MsrpPrice": price,
        "RetailOfferPrice": price,
    }  # fmt: skip
    return {
        "OfferChangeTrigger": trigger_of(offer, now),
        "MerchantOffer": {**condition, **prices},
        "Summary": {
            "NumberOfOffers": [count], "BuyBoxEligibleOffers": [count],
            "BuyBoxPrices": [{**condition, **prices}], "ReferencePrice": reference,
        },
    }  # fmt: skip


def order_created(listing_id: str, sku_code: str, quantity: int, now: datetime) -> Json:
    """Mercari's webhook of a new order."""
    product = {"id": listing_id, "variant": {"skuCode": sku_code, "quantity": quantity}}
    return {
        "topic": "ORDER_CREATED", "orderTransactionId": uuid4().hex, "createdAt": rfc3339(now),
        "products": [product],
    }  # fmt: skip
