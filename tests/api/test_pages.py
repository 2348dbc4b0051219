"""Pages over HTTP: every one in three languages, and none for those it is not for."""

from __future__ import annotations

import re
from typing import get_args
from uuid import UUID, uuid4

import pytest

from api.desk import Desk
from api.ids import public_id
from api.words import FATES
from domain.application import acting_for
from domain.error_codes import LANGUAGES
from domain.submission import Fate
from tests.api.page_data import (
    edited_by_hand,
    listed_binding,
    open_upload,
    rejected_binding,
    settle,
)
from tests.api.visiting import Visitor, csrf_in

NAMES = {"zh": "健康分", "ja": "ヘルススコア", "en": "Health score"}


@pytest.fixture
def seller_id(desk: Desk, seller_key: str) -> UUID:
    caller = desk.keys.caller(seller_key)
    assert caller is not None
    assert caller.seller_id is not None
    return caller.seller_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_answers_in_each_language(
    desk: Desk, seller_key: str, seller_id: UUID, language: str, visitor: Visitor
) -> None:
    rejected_binding(desk, seller_id, "B0REJECT01")
    upload = public_id("sub", open_upload(desk, seller_id, ["B0WAITING1"]))
    binding = listed_binding(desk, seller_id, f"B0LISTED{LANGUAGES.index(language):02d}")
    browser = visitor(seller_key)
    pages = [
        "/", "/?window=30d", "/sync-log", "/sync-log?code=E-403", "/bindings",
        "/stock-alerts", "/bindings?status=listed", f"/bindings/{binding}", "/upload",
        f"/upload/{upload}", "/validator", "/failure-report",
        f"/failure-report?submission_id={upload}",
    ]  # fmt: skip
    for path in pages:
        answer = browser.get(path, headers={"accept-language": language})
        assert answer.status_code == 200, path
        assert NAMES[language] in answer.text, path
        assert answer.headers["content-language"].startswith(language)
        assert "#" + f"{desk.position():,}" in answer.text, path


