"""Problems that a browser meets: a page to read, where a program is sent JSON."""

from __future__ import annotations

import logging
import re

import httpx
import psycopg
import pytest

from api.desk import Desk
from api.pages.docs_words import WHAT_TO_DO
from api.problems import TITLES
from infra.database import POOL_TIMEOUT_SECONDS
from infra.migrate import FIRST_CELL
from tests.api.visiting import Visitor, csrf_in

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
READERS = [("en", "Not found"), ("zh", "未找到"), ("ja", "見つかりません")]


@pytest.mark.parametrize(("language", "title"), READERS)
@pytest.mark.parametrize("path", ["/no-such-page", "/v1/nothing-here"])
def test_an_address_that_leads_nowhere_answers_a_browser_with_a_page_in_its_language(
    client: httpx.Client, path: str, language: str, title: str
) -> None:
    answer = client.get(path, headers={**BROWSER, "accept-language": language})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{title}</h1>" in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html", ""])
def test_a_program_is_sent_json_whatever_else_it_would_read(
    client: httpx.Client, accept: str
) -> None:
    answer = client.get("/no-such-page", headers={"accept": accept})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["vary"] == "Accept"


def test_a_link_that_is_refused_says_in_the_browser_what_to_mend(client: httpx.Client) -> None:
    headers = {**BROWSER, "accept-language": "ja"}
    asked = {"price_jpy": "x", "request": "y"}
    answer = client.get("/v1/fees", params=asked, headers=headers)
    assert answer.status_code == 422
    assert "<h1>リクエストの形式が正しくありません</h1>" in answer.text
    for fault in client.get("/v1/fees", params={**asked, "lang": "ja"}).json()["errors"]:
        assert f"<p>{fault['detail']}</p>" in answer.text


def test_text_of_a_request_is_shown_as_text(client: httpx.Client) -> None:
    headers = {**BROWSER, "x-request-id": "<script>x</script>"}
    answer = client.get("/v1/fees?price_jpy=%3Cscript%3E", headers=headers)
    assert answer.status_code == 422
    assert "<script>" not in answer.text


@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_a_fault_of_ours_is_found_in_the_log_by_the_id_that_its_answer_names(
    client: httpx.Client, database_url: str, caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
) -> None:  # fmt: skip
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"ALTER VIEW {FIRST_CELL}.live_bindings RENAME TO gone")
    with caplog.at_level(logging.ERROR):
        answer = client.get("/bindings", headers=headers)
    assert answer.status_code == 500
    assert TITLES["internal"]["en"] in answer.text
    assert "live_bindings" not in answer.text
    named = re.search(r"[0-9a-f]{32}", answer.text)
    assert named
    assert f"request {named[0]}: GET /bindings failed" in caplog.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/bindings", "/v1/bindings"])
def test_a_database_without_an_answer_is_said_soon_with_the_next_step(
    client: httpx.Client, database_url: str, path: str
) -> None:
    assert client.get(path).status_code == 200
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    elsewhere = psycopg.conninfo.make_conninfo(database_url, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                      (name,))  # fmt: skip
        try:
            answer = client.get(path, headers=BROWSER, timeout=3 * POOL_TIMEOUT_SECONDS)
        finally:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert TITLES["unavailable"]["en"] in answer.text
    assert WHAT_TO_DO["unavailable"] in answer.text
    assert name not in answer.text


def test_a_page_of_a_problem_leads_each_reader_to_where_they_can_go_on(
    visitor: Visitor, seller_key: str, desk: Desk
) -> None:
    support = visitor(desk.keys.create("support", None, "desk")[1])
    ways = [
        (visitor(), "/sign-in", "Sign in"),
        (visitor(seller_key), "/", "Back to the health score"),
        (support, "/tickets", "Go to the tickets"),
    ]
    for browser, path, words in ways:
        page = browser.get("/no-such-page", headers=BROWSER).text
        assert f'<a class="btn primary" href="{path}">{words}</a>' in page


@pytest.mark.parametrize(
    ("path", "list_"), [("/docs/errors/E-000", "/docs/errors"), ("/docs/nothing", "/docs")]
)
def test_what_the_documentation_does_not_hold_leads_to_the_list_of_what_it_holds(
    visitor: Visitor, path: str, list_: str
) -> None:
    answer = visitor().get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert f'<a class="btn primary" href="{list_}">See all that there are</a>' in answer.text
    assert "another seller" not in answer.text


@pytest.mark.parametrize("lang", ["zh", "ja", "en"])
def test_staff_are_asked_for_a_seller_in_their_own_frame(
    visitor: Visitor, desk: Desk, lang: str
) -> None:
    browser = visitor(desk.keys.create("support", None, "desk")[1])
    page = browser.get("/bindings", params={"lang": lang}).text
    assert 'name="seller_id"' in page
    assert 'action="/sign-out"' in page
    assert 'class="sandbox"' in page
    assert 'href="/tickets"' in page
    said = page.split('<p class="meta">')[1].split("</p>")[0].casefold()
    assert not any(each in said for each in ("key", "キー", "密钥"))
    assert browser.post("/sign-out", data={"csrf": csrf_in(page)}).status_code == 303
