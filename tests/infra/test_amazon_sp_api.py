"""What the Amazon adapter sends, believes, refuses to believe, and does when refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import (
    AmazonOffer,
    AuthorisationRevoked,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon_answers import Money, whole_yen
from infra.amazon_login import AmazonAccess
from infra.amazon_sp_api import AmazonSpApi
from infra.http_client import HttpSettings
from infra.http_deadline import open_client
from infra.sandbox.goods import asin_of
from tests.contracts.sandbox_market import FreeLimiter, SandboxMarket, sandbox_market
from tests.infra.mutations import bodies
from tests.infra.scripted_server import (
    TOKEN_REPLY,
    Reply,
    ScriptedServer,
    json_reply,
    reply,
)

SETTINGS = HttpSettings(timeout_seconds=1.0)
JP = {"marketplaceId": AMAZON_JP_MARKETPLACE_ID}
DENIED = "Access to requested resource is denied."
EXPIRED = "The access token you provided has expired."
NOT_FOUND_TEXT = "SKU '{}' not found in marketplace " + AMAZON_JP_MARKETPLACE_ID


class StandingClock:
    """Time passes only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client() as client:
        yield client


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(json_reply({})) as server:
        yield server


def amazon_at(
    server: ScriptedServer, client: httpx.Client, clock: StandingClock | None = None
) -> AmazonSpApi:
    access = AmazonAccess(
        client_id="client",
        client_secret="client secret & more",
        refresh_token="Atzr|refresh",
        amazon_seller_id="A2EXAMPLE12345",
        api_url=server.url,
        login_url=f"{server.url}/auth/o2/token",
    )
    return AmazonSpApi(client, access, FreeLimiter(), clock or StandingClock(), SETTINGS)


def listing(sku: str = "SKU-1", asin: str = "B000000001", **changes: Any) -> dict[str, Any]:
    return {
        "sku": sku,
        "summaries": [
            {
                **JP,
                "asin": asin,
                "productType": "WATCH",
                "status": ["BUYABLE", "DISCOVERABLE"],
                "itemName": "腕時計",
                "createdDate": "2026-01-01T00:00:00Z",
                "lastUpdatedDate": "2026-01-01T00:00:00Z",
                "mainImage": {"link": "https://m.media-amazon.com/1.jpg", "height": 9, "width": 9},
            }
        ],
        "issues": [],
        "offers": [
            {**JP, "offerType": "B2C", "price": {"currencyCode": "JPY", "amount": "3980.00"}}
        ],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}],
        **changes,
    }


def page(*items: dict[str, Any], total: int | None = None, **pagination: str) -> dict[str, Any]:
    count = len(items) if total is None else total
    return {"numberOfResults": count, "pagination": pagination, "items": list(items)}


def refused(status: int, code: str, message: str, details: str = "") -> list[bytes | float]:
    return json_reply({"errors": [{"code": code, "message": message, "details": details}]}, status)


BAD_INPUT = refused(400, "InvalidInput", "Invalid 'asin' provided.")
EXPIRED_REPLY = refused(403, "Unauthorized", DENIED, EXPIRED)


def identifiers_of(target: str) -> list[str]:
    return parse_qs(urlsplit(target).query)["identifiers"][0].split(",")


# What an answer means


