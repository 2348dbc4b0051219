"""Problems that a browser meets: a page to read, where a program is sent JSON."""

from __future__ import annotations

import logging
import re

import httpx
import psycopg
import pytest

from api.pages.docs_words import WHAT_TO_DO
from api.problems import TITLES
from infra.database import POOL_TIMEOUT_SECONDS
from infra.migrate import FIRST_CELL

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
