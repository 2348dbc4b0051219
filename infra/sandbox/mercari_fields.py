"""The fields of the simulated GraphQL that answer: shop, categories, listings and their stock.

Every other root field (orders, webhooks, bulk edits) refuses with UNIMPLEMENTED.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema

from infra.sandbox.categories import records
from infra.sandbox.mercari_rules import (
    BULK_SKUS_MAX,
    check_content,
    check_stock,
    check_variants,
    invalid,
    permission_denied,
    refusal,
    stored_fields,
)
from infra.sandbox.shop import DuplicateSku, Record, Shops
from infra.sandbox.world import Seller

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_MAX = 100

Resolver = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's way into one shop: the context of every resolver."""

    seller: Seller
    shops: Shops


@cache
def schema() -> GraphQLSchema:
    """The reconstructed SDL with the resolvers below put in."""
    text = (resources.files(__package__) / "mercari_shops.graphql").read_text("utf-8")
    built = build_schema(text)
    for root in (built.query_type, built.mutation_type):
        for name, field in root.fields.items() if root else ():
            field.resolve = _RESOLVERS.get(name, _not_simulated)
    return built


def _not_simulated(_root: None, info: GraphQLResolveInfo[Visit], **_given: object) -> None:
    raise refusal("UNIMPLEMENTED", f"the sandbox does not simulate {info.field_name}")


def _shop(_root: None, info: GraphQLResolveInfo[Visit]) -> Record:
    seller = info.context.seller
    return {
        "id": seller.shop_id,
        "name": seller.name,
        "shopStatus": "CLOSED" if seller.is_shop_closed else "OPENED",
    }


def _product_categories(_root: None, _info: GraphQLResolveInfo[Visit]) -> tuple[Record, ...]:
    return records()


def _product(_root: None, info: GraphQLResolveInfo[Visit], id: str) -> Record:  # noqa: A002 - SDL
    return _listing(info.context, id)


def _products(
    _root: None,
    info: GraphQLResolveInfo[Visit],
    first: int | None = None,
    after: str | None = None,
) -> Record:
    """A page of listings, oldest first; the cursor is the listing's number."""
    visit = info.context
    size = PAGE_SIZE_DEFAULT if first is None else first
    if not 1 <= size <= PAGE_SIZE_MAX:
        raise invalid(f"first must be 1 to {PAGE_SIZE_MAX}")
    if after is not None and not after.isdecimal():
        raise invalid("after is not a cursor")
    found = visit.shops.page(visit.seller.number, int(after or 0), size + 1)
    edges = [{"node": listing, "cursor": str(listing["number"])} for listing in found[:size]]
    return {
        "edges": edges,
        "pageInfo": {
            "hasNextPage": len(found) > size,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _product_variant(_root: None, info: GraphQLResolveInfo[Visit], by: Record) -> Record:
    return _variant(info.context, by)


def _shipping_configurations(
    _root: None, _info: GraphQLResolveInfo[Visit], **_given: object
) -> Record:
    return {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


def _create_product(_root: None, info: GraphQLResolveInfo[Visit], input: Record) -> Record:  # noqa: A002
    visit = info.context
    if visit.seller.is_shop_closed:
        raise permission_denied()
    content = {"status": "UNOPENED"} | stored_fields(input)
    check_content(content)
    check_variants(input["variants"])
    try:
        listing = visit.shops.create(visit.seller.number, content, input["variants"])
    except DuplicateSku as error:
        raise refusal("ALREADY_EXISTS", "skuCode is already used in this shop") from error
    return {"product": listing}


def _update_product(_root: None, info: GraphQLResolveInfo[Visit], input: Record) -> Record:  # noqa: A002
    """Change only the fields given. A closed shop puts nothing on sale."""
    visit = info.context
    listing = _listing(visit, input["id"])
    changes = stored_fields(input)
    if visit.seller.is_shop_closed and changes.get("status") == "OPENED":
        raise permission_denied()
    check_content(listing | changes)
    return {"product": visit.shops.change(listing, changes)}


def _update_product_variant(
    _root: None,
    info: GraphQLResolveInfo[Visit],
    by: Record,
    input: Record,  # noqa: A002
) -> Record:
    """Set the absolute stock; other fields of a variant are not simulated."""
    visit = info.context
    variant = _variant(visit, by)
    if set(input) - {"stockQuantity"}:
        raise refusal("UNIMPLEMENTED", "the sandbox changes only the stock of a variant")
    return {"productVariant": _with_stock(visit, variant, input.get("stockQuantity"))}


def _update_product_variants(
    _root: None,
    info: GraphQLResolveInfo[Visit],
    input: Record,  # noqa: A002
) -> Record:
    """Set up to 20 stocks; nothing is set unless every SKU is found."""
    visit = info.context
    items = input["productVariants"]
    if not 1 <= len(items) <= BULK_SKUS_MAX:
        raise invalid(f"productVariants must hold 1 to {BULK_SKUS_MAX} entries")
    found = [(_variant(visit, item["by"]), item.get("stockQuantity")) for item in items]
    changed = [_with_stock(visit, variant, quantity) for variant, quantity in found]
    return {"productVariants": changed, "errors": []}


def _listing(visit: Visit, listing_id: str) -> Record:
    listing = visit.shops.find(visit.seller.number, listing_id)
    if listing is None:
        raise refusal("NOT_FOUND", "product not found")
    return listing


def _variant(visit: Visit, by: Record) -> Record:
    """The variant by SKU code or id; not found is an error, never null."""
    sku_code, variant_id = by.get("skuCode"), by.get("id")
    if (sku_code is None) == (variant_id is None):
        raise invalid("by must hold either id or skuCode")
    found = visit.shops.find_variant(visit.seller.number, sku_code=sku_code, variant_id=variant_id)
    if found is None:
        raise refusal("NOT_FOUND", "product variant not found")
    return found


def _with_stock(visit: Visit, variant: Record, quantity: int | None) -> Record:
    if quantity is None:
        return variant
    check_stock(quantity)
    return visit.shops.set_stock(variant, quantity)


_RESOLVERS: dict[str, Resolver] = {
    "shop": _shop,
    "product": _product,
    "products": _products,
    "productVariant": _product_variant,
    "productCategories": _product_categories,
    "productShippingConfigurations": _shipping_configurations,
    "createProduct": _create_product,
    "updateProduct": _update_product,
    "updateProductVariant": _update_product_variant,
    "updateProductVariants": _update_product_variants,
}