def test_an_offer_is_read_from_its_listing(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(json_reply(listing()))
    clock = StandingClock()
    assert amazon_at(server, client, clock).read_offer("SKU-1") == AmazonOffer(
        sku="SKU-1",
        asin="B000000001",
        status="active",
        title="腕時計",
        image_url="https://m.media-amazon.com/1.jpg",
        price_jpy=3980,
        quantity=4,
        channel="seller",
        product_type="WATCH",
        observed_at=clock.now,
    )


def test_what_amazon_does_not_give_is_none_never_zero(
    server: ScriptedServer, client: httpx.Client
) -> None:
    bare = listing(offers=[], fulfillmentAvailability=[{"fulfillmentChannelCode": "DEFAULT"}])
    server.script(json_reply(bare))
    offer = amazon_at(server, client).read_offer("SKU-1")
    assert (offer.price_jpy, offer.quantity, offer.channel) == (None, None, "seller")


def test_a_listing_without_a_summary_for_japan_is_unknown(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({"sku": "SKU-1"}))
    offer = amazon_at(server, client).read_offer("SKU-1")
    assert (offer.status, offer.status_reason, offer.price_jpy) == ("unknown", "no_summary", None)


def test_an_offer_in_both_channels_counts_as_fba(
    server: ScriptedServer, client: httpx.Client
) -> None:
    both = [
        {"fulfillmentChannelCode": "DEFAULT", "quantity": 4},
        {"fulfillmentChannelCode": "AMAZON_JP"},
    ]
    server.script(json_reply(listing(fulfillmentAvailability=both)))
    offer = amazon_at(server, client).read_offer("SKU-1")
    assert (offer.channel, offer.quantity) == ("fba", None)


def test_the_price_for_business_customers_is_not_the_price(
    server: ScriptedServer, client: httpx.Client
) -> None:
    def priced(amount: str, offer_type: str, audience: str) -> dict[str, Any]:
        price = {"currencyCode": "JPY", "amount": amount}
        return {**JP, "offerType": offer_type, "price": price, "audience": {"value": audience}}

    offers = [priced("90", "B2B", "B2B"), priced("80", "B2C", "B2B"), priced("100", "B2C", "ALL")]
    server.script(json_reply(listing(offers=offers)))
    assert amazon_at(server, client).read_offer("SKU-1").price_jpy == 100
    server.script(json_reply(listing(offers=[*offers, priced("70", "B2C", "ALL")])))
    assert amazon_at(server, client).read_offer("SKU-1").price_jpy is None


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("JPY", "3980", 3980),
        ("JPY", "3980.00", 3980),
        ("JPY", "3980.50", None),
        ("USD", "39.80", None),
        ("JPY", "0", None),
        ("JPY", "-1", None),
        ("JPY", "1e9", None),
        ("JPY", "NaN", None),
        ("JPY", "３９８０", None),
        ("JPY", "", None),
    ],
)
def test_only_whole_yen_are_a_price(currency: str, amount: str, expected: int | None) -> None:
    assert whole_yen(Money(currencyCode=currency, amount=amount)) == expected


def test_a_new_word_in_an_enumeration_costs_no_answer(
    server: ScriptedServer, client: httpx.Client
) -> None:
    new = listing(issues=[{"severity": "FATAL", "enforcements": {"actions": [{"action": "NEW"}]}}])
    new["summaries"][0]["status"].append("SHINY")
    server.script(json_reply(new))
    assert amazon_at(server, client).read_offer("SKU-1").status == "active"


# Deleted, or not told


