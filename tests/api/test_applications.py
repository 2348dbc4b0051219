"""Applying over HTTP: who may, what is asked for, how it is reviewed, and what nobody may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra.installation import Installation
from infra.projection_engine import ProjectionEngine
from tests.sellers import LinkedSeller

PDF = b"%PDF-1.4 a register extract %%EOF"
JAPANESE = {
    "amazon_seller_id": "A1NEWSELLER", "shop_name": "ことり商店", "entity": "jp_kabushiki_gaisha",
    "company_name": "株式会社ことり", "registration_number": "5835678256246",
    "sells_brands": False, "representative_name": "小鳥遊 太郎", "contact_name": "田中 花子",
    "contact_email": "hanako@kotori.example", "language": "ja",
}  # fmt: skip
CHINESE = {
    **JAPANESE, "amazon_seller_id": "A1CNSELLER", "entity": "cn_company",
    "company_name": "深圳小鸟有限公司", "registration_number": "91110000600037341L",
}  # fmt: skip

Bearer = Callable[[str], dict[str, str]]


@pytest.fixture
def staff(installation: Installation) -> Bearer:
    def headers(role: Any) -> dict[str, str]:
        key = installation.api_keys.create(role, None, "t")[1]
        return {"Authorization": f"Bearer {key}"}

    return headers


class Applicant:
    """A new seller with the key that its application gave it."""

    def __init__(self, address: str, body: dict[str, Any]) -> None:
        made = httpx.post(f"{address}/v1/sellers", json=body)
        assert made.status_code == 201, made.text
        self.made = made.json()
        headers = {"Authorization": f"Bearer {self.made['key']}", "Accept-Language": "en"}
        url = f"{address}/v1/sellers/{self.made['id']}"
        self.client = httpx.Client(base_url=url, headers=headers, timeout=10)

    def file(self, item: str, content: bytes = PDF, name: str = "a.pdf") -> httpx.Response:
        return self.client.post("/documents", data={"item": item}, files={"file": (name, content)})

    def shown(self, at: int | None = None) -> dict[str, Any]:
        return dict(self.client.get("/application", params={"at_position": at or 0}).json())


@pytest.fixture
def applicant(address: str, engine: ProjectionEngine) -> Iterator[Applicant]:
    made = Applicant(address, JAPANESE)
    yield made
    made.client.close()


def test_anybody_may_apply_and_gets_a_key_to_that_application_alone(
    applicant: Applicant, client: httpx.Client, seller: LinkedSeller
) -> None:
    assert applicant.made["missing"] == ["company_register", "bank_account"]
    shown = applicant.shown(applicant.made["position"])
    assert (shown["contact_name"], shown["is_sync_enabled"]) == ("田中 花子", False)
    foreign = f"{client.base_url}/v1/sellers/{seller.seller_id}/application"
    headers = applicant.client.headers
    assert httpx.get(foreign, headers=headers).status_code == 404
    rows = {"rows": [{"asin": "B0EXAMPLE1", "mercari_category_id": "sbx-01"}]}
    refused = httpx.post(f"{client.base_url}/v1/submissions", json=rows, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "E-401")
    assert "Pro Seller approval" in refused.json()["missing"]


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"entity": "sole_proprietor"}, "E-418", "sole proprietor"),
        ({"entity": "hk_company"}, "E-418", "Hong Kong"),
        ({"company_name": "合同会社ことり"}, "E-418", "godo kaisha"),
        ({"registration_number": "5835678256247"}, "invalid-request", "13 digits"),
    ],
)
def test_a_refusal_says_what_would_do_instead(
    address: str, changes: dict[str, str], code: str, word: str
) -> None:
    url = f"{address}/v1/sellers?lang=en"
    refused = httpx.post(url, json={**JAPANESE, **changes})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert word in refused.json()["errors"][0]["detail"]


def test_an_account_applies_only_once(address: str, applicant: Applicant) -> None:
    again = httpx.post(f"{address}/v1/sellers", json=JAPANESE)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_one_address_applies_five_times_an_hour(address: str) -> None:
    answers = [
        httpx.post(f"{address}/v1/sellers", json={**JAPANESE, "amazon_seller_id": f"A1MANY{n}"})
        for n in range(6)
    ]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 600
    assert answers[-1].json()["code"] == "too-many-requests"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00 renamed.pdf", "no PDF"),
        (b"PK\x03\x04 a zip", "no PDF"),
        (b"%PDF-1.4 cut", "cut off"),
        (b"%PDF-1.4" + b"\0" * 10_500_000 + b"%%EOF", "10 MB"),
    ],
)
def test_a_hostile_file_is_refused_and_nothing_is_kept(
    applicant: Applicant, content: bytes, rule: str, installation: Installation
) -> None:
    refused = applicant.file("company_register", content)
    assert (refused.status_code, refused.json()["code"]) == (422, "E-419")
    assert rule in refused.json()["errors"][0]["detail"]
    with installation.database.pool("keystore").connection() as connection:
        kept = connection.execute("SELECT count(*) FROM evidence_files").fetchone()
    files_of_the_fixture_seller = 5
    assert kept is not None
    assert kept[0] <= files_of_the_fixture_seller


def test_the_name_of_a_file_leaves_no_trace(
    applicant: Applicant, installation: Installation
) -> None:
    assert applicant.file("bank_account", PDF, "../../张三的护照.pdf").status_code == 202
    with installation.database.pool("projector").connection() as connection:
        states = connection.execute("SELECT convert_from(state, 'UTF8') FROM asin_sync_events")
        assert not [state for (state,) in states if "护照" in state]


def test_what_nobody_asked_for_is_refused_before_it_is_kept(applicant: Applicant) -> None:
    refused = applicant.file("tax_agent_authority")
    assert refused.json()["asked_for"] == ["company_register", "bank_account"]
    assert applicant.file("diploma").json()["errors"][0]["field"] == "item"


def complete(applicant: Applicant) -> int:
    for item in applicant.made["missing"]:
        answer = applicant.file(item, PDF + item.encode() + b"%%EOF")
        assert answer.status_code == 202, answer.text
    return int(answer.json()["position"])


def test_a_reviewer_finds_it_in_the_queue_and_sends_back_one_thing(
    applicant: Applicant, address: str, staff: Bearer
) -> None:
    position = complete(applicant)
    reviewer = staff("reviewer")
    (waiting,) = httpx.get(
        f"{address}/v1/applications", params={"at_position": position}, headers=reviewer
    ).json()["items"]
    assert (waiting["company_name"], waiting["is_overdue"]) == ("株式会社ことり", False)
    assert waiting["due_on"]
    assert "contact_name" not in waiting
    review = f"{address}/v1/sellers/{applicant.made['id']}/review"
    back = {
        "decision": "return",
        "rejections": [{"item": "bank_account", "fault": "account_not_in_yen"}],
    }
    sent = httpx.post(review, json=back, headers=reviewer)
    assert sent.status_code == 202, sent.text
    second = httpx.post(review, json={"decision": "approve"}, headers=staff("admin"))
    assert (second.status_code, second.json()["code"]) == (409, "wrong-state")
    assert "returned by key:" in second.json()["detail"]
    shown = applicant.shown(sent.json()["position"])
    states = {each["item"]: each["state"] for each in shown["items"]}
    assert (states["bank_account"], states["company_register"]) == ("returned", "filed")
    again = applicant.file("bank_account")
    approved = httpx.post(review, json={"decision": "approve"}, headers=reviewer)
    assert (again.status_code, approved.status_code) == (202, 202)
    figures = httpx.get(f"{address}/v1/applications/figures", headers=reviewer)
    assert figures.status_code == 200


def test_only_reviewers_decide_and_only_staff_see_the_queue(
    applicant: Applicant, address: str, staff: Bearer
) -> None:
    complete(applicant)
    review = f"{address}/v1/sellers/{applicant.made['id']}/review"
    for role in ("support", "auditor"):
        answer = httpx.post(review, json={"decision": "approve"}, headers=staff(role))
        assert answer.status_code == 403, role
    own = httpx.get(f"{address}/v1/applications", headers=applicant.client.headers)
    assert own.status_code == 403


def test_the_undertaking_is_a_download_and_names_its_version(address: str) -> None:
    template = httpx.get(f"{address}/v1/undertaking-template")
    assert template.status_code == 200
    assert "2026-11" in template.headers["content-disposition"]
    assert "電気用品安全法" in template.text
    assert "电气用品安全法" in template.text


def test_an_undertaking_without_seal_or_signature_is_refused_with_what_to_do(
    applicant: Applicant,
) -> None:
    form = {"template_version": "2026-11", "signatory_name": "小鳥遊 太郎", "has_seal": "true"}
    refused = applicant.client.post("/undertaking", data=form, files={"file": ("u.pdf", PDF)})
    assert refused.json()["errors"][0]["field"] == "has_signature"
    form["has_signature"] = "true"
    filed = applicant.client.post("/undertaking", data=form, files={"file": ("u.pdf", PDF)})
    assert filed.status_code == 202, filed.text


def test_an_asin_list_with_a_fault_names_it_and_is_not_taken(applicant: Applicant) -> None:
    bad = b"asin,mercari_category_id\r\nNOPE,sbx-1\r\n"
    refused = applicant.client.post("/asin-list", files={"file": ("l.csv", bad)})
    assert (refused.status_code, refused.json()["code"]) == (422, "E-400")
    good = b"asin,mercari_category_id,suggested_price_jpy\r\nB0EXAMPLE1,sbx-1,1980\r\n"
    assert applicant.client.post("/asin-list", files={"file": ("l.csv", good)}).status_code == 202


def test_a_document_is_read_by_its_seller_and_by_no_other(
    applicant: Applicant, client: httpx.Client
) -> None:
    position = complete(applicant)
    (item, *_) = applicant.shown(position)["items"]
    own = applicant.client.get(f"/documents/{item['sha256']}")
    assert (own.status_code, own.headers["content-type"]) == (200, "application/pdf")
    path = f"/v1/sellers/{applicant.made['id']}/documents/{item['sha256']}"
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("text", ["x\x00y", "shop\u202eevil", "a\u200bb"])
def test_a_name_with_characters_that_nobody_sees_is_refused(address: str, text: str) -> None:
    refused = httpx.post(f"{address}/v1/sellers", json={**JAPANESE, "shop_name": text})
    assert refused.status_code == 422


def test_support_sees_that_a_paper_is_there_and_does_not_open_it(
    applicant: Applicant, address: str, staff: Bearer
) -> None:
    position = complete(applicant)
    (item, *_) = applicant.shown(position)["items"]
    path = f"{address}/v1/sellers/{applicant.made['id']}/documents/{item['sha256']}"
    why = {"Access-Reason": "a question by phone"}
    opened = {
        role: httpx.get(path, headers=staff(role) | why).status_code
        for role in ("reviewer", "support", "auditor")
    }
    assert opened == {"reviewer": 200, "support": 403, "auditor": 403}


@pytest.mark.parametrize("position", ["²", "9" * 5_000, "-1", "x"])
def test_a_position_that_is_none_is_not_waited_for(applicant: Applicant, position: str) -> None:
    shown = applicant.client.get("/application", params={"at_position": position})
    assert shown.status_code == 200


def test_who_has_left_is_neither_approved_nor_linked_nor_given_contacts_or_keys(
    applicant: Applicant, address: str, staff: Bearer
) -> None:
    complete(applicant)
    assert applicant.client.post("/erasure").status_code == 202
    reviewer, admin = staff("reviewer"), staff("admin")
    url = f"{address}/v1/sellers/{applicant.made['id']}"
    why = {"Access-Reason": "who has left", "Accept-Language": "zh"}
    asked: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        ("POST", "/review", {"decision": "approve"}, reviewer),
        ("POST", "/mercari-link", {"access_token": "t", "shop_id": "s"}, admin),
        ("PUT", "/contacts", {"contacts": [{"email": "a@shop.example"}]}, admin),
    ]
    for method, path, body, key in asked:
        answer = httpx.request(method, url + path, json=body, headers=key | why)
        assert answer.status_code == 409, (path, answer.text)
        assert "个人数据" in answer.json()["errors"][0]["detail"]


def test_a_mistake_in_the_application_is_corrected_until_its_review_begins(
    applicant: Applicant,
) -> None:
    company = {
        name: value for name, value in JAPANESE.items()
        if name not in ("amazon_seller_id", "shop_name")
    }  # fmt: skip
    corrected = {**company, "company_name": "株式会社ことり堂"}
    answer = applicant.client.put("/application", json=corrected)
    assert answer.status_code == 202, answer.text
    assert applicant.shown(answer.json()["position"])["company_name"] == "株式会社ことり堂"
    complete(applicant)
    late = applicant.client.put("/application", json=company)
    assert (late.status_code, late.json()["errors"][0]["field"]) == (409, "application")
