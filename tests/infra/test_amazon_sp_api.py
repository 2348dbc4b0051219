"""What the Amazon adapter sends, believes, and refuses to believe."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from math import ceil
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
from infra.amazon.answers import Money, whole_yen
from infra.amazon.sp_api import AmazonSpApi
from tests.infra.amazon_replies import (
    BAD_INPUT,
    CATALOGUE_ENTRY,
    DENIED,
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


# What can't be bought


def closed(sku: str) -> dict[str, Any]:
    content = listing(sku)
    content["summaries"][0]["status"] = []
    return content


def test_what_cannot_be_bought_is_asked_for_in_a_stable_order_to_the_end(
    server: ScriptedServer, client: httpx.Client
) -> None:
    pages = [page(closed("A"), total=3, nextToken="2"), page(closed("A"), closed("B"), total=3)]
    server.script(*[json_reply(each) for each in pages])
    with pytest.raises(UpstreamUnavailable, match="2 of 3"):
        amazon_at(server, client).read_not_buyable()
    server.script(
        json_reply(page(closed("A"), total=3, nextToken="2")),
        json_reply(page(closed("B"), listing("C"), total=3)),
    )
    offers = amazon_at(server, client).read_not_buyable()
    assert offers is not None
    assert [offer.sku for offer in offers] == ["A", "B"]
    asked = parse_qs(urlsplit(server.asked[0].target).query)
    assert (asked["withoutStatus"], asked["sortBy"], asked["sortOrder"]) == (
        ["BUYABLE"], ["sku"], ["ASC"],
    )  # fmt: skip
    assert "identifiers" not in asked


@pytest.mark.parametrize("total", [1001, 100_000])
def test_more_than_amazon_pages_through_is_none_after_one_call(
    total: int, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(page(closed("A"), total=total, nextToken="2")))
    assert amazon_at(server, client).read_not_buyable() is None
    assert len(server.asked) == 1


def test_nothing_that_cannot_be_bought_is_an_empty_list_not_none(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(page()))
    assert amazon_at(server, client).read_not_buyable() == []


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
    server.script(json_reply(page(listing("C"))), json_reply(listing("A,B")))
    offers = amazon_at(server, client).read_offers(["A,B", "C"])
    assert {offer.sku for offer in offers} == {"A,B", "C"}
    assert urlsplit(server.asked[1].target).path.endswith("/A%2CB")
    assert identifiers_of(server.asked[0].target) == ["C"]


def test_fba_stock_of_a_sku_with_a_comma_is_asked_alone(
    server: ScriptedServer, client: httpx.Client
) -> None:
    def stock(sku: str, details: dict[str, Any]) -> dict[str, Any]:
        summary = {"sellerSku": sku, "totalQuantity": 99, "inventoryDetails": details}
        return {"payload": {"granularity": {}, "inventorySummaries": [summary]}}

    server.script(json_reply(stock("C", {})), json_reply(stock("A,B", {"fulfillableQuantity": 3})))
    assert amazon_at(server, client).read_fba_quantities(["C", "A,B"]) == {"A,B": 3}
    assert parse_qs(urlsplit(server.asked[1].target).query)["sellerSku"] == ["A,B"]


class ByRequest:
    """Answers each request by what it asks for, and fails for some ids as it is told."""

    def __init__(self, server: ScriptedServer, failures: dict[str, Reply] | None = None) -> None:
        self._server = server
        self._failures = failures or {}

    def __iter__(self) -> Iterator[bytes | float]:
        target = self._server.received[-1].target
        query = parse_qs(urlsplit(target).query)
        asked = (query.get("identifiers") or query["sellerSkus"])[0].split(",")
        for one in asked:
            if one in self._failures:
                return iter(self._failures[one])
        if "sellerSkus" in query:
            return iter(json_reply(stocked(*asked)))
        entries = [{**CATALOGUE_ENTRY, "asin": one} for one in asked]
        items = entries if "/catalog/" in target else [listing(one, one) for one in asked]
        return iter(json_reply(page(*items)))


def stocked(*skus: str) -> dict[str, Any]:
    details = {"inventoryDetails": {"fulfillableQuantity": 3}}
    return {"payload": {"inventorySummaries": [{"sellerSku": sku, **details} for sku in skus]}}


READS_OF_MANY: dict[str, tuple[int, Callable[[AmazonSpApi, list[str]], Collection[object]]]] = {
    "read_offers": (20, lambda amazon, ids: amazon.read_offers(ids)),
    "read_offers_by_asin": (20, lambda amazon, ids: amazon.read_offers_by_asin(ids)),
    "read_catalogue": (20, lambda amazon, ids: amazon.read_catalogue(ids)),
    "read_fba_quantities": (50, lambda amazon, ids: amazon.read_fba_quantities(ids)),
}


@pytest.mark.parametrize("count", [1, 20, 21, 50, 51, 1000])
@pytest.mark.parametrize("name", READS_OF_MANY)
def test_any_number_of_ids_is_read_in_as_few_calls_as_amazon_allows(
    name: str, count: int, server: ScriptedServer, client: httpx.Client
) -> None:
    size, read = READS_OF_MANY[name]
    server.script(ByRequest(server))
    found = read(amazon_at(server, client), [f"SKU-{number}" for number in range(count)])
    assert len(found) == count
    assert len(server.asked) == ceil(count / size)


def test_an_id_asked_for_twice_is_read_once(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(ByRequest(server))
    assert len(amazon_at(server, client).read_offers(["A", "B", "A"])) == 2
    assert identifiers_of(server.asked[0].target) == ["A", "B"]


Told = tuple[tuple[str, ...], Collection[Any], UpstreamError | None]
IN_BATCHES: dict[str, tuple[int, Callable[[AmazonSpApi, list[str]], Iterator[Told]]]] = {
    "offers": (20, lambda amazon, ids: amazon.read_offers_in_batches(ids)),
    "stock": (50, lambda amazon, ids: amazon.read_fba_in_batches(ids)),
    "catalogue": (20, lambda amazon, ids: amazon.read_catalogue_in_batches(ids)),
}


@pytest.mark.parametrize("name", IN_BATCHES)
def test_a_batch_that_fails_costs_no_other_batch(
    name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    size, read = IN_BATCHES[name]
    ids = [f"SKU-{number}" for number in range(3 * size)]
    server.script(ByRequest(server, {ids[size]: reply(503), ids[-1]: BAD_INPUT}))
    first, second, third = read(amazon_at(server, client), ids)
    assert (len(first[1]), len(second[1]), len(third[1])) == (size, 0, size - 1)
    assert (first[2], type(second[2]), third[2]) == (None, UpstreamUnavailable, None)
    assert [*first[0], *second[0], *third[0]] == ids


@pytest.mark.parametrize("name", IN_BATCHES)
@pytest.mark.parametrize(
    ("failure", "error"),
    [(reply(429), UpstreamThrottled), (refused(403, "Unauthorized", DENIED), AuthorisationRevoked)],
)
def test_an_error_that_concerns_every_call_ends_them(
    name: str,
    failure: Reply,
    error: type[UpstreamError],
    server: ScriptedServer,
    client: httpx.Client,
) -> None:
    size, read = IN_BATCHES[name]
    ids = [f"SKU-{number}" for number in range(4 * size)]
    server.script(ByRequest(server, {ids[size]: failure}))
    first, second, rest = read(amazon_at(server, client), ids)
    assert (first[2], type(second[2])) == (None, error)
    assert rest[2] is second[2]
    assert [*first[0], *second[0], *rest[0]] == ids
    assert (len(first[1]), len(second[1]), len(rest[1])) == (size, 0, 0)
    assert len(server.asked) == 2


@pytest.mark.parametrize("name", IN_BATCHES)
def test_the_last_batch_has_nothing_after_it_to_tell(
    name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(ByRequest(server, {"A": reply(429)}))
    _, read = IN_BATCHES[name]
    [only] = read(amazon_at(server, client), ["A"])
    assert isinstance(only[2], UpstreamThrottled)
    assert list(read(amazon_at(server, client), [])) == []


def test_what_a_refused_batch_had_told_before_it_failed_is_kept(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(BAD_INPUT, json_reply(page(listing("A"))), reply(503))
    [batch] = amazon_at(server, client).read_offers_in_batches(["A", "B"])
    assert [offer.sku for offer in batch.offers] == ["A"]
    assert isinstance(batch.error, UpstreamUnavailable)


def test_a_batch_of_bad_ids_only_carries_the_refusal(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(BAD_INPUT)
    [batch] = amazon_at(server, client).read_offers_in_batches(["A", "B"])
    assert (batch.skus, batch.offers) == (("A", "B"), ())
    assert isinstance(batch.error, UpstreamRefused)


def test_an_asin_with_several_skus_is_told_whole(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(page(listing("A"), listing("B"), listing("C"))))
    offers = amazon_at(server, client).read_offers_by_asin(["B000000001"])
    assert [offer.sku for offer in offers] == ["A", "B", "C"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sku=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
        lambda sku: sku not in (".", "..")
    )
)
def test_whatever_a_sku_holds_but_a_step_it_arrives_as_one_part_of_the_path(
    sku: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing(sku)))
    assert amazon_at(server, client).read_offer(sku).sku == sku
    path = urlsplit(server.asked[-1].target).path
    begin = "/listings/2021-08-01/items/A2EXAMPLE12345/"
    assert path.startswith(begin)
    assert unquote(path.removeprefix(begin)) == sku
    assert "/" not in path.removeprefix(begin)
