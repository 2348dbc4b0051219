"""Telling webhooks: in order, signed, never inwards, never lost, given up at last."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.application import acting_for
from domain.sellers import change_seller
from domain.webhooks import (
    FAILING_MAX,
    RETRY_DELAYS,
    ChangeWebhook,
    Message,
    RemoveWebhook,
    Webhook,
    change_webhook,
    remove_webhook,
)
from infra.feed import shown_position
from infra.installation import Installation
from infra.migrate import migrate
from infra.projection_engine import ProjectionEngine
from infra.public_addresses import PublicOnly
from infra.scheduler import Scheduler
from infra.webhooks.courier import secret_kind
from infra.webhooks.follower import Batch, Row, WebhooksFollower
from infra.webhooks.rows import endpoints_due
from infra.webhooks.sender import WebhookSender, new_secret, signature
from tests.infra.running_worker import ROOT, environment_of, running_worker, wait_until
from tests.infra.scripted_server import ScriptedServer, dripped, reply
from tests.infra.webhook_scene import WebhookScene, event_in, told
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

SECONDS_MAX = 0.6
OK, FAILED = reply(204), reply(500)


@pytest.fixture
def scene(
    installation: Installation, seller: LinkedSeller, engine: ProjectionEngine
) -> Iterator[WebhookScene]:
    made = WebhookScene(installation, seller.seller_id, SECONDS_MAX)
    with acting_for(seller.seller_id):
        yield made
    made.sender.close()


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    with ScriptedServer(OK) as server:
        yield server


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        b'{"test": 2432232314}',
    )  # fmt: skip
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_ten_lines_of_the_documentation_verify_what_we_sign_and_nothing_else() -> None:
    text = (ROOT / "docs/feed.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (code,) = (block for block in blocks if "is_genuine" in block)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    is_genuine = names["is_genuine"]
    secret, body, now = new_secret(), b'{"a": 1}', int(time.time())
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now),
               "webhook-signature": f"v1,AAAA {signature(secret, 'evt_1', now, body)}"}  # fmt: skip
    assert is_genuine(secret, headers, body)
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine(new_secret(), headers, body)
    assert not is_genuine(secret, {**headers, "webhook-id": "evt_2"}, body)
    assert not is_genuine(secret, {**headers, "webhook-timestamp": str(now - 400)}, body)


def test_what_arrives_is_the_event_signed_over_id_time_and_body(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    webhook = scene.register(receiver.url)
    (position,) = scene.happen()
    scene.follow()
    assert not scene.deliver(webhook)
    (got,) = receiver.received
    secret = scene.installation.secrets.find(scene.seller_id, secret_kind(webhook))
    assert secret
    event, headers = event_in(got), got.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert int(headers["webhook-timestamp"]) == scene.now.timestamp()
    assert headers["content-type"] == "application/cloudevents+json"
    assert (event["id"], event["specversion"]) == (headers["webhook-id"], "1.0")
    assert (event["type"], int(event["sequence"])) == ("seller.settings_changed", position)


def test_events_arrive_in_the_order_of_the_log_each_once(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    webhook = scene.register(receiver.url)
    positions = scene.happen(8)
    scene.follow()
    scene.deliver(webhook)
    assert told(receiver) == positions
    assert scene.states(webhook) == ["delivered"] * 8
    scene.deliver(webhook)
    assert len(receiver.received) == 8


def test_an_endpoint_without_types_is_told_first_of_its_own_registration(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    scene.happen(2)
    webhook = scene.register(receiver.url, types=())
    scene.happen()
    scene.follow()
    scene.deliver(webhook)
    types = [event_in(each)["type"] for each in receiver.received]
    assert types == ["seller.webhook_registered", "seller.settings_changed"]


def test_a_neighbours_facts_are_told_to_nobody_else(
    scene: WebhookScene, receiver: ScriptedServer, sandbox: SandboxServer
) -> None:
    webhook = scene.register(receiver.url, types=())
    linked_seller(scene.installation, sandbox, scene.work, product_count=1)
    scene.follow()
    assert [row[1] for row in scene.rows(webhook)] == ["seller.webhook_registered"]


def wait_until_shown(scene: WebhookScene, position: int) -> None:
    with scene.connect() as connection:
        wait_until(lambda: shown_position(connection) >= position, "the views follow")


def test_a_follower_killed_before_its_commit_writes_each_row_exactly_once(
    scene: WebhookScene, receiver: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = scene.register(receiver.url)
    positions = scene.happen(3)
    scene.follow()
    positions += scene.happen(3)
    wait_until_shown(scene, positions[-1])
    taken = Batch.take
    with monkeypatch.context() as patched, scene.connect() as doomed:

        def die(self: Batch, row: Row) -> None:
            taken(self, row)
            doomed.close()

        patched.setattr(Batch, "take", die)
        with pytest.raises(psycopg.OperationalError):
            scene.follower.run_once(doomed)
    scene.follow()
    positions += scene.happen(2)
    scene.follow()
    assert [row[0] for row in scene.rows(webhook)] == positions
    scene.deliver(webhook)
    assert told(receiver) == positions


def test_two_followers_at_once_write_each_row_once(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    webhook = scene.register(receiver.url)
    stop = Event()
    threads = [
        Thread(target=WebhooksFollower(scene.installation.database).run, args=(stop,))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    positions = scene.happen(30)
    scene.follow()
    stop.set()
    for thread in threads:
        thread.join()
    assert [row[0] for row in scene.rows(webhook)] == positions


def test_a_failed_event_is_tried_again_after_each_wait_and_holds_up_the_rest(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(FAILED)
    webhook = scene.register(receiver.url)
    first, second = scene.happen(2)
    scene.follow()
    for number, delay in enumerate(RETRY_DELAYS, start=1):
        scene.deliver(webhook)
        assert told(receiver) == [first] * number
        assert scene.rows(webhook)[0][3:] == (number, scene.now + delay)
        scene.wait(delay - timedelta(seconds=1))
        scene.deliver(webhook)
        assert len(receiver.received) == number
        scene.wait(timedelta(seconds=1))
    receiver.script(FAILED, OK)
    scene.deliver(webhook)
    assert scene.states(webhook) == ["given_up", "delivered"]
    assert told(receiver) == [first, second]
    assert scene.faring(webhook).given_up == 1
    assert [each.outcome for each in scene.attempts(webhook)] == (
        ["failed"] * len(RETRY_DELAYS) + ["given_up", "delivered"]
    )


def test_the_same_event_keeps_its_id_over_all_attempts(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(FAILED, FAILED, OK)
    webhook = scene.register(receiver.url)
    scene.happen()
    scene.follow()
    for _ in range(3):
        scene.deliver(webhook)
        scene.wait(timedelta(hours=1))
    ids = [each.headers["webhook-id"] for each in receiver.received]
    times = [each.headers["webhook-timestamp"] for each in receiver.received]
    assert (len(ids), len(set(ids)), len(set(times))) == (3, 1, 3)
    assert len({each.body for each in receiver.received}) == 1


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (reply(500), 500, None),
        (reply(404), 404, None),
        (reply(429), 429, None),
        (reply(302, Location="http://127.0.0.1:1/"), 302, "redirected"),
        (reply(307, Location="https://169.254.169.254/"), 307, "redirected"),
        ([2.0, *reply(200)], None, "timed_out"),
        (dripped(reply(200), 0.1), None, "timed_out"),
        ([b"HTTP/1.1 banana\r\n\r\n"], None, "broken_answer"),
        ([b"\x16\x03\x01 not http"], None, "broken_answer"),
        ([b""], None, "broken_answer"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"], None, "broken_answer"),
    ],
    ids=["500", "404", "429", "redirect", "redirect inwards", "slow", "dripping", "no http", "tls",
         "nothing", "endless headers"],
)  # fmt: skip
def test_whatever_is_no_2xx_is_a_failure_that_says_why(
    scene: WebhookScene, answer: list[bytes | float], status: int | None, error: str | None
) -> None:
    with ScriptedServer(answer) as server:
        webhook = scene.register(server.url)
        scene.happen()
        scene.follow()
        began = time.monotonic()
        scene.deliver(webhook)
        assert time.monotonic() - began < SECONDS_MAX + 1
        (attempt,) = scene.attempts(webhook)
        assert len(server.received) == 1
    assert (attempt.status, attempt.error, attempt.outcome) == (status, error, "failed")
    assert scene.states(webhook) == ["waiting"]


def endless() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b"a" * 65_536 + b"\r\n"


def test_an_endless_body_is_not_read(scene: WebhookScene) -> None:
    with ScriptedServer(endless()) as server:
        webhook = scene.register(server.url)
        scene.happen()
        scene.follow()
        began = time.monotonic()
        scene.deliver(webhook)
        assert time.monotonic() - began < SECONDS_MAX
    assert scene.states(webhook) == ["delivered"]


def test_a_receiver_that_is_not_there_is_a_failure(scene: WebhookScene) -> None:
    with ScriptedServer(OK) as server:
        url = server.url
    webhook = scene.register(url)
    scene.happen()
    scene.follow()
    scene.deliver(webhook)
    assert scene.attempts(webhook)[0].error == "not_connected"


def test_an_address_that_has_come_to_lead_inwards_is_not_told(scene: WebhookScene) -> None:
    with ScriptedServer(OK) as server:
        port = int(server.url.rpartition(":")[2])
        inwards = PublicOnly(may_be_loopback=True, resolve=lambda _host, _port: ["127.0.0.1"])
        for url, sender in {
            "https://hooks.example.com/": WebhookSender(may_be_loopback=True, guard=inwards),
            f"http://127.0.0.1:{port}/": WebhookSender(may_be_loopback=False),
            "https://hooks.example.com\\@evil/": WebhookSender(may_be_loopback=True),
        }.items():
            sent = sender.send(url, "whsec_AAAA", Message("evt_1", b"{}"), scene.now)
            sender.close()
            assert (sent.status, sent.error) == (None, "address_not_public")
        assert server.connection_count == 0


def test_an_endpoint_that_is_gone_is_disabled_at_once_and_told_no_more(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(reply(410))
    webhook = scene.register(receiver.url)
    scene.happen(2)
    scene.follow()
    scene.deliver(webhook)
    off = scene.webhook(webhook)
    assert (off.is_enabled, off.disabled_because) == (False, "gone")
    scene.wait(timedelta(days=1))
    scene.happen()
    scene.follow()
    scene.deliver(webhook)
    assert len(receiver.received) == 1
    assert len(scene.rows(webhook)) == 2, "nothing is written down for a disabled endpoint"
    with scene.connect() as connection:
        assert endpoints_due(connection, scene.now) == []


def test_an_endpoint_that_only_failed_for_five_days_is_disabled(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(FAILED)
    webhook = scene.register(receiver.url)
    scene.happen(3)
    scene.follow()
    began = scene.now
    while scene.webhook(webhook).is_enabled:
        scene.deliver(webhook)
        scene.wait(timedelta(hours=1))
        assert scene.now - began < 2 * FAILING_MAX
    assert FAILING_MAX <= scene.now - began <= FAILING_MAX + timedelta(hours=25)
    assert scene.webhook(webhook).disabled_because == "failing"


def switch_on(scene: WebhookScene, webhook: UUID, url: str) -> None:
    command = ChangeWebhook(
        stamp=scene.work.stamp(), webhook_id=webhook, url=url, types=("seller.settings",),
        is_enabled=True, may_be_loopback=True,
    )  # fmt: skip
    change_seller(
        scene.installation.app, scene.seller_id, lambda it: change_webhook(it.webhooks, command)
    )
    scene.follow()


def test_switched_on_again_it_is_told_what_waited_at_once(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(reply(410))
    webhook = scene.register(receiver.url)
    positions = scene.happen(2)
    scene.follow()
    scene.deliver(webhook)
    receiver.script(OK)
    switch_on(scene, webhook, receiver.url)
    scene.deliver(webhook)
    assert told(receiver) == positions
    assert scene.faring(webhook).failing_since is None


def test_a_changed_address_is_told_from_the_very_next_event_on(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    with ScriptedServer(OK) as other:
        webhook = scene.register(receiver.url)
        scene.happen()
        scene.follow()
        switch_on(scene, webhook, other.url)
        scene.deliver(webhook)
        assert (len(receiver.received), len(other.received)) == (0, 1)


def test_of_a_removed_endpoint_nothing_is_left_and_nothing_sent(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(FAILED)
    webhook = scene.register(receiver.url)
    scene.happen(2)
    scene.follow()
    scene.deliver(webhook)
    scene.happen()
    command = RemoveWebhook(stamp=scene.work.stamp(), webhook_id=webhook)
    change_seller(
        scene.installation.app, scene.seller_id, lambda it: remove_webhook(it.webhooks, command)
    )
    scene.wait(timedelta(days=1))
    scene.deliver(webhook)
    scene.follow()
    assert len(receiver.received) == 1
    assert (scene.rows(webhook), scene.attempts(webhook)) == ([], [])


def test_the_scheduler_wakes_an_endpoint_once_its_time_has_come(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(FAILED)
    webhook = scene.register(receiver.url)
    scene.happen()
    scene.follow()
    scene.deliver(webhook)
    with scene.connect() as connection:
        assert endpoints_due(connection, scene.now) == []
        scene.wait(RETRY_DELAYS[0])
        assert endpoints_due(connection, scene.now) == [(scene.seller_id, webhook)]
    shops = scene.installation.shops(scene.clock, Event(), 1.0)
    asked = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'send_webhook'"
    with scene.installation.database.connect("jobs") as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
        for _ in range(2):
            Scheduler(scene.installation.database, shops, scene.clock).tick()
        assert connection.execute(asked).fetchone() == (1,)
    shops.close()


def test_one_event_or_all_since_an_instant_are_sent_again_in_order(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    earlier = scene.happen(2)
    webhook = scene.register(receiver.url)
    positions = scene.happen(3)
    scene.follow()
    scene.deliver(webhook)
    shown = scene.webhook(webhook)
    assert scene.desk.resend_event(scene.seller_id, shown, positions[1]) == 1
    scene.deliver(webhook)
    assert told(receiver) == [*positions, positions[1]]
    receiver.received.clear()
    since = scene.now - timedelta(days=365_0)
    found = scene.desk.resend_since(scene.seller_id, shown, since)
    scene.deliver(webhook)
    assert told(receiver)[-5:] == [*earlier, *positions]
    assert len(told(receiver)) == found
    assert scene.desk.resend_since(scene.seller_id, shown, scene.now + timedelta(days=3650)) == 0


def test_a_foreign_event_can_not_be_sent_again(
    scene: WebhookScene, receiver: ScriptedServer, sandbox: SandboxServer
) -> None:
    webhook = scene.register(receiver.url, types=())
    linked_seller(scene.installation, sandbox, scene.work, product_count=1)
    scene.follow()
    with scene.connect() as connection:
        row = connection.execute("SELECT max(notification_id) FROM asin_sync_events").fetchone()
    assert row
    assert scene.desk.resend_event(scene.seller_id, scene.webhook(webhook), row[0]) == 0
    assert scene.desk.resend_event(scene.seller_id, scene.webhook(webhook), 2**62) == 0
    assert len(scene.rows(webhook)) == 1


def test_a_test_that_is_answered_lets_what_waits_go_at_once(
    scene: WebhookScene, receiver: ScriptedServer
) -> None:
    receiver.script(FAILED)
    webhook = scene.register(receiver.url)
    (position,) = scene.happen()
    scene.follow()
    scene.deliver(webhook)
    receiver.script(OK)
    message = Message("test_1", b"{}")
    shown: Webhook = scene.webhook(webhook)
    tried = scene.desk.test(scene.seller_id, shown, message, "webhook.test")
    assert (tried.status, tried.position, tried.outcome) == (204, None, "delivered")
    scene.deliver(webhook)
    assert receiver.received[0].headers["webhook-id"] == "test_1"
    assert int(event_in(receiver.received[1])["sequence"]) == position


def test_killed_between_sending_and_noting_the_same_event_is_sent_again_under_its_id(
    scene: WebhookScene, receiver: ScriptedServer, passwords: dict[str, str]
) -> None:
    webhook = scene.register(receiver.url)
    positions = scene.happen(2)
    scene.follow()
    receiver.script([30.0, *OK])
    settings = scene.installation.settings
    command = [sys.executable, "-m", "tests.infra.deliver_once", str(scene.seller_id), str(webhook)]
    doomed = subprocess.Popen(command, cwd=ROOT, env=environment_of(settings, passwords))
    wait_until(lambda: bool(receiver.received), "the first event is sent")
    doomed.kill()
    doomed.wait()
    (first,) = receiver.received
    assert scene.states(webhook) == ["waiting", "waiting"]
    receiver.script(OK)
    scene.deliver(webhook)
    assert told(receiver) == positions
    assert receiver.received[0].headers["webhook-id"] == first.headers["webhook-id"]
    assert receiver.received[0].body == first.body


def test_a_worker_tells_what_happens_while_it_runs(
    scene: WebhookScene, receiver: ScriptedServer, passwords: dict[str, str]
) -> None:
    scene.register(receiver.url)
    with running_worker(scene.installation, passwords):
        positions = scene.happen(3)
        wait_until(lambda: len(receiver.received) == 3, "three events are told")
        receiver.script(FAILED, OK)
        (position,) = scene.happen()
        wait_until(lambda: len(receiver.received) == 2, "the failed one is told again")
    assert told(receiver) == [position] * 2
    assert position > positions[-1]


def test_a_new_follower_starts_at_the_head_of_the_log(
    scene: WebhookScene, database_url: str, role_prefix: str
) -> None:
    (position,) = scene.happen()
    with psycopg.connect(database_url, autocommit=True) as admin:
        for table in ("follower", "endpoints", "deliveries", "attempts"):
            admin.execute(f"DROP TABLE cell_1.webhook_{table}")
        admin.execute("DELETE FROM public.asin_sync_migration WHERE name LIKE '%0010_webhooks.sql'")
    assert migrate(database_url, role_prefix) == ["cell_1/0010_webhooks.sql"]
    with scene.connect() as connection:
        held = connection.execute("SELECT position FROM webhook_follower").fetchone()
    assert held == (position,)