def test_an_upload_shows_whatever_can_become_of_a_row(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    fates = get_args(Fate)
    upload = open_upload(desk, seller_id, [f"B0FATE{number:04}" for number in range(len(fates))])
    for number, fate in enumerate(fates, start=1):
        settle(desk, seller_id, upload, number, fate)
    page = visitor(seller_key).get(f"/upload/{public_id('sub', upload)}?lang=en").text
    rows = page.split("<tbody>")[1].split("</tr>")
    for fate, row in zip(fates, rows, strict=False):
        assert FATES[fate].message in row
        assert f'<template id="pill-{FATES[fate].kind}">' in page


def test_a_listing_whose_image_nobody_inspected_says_so(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0NOTSEEN1")
    page = visitor(seller_key).get(f"/bindings/{binding}?lang=en").text
    assert "<dt>Main image</dt><dd>Not inspected</dd>" in page


def test_a_binding_of_another_seller_looks_like_one_that_never_was(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    foreign = listed_binding(desk, uuid4(), "B0FOREIGN1")
    browser = visitor(seller_key)
    absent = browser.get(f"/bindings/{public_id('bnd', uuid4())}")
    answer = browser.get(f"/bindings/{foreign}")
    assert (answer.status_code, absent.status_code) == (404, 404)
    assert "B0FOREIGN1" not in answer.text


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_and_back(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    browser = visitor()
    away = browser.get("/bindings?status=listed")
    assert away.status_code == 303
    assert away.headers["location"] == "/sign-in?next=%2Fbindings%3Fstatus%3Dlisted"
    form = browser.get(away.headers["location"])
    assert 'name="next" value="/bindings?status=listed"' in form.text
    assert browser.post("/sign-in", data={"key": "nonsense"}).status_code == 401
    back = browser.post("/sign-in", data={"key": seller_key, "next": "/bindings?status=listed"})
    assert back.headers["location"] == "/bindings?status=listed"
    cookie = back.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert seller_key not in cookie


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_sign_in_leads_to_no_other_site(
    desk: Desk, seller_key: str, target: str, visitor: Visitor
) -> None:
    answer = visitor().post("/sign-in", data={"key": seller_key, "next": target})
    assert answer.headers["location"] == "/"


def test_over_https_the_session_is_in_a_host_cookie(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    behind_a_proxy = {"x-forwarded-proto": "https", "host": "sync.example"}
    answer = visitor().post("/sign-in", data={"key": seller_key}, headers=behind_a_proxy)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-asin_sync=")
    assert "Secure" in cookie


def test_signing_out_needs_the_sessions_own_csrf_token_and_closes_it(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    browser, other = visitor(seller_key), visitor(seller_key)
    foreign = csrf_in(other.get("/").text)
    browser.post("/sign-out", data={"csrf": foreign})
    assert browser.get("/").status_code == 200
    browser.post("/sign-out", data={"csrf": csrf_in(browser.get("/").text)})
    assert browser.get("/").status_code == 303


def test_an_upload_without_its_csrf_token_records_nothing(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    file = {"file": ("a.csv", b"asin,mercari_category_id\nB0XXXXXXXX,sbx-1\n", "text/csv")}
    before = browser.get("/upload").text
    refused = browser.post("/upload", data={"csrf": "", "key": "k"}, files=file)
    crossing = browser.post(
        "/upload", data={"csrf": csrf_in(before), "key": "k"}, files=file,
        headers={"origin": "https://evil.example"},
    )  # fmt: skip
    assert refused.headers["location"].startswith("/sign-in")
    assert crossing.headers["location"].startswith("/sign-in")
    assert "a.csv" not in browser.get("/upload").text


def test_a_file_sent_twice_from_one_form_is_one_upload_and_another_file_is_another(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    with acting_for(seller_id):
        assert desk.app.seller(seller_id).is_sync_enabled
    browser = visitor(seller_key)
    data = {"csrf": csrf_in(browser.get("/upload").text), "key": uuid4().hex}

    def send(asin: str) -> str:
        content = f"asin,mercari_category_id\n{asin},sbx-1042\n".encode()
        answer = browser.post("/upload", data=data, files={"file": ("a.csv", content)})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    first = send("B0FIRST001")
    assert send("B0FIRST001") == first
    assert send("B0SECOND01") != first
    assert "B0FIRST001" in browser.get(first).text


def test_the_past_has_a_frame_its_instant_and_a_way_back(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0HISTORY1")
    browser = visitor(seller_key)
    now = browser.get(f"/bindings/{binding}?lang=en")
    then = browser.get(f"/bindings/{binding}?at_version=4&lang=en")
    assert '<body class="past">' not in now.text
    assert '<body class="past">' in then.text
    assert "You are looking at the past" in then.text
    assert "Price ¥9,480 → ¥9,600" in now.text
    assert "Price ¥9,480 → ¥9,600" not in then.text
    assert browser.get(f"/bindings/{binding}?as_of=2020-01-01T00:00:00Z").status_code == 404
    assert browser.get(f"/bindings/{binding}?as_of=yesterday").status_code == 400
    assert browser.get(f"/bindings/{binding}?at_version=99").status_code == 404


def test_staff_name_the_seller_read_and_do_not_upload(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    _, key = desk.keys.create("support", None, "desk")
    browser = visitor(key)
    assert 'name="seller_id"' in browser.get("/").text
    named = public_id("sel", seller_id)
    page = browser.get(f"/upload?seller_id={named}")
    assert page.status_code == 200
    assert 'type="file"' not in page.text
    assert f"/bindings?seller_id={named}" in page.text
    sent = browser.post(
        f"/upload?seller_id={named}", data={"csrf": csrf_in(page.text)}, files={"file": b"asin"}
    )
    assert sent.status_code == 403


def test_nothing_inline_may_run_and_only_our_own_files_may_load(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    answer = visitor(seller_key).get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text)
    assert re.findall(r"<script[^>]*>", answer.text) == re.findall(
        r'<script type="module" src="/static/[0-9a-f]+/app\.js">', answer.text
    )


def test_a_page_that_did_not_change_is_not_sent_again(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    first = browser.get("/bindings")
    again = browser.get("/bindings", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    asset = re.search(r"/static/[0-9a-f]+/app\.css", first.text)
    assert asset
    assert "immutable" in browser.get(asset[0]).headers["cache-control"]
    assert browser.get("/static/0000/app.css").status_code == 404


CLOSED_BY_HAND = {
    "zh": "在 Mercari 上手动关闭", "ja": "メルカリで手動", "en": "Closed on Mercari by hand",
}  # fmt: skip
EDITED = {
    "zh": ("价格：¥9,480 → ¥7,000", "说明文字：已修改", "在售状态：在售 → 未在售"),
    "ja": ("価格：¥9,480 → ¥7,000", "説明文：変更あり", "公開状態：出品中 → 出品停止中"),
    "en": ("price: ¥9,480 → ¥7,000", "text: changed", "on sale: On sale → Off sale"),
}


def test_a_listing_edited_and_closed_by_hand_says_so_with_each_value_before_and_after(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0BYHAND01")
    browser = visitor(seller_key)
    assert CLOSED_BY_HAND["en"] not in browser.get(f"/bindings/{binding}").text
    edited_by_hand(desk, seller_id, "B0BYHAND01")
    for language in LANGUAGES:
        page = browser.get(f"/bindings/{binding}?lang={language}").text
        assert CLOSED_BY_HAND[language] in page
        assert "W-106" in page
        assert "格安タンブラー" in page
        assert all(said in page for said in EDITED[language]), language
        assert CLOSED_BY_HAND[language] in browser.get(f"/bindings?lang={language}").text
    key = {"Authorization": f"Bearer {seller_key}"}
    assert browser.get(f"/v1/bindings/{binding}", headers=key).json()["is_closed_by_hand"]
