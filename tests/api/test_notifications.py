"""What the marketplaces send over HTTP: who may, each once, nothing believed, all of it counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.ids import public_id
from domain.values import AMAZON_JP_MARKETPLACE_ID, PLATFORM_ID, hint_id_of
from infra.hint_intake import forget_old
from infra.installation import Installation
from infra.sandbox.notifications import notification
from tests.sellers import LinkedSeller

PATH = "/v1/notifications/amazon"
Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def bearer(installation: Installation) -> Bearer:
    """Headers with a new key of a role, for a seller or for none."""

    def headers(role: str, bound: LinkedSeller | None = None) -> dict[str, str]:
        seller_id = bound.seller_id if bound else None
        return {"Authorization": f"Bearer {installation.api_keys.create(role, seller_id, 't')[1]}"}

    return headers


@pytest.fixture
def service(bearer: Bearer) -> dict[str, str]:
    """A key of the platform's own consumer."""
    return bearer("service")


def status_change(seller: LinkedSeller, sku: str = "SKU-1", **changes: Any) -> dict[str, Any]:
    payload = {
        "SellerId": seller.amazon_seller_id, "MarketplaceId": AMAZON_JP_MARKETPLACE_ID,
        "Asin": "B0AAAAAAA1", "Sku": sku, "Status": ["DELETED"], **changes,
    }  # fmt: skip
    return notification("LISTINGS_ITEM_STATUS_CHANGE", payload, datetime.now(UTC))


def batch(*notifications: Any) -> dict[str, Any]:
    return {"Messages": [{"Body": json.dumps(each)} for each in notifications]}


def jobs(installation: Installation) -> list[tuple[str, dict[str, Any]]]:
    """The jobs that wait, but for those of the seller's own registration."""
    with installation.database.pool("jobs").connection() as connection:
        return connection.execute(
            "SELECT task_name, args FROM procrastinate_jobs WHERE task_name IN"
            " ('follow_hint', 'start_sweep') ORDER BY id"
        ).fetchall()


def post(client: httpx.Client, content: Any, key: dict[str, str]) -> Any:
    answer = client.post(PATH, json=content, headers=key)
    assert answer.status_code == 202, answer.text
    return answer.json()


def outcomes(client: httpx.Client) -> dict[str, str]:
    items = client.get("/v1/notifications").json()["items"]
    return {item["notification_id"]: item["outcome"] for item in items}


def id_of(sent: dict[str, Any]) -> str:
    return str(sent["NotificationMetadata"]["NotificationId"])


def test_only_a_service_or_an_admin_may_send(
    client: httpx.Client, seller: LinkedSeller, bearer: Bearer
) -> None:
    expected = {"seller": 403, "support": 403, "auditor": 403, "reviewer": 403, "service": 202,
                "admin": 202}  # fmt: skip
    for role, status in expected.items():
        key = bearer(role, seller if role == "seller" else None)
        sent = client.post(PATH, json=status_change(seller), headers=key)
        assert sent.status_code == status, role
    assert (
        client.post(PATH, json=status_change(seller), headers={"Authorization": ""}).status_code
        == 401
    )
    forged = {"Authorization": "Bearer abk_live_0123456789ab_" + "x" * 43 + "_00000000"}
    assert client.post(PATH, json=status_change(seller), headers=forged).status_code == 401


def test_a_notification_is_taken_once_with_one_job(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, service: dict[str, str]
) -> None:
    sent = status_change(seller)
    assert post(client, sent, service) == {"accepted": 1, "duplicates": 0, "ignored": 0}
    assert post(client, sent, service) == {"accepted": 0, "duplicates": 1, "ignored": 0}
    assert post(client, batch(sent, sent), service)["duplicates"] == 2
    [(task, arguments)] = jobs(installation)
    assert (task, arguments["sku"], arguments["kind"]) == ("follow_hint", "SKU-1", "offer")
    assert outcomes(client) == {id_of(sent): "queued"}
    shown = client.get("/v1/notifications").json()
    assert shown["counts"] == {
        "LISTINGS_ITEM_STATUS_CHANGE": {"accepted": 1, "duplicates": 3, "ignored": 0}
    }
    assert shown["items"][0]["correlation_id"] == str(hint_id_of(seller.seller_id, id_of(sent)))


