"""What a check stands on, gathered: the seller's terms and brands, the shop's tree, the images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.application import AsinSync
from domain.category_tree import leaves_of, recorded_tree
from domain.images import ImageReading
from domain.ports import ImageInspector, Sources
from domain.product import Product
from domain.rules.brands import BrandAuthorisation, authorisation_for
from domain.rules.precheck import NO_IMAGE, Circumstances, Tree
from domain.seller import Seller
from domain.stamps import Work

TOGETHER_SECONDS = timedelta(seconds=1)
"""Rows whose images were looked at within this time are recorded together."""


class Setting(NamedTuple):
    """What all products of one seller's check share."""

    seller: Seller
    around: Circumstances
    tree: Tree

    def for_product(self, product: Product, image: ImageReading, now: datetime) -> Circumstances:
        """The circumstances of one product: its image, its brand's authorisation, its rules."""
        held = authorisation_for(product.brand or "", self.seller.authorisations)
        authorisations = (held,) if held and is_valid(held, now) else ()
        pricing = self.seller.rules_in_force(product.asin, now)
        own = {"image": image, "authorisations": authorisations, "pricing": pricing}
        return self.around.model_copy(update=own)


def is_valid(authorisation: BrandAuthorisation, now: datetime) -> bool:
    return authorisation.valid_until is None or now < authorisation.valid_until


def setting_of(app: AsinSync | None, seller: Seller, sources: Sources, work: Work) -> Setting:
    """Without an `app` (a dry run) the tree is not recorded, as nothing is decided by it."""
    tree = leaves_of(sources.tree)
    tree_id = recorded_tree(app, seller.seller_id, tree, work) if app else None
    around = Circumstances(
        warranty=seller.warranty, default_float_rate=seller.default_float_rate, tree_id=tree_id,
        last_units=seller.last_units,
    )  # fmt: skip
    return Setting(seller, around, tree)


def image_of(images: ImageInspector, product: Product) -> ImageReading:
    """The reading of one product's main image."""
    if product.image_url is None:
        return NO_IMAGE
    [(_, reading)] = images.inspect([product.image_url])
    return reading


def with_images(
    images: ImageInspector, products: Sequence[Product], work: Work
) -> Iterator[list[tuple[Product, ImageReading]]]:
    """Products with their images' readings, in groups as they are ready, soonest first."""
    by_url: Mapping[str, list[Product]] = defaultdict(list)
    group: list[tuple[Product, ImageReading]] = []
    for product in products:
        if product.image_url is None:
            group.append((product, NO_IMAGE))
        else:
            by_url[product.image_url].append(product)
    since = work.clock()
    for url, reading in images.inspect(list(by_url)):
        group.extend((product, reading) for product in by_url[url])
        if work.clock() - since >= TOGETHER_SECONDS:
            yield group
            group, since = [], work.clock()
    if group:
        yield group
