"""Reading products from Amazon in the batches its operations take; absent is never zero."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from domain.ports import Amazon, AmazonOffer
from domain.product import Product, product_of
from domain.values import Value

OFFERS_BATCH = 20
FBA_BATCH = 50
NOT_BUYABLE = "not_buyable"
STOCK_ZERO = "stock_zero"

Item = TypeVar("Item")


class ProductReading(Value):
    """What could be read of some ASINs. An ASIN in neither is UNKNOWN for now."""

    products: dict[str, Product]
    unknown: tuple[str, ...] = ()


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of up to `size` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def read_products(amazon: Amazon, asins: Sequence[str], now: datetime) -> ProductReading:
    """Offers, FBA stock and catalogue entries of these ASINs, joined. Raises UpstreamError.

    `now` is when the reading began, so it is never newer than what was read.

    No offer and no catalogue entry in complete answers: the seller does not sell that ASIN. An
    offer whose catalogue entry is missing is UNKNOWN.
    """
    offers: dict[str, list[AmazonOffer]] = defaultdict(list)
    for batch in in_batches(asins, OFFERS_BATCH):
        for offer in amazon.read_offers_by_asin(batch):
            offers[offer.asin].append(offer)
    every = with_fba_stock(amazon, [offer for each in offers.values() for offer in each])
    stocked: dict[str, list[AmazonOffer]] = defaultdict(list)
    for offer in every:
        stocked[offer.asin].append(offer)
    items = {
        item.asin: item
        for batch in in_batches(asins, OFFERS_BATCH)
        for item in amazon.read_catalogue(batch)
    }
    products = {
        asin: product_of(asin, stocked[asin], items.get(asin), now)
        for asin in asins
        if asin in items or not stocked[asin]
    }
    unknown = tuple(asin for asin in asins if asin not in products)
    return ProductReading(products=products, unknown=unknown)


def with_fba_stock(amazon: Amazon, offers: Sequence[AmazonOffer]) -> list[AmazonOffer]:
    """The same offers; those fulfilled by Amazon get their sellable units, where given."""
    skus = [offer.sku for offer in offers if offer.channel == "fba"]
    quantities: dict[str, int] = {}
    for batch in in_batches(skus, FBA_BATCH):
        quantities.update(amazon.read_fba_quantities(batch))
    return [
        stocked(offer, quantities.get(offer.sku)) if offer.channel == "fba" else offer
        for offer in offers
    ]


def stocked(offer: AmazonOffer, quantity: int | None) -> AmazonOffer:
    """An FBA offer with its stock, which Amazon tells apart from the listing.

    Not buyable at stock 0 is only that; not buyable at an unknown stock is UNKNOWN.
    """
    if offer.status_reason != NOT_BUYABLE:
        return offer.model_copy(update={"quantity": quantity})
    if quantity is None:
        return offer.model_copy(update={"status": "unknown"})
    reason = STOCK_ZERO if quantity == 0 else NOT_BUYABLE
    return offer.model_copy(update={"quantity": quantity, "status_reason": reason})
