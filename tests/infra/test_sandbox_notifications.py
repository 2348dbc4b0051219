"""The sandbox tells of every change in Amazon's own shapes, as badly as it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.amazon.notifications import read_notifications
from infra.sandbox.goods import asin_of
from infra.sandbox.notifications import SPELLINGS, TYPES
from infra.sandbox.world import has_two_skus
from tests.contracts.notifications import FILES, faults
from tests.infra.listening import Listener
from tests.infra.sandbox_clients import MercariClient
from tests.sandbox_server import SandboxServer

ASIN = asin_of(0)
TWIN = asin_of(5)
SECONDS_UNTIL_SURE = 0.4


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


@pytest.fixture
def account(sandbox: SandboxServer, listener: Listener) -> Any:
    name = f"told-{time.time_ns()}"
    account = sandbox.control("sellers", name=name, product_count=200)
    sandbox.control("forwarder", seller=name, url=f"{listener.url}/amazon", key="secret-key",
                    mercari_url=f"{listener.url}/mercari")  # fmt: skip
    return account


def kind_of(body: Any) -> str:
    return str(body.get("NotificationType") or body["notificationType"])


@pytest.mark.parametrize("kind", TYPES)
def test_every_notification_fits_amazons_schema_and_names_its_goods(
    sandbox: SandboxServer, account: Any, listener: Listener, kind: str
) -> None:
    sandbox.control("notify", seller=account["name"], type=kind, asin=ASIN)
    [body] = listener.bodies(1)
    assert kind_of(body) == kind
    if kind in FILES:
        assert faults(kind, body) == []
    [hint] = read_notifications(listener.heard[0][2])
    assert hint.type == kind
    assert hint.asin in (ASIN, None)
    assert hint.asin or hint.sku or hint.kind == "account"
    assert listener.heard[0][1]["Authorization"] == "Bearer secret-key"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_read_as_the_same_hint(
    sandbox: SandboxServer, account: Any, listener: Listener, spelling: str
) -> None:
    sandbox.control("forwarder", seller=account["name"], spelling=spelling)
    for kind in TYPES:
        sandbox.control("notify", seller=account["name"], type=kind, asin=ASIN)
    listener.bodies(len(TYPES))
    found = [hint for _, _, body in listener.heard for hint in read_notifications(body)]
    assert [hint.type for hint in found] == list(TYPES)


CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "price": ({"price_jpy": 5_000}, ["ANY_OFFER_CHANGED"]),
    "quantity": ({"quantity": 3}, ["FBA_INVENTORY_AVAILABILITY_CHANGES",
                                   "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"]),
    "suspend": ({}, ["LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE"] * 2),
    "reactivate": ({}, ["LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE"] * 2),
    "delete": ({}, ["LISTINGS_ITEM_STATUS_CHANGE"] * 2),
    "title": ({"title": "新しい名前"}, ["BRANDED_ITEM_CONTENT_CHANGE"]),
    "image": ({"flaw": "none"}, ["BRANDED_ITEM_CONTENT_CHANGE"]),
    "category": ({"browse_path": "家電 > 電子レンジ"}, ["ITEM_PRODUCT_TYPE_CHANGE"]),
    "account": ({"suspended": False}, ["ACCOUNT_STATUS_CHANGED"]),
}  # fmt: skip


@pytest.mark.parametrize("path", CHANGES)
def test_every_change_of_the_world_is_told_of(
    sandbox: SandboxServer, account: Any, listener: Listener, path: str
) -> None:
    assert has_two_skus(5)
    fields, expected = CHANGES[path]
    asin = {} if path == "account" else {"asin": TWIN}
    sandbox.control(path, seller=account["name"], **asin, **fields)
    bodies = listener.bodies(len(expected))
    time.sleep(SECONDS_UNTIL_SURE)
    assert [kind_of(body) for body in bodies] == expected
    assert len(listener.heard) == len(expected)
    for body in bodies:
        if kind_of(body) in FILES:
            assert faults(kind_of(body), body) == []


def test_an_offer_that_is_deleted_comes_back_with_a_status(
    sandbox: SandboxServer, account: Any, listener: Listener
) -> None:
    sandbox.control("delete", seller=account["name"], asin=ASIN)
    sandbox.control("reactivate", seller=account["name"], asin=ASIN)
    told = [body["Payload"].get("Status") for body in listener.bodies(3)]
    assert told[:2] == [["DELETED"], ["BUYABLE", "DISCOVERABLE"]]


def test_notifications_come_twice_late_and_out_of_order_where_wanted(
    sandbox: SandboxServer, account: Any, listener: Listener
) -> None:
    name = account["name"]
    sandbox.control("forwarder", seller=name, duplicates=2, shuffle=True, delay_seconds=0.3)
    for price_jpy in range(1_000, 1_012):
        sandbox.control("price", seller=name, asin=ASIN, price_jpy=price_jpy)
    listener.bodies(36)
    hints = [hint for _, _, body in listener.heard for hint in read_notifications(body)]
    ids = [hint.notification_id for hint in hints]
    assert len(ids) == 36
    assert {ids.count(each) for each in ids} == {3}
    times = [hint.event_time for hint in hints if hint.event_time]
    assert times != sorted(times)


def test_what_was_not_taken_is_sent_again(
    sandbox: SandboxServer, account: Any, listener: Listener
) -> None:
    listener.refusals = 1
    sandbox.control("notify", seller=account["name"], type=TYPES[0], asin=ASIN)
    assert len(listener.bodies(1)) == 1


def test_a_sale_is_told_to_the_webhook_and_nobody_else(
    sandbox: SandboxServer, account: Any, listener: Listener
) -> None:
    with MercariClient(sandbox, account) as shop:
        shop.create("SKU-1")
    sandbox.control("sell", seller=account["name"], sku_code="SKU-1", quantity=2)
    [body] = listener.bodies(1)
    assert listener.heard[0][0] == "/mercari"
    assert (body["topic"], body["products"][0]["variant"]["skuCode"]) == ("ORDER_CREATED", "SKU-1")
    assert "Authorization" not in listener.heard[0][1]


def test_switched_off_nobody_is_told(
    sandbox: SandboxServer, account: Any, listener: Listener
) -> None:
    shown = sandbox.control("forwarder", seller=account["name"], is_on=False)
    assert (shown["is_on"], shown["key"], shown["url"]) == (False, True, f"{listener.url}/amazon")
    sandbox.control("price", seller=account["name"], asin=ASIN, price_jpy=2_000)
    time.sleep(SECONDS_UNTIL_SURE)
    assert listener.heard == []


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "NO_SUCH_TYPE", "asin": ASIN},
        {"type": "ANY_OFFER_CHANGED", "asin": "B000000000"},
        {"type": "ANY_OFFER_CHANGED"},
        {"type": "ANY_OFFER_CHANGED", "asin": asin_of(150_000)},
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(
    sandbox: SandboxServer, account: Any, fields: dict[str, Any]
) -> None:
    answer = httpx.post(
        f"{sandbox.url}/_sandbox/notify", json={"seller": account["name"], **fields}, timeout=10
    )
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
