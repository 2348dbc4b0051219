"""The event feed: every fact of the seller once, in order, wherever a reader left off."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.desk import Desk
from api.ids import CELL, cursor_of, event_id_at, public_id
from domain import seller as sellers
from domain.sellers import change_seller
from domain.stamps import Work
from infra.installation import Installation
from infra.web_desk import WebDesk
from tests.api.page_data import listed_binding
from tests.sellers import LinkedSeller

STREAM = {"Accept": "text/event-stream"}
Bearer = dict[str, str]


def happen(desk: Desk, seller: LinkedSeller, work: Work, count: int = 1) -> None:
    """So many facts, shown by every view."""
    position = 0
    for _ in range(count):
        command = sellers.ChangeSettings(
            stamp=work.stamp(), reinstatement="manual",
            default_float_rate=Decimal(uuid4().int % 10_000_000) / 100_000_000,
        )  # fmt: skip
        position = (
            change_seller(
                desk.app, seller.seller_id, lambda it, to=command: sellers.change_settings(it, to)
            )
            or position
        )
    done = threading.Event()
    while desk.position() < position:
        done.wait(0.01)


def everything(client: httpx.Client, **parameters: Any) -> list[dict[str, Any]]:
    """All that there is, page by page."""
    items: list[dict[str, Any]] = []
    after = None
    while True:
        query = {**parameters, **({"after": after} if after else {})}
        page = client.get("/v1/events", params=query).json()
        items += page["items"]
        after = page["next"]
        if not page["items"]:
            return items


@contextmanager
def streaming(client: httpx.Client, **options: Any) -> Iterator[Iterator[tuple[str, Any]]]:
    """Ids and events of the live feed, as they come."""
    headers = {**STREAM, **options.pop("headers", {})}
    with client.stream("GET", "/v1/events", headers=headers, **options) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield sent(response.iter_lines())


def sent(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    place = ""
    for line in lines:
        if line.startswith("id: "):
            place = line.removeprefix("id: ")
        if line.startswith("data: "):
            yield place, json.loads(line.removeprefix("data: "))


def test_every_event_is_a_cloud_event_of_the_seller(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller
) -> None:
    listed_binding(desk, seller.seller_id, "B0LISTED01")
    items = everything(client, limit=3)
    own = public_id("sel", seller.seller_id)
    assert {each["source"] for each in items} == {f"/v1/sellers/{own}"}
    assert {each["specversion"] for each in items} == {"1.0"}
    assert items[0]["type"] == "seller.registered"
    assert items[0]["subject"] == own
    assert items[0]["data"]["amazon_seller_id"] == seller.amazon_seller_id
    kinds = [each["subject"] for each in items if each["type"] == "asin_binding.listed"]
    assert all(kind.startswith("bnd_1_") for kind in kinds)
    sequences = [each["sequence"] for each in items]
    assert sequences == sorted(set(sequences))
    assert len({each["id"] for each in items}) == len(items)
    for each in items:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", each["time"])
        assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in each)


def test_a_type_is_a_beginning_and_several_are_either(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller
) -> None:
    listed_binding(desk, seller.seller_id, "B0LISTED01")
    everyone = everything(client)
    bindings = everything(client, type="asin_binding.", limit=2)
    assert bindings == [each for each in everyone if each["type"].startswith("asin_binding.")]
    two = everything(client, type=["asin_binding.listed", "seller.registered"])
    assert {each["type"] for each in two} == {"asin_binding.listed", "seller.registered"}
    wrong = client.get("/v1/events", params={"type": "binding."})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid-request")
    assert "asin_binding." in wrong.json()["errors"][0]["detail"]


def test_next_moves_on_where_nothing_was_found(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, work: Work
) -> None:
    first = client.get("/v1/events", params={"type": "sync_sweep."}).json()
    assert first["items"] == []
    assert first["next"] == event_id_at(desk.position())
    happen(desk, seller, work, 2)
    page = client.get("/v1/events", params={"after": first["next"]})
    assert [each["type"] for each in page.json()["items"]] == ["seller.settings_changed"] * 2
    assert page.headers["link"].endswith('rel="next"')
    assert client.get("/v1/events?after=now").json()["items"] == []


@pytest.mark.parametrize(
    "after",
    ["x", "evt_", "evt_x", "0", "-1", "latest", cursor_of(5), cursor_of(5, 0),
     "evt_" + cursor_of(1, 2),
     "evt_" + cursor_of(-1), "evt_" + cursor_of(2**63), "evt_MTo1OjY", "evt_OTo1", "evt_MTo1=", "é",
     "evt_MTogNQ", "' OR 1=1 --", "a" * 5000],
)  # fmt: skip
def test_a_cursor_that_is_not_this_feeds_is_a_coded_problem(
    client: httpx.Client, after: str
) -> None:
    assert CELL != 9, "evt_OTo1 is of cell 9"
    answers = [client.get("/v1/events", params={"after": after}),
               client.get("/v1/events", params={"after": after}, headers=STREAM)]  # fmt: skip
    if after.isascii():
        answers.append(client.get("/v1/events", headers={**STREAM, "Last-Event-ID": after}))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request"), after
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_stream_goes_on_with_what_happens(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, work: Work
) -> None:
    with streaming(client, params={"after": "now"}) as events:
        happen(desk, seller, work, 2)
        got = [next(events) for _ in range(2)]
    assert [place for place, _ in got] == [event["id"] for _, event in got]
    assert [event for _, event in got] == everything(client)[-2:]


def test_last_event_id_goes_before_the_address(client: httpx.Client, desk: WebDesk) -> None:
    items = everything(client)
    headers = {"Last-Event-ID": items[2]["id"]}
    with streaming(client, params={"after": items[0]["id"]}, headers=headers) as events:
        assert next(events)[1] == items[3]


def test_however_a_reader_is_cut_off_it_sees_each_event_once(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, work: Work
) -> None:
    happen(desk, seller, work, 12)
    expected = everything(client)

    @settings(
        max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(st.lists(st.integers(1, len(expected)), max_size=4))
    def cut(lengths: list[int]) -> None:
        seen: list[Any] = []
        place = None
        for length in [*lengths, len(expected)]:
            left = min(length, len(expected) - len(seen))
            headers = {"Last-Event-ID": place} if place else {}
            if left:
                with streaming(client, headers=headers) as events:
                    for _ in range(left):
                        place, event = next(events)
                        seen.append(event)
        assert seen == expected

    cut()


def test_events_written_by_many_at_once_are_read_without_gap_or_double(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, work: Work, neighbour: LinkedSeller
) -> None:
    before = everything(client)[-1]["id"]
    writers = [
        threading.Thread(target=happen, args=(desk, owner, work, 15))
        for owner in (seller, neighbour)
    ]
    for writer in writers:
        writer.start()
    with streaming(client, params={"after": before}) as events:
        got = [next(events)[1] for _ in range(15)]
    for writer in writers:
        writer.join()
    assert got == everything(client, after=before)[-15:]


def test_another_sellers_events_are_never_told(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, work: Work,
    neighbour: LinkedSeller, neighbour_bearer: Bearer,
) -> None:  # fmt: skip
    happen(desk, seller, work)
    happen(desk, neighbour, work)
    theirs = client.get("/v1/events?limit=500", headers=neighbour_bearer).json()["items"]
    mine = everything(client)
    assert theirs
    assert not {each["id"] for each in theirs} & {each["id"] for each in mine}
    assert public_id("sel", seller.seller_id) not in json.dumps(theirs)
    named = {"seller_id": public_id("sel", neighbour.seller_id)}
    assert client.get("/v1/events", params=named).status_code == 404
    assert client.get("/v1/events", params=named, headers=STREAM).status_code == 404
    after = {"after": theirs[-1]["id"]}
    assert client.get("/v1/events", params=after).json()["items"] == []


@pytest.mark.parametrize("role", ["support", "reviewer", "auditor", "admin"])
def test_staff_read_the_feed_of_the_seller_they_name(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, role: Any
) -> None:
    bearer = {"Authorization": f"Bearer {desk.keys.create(role, None, 'desk')[1]}"}
    assert client.get("/v1/events", headers=bearer).json()["code"] == "seller-required"
    named = {"seller_id": public_id("sel", seller.seller_id)}
    got = client.get("/v1/events", params=named, headers=bearer).json()["items"]
    told = [[each["id"] for each in items if "look" not in each["type"]]
            for items in (got, everything(client))]  # fmt: skip
    assert got
    assert told[0] == told[1]


def test_without_a_key_there_is_no_feed(address: str) -> None:
    for headers in ({}, STREAM, {"Authorization": "Bearer abk_live_x"}):
        assert httpx.get(f"{address}/v1/events", headers=headers).status_code == 401


def test_no_secret_of_the_seller_is_in_the_feed(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, seller_key: str
) -> None:
    made = client.post("/v1/webhooks", json={"url": "https://hooks.example.com/"}).json()
    told = json.dumps(everything(client, at_position=made["position"]))
    tokens = [
        installation.secrets.find(seller.seller_id, kind)
        for kind in ("amazon_refresh_token", "mercari_access_token")
    ]
    for secret in (*tokens, made["secret"], seller_key):
        assert secret
        assert secret not in told
    assert "seller.webhook_registered" in told


def test_a_stream_ends_when_the_server_stops(client: httpx.Client, desk: WebDesk) -> None:
    with streaming(client, params={"after": "now"}) as events:
        desk.stop()
        assert list(events) == []


def test_a_stream_ends_when_its_key_is_revoked(
    client: httpx.Client, desk: WebDesk, seller: LinkedSeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.live.KEEP_ALIVE_SECONDS", 0.2)
    key_id, key = desk.keys.create("service", seller.seller_id, "soon gone")
    bearer = {"Authorization": f"Bearer {key}"}
    with streaming(client, params={"after": "now"}, headers=bearer) as events:
        desk.keys.revoke(key_id, seller.seller_id)
        assert list(events) == []
    assert client.get("/v1/events", headers=bearer).status_code == 401
