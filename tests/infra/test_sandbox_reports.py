"""The simulated listings report is asked for, awaited and downloaded as Amazon's is."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.listings_report import listings_in
from infra.sandbox.goods import asin_of
from tests.infra.sandbox_clients import AmazonClient, SteppingClock, faults_by_model
from tests.sandbox_server import SandboxServer

PATH = "/reports/2021-06-30"


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))


@pytest.fixture
def sandbox(tmp_path: Path, clock: SteppingClock) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path, clock=clock) as running:
        yield running


@pytest.fixture
def amazon(sandbox: SandboxServer) -> Iterator[AmazonClient]:
    account = sandbox.control("sellers", name="demo", product_count=130)
    with AmazonClient(sandbox, account) as client:
        yield client


def asked(amazon: AmazonClient, **changes: Any) -> httpx.Response:
    specification = {
        "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
        "marketplaceIds": [AMAZON_JP_MARKETPLACE_ID],
        **changes,
    }
    return amazon.post(f"{PATH}/reports", specification)


def downloaded(amazon: AmazonClient, clock: SteppingClock, **options: str) -> httpx.Response:
    report_id = asked(amazon, reportOptions=options).json()["reportId"]
    clock.advance(2)
    report = amazon.get(f"{PATH}/reports/{report_id}").json()
    document = amazon.get(f"{PATH}/documents/{report['reportDocumentId']}").json()
    assert faults_by_model("reports", "ReportDocument", document) == []
    return httpx.get(document["url"])


def test_a_report_is_done_two_seconds_after_it_was_asked_for(
    amazon: AmazonClient, clock: SteppingClock
) -> None:
    answer = asked(amazon)
    assert answer.status_code == 202
    path = f"{PATH}/reports/{answer.json()['reportId']}"
    clock.advance(1.9)
    waiting = amazon.get(path).json()
    clock.advance(0.2)
    done = amazon.get(path).json()
    assert (waiting["processingStatus"], done["processingStatus"]) == ("IN_PROGRESS", "DONE")
    assert faults_by_model("reports", "Report", waiting) == []
    assert faults_by_model("reports", "Report", done) == []


@pytest.mark.parametrize(
    ("options", "codec", "header"),
    [
        ({}, "cp932", "商品名\t出品ID\t出品者SKU"),
        ({"preferredReportDocumentLocale": "ja_JP"}, "cp932", "商品名\t出品ID\t出品者SKU"),
        ({"preferredReportDocumentLocale": "en_US"}, "utf-8", "item-name\tlisting-id\tseller-sku"),
    ],
)
def test_it_is_japanese_in_the_charset_of_japan_unless_english_is_asked_for(
    options: dict[str, str], codec: str, header: str, amazon: AmazonClient, clock: SteppingClock
) -> None:
    answer = downloaded(amazon, clock, **options)
    text = gzip.decompress(answer.content)
    assert text.decode(codec).startswith(header)
    in_japanese, _, _ = text.decode(codec).partition("\r\n")[2].partition("\r\n")
    assert in_japanese
    label = "UTF-8" if codec == "utf-8" else "Windows-31J"
    assert answer.headers["content-type"] == f"text/plain; charset={label}"


def test_it_tells_the_world_as_it_is_when_downloaded(
    sandbox: SandboxServer, amazon: AmazonClient, clock: SteppingClock
) -> None:
    sandbox.control("delete", asin=asin_of(0))
    sandbox.control("suspend", asin=asin_of(1))
    sandbox.control("price", asin=asin_of(2), price_jpy=12_345)
    answer = downloaded(amazon, clock)
    pieces = [gzip.decompress(answer.content)]
    listings = listings_in(pieces, answer.headers["content-type"])
    by_asin = {listing.asin: listing for listing in listings}
    assert asin_of(0) not in by_asin
    assert by_asin[asin_of(1)].status == "inactive"
    assert (by_asin[asin_of(2)].price_jpy, by_asin[asin_of(2)].status) == (12_345, "active")
    for listing in listings[::10]:
        shown = sandbox.control("world", method="GET", asin=listing.asin)["offers"]
        assert listing.sku in {offer["sku"] for offer in shown}


def test_a_report_is_its_sellers_own(sandbox: SandboxServer, amazon: AmazonClient) -> None:
    report_id = asked(amazon).json()["reportId"]
    with AmazonClient(sandbox, sandbox.control("sellers", name="other")) as other:
        assert other.get(f"{PATH}/reports/{report_id}").status_code == 404
    assert httpx.get(f"{sandbox.url}/documents/unknown").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [{"reportType": "GET_ORDERS"}, {"marketplaceIds": ["ATVPDKIKX0DER"]}],
)
def test_what_is_not_simulated_is_refused(amazon: AmazonClient, changes: dict[str, Any]) -> None:
    answer = asked(amazon, **changes)
    assert answer.status_code == 400
    assert faults_by_model("reports", "ErrorList", answer.json()) == []


def test_fifteen_reports_can_be_asked_for_at_once_and_one_more_a_minute(
    amazon: AmazonClient, clock: SteppingClock
) -> None:
    assert [asked(amazon).status_code for _ in range(16)] == [202] * 15 + [429]
    clock.advance(60)
    assert asked(amazon).status_code == 202
