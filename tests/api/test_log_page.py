"""The sync log's page: filters in the address, cursors, and the command that shows the same."""

from __future__ import annotations

import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from api.desk import Desk
from api.query_values import Unreadable, cursor_after, place_after
from domain.values import binding_id_of
from tests.api.page_data import adjusted, listed_binding, record, rejected_binding
from tests.api.visiting import Visitor

ROOT = Path(__file__).parents[2]


def command_in(page: str) -> list[str]:
    found = re.search(r"<code[^>]*>(asin-sync.*?)</code>", page)
    assert found
    return shlex.split(html.unescape(found[1]))


def test_the_command_line_of_the_filter_is_shown_and_safe_to_paste(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    assert command_in(browser.get("/sync-log").text) == ["asin-sync", "logs", "tail", "-n", "50"]
    filtered = browser.get("/sync-log?code=E-403&outcome=failed&from=2026-11-01T00:00&asin=$(rm)'x")
    assert command_in(filtered.text)[5:] == [
        "--asin", "$(rm)'x", "--code", "E-403", "--outcome", "failed",
        "--from", "2026-11-01T00:00:00+09:00",
    ]  # fmt: skip


def test_the_command_that_is_shown_tells_the_same_lines(
    desk: Desk, seller_key: str, seller_id: UUID, address: str, tmp_path: Path, visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0COMMAND1")
    rejected_binding(desk, seller_id, "B0COMMAND2")
    page = visitor(seller_key).get("/sync-log?outcome=failed&from=2026-01-01T00:00").text
    program, *words = command_in(page)
    settings = {
        "ASIN_SYNC_URL": address, "ASIN_SYNC_KEY": seller_key, "COLUMNS": "200",
        "ASIN_SYNC_DATA": str(tmp_path),
    }  # fmt: skip
    told, none = (
        subprocess.run(
            [sys.executable, "-m", "main", *words, *more], cwd=ROOT, capture_output=True, text=True,
            check=True,
            env={**os.environ, **settings},
        ).stdout
        for more in ([], ["--from", "2099-01-01T00:00:00Z"])
    )  # fmt: skip
    assert program == "asin-sync"
    assert len(told.splitlines()) == page.count("seen: マグカップ") == 1
    assert "B0COMMAND2" in told
    assert none == ""


def test_staff_see_the_seller_in_the_command(desk: Desk, seller_id: UUID, visitor: Visitor) -> None:
    named = f"sel_1_{seller_id.hex}"
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    assert command_in(staff.get(f"/sync-log?seller_id={named}").text)[-2:] == ["--seller", named]


def test_pages_of_the_log_follow_each_other_without_a_gap(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0PAGING01")
    prices = [adjusted(number, number + 1) for number in range(1, 121)]
    record(desk, seller_id, binding_id_of(seller_id, "B0PAGING01"), 5, list(prices))
    browser, address, seen = visitor(seller_key), "/sync-log?asin=B0PAGING01", list[str]()
    while address:
        page = browser.get(address).text
        seen += re.findall(r"Price ¥([\d,]+) → ", page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        address = html.unescape(older[1]) if older else ""
    assert seen == [str(number) for number in range(120, 0, -1)] + ["9,480"]


@pytest.mark.parametrize("path", ["/sync-log", "/bindings", "/audit"])
def test_a_cursor_of_another_filter_or_seller_leads_to_what_to_mend(
    desk: Desk, seller_key: str, path: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    for cursor in ("1.1.00000000", "1", "x.y.z", "9" * 30):
        answer = browser.get(f"{path}?before={cursor}&lang=en")
        assert answer.status_code == 400
        assert "begin with the newest page" in answer.text
        assert f'href="{path}?lang=en"' in answer.text


def test_a_cursor_holds_for_its_own_list_only() -> None:
    ours = ["seller", "/sync-log", "B0AAAAAAAA", None]
    assert place_after(cursor_after(ours, 5, 1), ours, 2) == (5, 1)
    for other in (["other", *ours[1:]], [*ours[:2], "B0BBBBBBBB", None]):
        with pytest.raises(Unreadable):
            place_after(cursor_after(ours, 5, 1), other, 2)


UNFIT = (
    ("asin", "x" * 10_000), ("code", "x" * 10_000), ("status", "x" * 10_000),
    ("error_code", "x" * 10_000), ("subject", "あ" * 3_000), ("actor", "x" * 10_000),
    ("from", "0000-01-01T00:00"), ("to", "9999-12-31T23:59:59"), ("from", "0001-01-01"),
    ("actor", "\0"), ("asin", "a\0"), ("outcome", "sideways"), ("type", "no.such"),
)  # fmt: skip


@pytest.mark.parametrize("path", ["/sync-log", "/bindings", "/audit"])
def test_no_filter_breaks_a_page_and_an_unfit_one_says_what_to_mend(
    desk: Desk, seller_key: str, path: str, visitor: Visitor
) -> None:
    browser, refused = visitor(seller_key), 0
    for name, text in UNFIT:
        answer = browser.get(path, params={name: text})
        assert answer.status_code in (200, 400), name
        assert len(answer.content) < 40_000
        if answer.status_code == 400:
            refused += 1
            assert f'<span class="mono">{name}</span>' in answer.text
            assert "Go on without it" in answer.text
    assert refused >= 4


def test_saved_views_are_there_for_the_browser_and_hidden_without_it(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    rejected_binding(desk, seller_id, "B0REJECT01")
    page = visitor(seller_key).get("/sync-log").text
    assert re.search(r'data-views="asin code outcome from to" hidden', page)
    assert re.search(r'src="/static/[0-9a-f]+/views\.js"', page)