def test_a_sku_amazon_does_not_know_is_deleted(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(refused(404, "NOT_FOUND", NOT_FOUND_TEXT.format("it's")))
    offer = amazon_at(server, client).read_offer("it's")
    assert (offer.status, offer.status_reason) == ("deleted", "not_found")


@pytest.mark.parametrize(
    "sent",
    [
        refused(404, "NOT_FOUND", NOT_FOUND_TEXT.format("SKU%201")),
        reply(404, b"<html>404</html>", "text/html"),
        reply(404, b"Not Found", "text/plain"),
        json_reply({"message": "Not Found"}, 404),
        json_reply({"errors": []}, 404),
        refused(404, "InvalidInput", "no such seller"),
        refused(410, "NOT_FOUND", NOT_FOUND_TEXT.format("SKU 1")),
        refused(400, "NOT_FOUND", NOT_FOUND_TEXT.format("SKU 1")),
        json_reply(listing("SKU 2")),
        json_reply({}),
        json_reply(page()),
    ],
)
def test_nothing_but_a_404_about_this_sku_means_deleted(
    sent: Reply, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(sent)
    with pytest.raises((UpstreamUnavailable, UpstreamRefused)):
        amazon_at(server, client).read_offer("SKU 1")


def test_a_404_for_a_batch_deletes_nobody(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(refused(404, "NOT_FOUND", "The resource specified does not exist."))
    with pytest.raises(UpstreamRefused):
        amazon_at(server, client).read_offers(["SKU-1"])


# Batches


def test_every_page_is_read(server: ScriptedServer, client: httpx.Client) -> None:
    first = page(listing("A"), total=2, nextToken="more/&=")
    server.script(json_reply(first), json_reply(page(listing("B"), total=2)))
    offers = amazon_at(server, client).read_offers_by_asin(["B000000001"])
    assert [offer.sku for offer in offers] == ["A", "B"]
    assert parse_qs(urlsplit(server.asked[1].target).query)["pageToken"] == ["more/&="]


@pytest.mark.parametrize("total", [2, 1000])
def test_fewer_results_than_promised_are_no_answer(
    total: int, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(page(listing(), total=total)))
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_offers(["SKU-1"])


def test_pages_without_end_are_no_answer(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(json_reply(page(listing(), nextToken="again")))
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_offers(["SKU-1"])
    assert len(server.asked) == 50


def test_what_was_not_asked_for_is_left_out(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(json_reply(page(listing("SKU-1"), listing("SKU-2"))))
    assert [one.sku for one in amazon_at(server, client).read_offers(["SKU-1"])] == ["SKU-1"]


class RefusingReplies:
    """Answers batches by what they hold: a 400 for those with a bad id, else all their listings."""

    def __init__(self, server: ScriptedServer, bad: set[str]) -> None:
        self._server = server
        self._bad = bad

    def __iter__(self) -> Iterator[bytes | float]:
        asked = identifiers_of(self._server.received[-1].target)
        if self._bad & set(asked):
            return iter(BAD_INPUT)
        return iter(json_reply(page(*[listing(sku) for sku in asked])))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bad=st.sets(st.integers(0, 19), max_size=19))
def test_whatever_ids_are_bad_the_others_are_read(
    bad: set[int], server: ScriptedServer, client: httpx.Client
) -> None:
    skus = [f"SKU-{number}" for number in range(20)]
    bad_skus = {skus[number] for number in bad}
    server.script(RefusingReplies(server, bad_skus))
    offers = amazon_at(server, client).read_offers(skus)
    assert {offer.sku for offer in offers} == set(skus) - bad_skus
    assert len(server.asked) <= 39


def test_a_batch_of_bad_ids_only_is_a_refusal_not_an_empty_answer(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(BAD_INPUT)
    with pytest.raises(UpstreamRefused):
        amazon_at(server, client).read_offers_by_asin(["BAD0000001", "BAD0000002"])


def test_only_a_400_is_halved(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(refused(413, "TooLarge", "too large"))
    with pytest.raises(UpstreamRefused):
        amazon_at(server, client).read_offers(["A", "B", "C"])
    assert len(server.asked) == 1


def test_a_sku_with_a_comma_is_read_alone(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(json_reply(listing("A,B")), json_reply(page(listing("C"))))
    offers = amazon_at(server, client).read_offers(["A,B", "C"])
    assert {offer.sku for offer in offers} == {"A,B", "C"}
    assert urlsplit(server.asked[0].target).path.endswith("/A%2CB")
    assert identifiers_of(server.asked[1].target) == ["C"]


def test_fba_stock_of_a_sku_with_a_comma_is_asked_alone(
    server: ScriptedServer, client: httpx.Client
) -> None:
    def stock(sku: str, details: dict[str, Any]) -> dict[str, Any]:
        summary = {"sellerSku": sku, "totalQuantity": 99, "inventoryDetails": details}
        return {"payload": {"granularity": {}, "inventorySummaries": [summary]}}

    server.script(json_reply(stock("A,B", {"fulfillableQuantity": 3})), json_reply(stock("C", {})))
    assert amazon_at(server, client).read_fba_quantities(["C", "A,B"]) == {"A,B": 3}
    assert parse_qs(urlsplit(server.asked[0].target).query)["sellerSku"] == ["A,B"]


def test_more_ids_than_amazon_takes_are_a_mistake_of_the_caller(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(page()))
    with pytest.raises(ValueError, match="at most 20"):
        amazon_at(server, client).read_offers([f"SKU-{number}" for number in range(21)])
    assert server.received == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sku=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_whatever_a_sku_holds_it_arrives_as_one_part_of_the_path(
    sku: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing(sku)))
    assert amazon_at(server, client).read_offer(sku).sku == sku
    path = urlsplit(server.asked[-1].target).path
    begin = "/listings/2021-08-01/items/A2EXAMPLE12345/"
    assert path.startswith(begin)
    assert unquote(path.removeprefix(begin)) == sku
    assert "/" not in path.removeprefix(begin)


# Permission


def test_one_login_serves_many_calls_and_threads(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()), logins=[[0.1, *TOKEN_REPLY]])
    amazon = amazon_at(server, client)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(amazon.read_offer, ["SKU-1"] * 12))
    assert len(server.received) - len(server.asked) == 1
    assert {one.headers["x-amz-access-token"] for one in server.asked} == {"Atza|token"}
    login = next(one for one in server.received if one.method == "POST")
    assert parse_qs(login.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["Atzr|refresh"],
        "client_id": ["client"],
        "client_secret": ["client secret & more"],
    }


def test_a_token_is_renewed_a_minute_before_it_ends(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()))
    clock = StandingClock()
    amazon = amazon_at(server, client, clock)
    for seconds, logins in ((0, 1), (3539, 1), (1, 2)):
        clock.now += timedelta(seconds=seconds)
        amazon.read_offer("SKU-1")
        assert len(server.received) - len(server.asked) == logins


def test_an_expired_token_is_replaced_once(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(EXPIRED_REPLY, json_reply(listing()))
    assert amazon_at(server, client).read_offer("SKU-1").status == "active"
    assert len(server.asked) == 2
    assert len(server.received) == 4


def test_a_token_refused_twice_is_a_permission_lost(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(EXPIRED_REPLY)
    with pytest.raises(AuthorisationRevoked):
        amazon_at(server, client).read_offer("SKU-1")
    assert len(server.asked) == 2


def test_a_denied_resource_is_not_asked_for_again(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(refused(403, "Unauthorized", DENIED))
    with pytest.raises(AuthorisationRevoked):
        amazon_at(server, client).read_offers(["SKU-1"])
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("login", "error"),
    [
        (json_reply({"error": "invalid_grant"}, 400), AuthorisationRevoked),
        (json_reply({"error": "invalid_client"}, 401), UpstreamRefused),
        (reply(400, b"<html>", "text/html"), UpstreamUnavailable),
        (json_reply({"message": "forbidden"}, 403), UpstreamUnavailable),
        (json_reply({"error": "server_error"}, 500), UpstreamUnavailable),
        (reply(429), UpstreamThrottled),
        (json_reply({}), UpstreamUnavailable),
        (json_reply({"access_token": "", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "a\r\nX: y", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "a\n", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "鍵", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "a", "expires_in": -1}), UpstreamUnavailable),
        (json_reply({"access_token": "a", "expires_in": 10**18}), UpstreamUnavailable),
    ],
)
def test_only_invalid_grant_is_the_sellers_doing(
    login: Reply, error: type[UpstreamError], server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()), logins=[login])
    with pytest.raises(error) as caught:
        amazon_at(server, client).read_offer("SKU-1")
    assert type(caught.value) is error
    assert server.asked == []


def test_secrets_are_in_no_representation_and_no_error(
    server: ScriptedServer, client: httpx.Client
) -> None:
    access = AmazonAccess("client", "s3cret", "Atzr|refresh", "A2EXAMPLE12345")
    assert "s3cret" not in repr(access)
    assert "refresh" not in repr(access).replace("refresh_token", "")
    server.script(json_reply(listing()), logins=[json_reply({"error": "invalid_grant"}, 400)])
    with pytest.raises(AuthorisationRevoked) as caught:
        amazon_at(server, client).read_offer("SKU-1")
    assert "Atzr" not in str(caught.value)


# Whatever comes

CATALOGUE_ENTRY = {
    "asin": "B000000001",
    "attributes": {"brand": [{**JP, "value": "音"}]},
    "classifications": [
        {
            **JP,
            "classifications": [
                {
                    "displayName": "腕時計",
                    "classificationId": "2",
                    "parent": {"displayName": "時計", "classificationId": "1"},
                }
            ],
        }
    ],
    "images": [{**JP, "images": [{"variant": "MAIN", "link": "x", "height": 1, "width": 1}]}],
    "productTypes": [{**JP, "productType": "WATCH"}],
    "summaries": [{**JP, "itemName": "腕時計", "brand": "音"}],
}
INVENTORY = {
    "payload": {
        "granularity": {},
        "inventorySummaries": [
            {"sellerSku": "SKU-1", "inventoryDetails": {"fulfillableQuantity": 3}}
        ],
    },
    "pagination": {"nextToken": ""},
}
PARTICIPATIONS = {
    "payload": [
        {
            "marketplace": {"id": AMAZON_JP_MARKETPLACE_ID},
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
        }
    ]
}
ERRORS = {"errors": [{"code": "NOT_FOUND", "message": NOT_FOUND_TEXT.format("SKU-1")}]}
READS: dict[str, Callable[[AmazonSpApi], Any]] = {
    "read_offer": lambda amazon: amazon.read_offer("SKU-1"),
    "read_offers": lambda amazon: amazon.read_offers(["SKU-1", "SKU-2", "A,B"]),
    "read_offers_by_asin": lambda amazon: amazon.read_offers_by_asin(["B000000001"]),
    "read_fba_quantities": lambda amazon: amazon.read_fba_quantities(["SKU-1"]),
    "read_catalogue": lambda amazon: amazon.read_catalogue(["B000000001"]),
    "is_account_suspended": lambda amazon: amazon.is_account_suspended(),
}
GOOD = (
    listing(),
    page(listing(), listing("SKU-2")),
    page(CATALOGUE_ENTRY),
    INVENTORY,
    PARTICIPATIONS,
    ERRORS,
)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    read=st.sampled_from(sorted(READS)),
    status=st.sampled_from([200, 200, 200, 400, 401, 403, 404, 404, 429, 500]),
    body=bodies(*GOOD),
)
def test_whatever_comes_the_adapter_answers_or_raises_an_upstream_error(
    read: str, status: int, body: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(reply(status, body))
    try:
        found = READS[read](amazon_at(server, client))
    except AuthorisationRevoked:
        assert status in (401, 403)
        return
    except UpstreamError:
        return
    offers = found if isinstance(found, list) else [found]
    if any(isinstance(one, AmazonOffer) and one.status == "deleted" for one in offers):
        assert status == 404
        assert {error["code"] for error in json.loads(body)["errors"]} == {"NOT_FOUND"}
    else:
        assert status == 200


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.sampled_from([200, 200, 400, 401, 403, 429, 503]),
    body=bodies({"access_token": "Atza|x", "expires_in": 3600}, {"error": "invalid_grant"}),
)
def test_whatever_the_login_says_the_adapter_answers_or_raises_an_upstream_error(
    status: int, body: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()), logins=[reply(status, body)])
    try:
        amazon_at(server, client).read_offer("SKU-1")
    except AuthorisationRevoked:
        assert json.loads(body)["error"] == "invalid_grant"
    except UpstreamError:
        pass
    else:
        assert status == 200


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
@pytest.mark.parametrize("upstream", ["amazon", "lwa"])
def test_an_outage_is_an_error_and_then_over(
    upstream: str, kind: str, error: type[UpstreamError], market: SandboxMarket
) -> None:
    market.clock.now += timedelta(hours=2)
    market.sandbox.control("faults", upstream=upstream, kind=kind, count=1)
    with pytest.raises(error):
        market.amazon.read_offers_by_asin([asin_of(1)])
    assert market.amazon.read_offers_by_asin([asin_of(1)])


def test_a_batch_refused_by_the_sandbox_is_read_in_halves(market: SandboxMarket) -> None:
    market.sandbox.control("faults", upstream="amazon", kind="400_batch", count=3)
    asins = [asin_of(number) for number in range(8)]
    offers = market.amazon.read_offers_by_asin(asins)
    assert offers
    assert {offer.asin for offer in offers} <= set(asins)


def test_a_revoked_permission_is_noticed_at_once(market: SandboxMarket) -> None:
    market.amazon.read_offers_by_asin([asin_of(1)])
    market.sandbox.control("revoke")
    with pytest.raises(AuthorisationRevoked):
        market.amazon.read_offers_by_asin([asin_of(1)])
