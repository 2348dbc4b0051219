"""Webhooks over HTTP: registered once, the secret shown once, nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.desk import Desk
from api.ids import event_id_at, inner_id, public_id
from infra.installation import Installation
from infra.web_desk import WebDesk
from infra.webhooks.courier import secret_kind
from infra.webhooks.desk import TESTS_MAX
from infra.webhooks.follower import WebhooksFollower
from tests.infra.scripted_server import ScriptedServer, reply
from tests.infra.webhook_scene import event_in
from tests.sellers import LinkedSeller

URL = "https://hooks.example.com/asin"
Bearer = dict[str, str]


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    with ScriptedServer(reply(204)) as server:
        yield server


def added(client: httpx.Client, url: str = URL, types: tuple[str, ...] = ()) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": url, "types": list(types)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def follow(installation: Installation, desk: Desk, position: int) -> None:
    """Let the views and the follower see the log up to here."""
    while desk.position() < position:
        continue
    with installation.database.connect("integrator") as connection:
        while WebhooksFollower(installation.database).run_once(connection):
            continue


def test_the_secret_is_shown_once_and_kept_encrypted(
    client: httpx.Client, desk: WebDesk, installation: Installation, seller: LinkedSeller,
    database_url: str,
) -> None:  # fmt: skip
    made = added(client)
    assert made["secret"].startswith("whsec_")
    follow(installation, desk, made["position"])
    answers = [
        client.get("/v1/webhooks"), client.get(f"/v1/webhooks/{made['id']}"),
        client.get(f"/v1/webhooks/{made['id']}/attempts"), client.get("/v1/audit-trail?limit=200"),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200] * 4
    with psycopg.connect(database_url) as admin:
        facts = admin.execute("SELECT convert_from(state, 'UTF8') FROM cell_1.asin_sync_events")
        texts = [row[0] for row in facts] + [answer.text for answer in answers]
        stored = admin.execute("SELECT ciphertext FROM asin_sync.seller_secret").fetchall()
    assert not [text for text in texts if made["secret"] in text]
    assert not [row for row in stored if made["secret"].encode() in row[0]]


def test_a_webhook_is_changed_switched_off_and_removed_with_its_secret(
    client: httpx.Client, installation: Installation, seller: LinkedSeller
) -> None:
    made = added(client, types=("asin_binding.",))
    path = f"/v1/webhooks/{made['id']}"
    body = {"url": f"{URL}/2", "types": ["seller.", "asin_binding."], "is_enabled": False}
    assert client.put(path, json=body).status_code == 202
    shown = client.get(path).json()
    assert {name: shown[name] for name in body} == {**body, "types": ["asin_binding.", "seller."]}
    [listed] = client.get("/v1/webhooks").json()["items"]
    assert listed.items() <= shown.items()
    kind = secret_kind(inner_id("whk", made["id"]))
    assert installation.secrets.find(seller.seller_id, kind) == made["secret"]
    assert client.delete(path).status_code == 202
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert client.get("/v1/webhooks").json()["items"] == []
    assert installation.secrets.find(seller.seller_id, kind) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "http://10.0.0.1:9000/"}, "url"),
        ({"url": "https://user@hooks.example.com/"}, "url"),
        ({"url": URL, "types": ["nothing."]}, "types"),
    ],
)
def test_a_refused_webhook_says_the_rule_and_leaves_nothing(
    client: httpx.Client, database_url: str, body: dict[str, Any], field: str
) -> None:
    with psycopg.connect(database_url) as admin:
        before = admin.execute("SELECT count(*) FROM asin_sync.seller_secret").fetchone()
        for language, word in (("zh", "。"), ("ja", "ください"), ("en", ".")):
            headers = {"Accept-Language": language}
            answer = client.post("/v1/webhooks", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
            (error,) = answer.json()["errors"]
            assert error["field"] == field
            assert word in error["detail"]
        after = admin.execute("SELECT count(*) FROM asin_sync.seller_secret").fetchone()
    assert before == after
    assert client.get("/v1/webhooks").json()["items"] == []


def test_an_eleventh_webhook_is_refused(client: httpx.Client) -> None:
    for number in range(10):
        added(client, f"{URL}/{number}")
    answer = client.post("/v1/webhooks", json={"url": URL})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "webhooks")
    assert len(client.get("/v1/webhooks").json()["items"]) == 10


def test_another_sellers_webhook_looks_like_one_that_never_was(
    client: httpx.Client, neighbour_bearer: Bearer
) -> None:
    made = added(client)
    body = {"url": URL, "types": [], "is_enabled": True}
    for webhook_id in (made["id"], public_id("whk", uuid4()), "whk_1_x", "sel_1_" + "0" * 32):
        path = f"/v1/webhooks/{webhook_id}"
        answers = [
            client.request(method, path + rest, json=content, headers=neighbour_bearer)
            for method, rest, content in (
                ("GET", "", None), ("PUT", "", body), ("DELETE", "", None),
                ("GET", "/attempts", None), ("POST", "/test", None),
                ("POST", "/resend", {"since": "2026-01-01T00:00:00Z"}),
            )
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404] * 6, webhook_id
    assert client.get("/v1/webhooks", headers=neighbour_bearer).json()["items"] == []
    assert client.get(f"/v1/webhooks/{made['id']}").json()["is_enabled"]


def test_staff_read_but_do_not_change(client: httpx.Client, desk: WebDesk,
                                      seller: LinkedSeller) -> None:  # fmt: skip
    made = added(client)
    bearer = {"Authorization": f"Bearer {desk.keys.create('support', None, 'desk')[1]}"}
    named = {"seller_id": public_id("sel", seller.seller_id)}
    shown = client.get("/v1/webhooks", params=named, headers=bearer)
    assert [each["id"] for each in shown.json()["items"]] == [made["id"]]
    path = f"/v1/webhooks/{made['id']}"
    assert client.delete(path, params=named, headers=bearer).status_code == 403
    refused = client.post("/v1/webhooks", params=named, headers=bearer, json={"url": URL})
    assert refused.status_code == 403


def test_a_test_is_sent_now_and_is_in_the_attempts(
    client: httpx.Client, desk: WebDesk, installation: Installation, receiver: ScriptedServer
) -> None:
    receiver.script(reply(204), reply(503))
    made = added(client, f"{receiver.url}/hook")
    follow(installation, desk, made["position"])
    path = f"/v1/webhooks/{made['id']}"
    first, second = (client.post(f"{path}/test").json() for _ in range(2))
    assert (first["status"], first["outcome"], first["event_id"]) == (204, "delivered", None)
    assert (second["status"], second["outcome"]) == (503, "given_up")
    assert event_in(receiver.received[0])["type"] == "webhook.test"
    shown = client.get(f"{path}/attempts", params={"limit": 1}).json()
    rest = client.get(f"{path}/attempts", params={"cursor": shown["next_cursor"]}).json()
    assert shown["items"] + rest["items"] == [second, first]


def test_only_so_many_tests_hold_the_servers_threads(client: httpx.Client, desk: WebDesk) -> None:
    made = added(client)
    for _ in range(TESTS_MAX):
        desk.webhooks._tests.acquire()
    answer = client.post(f"/v1/webhooks/{made['id']}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")


def test_what_to_resend_is_named_once(
    client: httpx.Client, desk: WebDesk, installation: Installation
) -> None:
    made = added(client)
    follow(installation, desk, made["position"])
    path = f"/v1/webhooks/{made['id']}/resend"
    since, event = "2020-01-01T00:00:00Z", event_id_at(made["position"])
    assert client.post(path, json={"event_id": event}).json()["events"] == 1
    everything = client.post(path, json={"since": since}).json()["events"]
    assert everything == len(client.get("/v1/events?limit=500").json()["items"])
    assert client.get(f"/v1/webhooks/{made['id']}").json()["waiting"] == everything
    for wrong in ({}, {"event_id": event, "since": since}):
        answer = client.post(path, json=wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "event_id")
    for event_id, status in (("evt_x", 400), (event_id_at(2**50), 404)):
        assert client.post(path, json={"event_id": event_id}).status_code == status
    assert client.post(path, json={"since": "2026-01-01"}).status_code == 422


def test_no_endpoint_can_be_told_whose_secret_is_gone(
    client: httpx.Client, desk: WebDesk, installation: Installation, receiver: ScriptedServer,
    seller: LinkedSeller,
) -> None:  # fmt: skip
    made = added(client, receiver.url)
    installation.secrets.forget(seller.seller_id, secret_kind(inner_id("whk", made["id"])))
    answer = client.post(f"/v1/webhooks/{made['id']}/test").json()
    assert (answer["status"], answer["error"]) == (None, "secret_missing")
    assert receiver.received == []
