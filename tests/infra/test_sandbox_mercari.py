"""The simulated Mercari Shops takes and refuses what Mercari does, and counts points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.sandbox.categories import leaves
from infra.sandbox.limits import POINTS_PER_HOUR
from tests.infra.sandbox_clients import (
    CREATE,
    FIND,
    SET_STOCK,
    UPDATE,
    MercariClient,
    SteppingClock,
    new_listing,
)
from tests.sandbox_server import SandboxServer

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CATEGORIES = "{ productCategories { id name hasChild parentId } }"
PAGE = """
query ($first: Int, $after: String) {
  products(first: $first, after: $after) {
    edges { node { id variants { skuCode } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(START)


@pytest.fixture
def sandbox(tmp_path: Path, clock: SteppingClock) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path, clock=clock) as running:
        yield running


@pytest.fixture
def account(sandbox: SandboxServer) -> Any:
    return sandbox.control("sellers", name="demo")


@pytest.fixture
def shop(sandbox: SandboxServer, account: Any) -> Iterator[MercariClient]:
    with MercariClient(sandbox, account) as client:
        yield client


def test_a_created_listing_is_closed_and_found_by_its_sku(shop: MercariClient) -> None:
    created = shop.create("B000000000-1")
    assert created["status"] == "UNOPENED"
    variant = shop.find("B000000000-1")
    assert variant["stockQuantity"] == 5
    assert variant["product"]["id"] == created["id"]
    names = [category["name"] for category in variant["product"]["categories"]]
    assert names == ["生活家電・空調", "キッチン家電", "電気ケトル"]


def test_an_unknown_sku_is_an_error_and_not_null(shop: MercariClient) -> None:
    answer = shop.post(FIND, by={"skuCode": "unknown"}).json()
    assert answer["errors"][0]["message"] == "product variant not found"
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert answer["data"] == {"productVariant": None}


def test_a_sku_is_used_once_in_a_shop_and_again_in_another(
    sandbox: SandboxServer, shop: MercariClient
) -> None:
    shop.create("sku-1")
    assert shop.error(CREATE, input=new_listing("sku-1")) == "ALREADY_EXISTS"
    twice = [{"skuCode": "sku-2", "stockQuantity": 1}] * 2
    assert shop.error(CREATE, input=new_listing("", variants=twice)) == "ALREADY_EXISTS"
    assert shop.error(FIND, by={"skuCode": "sku-2"}) == "NOT_FOUND"
    with MercariClient(sandbox, sandbox.control("sellers", name="other")) as other:
        assert other.error(FIND, by={"skuCode": "sku-1"}) == "NOT_FOUND"
        other.create("sku-1")


LIMITS = {
    "name": ("あ" * 130, "あ" * 131),
    "description": ("あ" * 3000, "あ" * 3001),
    "price": (9_999_999, 10_000_000),
    "imageUrls": (["https://example.com/1.jpg"] * 20, ["https://example.com/1.jpg"] * 21),
    "shippingFromStateId": ("jp47", "jp48"),
    "categoryId": ("sbx-10-01-03", "sbx-10-01"),
}


@pytest.mark.parametrize("field", LIMITS)
def test_a_listing_is_taken_up_to_its_limits_and_refused_beyond(
    shop: MercariClient, field: str
) -> None:
    good, bad = LIMITS[field]
    listing_id = shop.create("good", **{field: good})["id"]
    assert shop.error(CREATE, input=new_listing("bad", **{field: bad})) == "INVALID_ARGUMENT"
    assert shop.error(FIND, by={"skuCode": "bad"}) == "NOT_FOUND"
    if field != "shippingFromStateId":
        assert shop.error(UPDATE, input={"id": listing_id, field: bad}) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 299},
        {"name": ""},
        {"imageUrls": []},
        {"imageUrls": ["B000000000.jpg"]},
        {"variants": []},
        {"variants": [{"stockQuantity": -1}]},
        {"categoryId": "sbx-99-99-99"},
        {"shippingPayer": "BUYER"},
    ],
    ids=str,
)
def test_a_listing_that_mercari_would_refuse_is_refused(
    shop: MercariClient, changes: dict[str, object]
) -> None:
    assert shop.error(CREATE, input=new_listing("sku-1", **changes)) == "INVALID_ARGUMENT"


def test_an_update_changes_only_the_fields_given(shop: MercariClient, clock: SteppingClock) -> None:
    created = shop.create("sku-1")
    clock.advance(60)
    changed = shop.data(UPDATE, input={"id": created["id"], "status": "OPENED"})
    assert changed["updateProduct"]["product"] == {
        "id": created["id"],
        "name": created["name"],
        "price": created["price"],
        "status": "OPENED",
    }
    assert shop.error(UPDATE, input={"id": "unknown", "price": 500}) == "NOT_FOUND"


def test_stock_is_set_to_the_number_given(shop: MercariClient) -> None:
    shop.create("sku-1")
    shop.data(SET_STOCK, by={"skuCode": "sku-1"}, input={"stockQuantity": 0})
    assert shop.find("sku-1")["stockQuantity"] == 0
    below = {"by": {"skuCode": "sku-1"}, "input": {"stockQuantity": -1}}
    assert shop.error(SET_STOCK, **below) == "INVALID_ARGUMENT"


