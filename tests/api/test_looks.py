"""Looks: staff see a seller's rows for a reason or a ticket alone, and the seller sees who did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import quote

import httpx
import pytest

from api.auth import STAFF_READER_ROLES
from api.ids import public_id
from infra.installation import Installation
from infra.web_desk import WebDesk
from projections.tickets import StaffList
from tests.api.ticket_scene import TicketScene
from tests.api.web_server import serving
from tests.sellers import LinkedSeller

READS = (
    "/v1/bindings", "/v1/sync-log", "/v1/events", "/v1/audit-trail", "/v1/health-score",
    "/v1/failure-report.csv", "/v1/sync-state", "/v1/pricing-rules", "/v1/webhooks",
    "/v1/stock-alerts", "/v1/upstream-calls", "/v1/notifications", "/v1/sync-log/stream",
)  # fmt: skip
REASON = "出品者からの電話での依頼"


@pytest.fixture
def bare(address: str) -> Iterator[httpx.Client]:
    """A client that says nothing of itself."""
    with httpx.Client(base_url=address, timeout=10) as opened:
        yield opened


@pytest.fixture
def scene(desk: WebDesk, client: httpx.Client, seller: LinkedSeller) -> TicketScene:
    return TicketScene(desk, client, seller.seller_id)


def looks_of(scene: TicketScene, key: dict[str, str] | None = None) -> list[dict[str, Any]]:
    newest = scene.desk.position() + 1
    query: dict[str, Any] = {"seller_id": scene.named}
    if scene.desk.is_recorded(newest):
        query["at_position"] = newest
    items: list[dict[str, Any]] = scene.client.get("/v1/looks", params=query, headers=key).json()[
        "items"
    ]
    return items


@pytest.mark.parametrize("role", STAFF_READER_ROLES)
def test_staff_read_nothing_of_a_seller_without_a_reason(
    scene: TicketScene, bare: httpx.Client, role: Any
) -> None:
    key, named = scene.bearer(role), {"seller_id": scene.named}
    for path in (*READS, f"/v1/sellers/{scene.named}", f"/v1/sellers/{scene.named}/warranty"):
        refused = bare.get(path, params=named, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "reason-required"), path
        assert "Access-Reason" in refused.json()["detail"]
    titles = {
        bare.get(READS[0], params={**named, "lang": each}, headers=key).json()["title"]
        for each in ("zh", "ja", "en")
    }
    assert len(titles) == 3
    assert looks_of(scene) == []


@pytest.mark.parametrize("role", STAFF_READER_ROLES)
def test_a_reason_once_given_is_recorded_once_and_opens_every_page_for_an_hour(
    scene: TicketScene, bare: httpx.Client, role: Any
) -> None:
    key, named = scene.bearer(role), {"seller_id": scene.named}
    why = {**key, "Access-Reason": quote(REASON)}
    for _ in range(3):
        assert bare.get("/v1/bindings", params=named, headers=why).status_code == 200
    assert bare.get("/v1/sync-log", params=named, headers=key).status_code == 200
    scene.later(minutes=59)
    assert bare.get("/v1/bindings", params=named, headers=key).status_code == 200
    scene.later(minutes=61)
    assert bare.get("/v1/bindings", params=named, headers=key).status_code == 403
    assert bare.get("/v1/bindings", params=named, headers=why).status_code == 200
    seen = looks_of(scene)
    assert [each["role"] for each in seen] == [role] * 2
    assert "reason" not in seen[0]


def test_the_reason_is_for_auditors_and_the_seller_sees_who_and_through_which_ticket(
    scene: TicketScene, bare: httpx.Client
) -> None:
    made, support = scene.open(), scene.bearer("support")
    named = {"seller_id": scene.named}
    assert bare.get(f"/v1/tickets/{made['id']}", headers=support).status_code == 200
    assert bare.get("/v1/bindings", params=named, headers=support).status_code == 200
    other = {**named, "reason": REASON}
    assert bare.get("/v1/bindings", params=other, headers=support).status_code == 200
    newest, oldest = looks_of(scene)
    assert (newest["ticket_id"], oldest["ticket_id"]) == (None, made["id"])
    assert newest["key_id"] == oldest["key_id"]
    for role in ("auditor", "admin"):
        assert REASON in [each["reason"] for each in looks_of(scene, scene.bearer(role))]
    for role in ("support", "reviewer"):
        refused = scene.client.get("/v1/looks", params=named, headers=scene.bearer(role))
        assert refused.status_code == 403
    assert REASON not in scene.client.get("/v1/events?limit=500").text


def test_a_look_may_be_opened_beforehand_by_staff_alone(
    scene: TicketScene, bare: httpx.Client, neighbour: LinkedSeller
) -> None:
    path, key = f"/v1/sellers/{scene.named}/looks", scene.bearer("reviewer")
    assert bare.post(path, json={"reason": REASON}, headers=key).status_code == 201
    assert bare.get("/v1/bindings", params={"seller_id": scene.named}, headers=key).is_success
    foreign = {"seller_id": public_id("sel", neighbour.seller_id)}
    assert bare.get("/v1/bindings", params=foreign, headers=key).status_code == 403
    assert bare.get("/v1/bindings", params={"seller_id": scene.named},
                    headers=scene.bearer("reviewer")).status_code == 403  # fmt: skip
    for body in ({}, {"reason": "abc"}, {"reason": REASON, "ticket": "tkt_1_" + "0" * 32}):
        assert bare.post(path, json=body, headers=key).status_code == 422
    assert scene.client.post(path, json={"reason": REASON}).status_code == 403


def test_a_ticket_of_another_seller_or_a_seller_that_is_none_opens_no_look(
    scene: TicketScene, bare: httpx.Client, neighbour: LinkedSeller
) -> None:
    made, key = scene.open(), scene.bearer("support")
    foreign = {"seller_id": public_id("sel", neighbour.seller_id), "ticket": made["id"]}
    assert bare.get("/v1/bindings", params=foreign, headers=key).status_code == 404
    nobody = {"seller_id": "sel_1_" + "0" * 31 + "1", "reason": REASON}
    assert bare.get("/v1/bindings", params=nobody, headers=key).status_code == 404
    own = {"seller_id": scene.named, "ticket": made["id"]}
    assert bare.get("/v1/bindings", params=own, headers=key).status_code == 200


def test_lists_across_sellers_need_no_look_and_sellers_keys_never_do(
    scene: TicketScene, bare: httpx.Client, seller_key: str
) -> None:
    scene.open()
    for which in get_args(StaffList):
        listed = bare.get("/v1/tickets", params={"list": which}, headers=scene.bearer("support"))
        assert listed.status_code == 200
    own = {"Authorization": f"Bearer {seller_key}"}
    assert all(bare.get(path, headers=own).status_code == 200 for path in READS[:5])
    assert looks_of(scene) == []


def test_the_look_at_an_erased_seller_is_kept_without_its_reason(
    scene: TicketScene, bare: httpx.Client, installation: Installation
) -> None:
    installation.personal_data.destroy(scene.seller_id)
    key = {**scene.bearer("auditor"), "Access-Reason": quote(REASON)}
    named = {"seller_id": scene.named}
    assert bare.get("/v1/audit-trail", params=named, headers=key).status_code == 200
    [look] = looks_of(scene, key)
    assert (look["role"], look["reason"]) == ("auditor", None)


def test_a_look_lasts_for_other_processes_too(
    scene: TicketScene, bare: httpx.Client, installation: Installation
) -> None:
    key, named = scene.bearer("support"), {"seller_id": scene.named}
    why = {**key, "Access-Reason": "asked by phone"}
    assert bare.get("/v1/bindings", params=named, headers=why).status_code == 200
    with serving(scene.desk) as another:
        assert httpx.get(f"{another}/v1/bindings", params=named, headers=key).status_code == 200
