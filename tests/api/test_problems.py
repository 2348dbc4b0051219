"""Problems: one shape for each refusal, in the reader's language; no route without a key."""

from __future__ import annotations

import re
from uuid import UUID

import httpx
import psycopg
from fastapi.routing import iter_route_contexts

from api.app import build_app
from api.desk import Desk
from domain.error_codes import LANGUAGES
from infra.installation import Installation
from infra.migrate import FIRST_CELL
from tests.sellers import LinkedSeller

SHAPE = {"type", "title", "status", "detail", "instance", "code", "request_id"}
ABSENT = "/v1/bindings/bnd_1_" + "0" * 32
OPEN = {("POST", "/v1/sellers"), ("GET", "/v1/undertaking-template")}
"""To apply, and what an applicant signs."""
OPENED_BY_ITS_PATH = {"/v1/notifications/mercari/{token}"}
"""Mercari signs nothing: the address itself is the secret."""
BODIES = {
    "/v1/keys": {"role": "service", "label": "x"},
    "/v1/validator": {"asin": "B0TESTAA01"},
    "/v1/sellers/{seller_id}/amazon-link": {"refresh_token": "x"},
    "/v1/sellers/{seller_id}/mercari-link": {"access_token": "x", "shop_id": "x"},
    "/v1/sellers/{seller_id}/review": {"decision": "approve"},
    "/v1/sellers/{seller_id}/settings": {"default_float_pct": 0, "reinstatement": "manual"},
    "/v1/sellers/{seller_id}/contacts": {"contacts": []},
    "/v1/sellers/{seller_id}/warranty": {
        "days": 7, "conditions": "はい", "remedy": "はい", "exclusions": "はい",
    },
    "/v1/sellers/{seller_id}/brands": {
        "brands": [{"brand": "x", "registration_number": "1234567"}],
    },
    "/v1/sellers/{seller_id}/arbitrage-review": {
        "suspicion_id": "x", "decision": "dismiss", "reason": "x",
    },
    "/v1/sellers/{seller_id}/termination": {"cause": "fraud", "reason": "x"},
    "/v1/sellers/{seller_id}/application": {
        "entity": "x", "company_name": "x", "registration_number": "x", "sells_brands": False,
        "representative_name": "x", "contact_name": "x", "contact_email": "x",
    },
    "/v1/sellers/{seller_id}/looks": {"reason": "asked by phone"},
    "/v1/tickets": {"subject": "x", "text": "x"},
    "/v1/tickets/{ticket_id}/replies": {"text": "x"},
    "/v1/tickets/{ticket_id}/hand-over": {"to": "reviewer", "reason": "x"},
    "/v1/tickets/{ticket_id}/resolution": {"cause": "unclear", "text": "x"},
    "/v1/sweeps": {"kind": "status"},
    "/v1/submissions": {"rows": [{"asin": "B0TESTAA01", "mercari_category_id": "sbx-01"}]},
    "/v1/bindings/{binding_id}/remap": {"mercari_category_id": "sbx-01"},
    "/v1/bindings/{binding_id}/image-review": {"verdict": "pass"},
    "/v1/webhooks": {"url": "https://hooks.example.com/"},
    "/v1/webhooks/{webhook_id}": {"url": "https://hooks.example.com/", "is_enabled": True},
    "/v1/webhooks/{webhook_id}/resend": {"since": "2026-01-01T00:00:00Z"},
}  # fmt: skip
QUERIES = {
    "/v1/fees": {"price_jpy": 1000},
    "/v1/bindings/{binding_id}/diff": {"from": 1, "to": 1},
    "/v1/sellers/{seller_id}/brands/{brand}": {"reason": "ended"},
}


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) >= SHAPE
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["instance"] == answer.url.path
    assert body["type"] == f"/docs/errors/{code}"
    assert body["title"]
    return body


