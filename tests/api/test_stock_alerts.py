"""Stock alerts over HTTP, on the page and on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.asin_binding.facts import StockAdjusted, Withdrawn
from domain.error_codes import LANGUAGES
from domain.values import binding_id_of
from infra.installation import Installation
from infra.projection_commands import check
from tests.api.page_data import TITLE, listed_binding, record, stamp
from tests.api.visiting import Visitor
from tests.sellers import LinkedSeller

ROOT = Path(__file__).parents[2]
FIRST, SECOND, THIRD = "B0ALERT001", "B0ALERT002", "B0ALERT003"
NAMED = {
    "binding_id", "asin", "title", "state", "reason", "amazon_quantity", "stock_threshold",
    "shown_stock", "since", "ended_at", "ended_by", "suggested_action",
}  # fmt: skip


def to_quantity(quantity: int, threshold: int = 0) -> StockAdjusted:
    return StockAdjusted(
        stamp=stamp(), from_stock=4, to_stock=max(0, quantity - threshold),
        amazon_quantity=quantity, stock_threshold=threshold,
    )  # fmt: skip


@pytest.fixture
def moved(desk: Desk, seller: LinkedSeller) -> Callable[[str, int, StockAdjusted], None]:
    """Move the stock of one of the seller's bindings, at a version."""

    def move(asin: str, version: int, fact: StockAdjusted) -> None:
        record(desk, seller.seller_id, binding_id_of(seller.seller_id, asin), version, [fact])

    return move


@pytest.fixture
def three(
    desk: Desk, seller: LinkedSeller, moved: Callable[[str, int, StockAdjusted], None]
) -> UUID:
    """Two alerts that are open, the second newer, and one that ended."""
    for asin in (FIRST, SECOND, THIRD):
        listed_binding(desk, seller.seller_id, asin)
    moved(THIRD, 5, to_quantity(0))
    moved(FIRST, 5, to_quantity(2, 3))
    moved(THIRD, 6, to_quantity(8))
    moved(SECOND, 5, to_quantity(0))
    return seller.seller_id


def items(client: httpx.Client, **query: str | int) -> list[dict]:
    return client.get("/v1/stock-alerts", params=query).json()["items"]


def test_open_alerts_come_first_newest_first_and_say_what_is_left_and_what_to_do(
    client: httpx.Client, three: UUID
) -> None:
    told = items(client)
    assert [(each["asin"], each["state"], each["reason"]) for each in told] == [
        (SECOND, "open", "sold_out"), (FIRST, "open", "at_threshold"), (THIRD, "ended", "sold_out"),
    ]  # fmt: skip
    newest, first, ended = told
    assert set(first) >= NAMED
    assert (first["amazon_quantity"], first["stock_threshold"], first["shown_stock"]) == (2, 3, 4)
    assert (first["title"], first["could_oversell"]) == (TITLE, True)
    assert first["binding_id"] == public_id("bnd", binding_id_of(three, FIRST))
    assert newest["since"] > first["since"] > ended["since"]
    assert (ended["ended_by"], ended["suggested_action"]) == ("restocked", None)
    assert ended["ended_at"] > ended["since"]
    actions = {items(client, lang=each)[0]["suggested_action"] for each in LANGUAGES}
    assert len(actions) == 3
    assert [each["asin"] for each in items(client, state="ended")] == [THIRD]
    assert [each["asin"] for each in items(client, state="open")] == [SECOND, FIRST]


def test_cursors_lead_through_open_and_ended_alerts_once(client: httpx.Client, three: UUID) -> None:
    url: str | None = "/v1/stock-alerts?limit=1"
    seen = []
    while url:
        answer = client.get(url)
        seen += [each["asin"] for each in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
    assert seen == [SECOND, FIRST, THIRD]
    for query in ({"state": "odd"}, {"limit": 0}, {"limit": 201}, {"cursor": "x"}):
        assert client.get("/v1/stock-alerts", params=query).status_code == 422, query


def test_another_seller_sees_none_of_them(
    client: httpx.Client, three: UUID, neighbour_bearer: dict[str, str]
) -> None:
    answer = client.get("/v1/stock-alerts", headers=neighbour_bearer)
    assert answer.json()["items"] == []


def test_a_withdrawn_binding_waits_for_no_stock(
    client: httpx.Client, desk: Desk, three: UUID
) -> None:
    gone = Withdrawn(stamp=stamp(), reason="asked by the seller")
    record(desk, three, binding_id_of(three, FIRST), 6, [gone])
    told = {each["asin"]: (each["state"], each["ended_by"]) for each in items(client)}
    assert told[FIRST] == ("ended", "off_market")


def test_the_view_is_the_fold_of_the_log(
    installation: Installation, client: httpx.Client, three: UUID
) -> None:
    [result] = [each for each in check(installation.database) if each.name == "stock_alerts"]
    assert (result.differences, result.rows) == ([], 4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_them_and_without_any_says_how_to_be_told_earlier(
    desk: Desk, seller: LinkedSeller, seller_key: str, visitor: Visitor, language: str,
    moved: Callable[[str, int, StockAdjusted], None],
) -> None:  # fmt: skip
    browser = visitor(seller_key)
    page = browser.get(f"/stock-alerts?lang={language}")
    assert page.status_code == 200
    assert 'href="/v1/submissions/template.csv"' in page.text
    listed_binding(desk, seller.seller_id, FIRST)
    moved(FIRST, 5, to_quantity(1, 2))
    page = browser.get(f"/stock-alerts?lang={language}").text
    assert f'<span class="t" lang="ja">{TITLE}</span>' in page
    assert 'href="/stock-alerts"' in browser.get("/").text
    assert FIRST in browser.get("/stock-alerts?state=open").text
    assert FIRST not in browser.get("/stock-alerts?state=ended").text
    assert browser.get("/stock-alerts?before=x").status_code == 400


def test_the_command_line_lists_them(address: str, seller_key: str, three: UUID) -> None:
    environment = {
        **os.environ, "ASIN_SYNC_URL": address, "ASIN_SYNC_KEY": seller_key, "COLUMNS": "200",
    }  # fmt: skip

    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "main", "alerts", *arguments]
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
            timeout=60,
        )  # fmt: skip
        return ended.stdout

    lines = said("--state", "open", "--json").splitlines()
    assert [json.loads(line)["asin"] for line in lines] == [SECOND, FIRST]
    assert all(asin in said() for asin in (FIRST, SECOND, THIRD))
