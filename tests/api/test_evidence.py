"""Evidence, a reviewer's word on an image, and brands: over HTTP and from a binding's page."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.asin_binding.facts import Requested, ReviewRequested
from domain.images import ImageFacts, ImageReading
from domain.rules.precheck import Circumstances
from domain.rules.warranty import Warranty
from domain.values import binding_id_of
from infra.installation import Installation
from tests.api.page_data import TERMS, product, record, rejected_binding, stamp
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

ASIN = "B0EVIDENCE"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND\xaeB`\x82"
MATCH = {"If-Match": '"v2"'}
CERTIFICATE = {
    "kind": "certificate", "certificate_kind": "pse_circle", "notifier": "株式会社サンプル",
}  # fmt: skip


@pytest.fixture
def binding(desk: Desk, seller: LinkedSeller) -> str:
    """A rejected binding at version 2; its public id."""
    rejected_binding(desk, seller.seller_id, ASIN)
    return public_id("bnd", binding_id_of(seller.seller_id, ASIN))


def prove(client: httpx.Client, binding: str, content: bytes, **fields: str) -> httpx.Response:
    files = {"file": ("../../etc/passwd.pdf", content)}
    return client.post(f"/v1/bindings/{binding}/proofs", data=fields, files=files, headers=MATCH)


def test_evidence_is_kept_by_its_hash_with_who_and_when(client: httpx.Client, binding: str) -> None:
    answer = prove(client, binding, PDF, **CERTIFICATE, number="JET1234")
    assert (answer.status_code, answer.json()["version"]) == (202, 3)
    after = {"at_position": answer.json()["position"]}
    [event] = [
        each
        for each in client.get(f"/v1/bindings/{binding}/history", params=after).json()["items"]
        if each["type"] == "asin_binding.proof_added"
    ]
    proof = event["data"]["proof"]
    assert (proof["number"], proof["media_type"]) == ("JET1234", "application/pdf")
    assert event["actor"].startswith("key:")
    assert event["recorded_at"]
    kept = client.get(f"/v1/bindings/{binding}/proofs/{proof['file_sha256']}")
    assert (kept.content, kept.headers["content-type"]) == (PDF, "application/pdf")
    assert kept.headers["content-disposition"] == "attachment"
    assert client.get(f"/v1/bindings/{binding}", params=after).json()["proofs"] == 1


def test_a_file_of_evidence_is_encrypted_and_no_neighbour_can_have_it(
    client: httpx.Client, binding: str, installation: Installation, seller_id: UUID,
    neighbour_bearer: dict[str, str],
) -> None:  # fmt: skip
    canary = PDF.replace(b"<<>>", b"<</Owner(canary-7731)>>")
    assert prove(client, binding, canary, **CERTIFICATE).status_code == 202
    with installation.database.reading_for(seller_id) as connection:
        [(digest, content)] = connection.execute(
            "SELECT sha256, content FROM evidence_files WHERE sha256 = %s",
            (sha256(canary).hexdigest(),),
        ).fetchall()
    assert b"canary-7731" not in content
    url = f"/v1/bindings/{binding}/proofs/{digest}"
    assert client.get(url, headers=neighbour_bearer).status_code == 404
    assert client.get(url).content == canary


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ\x90\x00" + b"\0" * 100, b"%PDF-1.7 cut off", b"\xff\xd8\xff\xe0 cut off", PNG[:20],
     b"<svg xmlns='http://www.w3.org/2000/svg'/>", PDF + b"x" * (10 * 1024 * 1024)],
    ids=["no file", "program", "cut pdf", "cut jpeg", "cut png", "svg", "too large"],
)  # fmt: skip
def test_a_file_that_is_no_evidence_is_refused_and_changes_nothing(
    client: httpx.Client, binding: str, content: bytes, head: Callable[[], int]
) -> None:
    before = head()
    answer = prove(client, binding, content, **CERTIFICATE)
    assert answer.json()["errors"][0]["field"] == "file"
    assert (answer.status_code, answer.json()["code"]) == (422, "E-419")
    assert answer.json()["action"]
    assert head() == before


@pytest.mark.parametrize(
    "fields",
    [{}, {"kind": "oath"}, {"kind": "certificate"}, {"kind": "brand"}, {"kind": "shipping_time"},
     {"kind": "shipping_time", "shipping_days": "-1"}, {**CERTIFICATE, "number": "9" * 201},
     {"kind": "brand", "number": "12345"}, {**CERTIFICATE, "notifier": ""},
     {**CERTIFICATE, "certificate_kind": "pse_diamond"},
     {"kind": "certificate", "certificate_kind": "telec", "number": "xyz"},
     {"kind": "certificate", "certificate_kind": "cosmetics_licence", "number": "13C0X12345"}],
)  # fmt: skip
def test_a_proof_without_its_main_field_is_refused(
    client: httpx.Client, binding: str, fields: dict[str, str], head: Callable[[], int]
) -> None:
    before = head()
    answer = prove(client, binding, PNG, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "E-419")
    assert all(each["detail"] for each in answer.json()["errors"])
    assert head() == before


@pytest.mark.parametrize("kind", ["label", "shipping_time"])
def test_words_alone_prove_nothing(
    client: httpx.Client, binding: str, kind: str, head: Callable[[], int]
) -> None:
    before = head()
    answer = prove(client, binding, b"", kind=kind, shipping_days="3")
    assert (answer.status_code, answer.json()["code"]) == (422, "E-419")
    assert [each["field"] for each in answer.json()["errors"]] == ["file"]
    assert head() == before


def test_the_same_evidence_filed_again_is_none(client: httpx.Client, binding: str) -> None:
    first = prove(client, binding, PDF, **CERTIFICATE).json()
    again = client.post(
        f"/v1/bindings/{binding}/proofs", data=CERTIFICATE, files={"file": ("a.pdf", PDF)},
        headers={"If-Match": '"v3"'},
    )  # fmt: skip
    assert (first["version"], again.json()["version"]) == (3, 3)


def in_review(desk: Desk, seller_id: UUID) -> str:
    """A binding whose image waits for a person, at version 2."""
    binding_id = binding_id_of(seller_id, ASIN)
    facts = ImageFacts(
        sha256="a" * 64, engine="rules 1", width=800, height=800, white_background=0.3,
        is_text_read=False,
    )  # fmt: skip
    around = Circumstances(
        warranty=Warranty(), default_float_rate=Decimal(0),
        image=ImageReading(status="inspected", facts=facts),
    )  # fmt: skip
    requested = Requested(stamp=stamp(), asin=ASIN, sku="SKU-1", terms=TERMS)
    review = ReviewRequested(
        stamp=stamp(), product=product(ASIN), findings=(), image="a" * 64, circumstances=around
    )
    record(desk, seller_id, binding_id, 0, [requested, review])
    return public_id("bnd", binding_id)


def test_only_a_reviewer_judges_an_image_and_one_decision_ends_the_wait(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, installation: Installation
) -> None:
    binding = in_review(desk, seller.seller_id)
    waiting = client.get("/v1/bindings", params={"in_review": True}).json()["items"]
    assert [each["id"] for each in waiting] == [binding]
    url, body = f"/v1/bindings/{binding}/image-review", {"verdict": "fail", "note": "a logo"}
    assert client.post(url, json=body, headers=MATCH).status_code == 403
    key = installation.api_keys.create("reviewer", None, "test")[1]
    reviewer = {**MATCH, "Authorization": f"Bearer {key}"}
    named = {"seller_id": public_id("sel", seller.seller_id)}
    assert client.post(url, json=body, headers=reviewer).status_code == 422
    first = client.post(url, json=body, headers=reviewer, params=named)
    second = client.post(url, json=body, headers=reviewer, params=named)
    assert (first.status_code, second.status_code) == (202, 412)
    late = {**reviewer, "If-Match": '"v3"'}
    assert client.post(url, json=body, headers=late, params=named).status_code == 409
    after = {"at_position": first.json()["position"], "in_review": True}
    assert client.get("/v1/bindings", params=after).json()["items"] == []


def test_a_reviewer_authorises_brands_and_ends_them(
    client: httpx.Client, seller: LinkedSeller, installation: Installation
) -> None:
    url = f"/v1/sellers/{public_id('sel', seller.seller_id)}/brands"
    body = {"brands": [{"brand": "Hoshizora", "registration_number": "第6000001号"}]}
    assert client.post(url, json=body).status_code == 403
    key = installation.api_keys.create("reviewer", None, "test")[1]
    reviewer = {"Authorization": f"Bearer {key}"}
    wrong = {"brands": [{"brand": "Hoshizora", "registration_number": "none"}]}
    refused = client.post(url, json=wrong, headers=reviewer)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
    assert "seven digits" in refused.json()["errors"][0]["detail"]
    assert client.post(url, json=body, headers=reviewer).status_code == 202
    assert "Hoshizora" in {each["brand"] for each in client.get(url).json()["items"]}
    gone = client.delete(f"{url}/HOSHIZORA", params={"reason": "expired"}, headers=reviewer)
    assert gone.status_code == 202
    assert "Hoshizora" not in {each["brand"] for each in client.get(url).json()["items"]}


def test_a_seller_files_evidence_and_asks_again_from_the_page(
    desk: Desk, seller_key: str, binding: str, visitor: Visitor, client: httpx.Client
) -> None:
    browser = visitor(seller_key)
    page = browser.get(f"/bindings/{binding}?lang=en").text
    assert "Check again" in page
    form = {"csrf": csrf_in(page), "version": "2", "action": "prove", **CERTIFICATE}
    sent = browser.post(f"/bindings/{binding}", data=form, files={"file": ("a.pdf", PDF)})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/bindings/{binding}")
    assert "1 piece filed" in browser.get(f"/bindings/{binding}?lang=en").text
    again = {"csrf": csrf_in(page), "version": "3", "action": "resubmit"}
    assert browser.post(f"/bindings/{binding}", data=again).status_code == 303
    assert client.get(f"/v1/bindings/{binding}").json()["status"] == "requested"


def test_a_form_without_its_token_or_for_an_older_version_changes_nothing(
    desk: Desk, seller_key: str, binding: str, visitor: Visitor, head: Callable[[], int]
) -> None:
    browser = visitor(seller_key)
    token = csrf_in(browser.get(f"/bindings/{binding}").text)
    before = head()
    forged = browser.post(
        f"/bindings/{binding}", data={"csrf": "x", "version": "2", "action": "withdraw"}
    )
    assert forged.headers["location"].startswith("/sign-in")
    stale = {"csrf": token, "version": "1", "action": "withdraw"}
    assert browser.post(f"/bindings/{binding}", data=stale).status_code == 409
    odd = {"csrf": token, "version": "2", "action": "explode"}
    assert browser.post(f"/bindings/{binding}", data=odd).status_code == 409
    assert head() == before
