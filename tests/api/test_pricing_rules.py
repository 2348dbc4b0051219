"""Pricing rules over HTTP: refused whole, tried without saving, saved, whose they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from api.desk import Desk
from api.ids import public_id
from api.pricing_trial import trial_of
from domain.application import Change, acting_for
from domain.asin_binding.facts import Listed, Mapped, PriceAdjusted, Requested, Validated
from domain.rules.repricing import PriceRule, PricingRules
from domain.seller import Role
from domain.values import asin_from, binding_id_of
from tests.api.page_data import TERMS, adjusted, listed_binding, product, record, stamp
from tests.examples import a_listing
from tests.sellers import LinkedSeller

URL = "/v1/pricing-rules"
ASIN = "B0TESTAA01"
"""Listed at ¥9,600, at +5 % of Amazon's ¥9,100."""


def rules(**fields: Any) -> dict[str, Any]:
    return {"rules": fields}


def prices(**changes: Any) -> dict[str, Any]:
    return {"prices": [{"asin": ASIN, "channel": "rakuten", "price_jpy": 9_700} | changes]}


BAD_RULES = [
    (rules(floor_jpy=2_000, ceiling_jpy=1_000), "floor_jpy", "floor lies above the ceiling"),
    (rules(floor_jpy=-1), "floor_jpy", "¥300 to ¥9,999,999"),
    (rules(floor_jpy=980.5), "floor_jpy", "whole yen"),
    (rules(floor_jpy=980.0), "floor_jpy", "whole yen"),
    (rules(floor_jpy="980"), "floor_jpy", "whole yen"),
    (rules(floor_jpy=True), "floor_jpy", "whole yen"),
    (rules(floor_usd=9), "floor_usd", "no such field"),
    (rules(charm="77"), "charm", "ending"),
    (rules(charm=80), "charm", "ending"),
    (rules(avoid_fee_cliff="yes"), "avoid_fee_cliff", "form"),
    (rules(daily_brake_pct=0), "daily_brake_pct", "above 0"),
    (rules(daily_brake_pct="NaN"), "daily_brake_pct", "above 0"),
    (rules(follow="=HYPERLINK()"), "follow", "letters and digits"),
    (rules(overrides=[{"asin": ASIN}, {"asin": "ｂ0testaa01"}]), "overrides/1/asin", "already"),
    (rules(overrides=[{"floor_jpy": 1_000}]), "overrides/0/asin", "ASIN"),
    (rules(overrides=[{"asin": ASIN, "off": ["gravity"]}]), "overrides/0/off/0", "form"),
    ({"rule": {}}, "rule", "no such field"),
    ([], "body", "form"),
]
BAD_PRICES = [
    (prices(price_jpy=12.5), "prices/0/price_jpy", "whole yen"),
    (prices(price_jpy=-5), "prices/0/price_jpy", "¥1 to"),
    (prices(currency="USD"), "prices/0/currency", "no such field"),
    (prices(price_usd=9), "prices/0/price_usd", "no such field"),
    (prices(channel="@SUM(1)"), "prices/0/channel", "letters and digits"),
    (prices(asin="=1+1"), "prices/0/asin", "ASIN"),
    ({"prices": [*prices()["prices"], *prices()["prices"]]}, "prices/1/asin", "already"),
    ({"prices": []}, "prices", "no prices"),
    ({"prices": prices()["prices"] * 10_000}, "prices", "2,000"),
]
BAD_FILES = [
    ("asin,channel,price_usd\nB0TESTAA01,rakuten,9\n", "file", "exactly the columns"),
    ("asin,channel,price_jpy,currency\nB0TESTAA01,rakuten,9,USD\n", "file", "exactly the columns"),
    ("asin,channel\nB0TESTAA01,rakuten\n", "file", "exactly the columns"),
    ("asin,channel,price_jpy\nB0TESTAA01,rakuten,$9.70\n", "row 1/price_jpy", "whole yen"),
    ("asin,channel,price_jpy\nB0TESTAA01,rakuten,=1+1\n", "row 1/price_jpy", "whole yen"),
    ("asin,channel,price_jpy\n=cmd|calc,rakuten,970\n", "row 1/asin", "ASIN"),
    ("asin,channel,price_jpy\nB0TESTAA01,-rakuten,970\n", "row 1/channel", "letters and digits"),
    ("asin,channel,price_jpy\nB0TESTAA01,r,970\nB0TESTAA01,r,980\n", "row 2/asin", "already"),
    ("asin,channel,price_jpy\n", "file", "no prices"),
    ('asin,channel,price_jpy\n"B0TESTAA01,r,970', "file", "can't be read"),
    ("asin,channel,price_jpy\n" + "B0TESTAA01,r,970\n" * 10_000, "file", "2,000"),
    ("\x00", "file", "can't be read"),
    ("", "file", "can't be read"),
]


