"""The page of the failure report: what failed in a period or an upload, and the CSV of that."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from api.l10n import JST
from tests.api.page_data import listed_binding, rejected_binding
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

HEADER = "asin,mercari_category_id,suggested_price_jpy,stock_threshold\n"
FAULTY = f"{HEADER}B0TESTAA03,sbx-01,299,1\n=cmd,sbx-01,,1\n"


def download_of(browser: httpx.Client, page: str) -> list[dict[str, str]]:
    """The rows of the CSV that the page's button leads to."""
    found = re.search(r'href="(/v1/failure-report\.csv[^"]*)"', page)
    assert found
    answer = browser.get(html.unescape(found[1]))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def today() -> str:
    return datetime.now(JST).date().isoformat()


def test_the_last_seven_days_are_shown_with_counts_by_code_and_by_who_acts(
    seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    for number in (1, 2):
        rejected_binding(desk, seller.seller_id, f"B0REJECT{number:02}")
    listed_binding(desk, seller.seller_id, "B0LISTED01")
    browser = visitor(seller_key)
    page = browser.get("/failure-report").text
    assert "2 attempts failed or are being retried." in page
    assert '<span class="pill">You <b>2</b></span>' in page
    assert "B0REJECT02" in page
    assert "sbx-1042" in page
    assert "B0LISTED01" not in page
    assert [row["asin"] for row in download_of(browser, page)] == ["B0REJECT02", "B0REJECT01"]
    assert 'href="/failure-report"' in browser.get("/").text


def test_a_period_holds_its_last_day_and_nothing_before_its_first(
    seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    rejected_binding(desk, seller.seller_id, "B0REJECT01")
    browser = visitor(seller_key)
    yesterday = (datetime.now(JST) - timedelta(days=1)).date().isoformat()
    for query, is_in in (
        ({"from": today(), "to": today()}, True), ({"from": yesterday, "to": yesterday}, False),
        ({"from": datetime.now(UTC).isoformat()}, True), ({"to": yesterday}, False),
    ):  # fmt: skip
        page = browser.get("/failure-report", params=query)
        assert page.status_code == 200, query
        assert ("B0REJECT01" in page.text) is is_in, query
        assert ("Nothing failed." in page.text) is not is_in, query
        assert (len(download_of(browser, page.text)) == 1) is is_in, query


def uploaded(browser: httpx.Client, content: str) -> str:
    """The public id of an upload of this file."""
    data = {"csrf": csrf_in(browser.get("/upload").text), "key": "k"}
    files = {"file": ("faulty.csv", content.encode(), "text/csv")}
    return browser.post("/upload", data=data, files=files).headers["location"].rpartition("/")[2]


def test_a_file_that_was_refused_whole_is_said_to_be(seller_key: str, visitor: Visitor) -> None:
    browser = visitor(seller_key)
    upload = uploaded(browser, "asin;mercari_category_id\n")
    page = browser.get("/failure-report", params={"submission_id": upload}).text
    assert "The file was refused whole; nothing in it was bound." in page
    assert f'href="/upload/{upload}"' in page
    assert "Nothing failed." not in page


def test_an_upload_is_reported_row_by_row(seller_key: str, visitor: Visitor) -> None:
    browser = visitor(seller_key)
    upload = uploaded(browser, FAULTY)
    page = browser.get("/failure-report", params={"submission_id": upload}).text
    assert "2 rows were not listed." in page
    assert "faulty.csv" in page
    assert '<td class="mono">=cmd</td>' in page
    assert len(download_of(browser, page)) == 2


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("0000-01-01", "", "is no day"),
        ("", "10000-01-01", "is no day"),
        ("yesterday", "", "is no day"),
        ("", "9999-12-31", "lies ahead"),
        ("9999-12-31", "9999-12-31", "lies ahead"),
        ("0001-01-01", "", "Nothing was synced then"),
        ("2026-11-20", "2026-11-19", "exchange the two"),
        ("2021-01-01", "2023-01-01", "at most 366 days"),
        ("", "0001-01-01", "Nothing was synced then"),
        ("<b>", "", "&lt;b&gt;"),
    ],
)
def test_a_period_that_can_not_be_is_answered_with_what_to_mend(
    seller_key: str, visitor: Visitor, first: str, last: str, said: str
) -> None:
    answer = visitor(seller_key).get("/failure-report", params={"from": first, "to": last})
    assert answer.status_code == 422
    assert said in answer.text
    assert "Download as CSV" not in answer.text


def test_a_foreign_upload_is_no_page(
    visitor: Visitor, desk: Desk, neighbour: LinkedSeller, seller_key: str
) -> None:
    upload = uploaded(visitor(seller_key), FAULTY)
    other = visitor(desk.keys.create("seller", neighbour.seller_id, "test")[1])
    for named in (upload, "sub_1_x", "'; --"):
        answer = other.get("/failure-report", params={"submission_id": named})
        assert answer.status_code == 404, named


def test_staff_see_the_report_of_the_seller_they_look_at(
    visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    rejected_binding(desk, seller.seller_id, "B0REJECT01")
    named = public_id("sel", seller.seller_id)
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    page = staff.get("/failure-report", params={"seller_id": named}).text
    assert "B0REJECT01" in page
    assert len(download_of(staff, page)) == 1
