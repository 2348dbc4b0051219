"""What the Mercari adapter sends, believes, and never takes for "not found"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import (
    AuthorisationRevoked,
    ListingChange,
    ListingDraft,
    MercariListing,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from infra.http_client import HttpSettings
from infra.http_deadline import open_client
from infra.mercari_calls import IP_NOT_REGISTERED, SHOP_CLOSED, MercariAccess
from infra.mercari_shops import MercariShops
from tests.contracts.mercari_contract import MercariWorld, draft_for
from tests.contracts.sandbox_market import FreeLimiter, SandboxMarket, sandbox_market
from tests.contracts.validators import check_mercari_request
from tests.infra.mutations import bodies
from tests.infra.scripted_server import Reply, ScriptedServer, json_reply, reply

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SKU = "B000000001-0123456789ab"
PRODUCT = {
    "id": "p1",
    "name": "腕時計",
    "price": 3980,
    "status": "OPENED",
    "categories": [{"id": "c1"}, {"id": "c2"}],
}
VARIANT = {"skuCode": SKU, "stockQuantity": 3}
FOUND = {"data": {"productVariant": {**VARIANT, "product": PRODUCT}}}
CHANGED = {"product": {**PRODUCT, "variants": [VARIANT]}}
STOCKED = {"data": {"updateProductVariant": {"productVariant": VARIANT}}}
TREE = [
    {"id": "c1", "name": "ファッション", "hasChild": True, "parentId": None},
    {"id": "c2", "name": "腕時計", "hasChild": False, "parentId": "c1"},
]
DRAFT = ListingDraft(
    sku_code=SKU,
    title="腕時計",
    description="腕時計\n初期不良保証期間:7日",
    price_jpy=3980,
    category_id="c2",
    image_urls=("https://example.com/1.jpg",),
    stock=3,
)
LISTING = MercariListing(
    listing_id="p1",
    sku_code=SKU,
    title="腕時計",
    price_jpy=3980,
    stock=3,
    is_on_sale=True,
    category_id="c2",
    observed_at=NOW,
)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client() as client:
        yield client


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(json_reply({})) as server:
        yield server


def shop_at(
    server: ScriptedServer, client: httpx.Client, limiter: FreeLimiter | None = None
) -> MercariShops:
    access = MercariAccess(access_token="msp_token", client_name="asin-sync", url=server.url)
    return MercariShops(
        client, access, limiter or FreeLimiter(), lambda: NOW, HttpSettings(timeout_seconds=1.0)
    )


def errors(*messages: str | tuple[str, str], data: Any = None) -> list[bytes | float]:
    """A GraphQL failure; a pair is a code and a message."""
    described = [
        {"message": one}
        if isinstance(one, str)
        else {"message": one[1], "extensions": {"code": one[0]}}
        for one in messages
    ]
    return json_reply({"errors": described, "data": data})


def sent_to(server: ScriptedServer) -> dict[str, Any]:
    return dict(check_mercari_request(server.received[-1].body))


# What is sent


def test_a_request_says_who_asks(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(json_reply(FOUND))
    assert shop_at(server, client).find_listing(SKU) == LISTING
    headers = server.received[-1].headers
    assert headers["authorization"] == "Bearer msp_token"
    assert headers["user-agent"] == "asin-sync/0.0.0"
    assert sent_to(server)["variables"] == {"by": {"skuCode": SKU}}


def test_a_listing_is_created_closed_with_one_variant(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({"data": {"createProduct": CHANGED}}))
    shop_at(server, client).create_listing(DRAFT)
    assert sent_to(server)["variables"]["input"] == {
        "name": "腕時計",
        "description": "腕時計\n初期不良保証期間:7日",
        "price": 3980,
        "categoryId": "c2",
        "condition": "BRAND_NEW",
        "imageUrls": ["https://example.com/1.jpg"],
        "shippingMethod": "UNDECIDED",
        "shippingPayer": "SELLER",
        "shippingDuration": "ONE_TO_TWO_DAYS",
        "shippingFromStateId": "jp13",
        "status": "UNOPENED",
        "variants": [{"skuCode": SKU, "stockQuantity": 3}],
    }


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (ListingChange(price_jpy=4000), {"price": 4000}),
        (ListingChange(is_on_sale=False), {"status": "UNOPENED"}),
        (ListingChange(is_on_sale=True, title="時計"), {"status": "OPENED", "name": "時計"}),
        (
            ListingChange(image_urls=("u",), category_id="c9"),
            {"imageUrls": ["u"], "categoryId": "c9"},
        ),
        (ListingChange(description=""), {"description": ""}),
    ],
)
def test_only_the_fields_of_a_change_are_sent(
    change: ListingChange,
    fields: dict[str, Any],
    server: ScriptedServer,
    client: httpx.Client,
) -> None:
    server.script(json_reply({"data": {"updateProduct": CHANGED}}))
    assert shop_at(server, client).change_listing("p1", change) == LISTING
    assert sent_to(server)["variables"]["input"] == {"id": "p1", **fields}


# Not found, or not told


@pytest.mark.parametrize(
    "sent",
    [
        errors(("NOT_FOUND", "product variant not found")),
        errors("productVariant not found"),
        errors("variant Not Found.", data={"productVariant": None}),
        json_reply({"errors": [{"message": "not found", "path": ["productVariant"]}]}),
    ],
)
def test_mercaris_own_not_found_is_none(
    sent: Reply, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(sent)
    assert shop_at(server, client).find_listing(SKU) is None


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (json_reply({"data": {"productVariant": None}}), UpstreamUnavailable),
        (json_reply({"data": {}}), UpstreamUnavailable),
        (json_reply({"data": None}), UpstreamUnavailable),
        (json_reply({"data": None, "errors": []}), UpstreamUnavailable),
        (errors(("INTERNAL", "upstream host not found")), UpstreamUnavailable),
        (errors("not found", "internal error"), UpstreamUnavailable),
        (errors("not found", data=FOUND["data"]), UpstreamRefused),
        (errors("not found, try again later"), UpstreamUnavailable),
        (json_reply({"errors": [{"message": "not found", "path": ["shop"]}]}), UpstreamRefused),
        (errors(("DEADLINE_EXCEEDED", "deadline exceeded")), UpstreamUnavailable),
        (errors("context deadline exceeded"), UpstreamUnavailable),
        (errors(("INVALID_ARGUMENT", "bad SKU")), UpstreamRefused),
        (errors(("UNAUTHENTICATED", "who are you")), AuthorisationRevoked),
        (errors(("RESOURCE_EXHAUSTED", "points")), UpstreamThrottled),
        (json_reply({"errors": [{"message": "not found"}]}, 404), UpstreamUnavailable),
        (reply(404, b"<html>Not Found</html>", "text/html"), UpstreamUnavailable),
        (reply(401), AuthorisationRevoked),
        (reply(400, b"bad", "text/plain"), UpstreamRefused),
        (reply(403, b"Forbidden", "text/plain"), UpstreamUnavailable),
        (reply(502, b"<html>", "text/html"), UpstreamUnavailable),
    ],
)
def test_nothing_else_means_not_found(
    sent: Reply, error: type[UpstreamError], server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(sent)
    with pytest.raises(error) as caught:
        shop_at(server, client).find_listing(SKU)
    assert type(caught.value) is error


def test_an_answer_about_another_sku_code_is_not_believed(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(FOUND))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).find_listing("B000000002-0123456789ab")


def test_an_unregistered_address_is_said_in_plain_words(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(reply(404, b"Not Found", "text/plain; charset=utf-8"))
    with pytest.raises(UpstreamRefused) as caught:
        shop_at(server, client).find_listing(SKU)
    assert caught.value.detail == IP_NOT_REGISTERED
    assert "nothing was changed" in caught.value.detail


def test_a_status_nobody_knows_is_not_on_sale(server: ScriptedServer, client: httpx.Client) -> None:
    variant = {**VARIANT, "product": {**PRODUCT, "status": "PAUSED", "categories": None}}
    server.script(json_reply({"data": {"productVariant": variant}}))
    found = shop_at(server, client).find_listing(SKU)
    assert found == LISTING.model_copy(update={"is_on_sale": False, "category_id": None})


def test_a_listing_with_several_variants_is_not_ours(
    server: ScriptedServer, client: httpx.Client
) -> None:
    two = {"product": {**PRODUCT, "variants": [VARIANT, VARIANT]}}
    server.script(json_reply({"data": {"updateProduct": two}}))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).change_listing("p1", ListingChange(price_jpy=4000))


@pytest.mark.parametrize(
    "tree",
    [
        [],
        [TREE[0], TREE[0]],
        [TREE[1]],
        [{**TREE[0], "parentId": "c2"}, TREE[1]],
        [{**TREE[0], "parentId": "c1"}],
    ],
)
def test_a_category_tree_that_cannot_be_is_not_believed(
    tree: list[dict[str, Any]], server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({"data": {"productCategories": tree}}))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).read_categories()


def test_a_category_that_says_it_has_children_is_no_leaf(
    server: ScriptedServer, client: httpx.Client
) -> None:
    tree = [TREE[0], TREE[1], {**TREE[1], "id": "c3", "name": "時計", "hasChild": True}]
    server.script(json_reply({"data": {"productCategories": tree}}))
    categories = shop_at(server, client).read_categories()
    assert [(one.category_id, one.path, one.is_leaf) for one in categories] == [
        ("c1", ("ファッション",), False),
        ("c2", ("ファッション", "腕時計"), True),
        ("c3", ("ファッション", "時計"), False),
    ]


# The budget


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (str(int(NOW.timestamp()) + 90), 90.0),
        (str(int(NOW.timestamp()) - 90), 0.0),
        ("99999", 3600.0),
        ("soon", None),
    ],
)
def test_the_reset_is_read_as_seconds_to_go_or_as_a_moment(
    header: str, seconds: float | None, server: ScriptedServer, client: httpx.Client
) -> None:
    limiter = FreeLimiter()
    server.script(reply(429, X_Ratelimit_Reset=header))
    with pytest.raises(UpstreamThrottled) as caught:
        shop_at(server, client, limiter).find_listing(SKU)
    assert caught.value.retry_after_seconds == seconds
    assert limiter.resets == ({} if seconds is None else {"productVariant": seconds})


# Whatever comes

GOOD = (
    FOUND,
    {"data": {"createProduct": CHANGED}},
    {"data": {"updateProduct": CHANGED}},
    {"data": {"productCategories": TREE}},
    STOCKED,
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
    elif ask not in ("read_categories", "set_stock"):
        assert found.listing_id
        assert "errors" not in json.loads(body) or json.loads(body)["errors"] is None


# In the sandbox


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxMarket]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with sandbox_market(folder, is_checked=False) as market:
        yield market


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
    kind: str, error: type[UpstreamError], market: SandboxMarket
) -> None:
    market.sandbox.control("faults", upstream="mercari", kind=kind, count=1)
    with pytest.raises(error):
        market.mercari.find_listing(SKU)
    assert market.mercari.find_listing(SKU) is None


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
    with pytest.raises(UpstreamRefused) as caught:
        market.mercari.create_listing(draft)
    market.sandbox.control("shop", closed=False)
    assert caught.value.detail == SHOP_CLOSED
    assert market.mercari.find_listing(draft.sku_code) is None
