"""Whatever Mercari sends, the adapter tells a fact or raises an UpstreamError; and it recovers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import (
    ListingChange,
    ShopClosed,
    UpstreamError,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from infra.mercari.calls import SHOP_CLOSED
from infra.mercari.shops import MercariShops
from tests.contracts.mercari_contract import MercariWorld, draft_for
from tests.contracts.sandbox_market import SandboxMarket, sandbox_market
from tests.infra.hostile_answers import HOSTILE
from tests.infra.mercari_replies import (
    CHANGED,
    DRAFT,
    FOUND,
    PRODUCT,
    SKU,
    STOCKED,
    STOCKS,
    TREE,
    VARIANT,
    products,
    shop_at,
)
from tests.infra.mutations import bodies
from tests.infra.scripted_server import ScriptedServer, reply

GOOD = (
    FOUND,
    {"data": {"createProduct": CHANGED}},
    {"data": {"updateProduct": CHANGED}},
    {"data": {"productCategories": TREE}},
    STOCKED,
    STOCKS,
    products({**PRODUCT, "variants": [VARIANT]}, cursor="c2"),
    {
        "data": {"productVariant": None},
        "errors": [
            {
                "message": "not found",
                "extensions": {"code": "NOT_FOUND"},
                "path": ["productVariant"],
            }
        ],
    },
)
ASKS: dict[str, Callable[[MercariShops], Any]] = {
    "find_listing": lambda shop: shop.find_listing(SKU),
    "read_categories": lambda shop: shop.read_categories(),
    "create_listing": lambda shop: shop.create_listing(DRAFT),
    "change_listing": lambda shop: shop.change_listing("p1", ListingChange(price_jpy=4000)),
    "set_stock": lambda shop: shop.set_stock(SKU, 3),
    "set_stocks": lambda shop: shop.set_stocks({SKU: 3}),
    "read_listings": lambda shop: shop.read_listings("1"),
}


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ask=st.sampled_from(sorted(ASKS)),
    status=st.sampled_from([200, 200, 200, 200, 400, 401, 404, 429, 500]),
    body=bodies(*GOOD),
)
def test_whatever_comes_the_adapter_answers_or_raises_an_upstream_error(
    ask: str, status: int, body: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(reply(status, body))
    try:
        found = ASKS[ask](shop_at(server, client))
    except UpstreamError:
        return
    assert status == 200
    if ask == "find_listing" and found is None:
        content = json.loads(body)
        assert all(
            "not found" in json.dumps(one).lower().replace("_", " ") for one in content["errors"]
        )
    elif ask == "set_stocks":
        assert set(found) <= {SKU}
    elif ask == "read_listings":
        assert found.next != "1"
    elif ask not in ("read_categories", "set_stock"):
        assert found.listing_id
        assert "errors" not in json.loads(body) or json.loads(body)["errors"] is None


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("ask", sorted(ASKS))
def test_a_hostile_answer_is_unknown_whatever_was_asked(
    ask: str, name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(HOSTILE[name])
    with pytest.raises(UpstreamUnavailable):
        ASKS[ask](shop_at(server, client))


# In the sandbox


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxMarket]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with sandbox_market(folder, is_checked=False) as market:
        yield market


@pytest.mark.parametrize("asked", ["find_listing", "read_listings", "set_stocks"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", UpstreamThrottled),
        ("503_html", UpstreamUnavailable),
        ("empty_200", UpstreamUnavailable),
        ("truncated_json", UpstreamUnavailable),
    ],
)
def test_an_outage_is_an_error_and_then_over(
    kind: str, error: type[UpstreamError], asked: str, market: SandboxMarket
) -> None:
    market.sandbox.control("faults", upstream="mercari", kind=kind, count=1)
    ask = ASKS[asked]
    with pytest.raises(error):
        ask(market.mercari)
    if asked != "set_stocks":
        ask(market.mercari)


def test_a_listing_created_behind_an_error_is_found_by_its_sku_code(
    market: SandboxMarket,
) -> None:
    draft = draft_for(MercariWorld(port=market.mercari))
    market.sandbox.control(
        "faults",
        upstream="mercari",
        kind="created_but_timed_out",
        operation="createProduct",
        count=1,
    )
    with pytest.raises(UpstreamUnavailable):
        market.mercari.create_listing(draft)
    found = market.mercari.find_listing(draft.sku_code)
    assert found is not None
    assert not found.is_on_sale


def test_a_closed_shop_is_named_as_the_reason(market: SandboxMarket) -> None:
    draft = draft_for(MercariWorld(port=market.mercari))
    market.sandbox.control("shop", closed=True)
    with pytest.raises(ShopClosed) as caught:
        market.mercari.create_listing(draft)
    market.sandbox.control("shop", closed=False)
    assert caught.value.detail == SHOP_CLOSED
    assert market.mercari.find_listing(draft.sku_code) is None