def refused(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "invalid-request"
    return {each["field"]: each["detail"] for each in problem["errors"]}


def test_what_can_t_hold_is_refused_whole_and_names_field_and_rule(
    client: httpx.Client, head: Callable[[], int]
) -> None:
    before = head()
    for body, field, said in BAD_RULES:
        for answer in (client.put(URL, json=body), client.post(f"{URL}/dry-run", json=body)):
            assert said in refused(answer)[field], body
    for body, field, said in BAD_PRICES:
        assert said in refused(client.post(f"{URL}/channel-prices", json=body))[field], field
    for text, field, said in BAD_FILES:
        files = {"file": ("prices.csv", text.encode(), "text/csv")}
        assert said in refused(client.post(f"{URL}/channel-prices", files=files))[field], text[:80]
        headers = {"Content-Type": "text/csv"}
        sent = client.post(f"{URL}/channel-prices", content=text.encode(), headers=headers)
        assert said in refused(sent)[field], text[:80]
    assert head() == before


def test_bytes_that_are_no_json_are_refused(client: httpx.Client) -> None:
    assert "body" in refused(client.put(URL, content=b"\xff{"))


def test_a_refusal_is_in_the_reader_s_language(client: httpx.Client) -> None:
    for language, said in (("zh", "整数"), ("ja", "整数")):
        answer = client.put(f"{URL}?lang={language}", json=rules(floor_jpy=1.5))
        assert said in refused(answer)["floor_jpy"]


def test_a_dry_run_says_what_would_change_and_why_and_changes_nothing(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, head: Callable[[], int]
) -> None:
    binding = listed_binding(desk, seller.seller_id, ASIN)
    before = head()
    calls = client.get("/v1/upstream-calls").json()["total"]
    tried = client.post(f"{URL}/dry-run", json=rules(charm="80", ceiling_jpy=9_500)).json()
    assert (tried["live"], tried["would_change"]) == (1, 1)
    (item,) = tried["items"]
    assert (item["id"], item["asin"]) == (binding, ASIN)
    assert (item["from_price_jpy"], item["to_price_jpy"]) == (9_600, 9_480)
    assert (item["net_from_jpy"], item["net_to_jpy"]) == (8_448, 8_343)
    assert [(each["rule"], each["outcome"]) for each in item["reasons"]] == [
        ("ceiling_jpy", "applied"), ("charm", "applied"),
    ]  # fmt: skip
    assert item["reasons"][0]["said"] == "Lowered to your ceiling of ¥9,500."
    assert head() == before
    assert client.get(URL).json()["rules"]["charm"] is None
    assert client.get("/v1/upstream-calls").json()["total"] == calls


def test_a_dry_run_of_no_rules_says_where_the_plain_float_would_return(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    listed_binding(desk, seller.seller_id, ASIN)
    (item,) = client.post(f"{URL}/dry-run", json=rules()).json()["items"]
    assert (item["from_price_jpy"], item["to_price_jpy"], item["reasons"]) == (9_600, 9_555, [])


def test_a_dry_run_counts_the_brake_from_the_start_of_the_day(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    """The day began at ¥9,480; from ¥9,600 the brake alone would let it stand."""
    listed_binding(desk, seller.seller_id, ASIN)
    (item,) = client.post(f"{URL}/dry-run", json=rules(daily_brake_pct=0.5)).json()["items"]
    assert item["to_price_jpy"] == 9_527


def test_rules_saved_are_shown_as_they_were_sent_and_can_be_sent_again(
    client: httpx.Client, head: Callable[[], int]
) -> None:
    body = rules(
        floor_net_jpy=800, daily_brake_pct=7.5, avoid_fee_cliff=True, follow="lowest",
        overrides=[{"asin": "b0testaa01", "floor_jpy": 1_000, "off": ["follow"]}],
    )  # fmt: skip
    saved = client.put(URL, json=body)
    assert saved.status_code == 202
    shown = client.get(URL).json()
    assert {name: shown["rules"][name] for name in body["rules"] if name != "overrides"} == {
        name: value for name, value in body["rules"].items() if name != "overrides"
    }
    (override,) = shown["rules"]["overrides"]
    assert (override["asin"], override["floor_jpy"], override["off"]) == (ASIN, 1_000, ["follow"])
    before = head()
    assert client.put(URL, json={"rules": shown["rules"]}).status_code == 202
    assert head() == before


def test_channel_prices_come_as_json_and_as_csv_in_any_order_of_columns(
    client: httpx.Client,
) -> None:
    assert client.post(f"{URL}/channel-prices", json=prices()).json()["entered"] == 1
    text = "price_jpy,asin,channel\n9800,ｂ0testaa01, 楽天市場 \n9500,B0TESTAA02,yahoo\n\n"
    files = {"file": ("prices.csv", text.encode("cp932"), "text/csv")}
    entered = client.post(f"{URL}/channel-prices", files=files).json()
    assert entered["entered"] == 2
    seen = {"at_position": entered["position"]}
    known = client.get(URL, params=seen).json()["channel_prices"]
    assert [(each["asin"], each["channel"], each["price_jpy"]) for each in known] == [
        (ASIN, "rakuten", 9_700), (ASIN, "楽天市場", 9_800), ("B0TESTAA02", "yahoo", 9_500),
    ]  # fmt: skip


def test_an_entered_price_is_followed_in_a_dry_run(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    listed_binding(desk, seller.seller_id, ASIN)
    seen = {"at_position": client.post(f"{URL}/channel-prices", json=prices()).json()["position"]}
    body = rules(follow="rakuten")
    (item,) = client.post(f"{URL}/dry-run", json=body, params=seen).json()["items"]
    assert item["to_price_jpy"] == 9_700
    assert item["reasons"][0]["said"] == "Follows your own price ¥9,700 on rakuten."


def test_rules_are_the_seller_s_own(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, neighbour_bearer: Mapping[str, str]
) -> None:
    listed_binding(desk, seller.seller_id, ASIN)
    assert client.put(URL, json=rules(charm="80")).status_code == 202
    assert client.get(URL, headers=neighbour_bearer).json()["rules"]["charm"] is None
    tried = client.post(f"{URL}/dry-run", json=rules(charm="99"), headers=neighbour_bearer).json()
    assert (tried["live"], tried["items"]) == (0, [])


def test_staff_may_look_and_try_but_not_change(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    roles: tuple[Role, ...] = ("support", "auditor", "reviewer", "admin")
    for role in roles:
        key = desk.keys.create(role, None, "staff")[1]
        ask: Any = {
            "headers": {"Authorization": f"Bearer {key}"},
            "params": {"seller_id": public_id("sel", seller.seller_id)},
        }
        assert client.get(URL, **ask).status_code == 200
        assert client.post(f"{URL}/dry-run", json=rules(), **ask).status_code == 200
        assert client.put(URL, json=rules(), **ask).status_code == 403
        assert client.post(f"{URL}/channel-prices", json=prices(), **ask).status_code == 403
    assert client.get(URL, headers={"Authorization": "Bearer no"}).status_code == 401


def test_the_fees_of_a_day_and_a_way_of_shipping(client: httpx.Client) -> None:
    after = client.get("/v1/fees", params={"price_jpy": 5_001, "shipping": "self"}).json()
    assert (after["net_jpy"], after["warning_code"]) == (4_401, "W-102")
    before = client.get("/v1/fees", params={"price_jpy": 5_001, "on": "2024-03-31"}).json()
    assert (before["net_jpy"], before["shipping_saving_jpy"]) == (4_501, 210)


def test_500_live_listings_are_tried_within_a_tenth_of_a_second(
    desk: Desk, seller: LinkedSeller
) -> None:
    """By our own time on the processor, whatever else the machine does."""
    asins = [asin_from(f"B0TRY{number:05}") for number in range(500)]
    for asin in asins:
        binding_id = binding_id_of(seller.seller_id, asin)
        facts = [
            Requested(stamp=stamp(), asin=asin, sku="SKU-1", terms=TERMS),
            Validated(stamp=stamp(), product=product(asin), warnings=(), float_rate=Decimal(0),
                      price_jpy=9_000, stock=4),
            Mapped(stamp=stamp(), mercari_category_id="sbx-1042", category_path=("キッチン",),
                   match_rate=96.4, reason="curated"),
            Listed(stamp=stamp(), listing=a_listing(price_jpy=9_000)),
        ]  # fmt: skip
        with acting_for(seller.seller_id):
            desk.app.record(Change(binding_id, 0, facts))
    record(
        desk,
        seller.seller_id,
        binding_id_of(seller.seller_id, asins[0]),
        4,
        [adjusted(9_000, 9_100)],
    )
    everywhere = PriceRule(
        floor_net_jpy=500, ceiling_jpy=9_500, daily_brake_pct=Decimal(5), avoid_fee_cliff=True,
        charm="80",
    )  # fmt: skip
    with acting_for(seller.seller_id):
        owner = desk.app.seller(seller.seller_id)
    seconds = []
    for _ in range(5):
        began = time.thread_time()
        with desk.reading_for(seller.seller_id) as connection:
            trial = trial_of(
                connection, owner, PricingRules(everywhere=everywhere), datetime.now(UTC)
            )
        seconds.append(time.thread_time() - began)
    assert (trial.live, trial.would_change) == (500, 500)
    assert min(seconds) < 0.1, seconds


def test_yesterday_s_price_is_where_a_new_day_begins(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding_id = binding_id_of(seller.seller_id, ASIN)
    listed_binding(desk, seller.seller_id, ASIN)
    moved = PriceAdjusted(
        stamp=stamp().model_copy(update={"decided_at": datetime.now(UTC) - timedelta(days=2)}),
        from_price_jpy=9_600, to_price_jpy=9_400, amazon_price_jpy=9_100,
        float_rate=Decimal("0.05"),
    )  # fmt: skip
    record(desk, seller.seller_id, binding_id, 5, [moved])
    (item,) = client.post(f"{URL}/dry-run", json=rules(daily_brake_pct=1)).json()["items"]
    assert (item["from_price_jpy"], item["to_price_jpy"]) == (9_400, 9_494)
