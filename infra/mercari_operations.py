"""The five operations we ask of Mercari Shops, as GraphQL documents; nothing else can be asked.

Source: the reconstructed schema in tests/contracts/mercari_shops.graphql.
"""

from __future__ import annotations

from collections.abc import Mapping

FIND_VARIANT = "productVariant"
READ_CATEGORIES = "productCategories"
CREATE_PRODUCT = "createProduct"
UPDATE_PRODUCT = "updateProduct"
UPDATE_VARIANT = "updateProductVariant"

_PRODUCT = "id name price status categories { id }"
_VARIANTS = "variants { skuCode stockQuantity }"

DOCUMENTS: Mapping[str, str] = {
    FIND_VARIANT: f"""
query productVariant($by: ProductVariantBy!) {{
  productVariant(by: $by) {{ skuCode stockQuantity product {{ {_PRODUCT} }} }}
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
}
"""By operation name, which is also the name of the one field each asks for."""
