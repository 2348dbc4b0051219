"""Requests that a hostile caller sends: refused in words, and nobody else waits for them."""

from __future__ import annotations

import time
from uuid import UUID

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from tests.api.page_data import listed_binding, open_upload
from tests.api.test_problems import assert_problem
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

NUL_QUERIES = (
    "/v1/bindings?asin=%00", "/v1/bindings?error_code=%00", "/v1/sync-log?code=%00",
    "/v1/audit-trail?actor=%00", "/v1/audit-trail/export?actor=%00&format=csv",
    "/v1/audit-trail/export?type=x%00",
)  # fmt: skip


@pytest.fixture
def binding(desk: Desk, seller: LinkedSeller) -> str:
    return listed_binding(desk, seller.seller_id, "B0HOSTILE1")


def test_what_no_column_can_hold_is_refused_before_anything_is_sent(
    client: httpx.Client, binding: str
) -> None:
    for path in NUL_QUERIES:
        told = assert_problem(client.get(path), 422, "invalid-request")
        assert "NUL" in told["errors"][0]["detail"]
    for path in (f"/v1/bindings/{binding}/proofs/x%00", "/v1/sellers/me/documents/x%00"):
        assert_problem(client.get(path), 404, "not-found")


def test_a_number_beyond_what_the_log_can_hold_is_refused(
    client: httpx.Client, binding: str
) -> None:
    beyond = 10**20
    for path in (f"?at_version={beyond}", f"/diff?from={beyond}&to=1", f"/diff?from=1&to={beyond}"):
        assert_problem(client.get(f"/v1/bindings/{binding}{path}"), 422, "invalid-request")


def test_half_a_character_in_json_is_refused(client: httpx.Client) -> None:
    body = b'{"asin":"B0TESTAA01","mercari_category_id":"\\ud800"}'
    headers = {"Content-Type": "application/json"}
    assert_problem(
        client.post("/v1/validator", content=body, headers=headers), 422, "invalid-request"
    )


def test_nobody_waits_for_a_position_that_the_log_has_not_come_to(client: httpx.Client) -> None:
    began = time.monotonic()
    answer = client.get("/v1/bindings", params={"at_position": 10**17})
    assert_problem(answer, 422, "invalid-request")
    assert answer.json()["errors"][0]["field"] == "at_position"
    assert time.monotonic() - began < 1


def test_no_cache_shares_what_a_caller_was_shown(client: httpx.Client, binding: str) -> None:
    for path in ("/v1/bindings", f"/v1/bindings/{binding}", "/v1/nothing-here", "/readyz"):
        answer = client.get(path)
        assert answer.headers["cache-control"] in ("private, no-cache", "no-store")
        if path.startswith("/v1"):
            assert {"authorization", "cookie", "accept-language"} <= {
                each.strip().lower() for each in answer.headers["vary"].split(",")
            }


def test_a_head_request_is_answered_as_a_get_without_its_body(
    client: httpx.Client, binding: str
) -> None:
    for path in ("/livez", "/v1/bindings", f"/v1/bindings/{binding}", "/sign-in", "/v1/events"):
        shown, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (shown.status_code, b"")
        assert head.headers["content-type"] == shown.headers["content-type"]
    stream = client.head("/v1/sync-log/stream", timeout=5)
    assert stream.status_code == 200


def test_no_answer_leads_to_the_host_that_the_request_names(client: httpx.Client) -> None:
    answer = client.get("/bindings/", headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "evil.example" not in answer.headers.get("location", "")


def test_a_form_that_is_too_large_is_refused_with_a_page_that_leads_on(
    seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    csrf = csrf_in(browser.get("/upload").text)
    file = {"file": ("a.csv", b"x" * (4 * 1024 * 1024 + 10), "text/csv")}
    headers = {"accept": "text/html", "accept-language": "ja"}
    answer = browser.post("/upload", data={"csrf": csrf, "key": "k"}, files=file, headers=headers)
    assert answer.status_code == 413
    assert "送信された内容が大きすぎるため" in answer.text
    assert 'href="/"' in answer.text


def test_the_rows_of_anothers_upload_are_not_there(
    desk: Desk, neighbour: LinkedSeller, seller_key: str, visitor: Visitor
) -> None:
    theirs = public_id("sub", open_upload(desk, neighbour.seller_id, ["B0FOREIGN2"]))
    absent = public_id("sub", UUID(int=5))
    for upload in (theirs, absent):
        assert visitor(seller_key).get(f"/upload/{upload}/stream").status_code == 404
