"""What a live binding is asked to follow: the offer or the product that was just read for it."""

from __future__ import annotations

from domain.asin_binding.decisions import FollowOffer, FollowProduct
from domain.checking import Setting, image_of
from domain.images import ImageReading
from domain.ports import AmazonOffer, Sources
from domain.product import Product
from domain.seller import Seller
from domain.stamps import Work


def offer_to_follow(
    seller: Seller, offer: AmazonOffer, work: Work, *, may_return: bool
) -> FollowOffer:
    """The offer, under the seller's settings and pricing rules of this moment.

    Nothing returns to sale unless the account itself is known to be sound (`may_return`).
    """
    return FollowOffer(
        stamp=work.stamp(),
        offer=offer,
        is_reinstated_automatically=may_return and seller.reinstatement == "automatic",
        last_units=seller.last_units,
        pricing=seller.rules_in_force(offer.asin, work.clock()),
    )


def product_to_follow(
    setting: Setting, sources: Sources, image_url: str | None, product: Product, work: Work
) -> FollowProduct:
    """A new image is looked at first; one that can't be had now waits for the next reading."""
    image = ImageReading(status="not_installed")
    if product.image_url not in (None, image_url):
        image = image_of(sources.images, product)
        if image.status == "unknown":
            product = product.model_copy(update={"image_url": image_url})
    return FollowProduct(
        stamp=work.stamp(), product=product, tree=setting.tree,
        around=setting.for_product(product, image, work.clock()),
    )  # fmt: skip
