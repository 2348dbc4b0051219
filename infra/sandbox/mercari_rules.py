"""What Mercari Shops accepts in a listing (facts/mercari-shops §1.4), and how it words a refusal.

The limits are attested; the codes and texts of refusals are modelled on the few that were seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from domain.values import MERCARI_PRICE_JPY_MAX, MERCARI_PRICE_JPY_MIN
from infra.sandbox.categories import is_leaf

NAME_LENGTH_MAX = 130
DESCRIPTION_LENGTH_MAX = 3000
IMAGES_MAX = 20
VARIANTS_MAX = 10
BULK_SKUS_MAX = 20

_STATE_ID = re.compile(r"jp(?:0[1-9]|[1-3]\d|4[0-7])")
_STORED_FIELDS = (
    "name",
    "description",
    "price",
    "categoryId",
    "brandId",
    "condition",
    "imageUrls",
    "shippingMethod",
    "shippingPayer",
    "shippingDuration",
    "shippingFromStateId",
    "shippingConfigurationId",
    "status",
    "channelListingScope",
)


def refusal(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def invalid(message: str) -> GraphQLError:
    return refusal("INVALID_ARGUMENT", message)


def permission_denied() -> GraphQLError:
    """What a closed shop answers (help centre, facts/mercari-shops §1.2)."""
    return refusal("PERMISSION_DENIED", "request could not be processed due to permission denied")


def stored_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an input that a listing keeps, those given as null left out."""
    return {name: given[name] for name in _STORED_FIELDS if given.get(name) is not None}


def check_content(content: Mapping[str, Any]) -> None:
    """Check a listing as it would be stored. Raises GraphQLError with the first fault."""
    if not 1 <= len(content["name"]) <= NAME_LENGTH_MAX:
        raise invalid(f"name must be 1 to {NAME_LENGTH_MAX} characters")
    if not 1 <= len(content["description"]) <= DESCRIPTION_LENGTH_MAX:
        raise invalid(f"description must be 1 to {DESCRIPTION_LENGTH_MAX} characters")
    if not MERCARI_PRICE_JPY_MIN <= content["price"] <= MERCARI_PRICE_JPY_MAX:
        raise invalid(f"price must be {MERCARI_PRICE_JPY_MIN} to {MERCARI_PRICE_JPY_MAX}")
    if not is_leaf(content["categoryId"]):
        raise invalid("categoryId must be the id of a category without children")
    check_images(content["imageUrls"])
    if not _STATE_ID.fullmatch(content["shippingFromStateId"]):
        raise invalid("shippingFromStateId must be jp01 to jp47")
    if content["shippingPayer"] == "BUYER" and not content.get("shippingConfigurationId"):
        raise invalid("shippingConfigurationId is required when the buyer pays the shipping")


def check_images(image_urls: Sequence[str]) -> None:
    if not 1 <= len(image_urls) <= IMAGES_MAX:
        raise invalid(f"imageUrls must hold 1 to {IMAGES_MAX} URLs")
    if not all(url.startswith(("http://", "https://")) for url in image_urls):
        raise invalid("imageUrls must be publicly reachable URLs")


def check_variants(variants: Sequence[Mapping[str, Any]]) -> None:
    """Check the variants of a new listing. Raises GraphQLError with the first fault."""
    if not 1 <= len(variants) <= VARIANTS_MAX:
        raise invalid(f"variants must hold 1 to {VARIANTS_MAX} entries")
    for variant in variants:
        check_stock(variant["stockQuantity"])


def check_stock(quantity: int) -> None:
    if quantity < 0:
        raise invalid("stockQuantity must not be negative")