def test_twenty_stocks_are_set_at_once_and_none_if_one_is_unknown(shop: MercariClient) -> None:
    query = """
    mutation ($input: UpdateProductVariantsInput!) {
      updateProductVariants(input: $input) { productVariants { stockQuantity } }
    }
    """
    skus = [f"sku-{number}" for number in range(20)]
    for sku in skus:
        shop.create(sku)
    items = [{"by": {"skuCode": sku}, "stockQuantity": 9} for sku in skus]
    shop.data(query, input={"productVariants": items})
    assert shop.find("sku-19")["stockQuantity"] == 9
    with_unknown = [*items[:5], {"by": {"skuCode": "unknown"}, "stockQuantity": 1}]
    assert shop.error(query, input={"productVariants": with_unknown}) == "NOT_FOUND"
    too_many = [*items, items[0]]
    assert shop.error(query, input={"productVariants": too_many}) == "INVALID_ARGUMENT"


def test_listings_are_paged_to_the_end_each_once(shop: MercariClient) -> None:
    for number in range(5):
        shop.create(f"sku-{number}")
    found, after = [], None
    while True:
        page = shop.data(PAGE, first=2, after=after)["products"]
        found += [edge["node"]["variants"][0]["skuCode"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == [f"sku-{number}" for number in range(5)]


def test_the_category_tree_hangs_together(shop: MercariClient) -> None:
    nodes = {node["id"]: node for node in shop.data(CATEGORIES)["productCategories"]}
    parents = {node["parentId"] for node in nodes.values()} - {None}
    assert parents <= set(nodes)
    assert {node_id for node_id, node in nodes.items() if node["hasChild"]} == parents
    assert set(leaves()) == set(nodes) - parents


def test_a_closed_shop_opens_nothing_but_still_takes_down(
    sandbox: SandboxServer, shop: MercariClient
) -> None:
    listing_id = shop.create("sku-1", status="OPENED")["id"]
    sandbox.control("shop", seller="demo", closed=True)
    assert shop.error(CREATE, input=new_listing("sku-2")) == "PERMISSION_DENIED"
    opened = {"id": listing_id, "status": "OPENED"}
    assert shop.error(UPDATE, input=opened) == "PERMISSION_DENIED"
    shop.data(UPDATE, input={"id": listing_id, "status": "UNOPENED"})
    sandbox.control("shop", seller="demo", closed=False)
    shop.data(UPDATE, input=opened)


def test_a_shop_has_ten_thousand_points_an_hour(
    sandbox: SandboxServer, shop: MercariClient, clock: SteppingClock
) -> None:
    inner = "id " * 100
    page = f"{{ products(first: 100) {{ edges {{ node {{ {inner} }} }} }} }}"
    answers = 0
    while (answer := shop.post(page)).status_code == 200:
        answers += 1
    assert answers == POINTS_PER_HOUR // 102
    assert answer.status_code == 429
    reset_at = int(answer.headers["X-Ratelimit-Reset"])
    assert reset_at == int(START.timestamp()) + 3600
    with MercariClient(sandbox, sandbox.control("sellers", name="other")) as other:
        assert other.post(page).status_code == 200
    clock.advance(reset_at - clock.now.timestamp())
    assert shop.post(page).status_code == 200


def test_a_look_up_costs_one_point(shop: MercariClient) -> None:
    answers = [shop.post(FIND, by={"skuCode": "unknown"}).status_code for _ in range(300)]
    assert answers == [200] * 300


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"User-Agent": "asin-sync/0.0.0"}, 400),
        ({"User-Agent": "asin-sync/0.0.0", "Authorization": "Bearer msp_unknown"}, 401),
        ({"Authorization": "Bearer {token}"}, 400),
        ({"User-Agent": "asin-sync", "Authorization": "Bearer {token}"}, 400),
        ({"User-Agent": "asin-sync/0.0.0", "Authorization": "Bearer {token}"}, 200),
    ],
)
def test_a_client_names_itself_and_brings_a_token(
    sandbox: SandboxServer, account: Any, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(token=account["mercari_token"]) for name, value in headers.items()}
    url = f"{sandbox.url}/v1/graphql"
    assert httpx.post(url, headers=sent, json={"query": CATEGORIES}).status_code == status


@pytest.mark.parametrize(
    "body",
    [b"not json", b"[]", b'{"query": 1}', b'{"query": "{"}', b'{"query": "{ nothing }"}'],
)
def test_what_is_no_query_is_a_400(sandbox: SandboxServer, account: Any, body: bytes) -> None:
    headers = {
        "Authorization": f"Bearer {account['mercari_token']}",
        "User-Agent": "asin-sync/0.0.0",
    }
    answer = httpx.post(f"{sandbox.url}/v1/graphql", headers=headers, content=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


def test_what_is_not_simulated_says_so(shop: MercariClient) -> None:
    query = 'mutation { deleteProduct(input: {id: "1"}) { id } }'
    assert shop.error(query) == "UNIMPLEMENTED"
