"""Applying, filing and being reviewed by pages; what is refused says what to send instead."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.desk import Desk
from api.ids import inner_id
from api.pages.review_pages import REASON
from domain.admission import FileDocument, file_document
from domain.admissions import apply_as_seller, change_admission
from domain.error_codes import LANGUAGES
from domain.looks import looks_of
from domain.stamps import Work
from domain.texts import rule_text
from infra.demo import missing_of, sample_application, sample_file_of
from infra.installation import Installation
from tests.api.onboarding_scene import (
    ASINS,
    COMPANY,
    DOCUMENTS,
    JAPANESE,
    PDF,
    SIGNED,
    Applicant,
    applicant,
    decide,
    new_account,
    send_application,
    staff,
)
from tests.api.visiting import Visitor, csrf_in

NO_REASON = {"access-reason": ""}
NAMES = ("../../etc/passwd", "张三.pdf")
ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w", zipfile.ZIP_DEFLATED) as packed:
    packed.writestr("a.txt", b"0" * 1_000_000)
UNFIT = {
    "file_empty": b"",
    "file_too_large": b"%PDF-1.7" + b" " * (10 * 1024 * 1024) + b"%%EOF",
    "file_of_other_type": b"MZ\x90\x00 this program cannot be run in DOS mode",
    "file_cut_off": b"%PDF-1.7 no end",
}


@pytest.fixture
def someone(desk: Desk, visitor: Visitor) -> Applicant:
    return applicant(visitor())


def said(key: str, language: str = "en") -> str:
    """A rule as a page writes it."""
    return rule_text(key, {}, language).replace("'", "&#39;")  # type: ignore[arg-type]


def test_the_sign_in_leads_to_the_form_that_says_what_is_needed(
    desk: Desk, visitor: Visitor
) -> None:
    browser = visitor()
    assert 'href="/apply"' in browser.get("/sign-in").text
    for language in LANGUAGES:
        page = browser.get("/apply", headers={"accept-language": language}).text
        for item in (*DOCUMENTS, "company_register", "brand_authorisation", "undertaking"):
            assert said(f"document_{item}", language) in page, (item, language)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"entity": "sole_proprietor"}, "entity_sole_proprietor"),
        ({"registration_number": "92110000600037341L"}, "entity_sole_proprietor"),
        ({"entity": "hk_company"}, "entity_hong_kong"),
        ({"entity": "other"}, "entity_other"),
        ({**JAPANESE, "company_name": "合同会社さくら"}, "entity_not_kabushiki_gaisha"),
    ],
)
def test_who_is_not_eligible_is_told_so_beside_the_field_with_the_code(
    desk: Desk, visitor: Visitor, fields: dict[str, str], rule: str
) -> None:
    browser = visitor()
    for language in LANGUAGES:
        answer = browser.post(
            "/apply", data={"amazon_seller_id": new_account(), **COMPANY, **fields},
            headers={"accept-language": language},
        )  # fmt: skip
        assert answer.status_code == 422
        assert said(rule, language) in answer.text
        assert '<span class="mono">E-418</span>' in answer.text
        assert 'id="fault-entity"' in answer.text
        assert "set-cookie" not in answer.headers


def test_every_field_at_fault_is_marked_and_what_was_typed_stays(
    desk: Desk, visitor: Visitor
) -> None:
    answer = send_application(
        visitor(), amazon_seller_id="a b", contact_email="nobody", shop_name="", entity="",
        company_name="<b>公司</b>", sells_brands="", contact_name="x" * 101,
    )  # fmt: skip
    assert answer.status_code == 422
    for name in ("amazon_seller_id", "shop_name", "entity", "sells_brands", "contact_name"):
        assert f'id="fault-{name}"' in answer.text, name
    assert 'value="&lt;b&gt;公司&lt;/b&gt;"' in answer.text
    assert "<b>公司</b>" not in answer.text
    number = send_application(visitor(), registration_number="123", contact_email="nobody")
    assert said("registration_number_cn_company") in number.text
    assert said("contact_email") in number.text


def test_the_key_is_shown_once_and_the_applicant_is_signed_in(desk: Desk, visitor: Visitor) -> None:
    browser = visitor()
    answer = send_application(browser)
    key = re.search(r'class="shown-once mono">([^<]+)<', answer.text)
    assert key
    assert answer.headers["cache-control"] == "no-store"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert key[1] not in answer.headers["set-cookie"]
    page = browser.get("/onboarding")
    assert page.status_code == 200
    assert key[1] not in page.text
    assert "4 documents are still missing." in page.text
    assert visitor(key[1]).get("/onboarding").status_code == 200


def test_an_account_that_has_applied_is_led_to_its_key(desk: Desk, visitor: Visitor) -> None:
    account = new_account()
    assert send_application(visitor(), amazon_seller_id=account).status_code == 201
    again = send_application(visitor(), amazon_seller_id=account.lower())
    assert again.status_code == 409
    assert said("application_exists") in again.text
    assert "set-cookie" not in again.headers


def test_a_form_of_another_site_or_without_https_applies_for_nobody(
    desk: Desk, visitor: Visitor
) -> None:
    browser, account = visitor(), new_account()
    data = {**COMPANY, "amazon_seller_id": account}
    for headers in ({"origin": "https://evil.example"}, {"host": "sync.example"}):
        assert browser.post("/apply", data=data, headers=headers).status_code == 403
    assert send_application(browser, amazon_seller_id=account).status_code == 201


def test_the_sixth_application_within_the_hour_is_asked_to_wait_and_a_mistake_costs_none(
    desk: Desk, visitor: Visitor
) -> None:
    browser = visitor()
    for _ in range(6):
        assert send_application(browser, contact_email="nobody").status_code == 422
    answers = [send_application(browser) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Too many applications came from this address." in answers[-1].text
    assert COMPANY["company_name"] in answers[-1].text


@pytest.mark.parametrize("rule", UNFIT)
def test_a_file_that_is_none_is_refused_beside_its_form_in_every_language(
    someone: Applicant, rule: str
) -> None:
    for language in LANGUAGES:
        someone.browser.headers["accept-language"] = language
        answer = someone.file("bank_account", UNFIT[rule])
        assert answer.status_code in (413, 422)
        place = answer.text.split('id="bank_account"')[1].split("<li id=")[0]
        assert said(rule, language) in place
        assert '<span class="mono">E-419</span>' in place
    assert "4 documents are still missing." in someone.page()


def test_a_zip_that_calls_itself_pdf_and_a_form_that_is_far_too_large_are_refused(
    someone: Applicant,
) -> None:
    assert said("file_of_other_type") in someone.file("bank_account", ZIP.getvalue()).text
    sent = someone.file("bank_account", b"%PDF-1.7" + b"0" * (11 * 1024 * 1024 + 1))
    assert (sent.status_code, said("file_too_large") in sent.text) == (413, True)


def test_names_of_files_leave_no_trace(
    someone: Applicant, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [someone.file("bank_account", PDF, name) for name in NAMES]
    answers += [someone.file("tax_agent_authority", b"MZ", name) for name in NAMES]
    assert [answer.status_code for answer in answers] == [303, 303, 422, 422]
    paths = (f"/v1/sellers/{someone.seller_id}/application", "/v1/audit-trail", "/v1/sync-log")
    read = [someone.browser.get(path, headers=someone.bearer()) for path in paths]
    told = [*(answer.text for answer in (*answers, *read)), someone.page(), caplog.text]
    with psycopg.connect(database_url) as admin:
        told += [row[0] for row in admin.execute(
            "SELECT convert_from(state, 'UTF8') FROM cell_1.asin_sync_events")]  # fmt: skip
        stored = admin.execute("SELECT f::text FROM cell_1.evidence_files f").fetchall()
        told += [row[0] for row in stored]
    assert stored
    for name in ("etc/passwd", "张三"):
        assert not [text for text in told if name in text]


def test_html_in_a_companys_name_is_text_on_every_page(desk: Desk, visitor: Visitor) -> None:
    name = "<script>alert(1)</script>有限公司"
    someone = applicant(visitor(), company_name=name)
    someone.file_all(*DOCUMENTS)
    reviewer = staff(desk, visitor)
    pages = [someone.page(), reviewer.get("/review").text,
             reviewer.get(f"/review/{someone.seller_id}").text]  # fmt: skip
    for page in pages:
        assert "&lt;script&gt;alert(1)&lt;/script&gt;有限公司" in page
        assert "<script>alert" not in page


def test_a_form_without_its_csrf_token_files_and_decides_nothing(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    other = applicant(visitor())
    foreign = csrf_in(other.page())
    file = {"file": ("a.pdf", PDF)}
    for token in ("", foreign):
        sent = someone.browser.post("/onboarding/bank_account", data={"csrf": token}, files=file)
        assert sent.headers["location"].startswith("/sign-in")
    assert "4 documents are still missing." in someone.page()
    someone.file_all(*DOCUMENTS)
    reviewer = staff(desk, visitor)
    page = reviewer.get(f"/review/{someone.seller_id}").text
    crossed = decide(reviewer, page.replace(csrf_in(page), foreign), "approve")
    assert crossed.headers["location"].startswith("/sign-in")
    assert "Pro Seller review: Mercari answers by" in someone.page()


def test_a_seller_that_opens_the_review_is_told_which_roles_may(someone: Applicant) -> None:
    for path in ("/review", f"/review/{someone.seller_id}"):
        page = someone.browser.get(path)
        assert page.status_code == 403
        assert "Roles that may: Support, Reviewer, Auditor, and Administrator" in page.text
    sent = someone.browser.post(
        f"/review/{someone.seller_id}", data={"csrf": csrf_in(someone.page())}
    )
    assert sent.status_code == 403


def test_another_sellers_document_looks_like_one_that_never_was(
    someone: Applicant, visitor: Visitor
) -> None:
    someone.file_all("bank_account")
    link = re.search(r'href="(/v1/sellers/[^"]+/documents/[0-9a-f]{64})"', someone.page())
    assert link
    assert someone.browser.get(link[1]).content == PDF
    other = applicant(visitor())
    assert other.browser.get(link[1]).status_code == 404
    own = link[1].replace(someone.seller_id, other.seller_id)
    assert other.browser.get(own).status_code == 404


def test_what_is_sent_back_says_why_and_what_to_send_and_only_that_is_asked_for(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    someone.file_all(*DOCUMENTS)
    assert 'action="/onboarding/bank_account"' not in someone.page()
    assert "the review is under way" in someone.file("bank_account").text
    reviewer = staff(desk, visitor)
    assert someone.seller_id in reviewer.get("/review").text
    page = reviewer.get(f"/review/{someone.seller_id}").text
    both = decide(reviewer, page, "approve", bank_account="account_not_in_yen")
    assert said("approved_with_faults").split("“")[0] in both.text
    none = decide(reviewer, page, "return")
    assert said("rejections_missing") in none.text
    misfit = decide(reviewer, page, "return", bank_account="seal_missing")
    assert said("rejection_misfit") in misfit.text
    sent = decide(reviewer, page, "return", bank_account="account_not_in_yen")
    assert sent.status_code == 303
    for language in LANGUAGES:
        assert said("fault_account_not_in_yen", language) in someone.page(language)
    shown = someone.page()
    assert "1 document was sent back" in shown
    assert re.findall(r'action="/onboarding/(\w+)"', shown) == [
        "bank_account", "undertaking", "asin_list",
    ]  # fmt: skip
    assert someone.seller_id not in reviewer.get("/review").text
    someone.file_all("bank_account")
    assert "Pro Seller review: Mercari answers by" in someone.page()
    again = reviewer.get(f"/review/{someone.seller_id}").text
    assert "round 2" in again


def test_of_two_reviewers_the_second_sees_who_decided_and_when(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    someone.file_all(*DOCUMENTS)
    first, second = (staff(desk, visitor, label=label) for label in ("Aoki", "Baba"))
    page, other = (each.get(f"/review/{someone.seller_id}").text for each in (first, second))
    assert decide(first, page, "return", bank_account="unreadable").status_code == 303
    someone.file_all("bank_account")
    late = decide(second, other, "approve")
    assert late.status_code == 409
    assert "Your decision was not recorded" in late.text
    assert "round 2" in second.get(f"/review/{someone.seller_id}").text
    assert decide(first, first.get(f"/review/{someone.seller_id}").text, "approve").is_redirect
    too_late = decide(
        second, second.get(f"/review/{someone.seller_id}").text + late.text, "approve"
    )
    assert "Reviewer · Aoki" in too_late.text


def test_support_and_auditors_read_the_review_and_decide_nothing(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    someone.file_all(*DOCUMENTS)
    for role in ("support", "auditor"):
        reader = staff(desk, visitor, role)
        asked = reader.get(f"/review/{someone.seller_id}", headers=NO_REASON)
        assert (asked.status_code, COMPANY["company_name"] in asked.text) == (403, False)
        page = reader.get(f"/review/{someone.seller_id}").text
        assert COMPANY["company_name"] in page
        assert COMPANY["contact_name"] not in page
        assert 'name="decision"' not in page
        data = {"csrf": csrf_in(page), "stage": "pro_seller", "round": "1", "decision": "approve"}
        assert reader.post(f"/review/{someone.seller_id}", data=data).status_code == 403


def test_a_review_is_a_reviewers_reason_to_look_and_is_recorded_as_one(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    reviewer, case = staff(desk, visitor), f"/review/{someone.seller_id}"
    assert reviewer.get(case, headers=NO_REASON).status_code == 403
    stated = {"reason": "he asked on the telephone"}
    asked = reviewer.get(case, params=stated, headers=NO_REASON)
    assert (asked.status_code, asked.headers["location"]) == (303, case)
    someone.file_all(*DOCUMENTS)
    key_id, key = desk.keys.create("reviewer", None, "other")
    assert visitor(key).get(case, headers=NO_REASON).status_code == 200
    opened = looks_of(desk.app, inner_id("sel", someone.seller_id), key_id).opened
    assert [each.reason for each in opened] == [REASON]


def test_the_undertaking_needs_seal_signature_signatory_and_the_current_template(
    someone: Applicant,
) -> None:
    wrongs = {
        "has_seal": "undertaking_has_seal", "has_signature": "undertaking_has_signature",
        "signatory_name": "undertaking_signatory_name",
    }  # fmt: skip
    for name, rule in wrongs.items():
        answer = someone.file("undertaking", **{**SIGNED, name: ""})
        assert (answer.status_code, said(rule) in answer.text) == (422, True)
    old = someone.file("undertaking", **SIGNED, template_version="2020-01")
    assert said("undertaking_template_version") in old.text
    assert someone.file("undertaking", **SIGNED).status_code == 303
    assert someone.browser.get("/v1/undertaking-template").status_code == 200


def test_an_asin_list_that_cant_be_read_says_which_line(someone: Applicant) -> None:
    answer = someone.file("asin_list", b"asin,mercari_category_id\nnonsense,sbx-1\n", "a.csv")
    assert answer.status_code == 422
    place = answer.text.split('id="asin_list"')[1]
    assert "E-400" in place or "E-402" in place
    assert someone.file("asin_list", ASINS, "a.csv").status_code == 303
    assert "1 ASIN" in someone.page()


def test_every_page_of_onboarding_answers_in_each_language(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    someone.file_all(*DOCUMENTS)
    reviewer = staff(desk, visitor)
    readers: list[tuple[httpx.Client, str]] = [
        (someone.browser, "/onboarding"), (reviewer, "/review"),
        (reviewer, f"/review/{someone.seller_id}"), (visitor(), "/apply"),
        (reviewer, f"/onboarding?seller_id={someone.seller_id}"),
    ]  # fmt: skip
    for browser, path in readers:
        for language in LANGUAGES:
            answer = browser.get(path, headers={"accept-language": language})
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["content-language"].startswith(language)
            assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text)


def test_an_overdue_review_is_marked_for_the_reviewer_and_owned_up_to_to_the_seller(
    desk: Desk, installation: Installation, visitor: Visitor
) -> None:
    long_ago = Work(lambda: datetime.now(UTC) - timedelta(days=30), "applicant", uuid4())
    command = sample_application("遅延", long_ago)
    seller_id = apply_as_seller(desk.app, new_account(), "遅延商店", command, long_ago)
    for item in missing_of(installation, seller_id, "pro_seller"):
        kept = sample_file_of(installation, seller_id, item)
        filed = FileDocument(stamp=long_ago.stamp(), item=item, file=kept)
        change_admission(desk.app, seller_id, partial(file_document, command=filed))
    reviewer = staff(desk, visitor)
    page = reviewer.get("/review").text
    assert "1 review is overdue: decide it first." in page
    assert "63.7%" in page
    own = visitor(desk.keys.create("seller", seller_id, "own")[1]).get("/onboarding").text
    assert "Mercari should have answered by" in own


def test_staff_read_a_sellers_onboarding_and_file_nothing(
    desk: Desk, someone: Applicant, visitor: Visitor
) -> None:
    path = f"/onboarding?seller_id={someone.seller_id}"
    support = staff(desk, visitor, "support")
    page = support.get(path).text
    assert "4 documents are still missing." in page
    assert 'type="file"' not in page
    sent = support.post(
        f"/onboarding/bank_account?seller_id={someone.seller_id}",
        data={"csrf": csrf_in(page)}, files={"file": ("a.pdf", PDF)},
    )  # fmt: skip
    assert sent.status_code == 403
