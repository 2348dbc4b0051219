"""Pages of tickets: two clicks from a failed row, staff's lists, and what each side sees of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import httpx
import pytest

from api.ids import public_id
from domain.error_codes import Language
from domain.texts import rule_text
from infra.web_desk import WebDesk
from tests.api.ticket_scene import ASIN, WORDS, TicketScene
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40 + b"IEND\xaeB`\x82"
NOTE = "internal: the upstream team knows"


@pytest.fixture
def scene(desk: WebDesk, client: httpx.Client, seller: LinkedSeller) -> TicketScene:
    return TicketScene(desk, client, seller.seller_id)


@pytest.fixture
def shop(visitor: Visitor, seller_key: str) -> httpx.Client:
    return visitor(seller_key)


def staff(visitor: Visitor, desk: WebDesk, role: str = "support") -> httpx.Client:
    """A browser of staff that states no reason by itself."""
    browser = visitor(desk.keys.create(role, None, "desk")[1])
    del browser.headers["access-reason"]
    return browser


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', html)
    assert found, name
    return found[1]


def send(browser: httpx.Client, path: str, action: str, **fields: str) -> httpx.Response:
    """Fill in a form of the ticket's page as it now stands."""
    page = browser.get(path).text
    form = {"csrf": csrf_in(page), "version": field(page, "version"), "action": action, **fields}
    return browser.post(path, data=form)


def test_a_ticket_is_two_clicks_from_a_failed_line(scene: TicketScene, shop: httpx.Client) -> None:
    position = scene.fail()
    [link] = re.findall(r'class="ask" href="([^"]+)"', shop.get("/sync-log").text)
    assert link == f"/tickets?log={position}.0#new"
    form = shop.get(link.partition("#")[0]).text
    assert f"E-901 {ASIN}" in field(form, "subject")
    text = re.search(r"<textarea[^>]*>([^<]+)</textarea>", form)
    assert text
    fields = {name: field(form, name) for name in ("csrf", "key", "log", "subject")}
    sent = shop.post("/tickets", data={**fields, "text": text[1]},
                     files={"screenshot": ("", b"")})  # fmt: skip
    assert sent.status_code == 303
    page = shop.get(sent.headers["location"]).text
    assert "Log excerpt" in page
    assert "Failure report" in page
    assert "71 h 59 min left" in page
    twice = shop.post("/tickets", data={**fields, "text": text[1]})
    assert twice.headers["location"] == sent.headers["location"]


def test_a_failed_row_of_an_upload_links_to_a_form_about_its_asin(
    scene: TicketScene, shop: httpx.Client
) -> None:
    scene.fail()
    page = shop.get("/tickets", params={"asin": ASIN}).text
    assert field(page, "asin") == ASIN
    assert "the failure report go with it" in page
    assert shop.get("/tickets", params={"asin": "<script>"}).status_code == 200
    assert shop.get("/tickets", params={"log": "x"}).status_code == 400
    assert shop.get("/tickets", params={"log": "99999999"}).status_code == 409


def test_a_screenshot_is_shown_and_a_renamed_program_is_refused(
    scene: TicketScene, shop: httpx.Client
) -> None:
    form = shop.get("/tickets").text
    fields = {**WORDS, "csrf": csrf_in(form), "key": field(form, "key")}
    refused = shop.post("/tickets", data=fields, files={"screenshot": ("a.png", b"MZ program")})
    assert (refused.status_code, "E-419" in refused.text) == (409, True)
    empty = shop.post("/tickets", data=fields, files={"screenshot": ("a.png", b"")})
    assert (empty.status_code, "E-419" in empty.text) == (409, True)
    sent = shop.post("/tickets", data=fields, files={"screenshot": ("a.png", PNG)})
    page = shop.get(sent.headers["location"]).text
    [picture] = re.findall(r'<img src="(/v1/tickets/[^"]+)"', page)
    assert shop.get(picture).content == PNG


@pytest.mark.parametrize("lang", ["zh", "ja", "en"])
def test_a_ticket_without_words_is_asked_for_again_with_what_was_typed(
    shop: httpx.Client, lang: Language
) -> None:
    page = shop.get("/tickets", params={"lang": lang}).text
    form = {"csrf": csrf_in(page), "key": field(page, "key"), "asin": "B0<b>"}
    text = "Where is <it>?"
    again = shop.post("/tickets", data={**form, "asin": ASIN, "subject": "  ", "text": text})
    assert again.status_code == 422
    assert rule_text("ticket_subject", {}, lang) in again.text
    assert (field(again.text, "asin"), field(again.text, "key")) == (ASIN, form["key"])
    assert "Where is &lt;it&gt;?</textarea>" in again.text
    assert 'id="fault-text"' not in again.text
    empty = shop.post("/tickets", data={**form, "asin": "", "subject": "", "text": ""}).text
    assert re.findall('id="fault-([a-z]+)"', empty) == ["subject", "text"]
    hostile = shop.post("/tickets", data={**form, "subject": "It stopped", "text": text}).text
    assert rule_text("ticket_asin", {}, lang) in hostile
    assert field(hostile, "asin") == "B0&lt;b&gt;"
    assert "tkt_" not in hostile
    sent = shop.post("/tickets", data={**form, "asin": "", "subject": "It stopped", "text": text})
    assert sent.status_code == 303


def test_what_a_seller_writes_is_shown_as_text(scene: TicketScene, shop: httpx.Client) -> None:
    hostile = '<script>alert(1)</script>\u202e"><img src=x onerror=alert(1)>'
    made = scene.open(subject=hostile[:60], text=hostile)
    for path in ("/tickets", f"/tickets/{made['id']}"):
        page = shop.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "\u202e" not in page