def test_every_kind_of_refusal_is_a_problem_of_one_shape(client: httpx.Client) -> None:
    assert_problem(client.get("/v1/nothing-here"), 404, "not-found")
    assert_problem(client.get(ABSENT), 404, "not-found")
    wrong_method = client.delete("/v1/bindings")
    assert_problem(wrong_method, 405, "invalid-request")
    assert "GET" in wrong_method.headers["allow"]
    assert_problem(client.post(f"{ABSENT}/withdraw"), 428, "precondition-required")
    nobody = client.get("/v1/bindings", headers={"Authorization": "Bearer x"})
    assert_problem(nobody, 401, "unauthenticated")
    assert nobody.headers["www-authenticate"] == "Bearer"


def test_a_malformed_request_points_at_each_field_that_is_wrong(client: httpx.Client) -> None:
    body = assert_problem(client.get("/v1/bindings?limit=x&status=y"), 422, "invalid-request")
    assert {fault["pointer"] for fault in body["errors"]} == {"/query/limit", "/query/status"}
    assert all(fault["detail"] for fault in body["errors"])
    body = assert_problem(client.post("/v1/validator", json={}), 422, "invalid-request")
    assert [fault["pointer"] for fault in body["errors"]] == ["/body/asin"]
    body = assert_problem(client.post("/v1/validator", content="{"), 422, "invalid-request")
    assert body["errors"]


def test_what_breaks_inside_is_a_problem_that_tells_nothing_of_the_inside(
    client: httpx.Client, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"ALTER VIEW {FIRST_CELL}.live_bindings RENAME TO away")
    answer = client.get("/v1/bindings")
    body = assert_problem(answer, 500, "internal")
    assert body["detail"] == ""
    assert "live_bindings" not in answer.text
    after = httpx.get(client.base_url.join("/v1/sync-log"), headers=client.headers, timeout=10)
    assert after.status_code == 200


def test_a_problem_is_told_in_the_language_asked_for(client: httpx.Client) -> None:
    by_header = [
        client.get(ABSENT, headers={"Accept-Language": language}).json()["title"]
        for language in LANGUAGES
    ]
    by_query = [client.get(ABSENT, params={"lang": each}).json()["title"] for each in LANGUAGES]
    assert by_header == by_query == ["未找到", "見つかりません", "Not found"]


def test_a_coded_refusal_says_who_acts_and_what_to_do_in_every_language(
    client: httpx.Client,
) -> None:
    told = {
        client.post("/v1/validator", json={"asin": "x"}, params={"lang": each}).json()["action"]
        for each in LANGUAGES
    }
    assert len(told) == len(LANGUAGES)


def test_a_problem_keeps_the_request_id_it_was_asked_under(client: httpx.Client) -> None:
    assert client.get(ABSENT, headers={"X-Request-ID": "abc"}).json()["request_id"] == "abc"
    ids = {client.get(ABSENT).json()["request_id"] for _ in range(2)}
    assert len({UUID(each) for each in ids}) == 2


def test_no_route_of_the_api_answers_without_a_key(
    address: str, desk: Desk, installation: Installation, seller: LinkedSeller
) -> None:
    key_id, revoked = installation.api_keys.create("seller", seller.seller_id, "revoked")
    installation.api_keys.revoke(key_id, seller.seller_id)
    routes = [
        (method, context.path)
        for context in iter_route_contexts(build_app(desk).routes)
        if context.path.startswith("/v1/") and context.path not in OPENED_BY_ITS_PATH
        for method in sorted(context.methods)
        if (method, context.path) not in OPEN
    ]
    assert len(routes) > 20
    headers = ({}, {"Authorization": f"Bearer {revoked}"}, {"Authorization": "Basic eDp5"})
    with httpx.Client(base_url=address, timeout=10) as client:
        for method, path in routes:
            filled = re.sub(r"\{\w+\}", "x", path)
            for each in headers:
                answer = client.request(
                    method, filled, json=BODIES.get(path), params=QUERIES.get(path), headers=each
                )
                assert answer.status_code == 401, (method, path)
                assert_problem(answer, 401, "unauthenticated")
