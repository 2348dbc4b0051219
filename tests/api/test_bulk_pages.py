"""Several bindings marked in the list: shown first, then each decided on by itself."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import httpx
import pytest

from api.desk import Desk
from domain.error_codes import LANGUAGES
from tests.api.page_data import listed_binding, rejected_binding
from tests.api.visiting import Visitor, csrf_in

QUESTIONS = {
    "zh": "要撤回 2 个绑定吗？", "ja": "バインド 2 件を取り下げますか？",
    "en": "Withdraw 2 bindings?",
}  # fmt: skip


def marked(browser: httpx.Client) -> list[str]:
    """Every box of the list."""
    return re.findall(r'name="chosen" value="([^"]+)"', browser.get("/bindings").text)


def row_of(html: str, asin: str) -> str:
    """The row of an ASIN, as text."""
    (row,) = [each for each in re.findall(r"<tr>.*?</tr>", html, re.DOTALL) if asin in each]
    return re.sub(r"<[^>]+>", " ", row)


def confirm(browser: httpx.Client, action: str, chosen: list[str], language: str = "en") -> str:
    query = {"action": action, "chosen": chosen, "lang": language}
    answer = browser.get("/bindings/change", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


def done(browser: httpx.Client, action: str, chosen: list[str]) -> str:
    form = {"csrf": csrf_in(browser.get("/bindings").text), "action": action, "chosen": chosen}
    answer = browser.post("/bindings/changed", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_confirmation_lists_what_will_change_and_changes_nothing(
    desk: Desk, seller_key: str, seller_id: UUID, language: str, visitor: Visitor
) -> None:
    for asin in ("B0BULK0001", "B0BULK0002"):
        listed_binding(desk, seller_id, asin)
    browser = visitor(seller_key)
    before = desk.position()
    page = confirm(browser, "withdraw", marked(browser), language)
    assert QUESTIONS[language] in page
    assert "B0BULK0001" in page
    assert len(re.findall('type="hidden" name="chosen"', page)) == 2
    assert desk.position() == before


def test_each_binding_has_its_own_outcome(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    for asin in ("B0STALE001", "B0GOOD0001", "B0GOOD0002"):
        listed_binding(desk, seller_id, asin)
    rejected_binding(desk, seller_id, "B0REJECT01")
    browser = visitor(seller_key)
    chosen = marked(browser)
    stale = next(
        each for each in chosen if each in str(browser.get("/bindings?asin=B0STALE001").text)
    )
    done(browser, "resubmit", [stale])
    page = done(browser, "resubmit", [*chosen, f"bnd_1_{uuid4().hex}.1"])
    assert "3 bindings are being checked again" in page
    assert "Is being checked again" in row_of(page, "B0GOOD0001")
    assert "Is being checked again" in row_of(page, "B0REJECT01")
    assert "changed after you marked it: nothing was done" in row_of(page, "B0STALE001")
    assert "There is no such binding" in page
    assert "Being checked" in row_of(browser.get("/bindings").text, "B0GOOD0002")


def test_what_would_not_change_is_not_confirmed(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0TWICE001")
    browser = visitor(seller_key)
    done(browser, "withdraw", marked(browser))
    page = confirm(browser, "withdraw", marked(browser))
    assert "Stays as it is" in row_of(page, "B0TWICE001")
    assert "None of the marked bindings would change." in page
    assert 'action="/bindings/changed"' not in page
    assert "Stays as it is" in row_of(done(browser, "withdraw", marked(browser)), "B0TWICE001")


def test_a_bulk_change_without_its_csrf_token_or_by_staff_changes_nothing(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0GUARDED1")
    browser = visitor(seller_key)
    before, form = desk.position(), {"action": "withdraw", "chosen": marked(browser)}
    assert browser.post("/bindings/changed", data=form).headers["location"].startswith("/sign-in")
    foreign = {**form, "csrf": csrf_in(visitor(seller_key).get("/bindings").text)}
    assert browser.post("/bindings/changed", data=foreign).status_code == 303
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    named = f"seller_id=sel_1_{seller_id.hex}"
    page = staff.get(f"/bindings?{named}").text
    assert 'name="chosen"' not in page
    forced = staff.post(f"/bindings/changed?{named}", data={**form, "csrf": csrf_in(page)})
    assert forced.status_code == 403
    assert "Withdrawn" not in row_of(browser.get("/bindings").text, "B0GUARDED1")
    assert before <= desk.position()


def test_bindings_of_another_seller_are_as_if_they_never_were(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    foreign = listed_binding(desk, uuid4(), "B0FOREIGN1")
    browser = visitor(seller_key)
    for page in (
        confirm(browser, "withdraw", [f"{foreign}.5"]), done(browser, "withdraw", [f"{foreign}.5"]),
    ):  # fmt: skip
        assert "There is no such binding" in page
        assert "B0FOREIGN1" not in page


def test_nothing_marked_says_so_and_nonsense_is_refused(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    nothing = browser.get("/bindings/change?action=withdraw")
    assert nothing.status_code == 400
    assert "Mark the bindings in the list first" in nothing.text
    for query in ("action=burn&chosen=bnd_1_" + "0" * 32 + ".1", "action=withdraw&chosen=x"):
        assert browser.get(f"/bindings/change?{query}").status_code in (400, 404)
    many = [("chosen", f"bnd_1_{uuid4().hex}.1") for _ in range(51)]
    crowd = browser.get("/bindings/change", params=[("action", "withdraw"), *many])
    assert crowd.status_code == 400
    assert browser.get("/bindings/changed").headers["location"] == "/bindings"
