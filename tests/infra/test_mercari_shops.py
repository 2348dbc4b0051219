"""What the Mercari adapter sends, believes, and never takes for "not found"."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from graphql import get_operation_ast, parse

from domain.ports import (
    AddressNotRegistered,
    AuthorisationRevoked,
    ListingChange,
    ListingsPage,
    ShopClosed,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from infra.mercari.calls import IP_NOT_REGISTERED
from infra.mercari.operations import DOCUMENTS, PAGE_SIZE, POINTS
from infra.sandbox.mercari_cost import points_of
from infra.shops import MERCARI_RATES
from tests.contracts.sandbox_market import FreeLimiter
from tests.contracts.validators import check_mercari_request
from tests.infra.mercari_replies import (
    CHANGED,
    DRAFT,
    FOUND,
    LISTING,
    NOW,
    PRODUCT,
    SKU,
    STOCKS,
    TREE,
    VARIANT,
    errors,
    products,
    shop_at,
)
from tests.infra.scripted_server import Reply, ScriptedServer, json_reply, reply


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
    with pytest.raises(AddressNotRegistered) as caught:
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


@pytest.mark.parametrize("price", ["3980", 3980.0, 3980.5, None, True, -1])
def test_a_price_that_is_no_whole_number_is_unknown(
    price: Any, server: ScriptedServer, client: httpx.Client
) -> None:
    node = {**PRODUCT, "price": price, "variants": [VARIANT]}
    server.script(json_reply(products(node)))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).read_listings(None)
    server.script(json_reply({"data": {"productVariant": {**VARIANT, "product": node}}}))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).find_listing(SKU)


@pytest.mark.parametrize(
    "refusal",
    [
        errors("request could not be processed due to permission denied"),
        errors(("PERMISSION_DENIED", "no")),
    ],
)
def test_a_closed_shop_has_an_error_of_its_own(
    refusal: Reply, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(refusal)
    with pytest.raises(ShopClosed):
        shop_at(server, client).create_listing(DRAFT)
    with pytest.raises(ShopClosed):
        shop_at(server, client).change_listing("p1", ListingChange(is_on_sale=True))


def test_text_and_images_that_are_not_told_are_none(
    server: ScriptedServer, client: httpx.Client
) -> None:
    product = {**PRODUCT, "description": None, "imageUrls": None}
    server.script(json_reply({"data": {"productVariant": {**VARIANT, "product": product}}}))
    found = shop_at(server, client).find_listing(SKU)
    assert found is not None
    assert (found.description_sha256, found.image_urls) == (None, None)


# All listings, page by page


def test_a_page_holds_the_listings_that_may_be_ours(
    server: ScriptedServer, client: httpx.Client
) -> None:
    ours = {**PRODUCT, "variants": [VARIANT]}
    others: list[list[dict[str, Any]]] = [[], [VARIANT, VARIANT], [{**VARIANT, "skuCode": None}]]
    foreign = [{**PRODUCT, "variants": variants} for variants in others]
    server.script(json_reply(products(*foreign, ours, cursor="c7")))
    page = shop_at(server, client).read_listings("c6")
    assert page == ListingsPage((LISTING,), "c7")
    assert sent_to(server)["variables"] == {"first": 100, "after": "c6"}


def test_the_last_page_leads_nowhere_whatever_its_cursor(
    server: ScriptedServer, client: httpx.Client
) -> None:
    last = products({**PRODUCT, "variants": [VARIANT]})
    last["data"]["products"]["pageInfo"]["endCursor"] = "c9"
    server.script(json_reply(last))
    assert shop_at(server, client).read_listings(None) == ListingsPage((LISTING,), None)


@pytest.mark.parametrize(
    "page_info",
    [
        None,
        {},
        {"endCursor": "c2"},
        {"hasNextPage": "false", "endCursor": None},
        {"hasNextPage": True, "endCursor": "c1"},
        {"hasNextPage": True, "endCursor": None},
        {"hasNextPage": True, "endCursor": ""},
    ],
)
def test_a_page_that_does_not_say_where_it_leads_is_not_believed(
    page_info: Any, server: ScriptedServer, client: httpx.Client
) -> None:
    page = products({**PRODUCT, "variants": [VARIANT]})
    page["data"]["products"]["pageInfo"] = page_info
    server.script(json_reply(page))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).read_listings("c1")


def test_a_page_beside_errors_is_not_believed(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(errors(("DEADLINE_EXCEEDED", "late"), data=products()["data"]))
    with pytest.raises(UpstreamUnavailable):
        shop_at(server, client).read_listings(None)


# Many stocks at once


def told(*variants: Any, messages: tuple[str, ...] = ()) -> Reply:
    payload = {"productVariants": variants, "errors": [{"message": one} for one in messages]}
    return json_reply({"data": {"updateProductVariants": payload}})


def test_stocks_are_sent_in_one_call(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(json_reply(STOCKS))
    assert shop_at(server, client).set_stocks({SKU: 3, "other": 0}) == {SKU: 3}
    assert sent_to(server)["variables"]["input"] == {
        "productVariants": [
            {"by": {"skuCode": SKU}, "stockQuantity": 3},
            {"by": {"skuCode": "other"}, "stockQuantity": 0},
        ]
    }


@pytest.mark.parametrize(
    ("sent", "confirmed"),
    [
        (told({"skuCode": "A", "stockQuantity": 1}, {"skuCode": "B", "stockQuantity": 9}), "AB"),
        (told({"skuCode": "A", "stockQuantity": 1}, messages=("B is gone",)), "A"),
        (told({"skuCode": "A", "stockQuantity": 1}, messages=("A is late",)), ""),
        (told({"skuCode": "A", "stockQuantity": 1}, {"skuCode": "A", "stockQuantity": 2}), ""),
        (told({"skuCode": "C", "stockQuantity": 1}, {"skuCode": None, "stockQuantity": 2}), ""),
        (json_reply({"data": {"updateProductVariants": {"productVariants": None}}}), ""),
    ],
)
def test_only_what_mercari_confirms_once_and_without_an_error_is_known(
    sent: Reply, confirmed: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(sent)
    assert set(shop_at(server, client).set_stocks({"A": 1, "B": 2})) == set(confirmed)


def test_the_stock_that_mercari_told_counts_not_the_one_that_was_asked_for(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(told({"skuCode": "A", "stockQuantity": 4}))
    assert shop_at(server, client).set_stocks({"A": 5}) == {"A": 4}


def test_more_stocks_than_a_call_takes_are_a_mistake_of_the_caller(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(STOCKS))
    with pytest.raises(ValueError, match="at most 20"):
        shop_at(server, client).set_stocks({f"SKU-{number}": 1 for number in range(21)})
    assert shop_at(server, client).set_stocks({}) == {}
    assert server.received == []


# The budget


def test_what_a_page_of_listings_costs_is_taken_from_the_budget() -> None:
    for name, document in DOCUMENTS.items():
        parsed = parse(document)
        operation = get_operation_ast(parsed)
        assert operation is not None
        cost = points_of(parsed, operation, {"first": PAGE_SIZE})
        assert POINTS.get(name, 1) == cost
    assert set(MERCARI_RATES) == set(DOCUMENTS)


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
    assert limiter.pauses == [("productVariant", seconds)]
