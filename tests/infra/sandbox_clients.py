"""Plain HTTP clients for the sandbox, as any adapter might speak to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson
from jsonschema import Draft4Validator

from domain.values import AMAZON_JP_MARKETPLACE_ID
from tests.sandbox_server import SandboxServer

CONTRACTS = Path(__file__).parent.parent / "contracts"
MODELS = {
    "listings": "listingsItems_2021-08-01.json",
    "catalogue": "catalogItems_2022-04-01.json",
    "fba": "fbaInventory.json",
    "sellers": "sellers.json",
    "reports": "reports_2021-06-30.json",
}
LISTING_SETS = (
    "summaries,attributes,issues,offers,fulfillmentAvailability,relationships,productTypes"
)
CATALOGUE_SETS = (
    "attributes,classifications,dimensions,identifiers,images,"
    "productTypes,relationships,salesRanks,summaries,vendorDetails"
)


class SteppingClock:
    """A clock that moves only when told."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class AmazonClient:
    """One seller's way into the simulated Amazon."""

    def __init__(self, sandbox: SandboxServer, account: dict[str, Any]) -> None:
        self.seller_id = account["amazon_seller_id"]
        self._refresh_token = account["refresh_token"]
        self._http = httpx.Client(base_url=sandbox.url, timeout=10)
        answer = self.token_answer()
        if answer.status_code == 200:
            self._http.headers["x-amz-access-token"] = answer.json()["access_token"]

    def __enter__(self) -> AmazonClient:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def token_answer(self) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": "amzn1.application-oa2-client.test",
            "client_secret": "secret",
        }
        return self._http.post("/auth/o2/token", data=form)

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self._http.get(
            path, params={"marketplaceIds": AMAZON_JP_MARKETPLACE_ID, **parameters}
        )

    def post(self, path: str, content: object) -> httpx.Response:
        return self._http.post(path, json=content)

    def search(self, kind: str, *identifiers: str, **parameters: object) -> httpx.Response:
        return self.get(
            f"/listings/2021-08-01/items/{self.seller_id}",
            identifiersType=kind,
            identifiers=",".join(identifiers),
            **{"includedData": LISTING_SETS, "pageSize": 20, **parameters},
        )

    def listing(self, sku: str, **parameters: object) -> httpx.Response:
        quoted = httpx.URL("http://x/", params={"sku": sku}).query.decode().removeprefix("sku=")
        return self.get(
            f"/listings/2021-08-01/items/{self.seller_id}/{quoted.replace('+', '%20')}",
            **{"includedData": LISTING_SETS, **parameters},
        )

    def search_catalogue(self, *asins: str, **parameters: object) -> httpx.Response:
        return self.get(
            "/catalog/2022-04-01/items",
            identifiersType="ASIN",
            identifiers=",".join(asins),
            **{"includedData": CATALOGUE_SETS, "pageSize": 20, **parameters},
        )

    def inventory(self, *skus: str, **parameters: object) -> httpx.Response:
        return self.get(
            "/fba/inventory/v1/summaries",
            details="true",
            granularityType="Marketplace",
            granularityId=AMAZON_JP_MARKETPLACE_ID,
            sellerSkus=",".join(skus),
            **parameters,
        )

    def participations(self) -> httpx.Response:
        return self._http.get("/sellers/v1/marketplaceParticipations")


class MercariClient:
    """One shop's way into the simulated Mercari."""

    def __init__(self, sandbox: SandboxServer, account: dict[str, Any]) -> None:
        self._http = httpx.Client(
            base_url=sandbox.url,
            timeout=10,
            headers={
                "Authorization": f"Bearer {account['mercari_token']}",
                "User-Agent": "asin-sync/0.0.0",
            },
        )

    def __enter__(self) -> MercariClient:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def post(self, query: str, **variables: object) -> httpx.Response:
        return self._http.post("/v1/graphql", json={"query": query, "variables": variables})

    def data(self, query: str, **variables: object) -> Any:
        """The data of an answer without errors."""
        answer = self.post(query, **variables).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def error(self, query: str, **variables: object) -> str:
        """The code of the one error of an answer."""
        answer = self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        (error,) = answer.json()["errors"]
        return str(error["extensions"]["code"])

    def find(self, sku_code: str) -> Any:
        return self.data(FIND, by={"skuCode": sku_code})["productVariant"]

    def create(self, sku_code: str, **changes: object) -> Any:
        created = self.data(CREATE, input=new_listing(sku_code, **changes))
        return created["createProduct"]["product"]


FIND = """
query ($by: ProductVariantBy!) {
  productVariant(by: $by) {
    id skuCode stockQuantity
    product { id name price status categories { id name } variants { skuCode } }
  }
}
"""
CREATE = """
mutation ($input: CreateProductInput!) {
  createProduct(input: $input) { product { id name price status variants { id skuCode } } }
}
"""
UPDATE = """
mutation ($input: UpdateProductInput!) {
  updateProduct(input: $input) { product { id name price status } }
}
"""
SET_STOCK = """
mutation ($by: ProductVariantBy!, $input: UpdateProductVariantInput!) {
  updateProductVariant(by: $by, input: $input) { productVariant { skuCode stockQuantity } }
}
"""


def new_listing(sku_code: str, **changes: object) -> dict[str, object]:
    """The input of a listing that the shop accepts, with changes."""
    return {
        "name": "電気ケトル 0.8L ホワイト",
        "description": "初期不良保証期間:7日",
        "price": 3980,
        "categoryId": "sbx-10-01-03",
        "condition": "BRAND_NEW",
        "imageUrls": ["http://127.0.0.1/images/B000000000.jpg"],
        "shippingMethod": "UNDECIDED",
        "shippingPayer": "SELLER",
        "shippingDuration": "ONE_TO_TWO_DAYS",
        "shippingFromStateId": "jp13",
        "variants": [{"skuCode": sku_code, "stockQuantity": 5}],
        **changes,
    }


@cache
def _validator(model: str, definition: str) -> Draft4Validator:
    document = orjson.loads((CONTRACTS / "sp-api" / MODELS[model]).read_bytes())
    return Draft4Validator(
        {"$ref": f"#/definitions/{definition}", "definitions": document["definitions"]}
    )


def faults_by_model(model: str, definition: str, content: object) -> list[str]:
    """What Amazon's published model has against an answer."""
    return [error.message for error in _validator(model, definition).iter_errors(content)]
