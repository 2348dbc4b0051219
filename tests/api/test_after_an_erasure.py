"""After an erasure no answer of the API names a person any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.ids import inner_id
from domain import seller
from domain.sellers import change_seller
from domain.stamps import Work
from infra.installation import Installation
from infra.projection_engine import ProjectionEngine
from tests.api.test_applications import JAPANESE, PDF

CANARY = "9931"
PERSONS = {
    "representative_name": f"代表 {CANARY}", "contact_name": f"担当 {CANARY}",
    "contact_email": f"canary{CANARY}@shop.example",
}  # fmt: skip
OF_THE_SELLER = ("", "/application", "/contacts", "/settings", "/warranty", "/arbitrage", "/brands")
OF_ALL = ("tickets", "audit-trail", "sync-log", "events", "looks", "keys")


@pytest.fixture
def applicant(address: str, engine: ProjectionEngine) -> Iterator[httpx.Client]:
    """A seller whose persons are named wherever they can be."""
    made = httpx.post(f"{address}/v1/sellers", json={**JAPANESE, **PERSONS}).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    with httpx.Client(base_url=f"{address}/v1", headers=headers, timeout=10) as client:
        client.params = client.params.set("seller_id", made["id"])
        own = f"/sellers/{made['id']}"
        paper = {"file": ("p.pdf", PDF + CANARY.encode() + b"%%EOF")}
        client.post(f"{own}/documents", data={"item": "bank_account"}, files=paper)
        client.put(f"{own}/contacts", json={"contacts": [{"email": PERSONS["contact_email"]}]})
        client.post("/tickets", json={"subject": f"s {CANARY}", "text": f"t {CANARY}"})
        yield client


def naming(client: httpx.Client, headers: dict[str, str]) -> set[str]:
    """The addresses whose answers hold the canary."""
    seller_id = client.params["seller_id"]
    paths = [f"/sellers/{seller_id}{tail}" for tail in OF_THE_SELLER]
    paths += [f"/{name}" for name in OF_ALL]
    tickets: Any = client.get("/tickets", headers=headers).json()["items"]
    paths += [f"/tickets/{each['id']}" for each in tickets]
    answers = {path: client.get(path, headers=headers) for path in paths}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path for path, answer in answers.items() if CANARY in answer.text}


def test_no_answer_names_a_person_any_more(
    applicant: httpx.Client, installation: Installation, work: Work
) -> None:
    key = installation.api_keys.create("admin", None, "t")[1]
    admin = {"Authorization": f"Bearer {key}", "Access-Reason": f"asked by phone {CANARY}"}
    assert len(naming(applicant, admin)) >= 4, "the search itself works"
    seller_id = inner_id("sel", applicant.params["seller_id"])
    leave = seller.RequestErasure(stamp=work.stamp(), ground="request")
    change_seller(installation.app, seller_id, lambda it: seller.request_erasure(it, leave))
    installation.erasure().erase(seller_id, work)
    after = {**admin, "Access-Reason": "after the erasure"}
    assert naming(applicant, after) == set()
