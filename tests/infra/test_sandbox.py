"""The simulated Amazon answers as Amazon's models say, and refuses as Amazon does."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.sandbox.goods import Flaw, flaw_of, product_of
from infra.sandbox.world import amazon_seller_id_of, has_two_skus, offer_unedited
from tests.infra.sandbox_clients import AmazonClient, SteppingClock, faults_by_model
from tests.sandbox_server import SandboxServer

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PRODUCT_COUNT = 500


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(START)


@pytest.fixture
def sandbox(tmp_path: Path, clock: SteppingClock) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path, clock=clock) as running:
        yield running


@pytest.fixture
def account(sandbox: SandboxServer) -> Any:
    return sandbox.control("sellers", name="demo", product_count=PRODUCT_COUNT)


@pytest.fixture
def amazon(sandbox: SandboxServer, account: Any) -> Iterator[AmazonClient]:
    with AmazonClient(sandbox, account) as client:
        yield client


def number_with(flaw: Flaw | None, at_least: int = 0) -> int:
    """A product number with that flaw, one SKU, and stock."""
    return next(
        number
        for number in range(at_least, PRODUCT_COUNT)
        if flaw_of(number) == flaw and not has_two_skus(number) and number % 40 != 20
    )


def number_in(channel: str) -> int:
    """A flawless product that the seller keeps in that warehouse."""
    return next(
        number
        for number in range(PRODUCT_COUNT)
        if flaw_of(number) is None
        and not has_two_skus(number)
        and offer_unedited("demo", product_of(number)).channel == channel
    )


def asin_at(number: int) -> str:
    return product_of(number).asin


def sku_at(number: int) -> str:
    return offer_unedited("demo", product_of(number)).sku


def only_item(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    return item


def status_of(item: Any) -> list[str]:
    return list(item["summaries"][0]["status"])


EVERY_STATE: dict[str, dict[str, Any]] = {
    "on sale": {"number": number_with(None)},
    "sold from Amazon's warehouse": {"number": number_in("AMAZON_JP")},
    "sold from the seller's own": {"number": number_in("DEFAULT")},
    "out of stock": {"number": 20},
    "with two SKUs": {"number": 5},
    "with an odd SKU": {"number": 11},
    "with a warning": {"number": 4},
    "suspended": {"number": number_with("suspended")},
    "closed": {"number": number_with("inactive")},
    "no certificate on file": {"number": number_with("certificate_missing")},
    "food": {"number": number_with("food")},
    "repriced": {"number": 0, "control": ("price", {"price_jpy": 12345})},
    "suspended by hand": {"number": 0, "control": ("suspend", {})},
    "moved": {"number": 0, "control": ("category", {"browse_path": "ホビー > フィギュア"})},
    "renamed": {"number": 0, "control": ("title", {"title": "新しい名前"})},
}


@pytest.mark.parametrize("state", EVERY_STATE)
def test_every_answer_about_a_product_obeys_amazons_models_whatever_its_state(
    sandbox: SandboxServer, amazon: AmazonClient, state: str
) -> None:
    number = EVERY_STATE[state]["number"]
    asin = asin_at(number)
    if control := EVERY_STATE[state].get("control"):
        sandbox.control(control[0], asin=asin, **control[1])
    found = amazon.search("ASIN", asin)
    items = found.json()["items"]
    assert items
    assert faults_by_model("listings", "ItemSearchResults", found.json()) == []
    for item in items:
        answer = amazon.listing(item["sku"])
        assert answer.json() == item
        assert faults_by_model("listings", "Item", answer.json()) == []
    catalogue = amazon.search_catalogue(asin)
    assert faults_by_model("catalogue", "ItemSearchResults", catalogue.json()) == []
    entry = amazon.get(f"/catalog/2022-04-01/items/{asin}", includedData="summaries,images")
    assert faults_by_model("catalogue", "Item", entry.json()) == []
    inventory = amazon.inventory(*[item["sku"] for item in items])
    assert faults_by_model("fba", "GetInventorySummariesResponse", inventory.json()) == []


@pytest.mark.parametrize("is_suspended", [False, True])
def test_participations_obey_the_model_and_tell_a_suspended_account(
    sandbox: SandboxServer, amazon: AmazonClient, is_suspended: bool
) -> None:
    sandbox.control("account", seller="demo", suspended=is_suspended)
    content = amazon.participations().json()
    assert faults_by_model("sellers", "GetMarketplaceParticipationsResponse", content) == []
    assert content["payload"][0]["participation"]["hasSuspendedListings"] is is_suspended
    assert status_of(only_item(amazon.search("SKU", sku_at(0)))) == (
        [] if is_suspended else ["BUYABLE", "DISCOVERABLE"]
    )


def test_the_models_do_object_to_what_amazon_would_never_say(amazon: AmazonClient) -> None:
    item = only_item(amazon.search("SKU", sku_at(0)))
    item["summaries"][0]["status"] = ["ACTIVE"]
    item["offers"][0]["price"]["amount"] = 3980
    assert len(faults_by_model("listings", "Item", item)) == 2


def test_a_price_is_a_string_of_whole_yen(sandbox: SandboxServer, amazon: AmazonClient) -> None:
    sandbox.control("price", asin=asin_at(0), price_jpy=3980)
    (offer,) = only_item(amazon.search("ASIN", asin_at(0)))["offers"]
    assert offer["price"] == {"currencyCode": "JPY", "amount": "3980"}


def test_stock_in_amazons_warehouse_is_told_by_the_inventory_alone(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    stored, own = number_in("AMAZON_JP"), number_in("DEFAULT")
    for number in (stored, own):
        sandbox.control("quantity", asin=asin_at(number), quantity=7)
    listed = {
        item["sku"]: item["fulfillmentAvailability"]
        for item in amazon.search("SKU", sku_at(stored), sku_at(own)).json()["items"]
    }
    assert listed[sku_at(stored)] == [{"fulfillmentChannelCode": "AMAZON_JP"}]
    assert listed[sku_at(own)] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 7}]
    summaries = amazon.inventory(sku_at(stored), sku_at(own)).json()["payload"][
        "inventorySummaries"
    ]
    assert [summary["sellerSku"] for summary in summaries] == [sku_at(stored)]
    assert summaries[0]["inventoryDetails"]["fulfillableQuantity"] == 7
    brief = amazon.get(
        "/fba/inventory/v1/summaries",
        granularityType="Marketplace",
        granularityId="A1VC38T7YXB528",
        sellerSkus=sku_at(stored),
    )
    assert "inventoryDetails" not in brief.json()["payload"]["inventorySummaries"][0]


def test_no_stock_is_not_buyable_and_has_no_issue(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    sandbox.control("quantity", asin=asin_at(0), quantity=0)
    item = only_item(amazon.search("ASIN", asin_at(0)))
    assert status_of(item) == ["DISCOVERABLE"]
    assert item["issues"] == []
    assert item["offers"]


def test_a_suspension_is_seen_in_the_enforcement_and_ends_when_reactivated(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    sandbox.control("suspend", asin=asin_at(0))
    item = only_item(amazon.search("ASIN", asin_at(0), issueLocale="ja_JP"))
    assert status_of(item) == []
    assert item["issues"][0]["enforcements"]["actions"] == [{"action": "LISTING_SUPPRESSED"}]
    assert "出品が停止" in item["issues"][0]["message"]
    sandbox.control("reactivate", asin=asin_at(0))
    assert status_of(only_item(amazon.search("ASIN", asin_at(0)))) == ["BUYABLE", "DISCOVERABLE"]


def test_a_deleted_listing_is_not_found_though_its_product_is(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    sandbox.control("delete", asin=asin_at(0))
    gone = amazon.listing(sku_at(0))
    assert gone.status_code == 404
    assert gone.json()["errors"][0]["code"] == "NOT_FOUND"
    assert amazon.search("ASIN", asin_at(0)).json()["numberOfResults"] == 0
    assert amazon.search_catalogue(asin_at(0)).json()["numberOfResults"] == 1


def test_a_product_moved_on_amazon_shows_its_new_path_root_to_leaf(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    path = "家電＆カメラ > ウェアラブルデバイス > スマートウォッチ"
    sandbox.control("category", asin=asin_at(0), browse_path=path)
    entry = only_item(amazon.search_catalogue(asin_at(0)))
    node, names = entry["classifications"][0]["classifications"][0], []
    while node:
        names.insert(0, node["displayName"])
        last, node = node, node.get("parent")
    assert " > ".join(names) == path
    assert last["classificationId"] == "3210981"


def test_a_certificate_is_on_file_or_missing_or_not_exposed(amazon: AmazonClient) -> None:
    name = "regulatory_compliance_certification"
    held = next(n for n in range(PRODUCT_COUNT) if product_of(n).certificates)
    missing = number_with("certificate_missing")
    hidden = next(n for n in range(PRODUCT_COUNT) if product_of(n).certificates is None)
    entries = {
        item["asin"]: item["attributes"]
        for item in amazon.search_catalogue(*map(asin_at, (held, missing, hidden))).json()["items"]
    }
    assert entries[asin_at(held)][name][0].keys() == {"regulation_type", "value", "marketplace_id"}
    assert entries[asin_at(missing)][name] == []
    assert name not in entries[asin_at(hidden)]


def test_only_the_data_sets_asked_for_are_answered(amazon: AmazonClient) -> None:
    assert set(only_item(amazon.search("SKU", sku_at(0), includedData="offers,issues"))) == {
        "sku",
        "offers",
        "issues",
    }
    assert set(amazon.listing(sku_at(0), includedData="").json()) == {"sku", "summaries"}
    refused = amazon.search("SKU", sku_at(0), includedData="summaries,prices")
    assert refused.status_code == 400
    assert faults_by_model("listings", "ErrorList", refused.json()) == []


def test_twenty_asins_may_have_more_results_than_one_page(amazon: AmazonClient) -> None:
    asins = [asin_at(number) for number in range(20)]
    first = amazon.search("ASIN", *asins).json()
    assert first["numberOfResults"] > len(first["items"]) == 20
    token = first["pagination"]["nextToken"]
    second = amazon.search("ASIN", *asins, pageToken=token).json()
    assert len(second["items"]) == first["numberOfResults"] - 20
    assert second["pagination"] == {}
    skus = [item["sku"] for item in first["items"] + second["items"]]
    assert len(set(skus)) == first["numberOfResults"]


# By status


def by_status(amazon: AmazonClient, **parameters: object) -> Any:
    path = f"/listings/2021-08-01/items/{amazon.seller_id}"
    answer = amazon.get(path, includedData="summaries", pageSize=20, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def every_page(amazon: AmazonClient, clock: SteppingClock, **parameters: object) -> list[Any]:
    page = by_status(amazon, **parameters)
    items = page["items"]
    while token := page["pagination"].get("nextToken"):
        clock.advance(1)
        page = by_status(amazon, pageToken=token, **parameters)
        items += page["items"]
    return items


FILTERS: dict[str, tuple[dict[str, str], Callable[[set[str]], bool]]] = {
    "not buyable": ({"withoutStatus": "BUYABLE"}, lambda held: "BUYABLE" not in held),
    "hidden": ({"withoutStatus": "BUYABLE,DISCOVERABLE"}, lambda held: not held),
    "buyable": ({"withStatus": "BUYABLE"}, lambda held: "BUYABLE" in held),
    "seen but not bought": (
        {"withStatus": "DISCOVERABLE", "withoutStatus": "BUYABLE"},
        lambda held: held == {"DISCOVERABLE"},
    ),
}


@pytest.mark.parametrize("is_suspended", [False, True])
@pytest.mark.parametrize("name", FILTERS)
def test_offers_by_status_are_exactly_those_that_show_it(
    sandbox: SandboxServer, account: Any, clock: SteppingClock, name: str, is_suspended: bool
) -> None:
    sandbox.control("catalogue", product_count=130)
    sandbox.control("account", suspended=is_suspended)
    for number, change in enumerate(("suspend", "delete", "reactivate")):
        sandbox.control(change, asin=asin_at(number))
    sandbox.control("quantity", asin=asin_at(5), quantity=0)
    sandbox.control("quantity", asin=asin_at(20), quantity=3)
    sandbox.control("reactivate", asin=asin_at(number_with("suspended")))
    parameters, is_wanted = FILTERS[name]
    with AmazonClient(sandbox, account) as amazon:
        found = {item["sku"] for item in every_page(amazon, clock, **parameters)}
        expected = set()
        for number in range(0, 130, 20):
            clock.advance(2)
            asins = [asin_at(each) for each in range(number, min(130, number + 20))]
            for token in (None, "ZnJvbToyMA=="):
                more = {"pageToken": token} if token else {}
                for item in amazon.search("ASIN", *asins, **more).json()["items"]:
                    if is_wanted(set(status_of(item))):
                        expected.add(item["sku"])
    assert found == expected


def test_results_by_status_come_in_the_order_asked_for(
    sandbox: SandboxServer, amazon: AmazonClient, clock: SteppingClock
) -> None:
    query = {"withoutStatus": "BUYABLE"}
    rising = every_page(amazon, clock, sortBy="sku", sortOrder="ASC", **query)
    skus = [item["sku"] for item in rising]
    assert skus == sorted(skus)
    sandbox.control("suspend", asin=asin_at(3))
    assert by_status(amazon, **query)["items"][0]["sku"] == sku_at(3)


def test_only_a_thousand_results_can_be_paged_through_but_all_are_counted(
    sandbox: SandboxServer, amazon: AmazonClient, clock: SteppingClock
) -> None:
    sandbox.control("catalogue", product_count=2000)
    first = by_status(amazon, withStatus="BUYABLE")
    assert first["numberOfResults"] > 1000
    assert len(every_page(amazon, clock, withStatus="BUYABLE")) == 1000
    beyond = urlsafe_b64encode(b"from:1000").decode()
    path = f"/listings/2021-08-01/items/{amazon.seller_id}"
    assert amazon.get(path, withStatus="BUYABLE", pageToken=beyond).status_code == 400


def test_a_page_holds_ten_where_nothing_else_is_asked(amazon: AmazonClient) -> None:
    asins = ",".join(asin_at(number) for number in range(20))
    path = "/catalog/2022-04-01/items"
    answer = amazon.get(path, identifiersType="ASIN", identifiers=asins)
    assert len(answer.json()["items"]) == 10


@pytest.mark.parametrize(
    "parameters",
    [
        {"marketplaceIds": "ATVPDKIKX0DER"},
        {"pageSize": 21},
        {"pageToken": "nonsense"},
        {"identifiers": ",".join(asin_at(number) for number in range(21))},
        {"withStatus": "BUYABLE"},
        {"withStatus": "ACTIVE", "identifiers": "", "identifiersType": ""},
        {"keywords": "時計"},
        {"identifiersType": "EAN"},
    ],
    ids=str,
)
def test_what_amazon_or_the_sandbox_does_not_take_is_refused_with_400(
    amazon: AmazonClient, parameters: dict[str, object]
) -> None:
    path = f"/listings/2021-08-01/items/{amazon.seller_id}"
    known = {"identifiersType": "ASIN", "identifiers": asin_at(0)}
    assert amazon.get(path, **{**known, **parameters}).status_code == 400


def test_every_answer_has_a_request_id_and_good_ones_the_rate(amazon: AmazonClient) -> None:
    answer = amazon.search("SKU", sku_at(0))
    assert answer.headers["x-amzn-RateLimit-Limit"] == "5.0"
    assert answer.headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("path", "rate", "burst"),
    [
        (f"/listings/2021-08-01/items/{amazon_seller_id_of('demo')}", 5, 5),
        (f"/listings/2021-08-01/items/{amazon_seller_id_of('demo')}/x", 5, 10),
        ("/catalog/2022-04-01/items", 2, 2),
        ("/catalog/2022-04-01/items/B000000000", 2, 2),
        ("/fba/inventory/v1/summaries", 2, 2),
        ("/sellers/v1/marketplaceParticipations", 0.016, 15),
        ("/reports/2021-06-30/reports/1", 2, 15),
        ("/reports/2021-06-30/documents/1", 0.0167, 15),
    ],
)
def test_each_operation_has_the_bucket_of_amazons_table(
    amazon: AmazonClient, clock: SteppingClock, path: str, rate: float, burst: int
) -> None:
    answers = [amazon.get(path).status_code for _ in range(burst + 1)]
    assert 429 not in answers[:-1]
    assert answers[-1] == 429
    clock.advance(1.01 / rate)
    assert amazon.get(path).status_code != 429
    throttled = amazon.get(path)
    assert throttled.status_code == 429
    assert throttled.json()["errors"][0]["code"] == "QuotaExceeded"
    assert "x-amzn-RateLimit-Limit" not in throttled.headers
    assert throttled.headers["x-amzn-RequestId"]


def test_sellers_have_buckets_of_their_own(sandbox: SandboxServer, amazon: AmazonClient) -> None:
    while amazon.search_catalogue(asin_at(0)).status_code != 429:
        pass
    with AmazonClient(sandbox, sandbox.control("sellers", name="other")) as other:
        assert other.search_catalogue(asin_at(0)).status_code == 200


def test_an_access_token_ends_after_an_hour(amazon: AmazonClient, clock: SteppingClock) -> None:
    clock.advance(3599)
    assert amazon.participations().status_code == 200
    clock.advance(1)
    denied = amazon.participations()
    assert denied.status_code == 403
    assert denied.json()["errors"][0]["details"] == "The access token you provided has expired."


def test_a_revoked_seller_gets_no_token_until_linked_again(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    sandbox.control("revoke", seller="demo")
    assert amazon.participations().status_code == 403
    refused = amazon.token_answer()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    with AmazonClient(sandbox, sandbox.control("sellers", name="demo")) as linked_again:
        assert linked_again.participations().status_code == 200
    assert amazon.token_answer().json()["error"] == "invalid_grant"


def test_a_token_opens_no_other_sellers_account(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    other = sandbox.control("sellers", name="other")
    path = f"/listings/2021-08-01/items/{other['amazon_seller_id']}"
    answer = amazon.get(path, identifiersType="SKU", identifiers=sku_at(0))
    assert answer.status_code == 403


def test_no_token_and_a_forged_one_are_denied(sandbox: SandboxServer) -> None:
    for headers in ({}, {"x-amz-access-token": "Atza|1-1-ffffffff.0000"}):
        url = f"{sandbox.url}/sellers/v1/marketplaceParticipations"
        assert httpx.get(url, headers=headers).status_code == 403


def test_the_main_image_is_served_by_the_sandbox_itself(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    link = only_item(amazon.search("ASIN", asin_at(0)))["summaries"][0]["mainImage"]["link"]
    assert link == f"{sandbox.url}/images/{asin_at(0)}.0.jpg"
    image = httpx.get(link)
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG\r\n\x1a\n")
