"""Bindings over HTTP: whose they are, how they are found, what they were, how they are changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

import httpx

from api.desk import Desk
from api.ids import cursor_of, public_id
from domain.asin_binding.facts import Blocked
from domain.rules.precheck import Finding
from domain.values import binding_id_of
from tests.api.page_data import listed_binding, record, rejected_binding, stamp
from tests.sellers import LinkedSeller

LISTED, REJECTED = "B0TESTAA01", "B0TESTAA02"
ABSENT = f"bnd_1_{'0' * 32}"
NAMED = {
    "id", "seller_id", "asin", "status", "mercari_category_id", "listing_id", "price_jpy",
    "amazon_price_jpy", "float_pct", "stock", "stock_threshold", "error_codes", "version",
    "updated_at",
}  # fmt: skip
HISTORY_NAMED = {
    "position", "version", "type", "recorded_at", "observed_at", "actor", "cause", "policy", "data",
}  # fmt: skip
MATCH = {"If-Match": '"v5"'}


def asked(client: httpx.Client, binding: str, headers: dict[str, str]) -> list[httpx.Response]:
    """Every route of one binding."""
    url = f"/v1/bindings/{binding}"
    gets = ("", "?at_version=1", "?as_of=2026-01-01T00:00:00Z", "/history", "/diff?from=1&to=2")
    posts = {"remap": {"mercari_category_id": "sbx-01"}, "resubmit": None, "withdraw": None}
    return [
        *(client.get(url + tail, headers=headers) for tail in gets),
        *(
            client.post(f"{url}/{verb}", json=body, headers={**headers, **MATCH})
            for verb, body in posts.items()
        ),
    ]


def test_a_foreign_binding_is_answered_exactly_like_an_absent_one(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, neighbour_bearer: dict[str, str]
) -> None:
    own = listed_binding(desk, seller.seller_id, LISTED)
    foreign, absent = asked(client, own, neighbour_bearer), asked(client, ABSENT, neighbour_bearer)
    for one, other in zip(foreign, absent, strict=True):
        assert (one.status_code, other.status_code) == (404, 404), one.url
        told = [{**each.json(), "instance": "", "request_id": ""} for each in (one, other)]
        assert told[0] == told[1]
        assert set(one.headers) == set(other.headers)
    assert client.get("/v1/bindings", headers=neighbour_bearer).json()["items"] == []
    assert client.get(f"/v1/bindings/{own}").json()["version"] == 5


def test_an_id_that_is_none_of_ours_is_not_found(client: httpx.Client) -> None:
    for text in ("x", ABSENT.upper(), ABSENT.replace("bnd", "sub"), ABSENT.replace("_1_", "_2_")):
        assert client.get(f"/v1/bindings/{text}").status_code == 404, text


def test_a_binding_says_everything_that_the_interface_names(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    shown = client.get(f"/v1/bindings/{binding}").json()
    assert set(shown) >= NAMED
    assert (shown["id"], shown["status"], shown["version"]) == (binding, "listed", 5)
    assert shown["seller_id"] == public_id("sel", seller.seller_id)
    assert (shown["price_jpy"], shown["shown_price_jpy"]) == (9_600, 9_480)
    assert (shown["amazon_price_jpy"], shown["float_pct"], shown["stock"]) == (9_100, 5.0, 4)
    assert (shown["match_rate"], shown["error_codes"]) == (96.4, [])


def test_the_list_is_newest_first_and_each_filter_leaves_what_fits(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    listed_binding(desk, seller.seller_id, LISTED)
    rejected_binding(desk, seller.seller_id, REJECTED)
    found = {
        (): [REJECTED, LISTED],
        (("status", "listed"),): [LISTED],
        (("status", "withdrawn"),): [],
        (("asin", REJECTED),): [REJECTED],
        (("error_code", "E-403"),): [REJECTED],
        (("error_code", "E-403"), ("status", "listed")): [],
    }
    for filters, asins in found.items():
        items = client.get("/v1/bindings", params=dict(filters)).json()["items"]
        assert [item["asin"] for item in items] == asins, filters
    assert client.get("/v1/bindings", params={"status": "gone"}).status_code == 422


def test_cursors_lead_through_every_binding_once(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    asins = [f"B0PAGE000{number}" for number in range(5)]
    for asin in asins:
        rejected_binding(desk, seller.seller_id, asin)
    url: str | None = "/v1/bindings?limit=2"
    seen: list[str] = []
    while url:
        answer = client.get(url)
        seen += [item["asin"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
        assert bool(url) is bool(answer.json()["next_cursor"])
    assert seen == asins[::-1]
    for cursor in ("nonsense", "%00", cursor_of(1, 2), cursor_of(1)[::-1]):
        assert client.get(f"/v1/bindings?cursor={cursor}").status_code == 422, cursor
    assert client.get("/v1/bindings?limit=201").status_code == 422


def test_an_unchanged_binding_is_not_sent_twice(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    first = client.get(f"/v1/bindings/{binding}")
    assert first.headers["etag"] == '"v5"'
    same = client.get(f"/v1/bindings/{binding}", headers={"If-None-Match": '"v5"'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"v5"')
    older = client.get(f"/v1/bindings/{binding}", headers={"If-None-Match": '"v4"'})
    assert older.status_code == 200


def test_a_change_names_the_version_it_was_decided_on(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    bodies = {"remap": {"mercari_category_id": "sbx-01"}, "resubmit": None, "withdraw": None}
    for verb, body in bodies.items():
        url = f"/v1/bindings/{binding}/{verb}"
        blind = client.post(url, json=body)
        assert (blind.status_code, blind.json()["code"]) == (428, "precondition-required")
        for etag in ("*", "v5", '"5"'):
            assert client.post(url, json=body, headers={"If-Match": etag}).status_code == 428
        stale = client.post(url, json=body, headers={"If-Match": '"v4"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "conflict")
        assert stale.json()["version"] == 5
    assert client.get(f"/v1/bindings/{binding}").json()["version"] == 5


def test_a_binding_can_be_read_as_it_was(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    before = datetime.now(UTC).isoformat()
    binding = listed_binding(desk, seller.seller_id, LISTED)
    time.sleep(0.01)
    between = datetime.now(UTC).isoformat()
    url = f"/v1/bindings/{binding}"
    client.post(f"{url}/withdraw", headers=MATCH)
    then = client.get(url, params={"as_of": between}).json()
    assert (then["status"], then["version"]) == ("listed", 5)
    assert client.get(url, params={"as_of": before}).status_code == 404
    statuses = [
        client.get(url, params={"at_version": version}).json()["status"] for version in range(1, 7)
    ]
    assert statuses == ["requested", "validated", "mapped", "listed", "listed", "withdrawn"]
    assert client.get(url, params={"as_of": "2026-11-24T00:00:00"}).status_code == 422
    assert client.get(url, params={"at_version": 0}).status_code == 422


def test_the_fold_of_the_history_is_what_the_view_shows(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    now = client.get(f"/v1/bindings/{binding}").json()
    folded = client.get(f"/v1/bindings/{binding}", params={"at_version": 5}).json()
    assert folded == now


def test_the_history_holds_every_event_in_order(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    answer = client.get(f"/v1/bindings/{binding}/history").json()
    events = answer["items"]
    assert [event["type"].removeprefix("asin_binding.") for event in events] == [
        "requested", "validated", "mapped", "listed", "price_adjusted",
    ]  # fmt: skip
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5]
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions))
    assert answer["position"] == positions[-1]
    for event in events:
        assert set(event) >= HISTORY_NAMED
        assert set(event["cause"]) == {"correlation_id", "causation_id"}
        assert event["actor"] == "worker"
        assert "stamp" not in event["data"]
    assert events[-1]["data"]["to_price_jpy"] == 9_600
    until = {"as_of": events[1]["recorded_at"]}
    assert len(client.get(f"/v1/bindings/{binding}/history", params=until).json()["items"]) >= 2


def test_a_diff_tells_what_changed_between_two_versions_and_nothing_else(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    url = f"/v1/bindings/{binding}/diff"
    told = client.get(url, params={"from": 4, "to": 5}).json()
    changes = {each["field"]: (each["from"], each["to"]) for each in told["changes"]}
    assert changes["price_jpy"] == (9_480, 9_600)
    assert changes["version"] == (4, 5)
    assert set(changes) <= {"price_jpy", "amazon_price_jpy", "version", "position", "updated_at"}
    assert client.get(url, params={"from": 3, "to": 3}).json()["changes"] == []
    assert client.get(url, params={"from": 3}).status_code == 422


def test_a_remapped_binding_is_checked_again_in_its_new_category(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    url = f"/v1/bindings/{binding}"
    body = {"mercari_category_id": "sbx-02"}
    answer = client.post(f"{url}/remap", json=body, headers=MATCH)
    assert (answer.status_code, answer.headers["etag"]) == (202, '"v6"')
    told = answer.json()
    shown = client.get(url, params={"at_position": told["position"]}).json()
    assert (told["id"], told["version"], shown["version"]) == (binding, 6, 6)
    assert (shown["status"], shown["mercari_category_id"]) == ("requested", "sbx-02")
    assert client.post(f"{url}/remap", json={}, headers=MATCH).status_code == 422


def test_a_resubmitted_binding_keeps_its_category(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    rejected_binding(desk, seller.seller_id, REJECTED)
    [found] = client.get("/v1/bindings").json()["items"]
    url = f"/v1/bindings/{found['id']}"
    answer = client.post(f"{url}/resubmit", headers={"If-Match": 'W/"v2"'})
    assert answer.status_code == 202
    shown = client.get(url, params={"at_position": answer.json()["position"]}).json()
    assert (shown["status"], shown["error_codes"]) == ("requested", [])
    assert shown["mercari_category_id"] == found["mercari_category_id"]
    twice = client.post(f"{url}/resubmit", headers={"If-Match": '"v3"'})
    assert (twice.status_code, twice.json()["code"]) == (409, "wrong-state")


def test_a_change_carries_its_actor_and_the_request_it_came_with(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    request = str(UUID(int=7))
    client.post(f"/v1/bindings/{binding}/withdraw", headers={**MATCH, "X-Request-ID": request})
    last = client.get(f"/v1/bindings/{binding}/history").json()["items"][-1]
    assert last["type"] == "asin_binding.withdrawn"
    assert last["actor"].startswith("key:")
    assert last["cause"]["correlation_id"] == request


def test_withdrawing_twice_is_one_withdrawal(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    url = f"/v1/bindings/{listed_binding(desk, seller.seller_id, LISTED)}"
    answers = [
        client.post(f"{url}/withdraw", headers={"If-Match": f'"v{version}"'}) for version in (5, 6)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert [answer.json()["version"] for answer in answers] == [6, 6]


def test_a_blocked_binding_stays_as_it_is(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    url = f"/v1/bindings/{listed_binding(desk, seller.seller_id, LISTED)}"
    fault = Finding(code="E-502", field="certificates", seen="none", rule="PSE", source="v2.1")
    blocked = Blocked(stamp=stamp(), code="E-502", finding=fault)
    record(desk, seller.seller_id, binding_id_of(seller.seller_id, LISTED), 5, [blocked])
    for verb in ("resubmit", "withdraw"):
        answer = client.post(f"{url}/{verb}", headers={"If-Match": '"v6"'})
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert client.get(url).json()["status"] == "blocked"