def test_a_burst_for_one_sku_is_one_job_and_for_three_three(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, service: dict[str, str]
) -> None:
    sent = [status_change(seller, f"SKU-{number % 3}") for number in range(30)]
    assert post(client, batch(*sent), service) == {"accepted": 30, "duplicates": 0, "ignored": 0}
    assert sorted(arguments["sku"] for _, arguments in jobs(installation)) == [
        "SKU-0", "SKU-1", "SKU-2"
    ]  # fmt: skip
    assert sorted(outcomes(client).values()).count("joined") == 27


def test_the_same_batches_at_once_in_any_order_are_taken_once(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, service: dict[str, str]
) -> None:
    sent = [status_change(seller, f"SKU-{number}") for number in range(12)]
    batches = [batch(*sent[turn:], *sent[:turn]) for turn in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda each: post(client, each, service), batches))
    assert sum(answer["accepted"] for answer in answers) == 12
    assert sum(answer["duplicates"] for answer in answers) == 84
    assert len(jobs(installation)) == 12


def test_what_concerns_nobody_here_is_ignored_and_counted(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, service: dict[str, str],
    bearer: Bearer,
) -> None:  # fmt: skip
    stranger = LinkedSeller(uuid4(), "stranger", "A2STRANGER0001")
    elsewhere = status_change(seller, MarketplaceId="ATVPDKIKX0DER")
    unknown = notification("SOMETHING_NEW", {"any": "thing"}, datetime.now(UTC))
    report = notification("REPORT_PROCESSING_FINISHED", {"reportProcessingFinishedNotification": {
        "sellerId": seller.amazon_seller_id}}, datetime.now(UTC))  # fmt: skip
    sent = batch(status_change(stranger), elsewhere, unknown, report)
    assert post(client, sent, service) == {"accepted": 0, "duplicates": 0, "ignored": 4}
    assert jobs(installation) == []
    assert outcomes(client) == {
        id_of(elsewhere): "ignored_marketplace",
        id_of(report): "ignored_type",
    }
    staff = client.get("/v1/notifications", headers=bearer("support")).json()
    assert {item["outcome"] for item in staff["items"]} == {"ignored_seller", "ignored_type"}
    assert staff["counts"]["OTHER"] == {"accepted": 0, "duplicates": 0, "ignored": 1}
    metrics = client.get("/metrics").text
    assert 'asin_sync_notifications_ignored{type="OTHER"} 1' in metrics
    assert metrics.count("# TYPE asin_sync_notifications_ignored gauge") == 1


def test_one_sellers_key_speaks_for_that_seller_only(
    client: httpx.Client, installation: Installation, seller: LinkedSeller,
    neighbour: LinkedSeller, bearer: Bearer,
) -> None:  # fmt: skip
    key = bearer("service", seller)
    sent = batch(status_change(seller), status_change(neighbour))
    assert post(client, sent, key) == {"accepted": 1, "duplicates": 0, "ignored": 1}
    assert [arguments["seller"] for _, arguments in jobs(installation)] == [str(seller.seller_id)]
    brand = notification("BRANDED_ITEM_CONTENT_CHANGE", {
        "MarketplaceId": AMAZON_JP_MARKETPLACE_ID, "BrandName": "b", "Asin": "B0AAAAAAA1",
        "AttributesChanged": ["item_name"]}, datetime.now(UTC))  # fmt: skip
    assert post(client, brand, key)["accepted"] == 1
    assert jobs(installation)[-1][1]["kind"] == "catalogue"


def test_an_account_that_changed_is_swept_at_once(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, service: dict[str, str]
) -> None:
    payload = {"SellerId": seller.amazon_seller_id, "CurrentAccountStatus": "DEACTIVATED"}
    sent = [notification("ACCOUNT_STATUS_CHANGED", payload, datetime.now(UTC)) for _ in range(3)]
    assert post(client, batch(*sent), service)["accepted"] == 3
    [(task, arguments)] = jobs(installation)
    assert (task, arguments["kind"]) == ("start_sweep", "status")