def test_staff_open_a_ticket_from_their_list_and_that_is_a_recorded_look(
    scene: TicketScene, desk: WebDesk, visitor: Visitor, shop: httpx.Client, head: Callable[[], int]
) -> None:
    made = scene.open(log_position=scene.fail())
    support = staff(visitor, desk)
    lists = support.get("/tickets").text
    assert f"/tickets/{made['id']}" in lists
    assert WORDS["subject"] not in lists
    refused = support.get("/bindings", params={"seller_id": scene.named})
    assert refused.status_code == 403
    path = f"/tickets/{made['id']}"
    page = support.get(path).text
    assert "Ten events before the failure" in page
    assert "asin_binding.price_adjusted" in page
    assert support.get("/bindings", params={"seller_id": scene.named}).status_code == 200
    [look] = scene.client.get("/v1/looks", params={"at_position": head()}).json()["items"]
    assert (look["role"], look["ticket_id"]) == ("support", made["id"])


def test_staff_answer_note_hand_over_and_resolve_by_forms(
    scene: TicketScene, desk: WebDesk, visitor: Visitor, shop: httpx.Client
) -> None:
    made, support = scene.open(), staff(visitor, desk)
    path = f"/tickets/{made['id']}"
    assert send(support, path, "note", text=NOTE).status_code == 303
    assert send(support, path, "reply", text="We look into it.").status_code == 303
    assert send(support, path, "hand-over", to="engineering", text=NOTE).status_code == 303
    assert send(support, path, "hand-over", to="nobody", text="x").status_code == 409
    assert send(support, path, "resolve", text="Mended.", cause="").status_code == 409
    assert send(support, path, "resolve", text="Mended.", cause="asin_sync").status_code == 303
    told = shop.get(path).text
    assert NOTE not in told
    assert NOTE in support.get(path).text
    for words in ("We look into it.", "Engineering", "Mended.", "ASIN Sync itself", "Resolved"):
        assert words in told
    assert send(shop, path, "reply", text="Again.").status_code == 303
    assert "Opened anew" in shop.get(path).text
    assert send(shop, path, "resolve", text="x", cause="amazon").status_code == 403


def test_who_was_slower_is_told_who_was_faster(
    scene: TicketScene, desk: WebDesk, visitor: Visitor
) -> None:
    made = scene.open()
    path = f"/tickets/{made['id']}"
    first, second = staff(visitor, desk), staff(visitor, desk, "reviewer")
    page = second.get(path).text
    stale = {"csrf": csrf_in(page), "version": field(page, "version"), "action": "reply"}
    assert send(first, path, "reply", text="a").status_code == 303
    late = second.post(path, data={**stale, "text": "b"})
    assert late.status_code == 409
    assert "in between" in late.text
    assert "by key:" in late.text


def test_an_auditor_reads_and_has_no_form(
    scene: TicketScene, desk: WebDesk, visitor: Visitor
) -> None:
    made = scene.open()
    auditor = staff(visitor, desk, "auditor")
    page = auditor.get(f"/tickets/{made['id']}").text
    assert WORDS["subject"] in page
    assert "<textarea" not in page
    posted = {"csrf": csrf_in(page), "version": "1", "action": "reply", "text": "x"}
    assert auditor.post(f"/tickets/{made['id']}", data=posted).status_code == 403


def test_a_foreign_ticket_has_no_page(
    scene: TicketScene, visitor: Visitor, desk: WebDesk, neighbour: LinkedSeller
) -> None:
    made = scene.open()
    other = visitor(desk.keys.create("seller", neighbour.seller_id, "x")[1])
    assert other.get(f"/tickets/{made['id']}").status_code == 404
    forged = {"csrf": csrf_in(other.get("/tickets").text), "version": "1", "text": "x"}
    assert other.post(f"/tickets/{made['id']}", data=forged).status_code == 404
    assert other.get("/tickets/x").status_code == 404
    unsigned = visitor().get("/tickets")
    assert (unsigned.status_code, unsigned.headers["location"][:8]) == (303, "/sign-in")


def test_pages_ask_staff_why_and_keep_the_reason_out_of_the_address(
    scene: TicketScene, desk: WebDesk, visitor: Visitor
) -> None:
    support = staff(visitor, desk)
    named = {"seller_id": scene.named}
    asked = support.get("/sync-log", params={**named, "code": "E-901"})
    assert asked.status_code == 403
    assert (field(asked.text, "seller_id"), field(asked.text, "code")) == (scene.named, "E-901")
    short = support.get("/sync-log", params={**named, "reason": "abc"})
    assert (short.status_code, "5 to 500" in short.text) == (403, True)
    given = support.get("/sync-log", params={**named, "code": "E-901", "reason": "by telephone"})
    assert given.status_code == 303
    went = unquote(given.headers["location"])
    assert ("telephone" in went, "code=E-901" in went) == (False, True)
    assert support.get(given.headers["location"]).status_code == 200
    scene.later(minutes=61)
    assert support.get("/sync-log", params=named).status_code == 403


def test_the_lists_of_staff_show_the_clock_and_the_tab(
    scene: TicketScene, desk: WebDesk, visitor: Visitor
) -> None:
    scene.open()
    support = staff(visitor, desk)
    scene.later(hours=50)
    assert re.search(
        r"21 h \d\d min left|22 h 0 min left", support.get("/tickets?list=at_risk").text
    )
    scene.later(hours=80)
    assert "Overdue by" in support.get("/tickets?list=breached").text
    assert public_id("sel", scene.seller_id)[:14] in support.get("/tickets?list=all").text
    for language, title in (("zh", "工单"), ("ja", "お問い合わせ")):
        assert f"<h1>{title}</h1>" in support.get("/tickets", params={"lang": language}).text
