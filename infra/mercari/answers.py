"""Mercari's answers: the parts we read, checked for shape, and turned into values of the domain.

Statuses are kept as received, so that a new one costs no answer: only OPENED counts as on sale.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.ports import MercariCategory, MercariListing


class MalformedAnswer(ValueError):
    """Well-formed JSON that cannot be true, such as a category without its parent."""


class Wire(BaseModel):
    """A part of an answer. Types are exact: "5" is no number, 1 is no truth value."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel)


class Extensions(Wire):
    code: str | None = None


class GraphQLError(Wire):
    message: str
    extensions: Extensions | None = None
    path: list[str | int] | None = None

    @property
    def code(self) -> str | None:
        """A gRPC status name, as far as they have been seen."""
        return self.extensions.code if self.extensions else None


class GraphQLAnswer(Wire):
    data: dict[str, Any] | None = None
    errors: Annotated[list[GraphQLError], Field(min_length=1)] | None = None


class CategoryReference(Wire):
    id: str


class VariantStock(Wire):
    sku_code: str | None = None
    stock_quantity: Annotated[int, Field(ge=0)]


class Product(Wire):
    id: Annotated[str, Field(min_length=1)]
    name: str
    price: Annotated[int, Field(ge=0)]
    status: str
    description: str | None = None
    image_urls: list[str] | None = None
    categories: list[CategoryReference] | None = None


class ProductWithVariants(Product):
    variants: list[VariantStock]


class VariantWithProduct(VariantStock):
    product: Product


class ProductPayload(Wire):
    product: ProductWithVariants


class VariantPayload(Wire):
    product_variant: VariantStock


class MutationError(Wire):
    message: str


class VariantsPayload(Wire):
    product_variants: list[VariantStock] | None = None
    errors: list[MutationError] | None = None


class ProductEdge(Wire):
    node: ProductWithVariants


class PageInfo(Wire):
    has_next_page: bool
    end_cursor: str | None = None


class ProductConnection(Wire):
    edges: list[ProductEdge]
    page_info: PageInfo


class Category(Wire):
    id: Annotated[str, Field(min_length=1)]
    name: str
    has_child: bool | None = None
    parent_id: str | None = None


def listing_of(product: Product, variant: VariantStock, observed_at: datetime) -> MercariListing:
    """The listing; its category is the last of the path, the leaf."""
    return MercariListing(
        listing_id=product.id,
        sku_code=variant.sku_code or "",
        title=product.name,
        price_jpy=product.price,
        stock=variant.stock_quantity,
        is_on_sale=product.status == "OPENED",
        category_id=product.categories[-1].id if product.categories else None,
        image_urls=None if product.image_urls is None else tuple(product.image_urls),
        description_sha256=_sha256(product.description),
        observed_at=observed_at,
    )


def listings_of(page: ProductConnection, observed_at: datetime) -> tuple[MercariListing, ...]:
    """Those that may be ours: one variant, with a SKU code."""
    return tuple(
        listing_of(edge.node, edge.node.variants[0], observed_at)
        for edge in page.edges
        if len(edge.node.variants) == 1 and edge.node.variants[0].sku_code
    )


def next_cursor(page: ProductConnection, after: str | None) -> str | None:
    """What leads to the next page; None on the last. Raises MalformedAnswer if it leads nowhere."""
    if not page.page_info.has_next_page:
        return None
    cursor = page.page_info.end_cursor
    if not cursor or cursor == after:
        raise MalformedAnswer("a page that is not the last leads nowhere")
    return cursor


def confirmed_stocks(payload: VariantsPayload, asked: Collection[str]) -> dict[str, int]:
    """The stock told for each SKU asked about; none for a SKU that is told twice or in an error."""
    told = [variant for variant in payload.product_variants or [] if variant.sku_code in asked]
    codes = [variant.sku_code for variant in told]
    messages = [error.message for error in payload.errors or []]
    return {
        variant.sku_code: variant.stock_quantity
        for variant in told
        if variant.sku_code is not None
        and codes.count(variant.sku_code) == 1
        and not any(variant.sku_code in message for message in messages)
    }


def _sha256(description: str | None) -> str | None:
    return None if description is None else sha256(description.encode()).hexdigest()


def only_variant(product: ProductWithVariants) -> VariantStock:
    """Our listings have one. Raises MalformedAnswer."""
    if len(product.variants) != 1:
        raise MalformedAnswer(f"a listing with {len(product.variants)} variants is not ours")
    return product.variants[0]


def category_tree(categories: Sequence[Category]) -> list[MercariCategory]:
    """Every node with its path from the root. Raises MalformedAnswer."""
    by_id = {category.id: category for category in categories}
    if not by_id or len(by_id) != len(categories):
        raise MalformedAnswer("the category tree is empty, or an id is given twice")
    parents = {category.parent_id for category in categories}
    return [
        MercariCategory(
            category_id=category.id,
            path=_path(category, by_id),
            is_leaf=not category.has_child and category.id not in parents,
        )
        for category in categories
    ]


def _path(category: Category, by_id: dict[str, Category]) -> tuple[str, ...]:
    names = [category.name]
    while category.parent_id:
        if category.parent_id not in by_id or len(names) > len(by_id):
            raise MalformedAnswer(f"category {category.id} has no way up to a root")
        category = by_id[category.parent_id]
        names.append(category.name)
    return tuple(reversed(names))