BAD = {
    "not JSON": b"{",
    "no id": b'{"NotificationType": "ANY_OFFER_CHANGED", "Payload": {}}',
    "too long": b'{"detail": "' + b"x" * 262_144 + b'"}',
    "too deep": b"[" * 1_000 + b"]" * 1_000,
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_a_coded_400_that_changes_nothing(
    client: httpx.Client, installation: Installation, service: dict[str, str], what: str
) -> None:
    answer = client.post(PATH, content=BAD[what], headers=service)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid-request"
    assert answer.json()["detail"]
    assert jobs(installation) == []
    assert outcomes(client) == {}


def test_a_bad_message_in_a_batch_takes_none_of_it(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, service: dict[str, str]
) -> None:
    sent = batch(status_change(seller), {"NotificationType": "ANY_OFFER_CHANGED"})
    assert client.post(PATH, json=sent, headers=service).status_code == 400
    assert (jobs(installation), outcomes(client)) == ([], {})


def test_a_seller_sees_its_own_notifications_and_no_others(
    client: httpx.Client, seller: LinkedSeller, service: dict[str, str],
    neighbour_bearer: dict[str, str], bearer: Bearer,
) -> None:  # fmt: skip
    sent = status_change(seller)
    post(client, sent, service)
    assert client.get("/v1/notifications", headers=neighbour_bearer).json()["items"] == []
    foreign = f"/v1/notifications?seller_id={public_id('sel', seller.seller_id)}"
    assert client.get(foreign, headers=neighbour_bearer).status_code == 404
    staff = client.get(foreign, headers=bearer("support")).json()
    assert [item["notification_id"] for item in staff["items"]] == [id_of(sent)]


# --- mercari ------------------------------------------------------------------------------------


def webhook_of(client: httpx.Client, seller_id: UUID) -> str:
    url = client.get(f"/v1/sellers/{public_id('sel', seller_id)}/mercari-webhook").json()["url"]
    return str(httpx.URL(url).path)


def test_an_order_leads_to_a_look_at_what_it_names(
    client: httpx.Client, installation: Installation, seller: LinkedSeller
) -> None:
    order = {"topic": "ORDER_CREATED", "deep": [{"skuCode": "B0AAAAAAA1-0123456789ab"}]}
    answer = client.post(
        webhook_of(client, seller.seller_id), json=order, headers={"Authorization": ""}
    )
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    [(task, arguments)] = jobs(installation)
    assert (task, arguments["kind"], arguments["asin"]) == ("follow_hint", "sale", "B0AAAAAAA1")


def test_an_order_that_names_none_of_our_goods_is_ignored(
    client: httpx.Client, installation: Installation, seller: LinkedSeller
) -> None:
    answer = client.post(webhook_of(client, seller.seller_id), json={"id": "x", "n": [1, None]})
    assert answer.json() == {"accepted": 0, "duplicates": 0, "ignored": 1}
    assert jobs(installation) == []


def test_a_webhook_path_that_was_guessed_is_no_path(
    client: httpx.Client, installation: Installation, seller: LinkedSeller, neighbour: LinkedSeller
) -> None:
    path = webhook_of(client, seller.seller_id)
    right = path.rpartition("/")[2]
    wrong = [
        right[:-1] + ("0" if right[-1] != "0" else "1"),
        neighbour.seller_id.hex + right[32:],
        PLATFORM_ID.hex + "-" + "0" * 64,
        "x",
        right.upper(),
    ]
    for token in wrong:
        answer = client.post(f"/v1/notifications/mercari/{token}", json={})
        assert answer.status_code == 404, token
    assert client.post(path, content=b"{").status_code == 400
    assert jobs(installation) == []


def test_nobody_else_is_shown_the_webhook(
    client: httpx.Client, seller: LinkedSeller, neighbour_bearer: dict[str, str], bearer: Bearer
) -> None:
    path = f"/v1/sellers/{public_id('sel', seller.seller_id)}/mercari-webhook"
    assert client.get(path, headers=neighbour_bearer).status_code == 404
    assert client.get(path, headers=bearer("support")).status_code == 403


def test_after_two_weeks_a_notification_is_forgotten(
    client: httpx.Client, installation: Installation, seller: LinkedSeller,
    service: dict[str, str], database_url: str,
) -> None:  # fmt: skip
    old, new = status_change(seller), status_change(seller)
    post(client, batch(old, new), service)
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "UPDATE asin_sync.notification SET received_at = %s WHERE notification_id = %s",
            (datetime.now(UTC) - timedelta(days=15), id_of(old)),
        )
    with installation.database.pool("jobs").connection() as connection:
        assert forget_old(connection, datetime.now(UTC)) == 1
    assert list(outcomes(client)) == [id_of(new)]
