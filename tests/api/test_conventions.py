"""What every list and version keep: cursors, instants, ETag and If-Match, faults of fields."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx

from api.desk import Desk
from api.ids import cursor_of
from domain.error_codes import LANGUAGES
from tests.api.page_data import listed_binding
from tests.api.test_problems import assert_problem
from tests.sellers import LinkedSeller

HELD = ("/v1/sellers/me", "/v1/sellers/me/settings", "/v1/sellers/me/warranty")
DAMAGED = ("nonsense", "%00", "MTo1", base64.urlsafe_b64encode(b"1:-1:5").decode(), "x" * 5_000)


def test_a_cursor_goes_on_with_its_own_list_only(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, neighbour_bearer: dict[str, str]
) -> None:
    for number in range(4):
        listed_binding(desk, seller.seller_id, f"B0CURSOR0{number}")
    first = client.get("/v1/bindings", params={"limit": 1, "status": "listed"})
    cursor = first.json()["next_cursor"]
    assert parse_qs(urlsplit(first.links["next"]["url"]).query)["cursor"] == [cursor]
    rest = client.get("/v1/bindings", params={"limit": 9, "status": "listed", "cursor": cursor})
    assert len(rest.json()["items"]) == 3
    for wrong, headers in (
        ({"status": "blocked"}, {}), ({}, {}), ({"status": "listed", "asin": "B0CURSOR01"}, {}),
        ({"status": "listed"}, neighbour_bearer),
    ):  # fmt: skip
        answer = client.get("/v1/bindings", params={**wrong, "cursor": cursor}, headers=headers)
        told = assert_problem(answer, 422, "invalid-request")
        assert told["errors"][0]["field"] == "cursor"
    for path in ("/v1/sync-log", "/v1/audit-trail", "/v1/stock-alerts", "/v1/looks", "/v1/tickets"):
        for damaged in (cursor, cursor[:-3], cursor_of(2**64, 1), *DAMAGED):
            answer = client.get(path, params={"cursor": damaged})
            assert_problem(answer, 422, "invalid-request")


def test_an_instant_is_of_the_past_with_a_zone_and_a_year_that_means_something(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    path = f"/v1/bindings/{listed_binding(desk, seller.seller_id, 'B0INSTANT1')}"
    now = datetime.now(UTC)
    ahead = (now + timedelta(hours=1)).isoformat()
    for wrong in (
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", "0",
        "1764145800", "2026-11-26", "2026-11-26T09:00:00", "2026-13-01T00:00:00Z", "", ahead,
    ):  # fmt: skip
        for tail in ("", "/history"):
            answer = client.get(path + tail, params={"as_of": wrong})
            assert_problem(answer, 422, "invalid-request")
    shown = client.get(path, params={"as_of": (now + timedelta(seconds=20)).isoformat()})
    assert shown.status_code == 200


def test_every_time_that_a_route_asks_for_is_read_by_the_same_rules(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    asked = [
        (path, each["name"])
        for path, routes in document["paths"].items()
        for each in routes.get("get", {}).get("parameters", ())
        if "date-time" in str(each.get("schema")) and "{" not in path
    ]
    assert ("/v1/audit-trail/export", "to") in asked
    for path, name in asked:
        for wrong in ("0.5", "1764145800", "2026-11-26T09:00:00"):
            assert_problem(client.get(path, params={name: wrong}), 422, "invalid-request")


def test_who_holds_the_version_is_told_so_and_who_names_an_old_one_changes_nothing(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = f"/v1/bindings/{listed_binding(desk, seller.seller_id, 'B0VERSION1')}"
    for path in (binding, *HELD):
        tag = client.get(path).headers["etag"]
        for held in (tag, f"W/{tag}", f'"v0", {tag}', "*"):
            kept = client.get(path, headers={"If-None-Match": held})
            assert (kept.status_code, kept.content, kept.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"If-None-Match": '"v0"'}).status_code == 200
    settings = HELD[1]
    shown = client.get(settings)
    body = {"last_units": 4}
    done = client.put(settings, json=body, headers={"If-Match": shown.headers["etag"]})
    assert done.status_code == 202
    stale = client.put(settings, json={"last_units": 9}, headers={"If-Match": '"v1"'})
    told = assert_problem(stale, 412, "conflict")
    assert told["version"] > shown.json()["version"]
    malformed = client.put(settings, json={"last_units": 9}, headers={"If-Match": "7"})
    assert_problem(malformed, 428, "precondition-required")
    after = client.get(settings, params={"at_position": done.json()["position"]})
    assert after.json()["last_units"] == 4


def test_what_is_wrong_with_a_field_or_a_state_is_told_in_three_languages(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = f"/v1/bindings/{listed_binding(desk, seller.seller_id, 'B0WORDS001')}"
    asked = (
        ("GET", "/v1/bindings?limit=0&status=odd&in_review=perhaps", None),
        ("POST", "/v1/webhooks", {"url": 5, "types": "x"}),
        ("PUT", "/v1/sellers/me/settings", {"last_units": 1.5, "brake_pct": None}),
        ("POST", f"{binding}/withdraw", None),
    )
    for method, path, body in asked:
        told = []
        for language in LANGUAGES:
            headers = {"Accept-Language": language, "If-Match": '"v1"'}
            answer = client.request(method, path, json=body, headers=headers)
            assert answer.status_code in (412, 422), answer.text
            told.append(tuple(each["detail"] for each in answer.json()["errors"]))
        assert len(set(told)) == len(LANGUAGES), path
        assert all(text for texts in told for text in texts)


def test_a_method_that_a_path_has_not_is_told_all_that_it_has(client: httpx.Client) -> None:
    allowed = client.delete("/v1/keys").headers["allow"]
    assert allowed == "GET, POST"
