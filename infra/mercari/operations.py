"""The seven operations we ask of Mercari Shops, as GraphQL documents; nothing else can be asked.

Source: the reconstructed schema in tests/contracts/mercari_shops.graphql.
"""

from __future__ import annotations

from collections.abc import Mapping

FIND_VARIANT = "productVariant"
READ_PRODUCTS = "products"
READ_CATEGORIES = "productCategories"
CREATE_PRODUCT = "createProduct"
UPDATE_PRODUCT = "updateProduct"
UPDATE_VARIANT = "updateProductVariant"
UPDATE_VARIANTS = "updateProductVariants"

PAGE_SIZE = 100
BULK_MAX = 20

_PRODUCT = "id name price status description imageUrls categories { id }"
_VARIANTS = "variants { skuCode stockQuantity }"

DOCUMENTS: Mapping[str, str] = {
    FIND_VARIANT: f"""
query productVariant($by: ProductVariantBy!) {{
  productVariant(by: $by) {{ skuCode stockQuantity product {{ {_PRODUCT} }} }}
}}""",
    READ_PRODUCTS: f"""
query products($first: Int, $after: String) {{
  products(first: $first, after: $after) {{
    edges {{ node {{ {_PRODUCT} {_VARIANTS} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}""",
    READ_CATEGORIES: """
query productCategories {
  productCategories { id name hasChild parentId }
}""",
    CREATE_PRODUCT: f"""
mutation createProduct($input: CreateProductInput!) {{
  createProduct(input: $input) {{ product {{ {_PRODUCT} {_VARIANTS} }} }}
}}""",
    UPDATE_PRODUCT: f"""
mutation updateProduct($input: UpdateProductInput!) {{
  updateProduct(input: $input) {{ product {{ {_PRODUCT} {_VARIANTS} }} }}
}}""",
    UPDATE_VARIANT: """
mutation updateProductVariant($by: ProductVariantBy!, $input: UpdateProductVariantInput!) {
  updateProductVariant(by: $by, input: $input) { productVariant { skuCode stockQuantity } }
}""",
    UPDATE_VARIANTS: """
mutation updateProductVariants($input: UpdateProductVariantsInput!) {
  updateProductVariants(input: $input) {
    productVariants { skuCode stockQuantity }
    errors { message }
  }
}""",
}
"""By operation name, which is also the name of the one field each asks for."""

POINTS: Mapping[str, int] = {READ_PRODUCTS: 16}
"""What an operation costs, where it is more than one point: fields × page size / 100 (inferred)."""
