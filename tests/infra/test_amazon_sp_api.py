"""What the Amazon adapter sends, believes, and refuses to believe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import (
    AmazonOffer,
    UpstreamRefused,
    UpstreamUnavailable,
)
from infra.amazon_answers import Money, whole_yen
from tests.infra.amazon_replies import (
    BAD_INPUT,
    JP,
    NOT_FOUND_TEXT,
    StandingClock,
    amazon_at,
    identifiers_of,
    listing,
    page,
    refused,
)
from tests.infra.scripted_server import Reply, ScriptedServer, json_reply, reply

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

    offers = [priced("90", "B2B", "ALL"), priced("80", "B2C", "B2B"), priced("100", "B2C", "ALL")]
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
        ("USD", "40", None),
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


def test_a_page_token_too_long_for_an_address_is_no_answer(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(page(listing(), nextToken="x" * 70_000)))
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_offers(["SKU-1"])


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
