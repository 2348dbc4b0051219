"""The page of the validator: what a binding would be judged by, shown without binding anything."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.error_codes import LANGUAGES
from infra.sandbox.categories import ids_by_path, leaves
from infra.sandbox.goods import product_of
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

LEAF = ids_by_path()
GOOD, UNCERTIFIED = product_of(0), product_of(23)
RIGHT = LEAF[GOOD.mercari_path]
HEADINGS = {
    "zh": "可直接绑定。",
    "ja": "このままバインドできます。",
    "en": "This can be bound as it is.",
}


def check(
    browser: httpx.Client, asins: str, category: str = "", lang: str = "en"
) -> httpx.Response:
    page = browser.get("/validator", params={"lang": lang})
    data = {"csrf": csrf_in(page.text), "asins": asins, "category": category}
    return browser.post("/validator", data=data, timeout=30)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_good_product_is_said_to_pass_in_each_language_and_nothing_is_recorded(
    seller_key: str, visitor: Visitor, head: Callable[[], int], language: str
) -> None:
    browser = visitor(seller_key)
    assert 'href="/validator"' in browser.get("/").text
    before = head()
    answer = check(browser, GOOD.asin, RIGHT, language)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert HEADINGS[language] in answer.text
    assert f"{GOOD.asin},{RIGHT},," in answer.text
    assert head() == before


def test_each_finding_says_what_was_seen_the_rule_and_the_next_step(
    seller_key: str, visitor: Visitor
) -> None:
    wrong = next(each for each in leaves() if each.split("-")[1] != RIGHT.split("-")[1])
    browser = visitor(seller_key)
    misplaced = check(browser, f"{GOOD.asin}\n{product_of(1).asin}", wrong).text
    for said in ("E-403", "Categories that fit better", RIGHT, "seen: ", "Commission"):
        assert said in misplaced, said
    assert "Mend what stands in the way" in misplaced
    uncertified = check(browser, UNCERTIFIED.asin, LEAF[UNCERTIFIED.mercari_path]).text
    assert "1 thing stands in the way" in uncertified
    assert "E-501" in uncertified


def test_what_was_not_judged_or_not_found_out_is_said_with_the_next_step(
    seller_key: str, visitor: Visitor
) -> None:
    page = check(visitor(seller_key), GOOD.asin).text
    assert "Name a Mercari category" in page
    assert "the main image was not inspected" in page
    assert "can be bound as it is" in page


def test_an_asin_that_the_seller_does_not_sell_is_judged_and_named(
    seller_key: str, visitor: Visitor
) -> None:
    page = check(visitor(seller_key), "B0NOSUCH01", RIGHT).text
    assert "Amazon shows too little of it" in page
    assert "B0NOSUCH01,sbx" not in page


def test_a_line_that_is_no_asin_is_told_so_in_its_place_and_the_others_are_judged(
    seller_key: str, visitor: Visitor
) -> None:
    answer = check(visitor(seller_key), f"B0SHORT\n{GOOD.asin}\n<b>ASIN</b>", RIGHT)
    assert answer.status_code == 200
    short, good, marked = (
        answer.text.rindex(each) for each in ("&#34;B0SHORT", "j-B0", "&lt;b&gt;ASIN")
    )
    assert short < good < marked
    assert f"{GOOD.asin},{RIGHT},," in answer.text
    assert "upload" not in answer.text[short:good]
    alone = check(visitor(seller_key), "B0SHORT")
    assert (alone.status_code, "Bind these" in alone.text) == (422, False)
    assert "E-402" in alone.text


@pytest.mark.parametrize(
    ("asins", "category", "said"),
    [
        ("=cmd|' /C", "", "E-402"),
        ("  \n ", "", "Name at least one"),
        ("\n".join(f"B0TESTAA{number:02}" for number in range(21)), "", "21 ASINs were named."),
        ("B0TESTAA01", "x" * 65, "no id of a Mercari category"),
    ],
)
def test_what_can_not_be_judged_is_kept_in_the_form_with_what_to_mend(
    seller_key: str, visitor: Visitor, asins: str, category: str, said: str
) -> None:
    answer = check(visitor(seller_key), asins, category)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Bind these" not in answer.text


def test_a_form_of_20_kilobytes_is_not_read(seller_key: str, visitor: Visitor) -> None:
    assert check(visitor(seller_key), "B0TESTAA01 " * 2_000).status_code == 413


def test_a_seller_that_linked_nothing_is_told_so_in_the_form(visitor: Visitor, desk: Desk) -> None:
    browser = visitor(desk.keys.create("seller", uuid4(), "new")[1])
    answer = check(browser, GOOD.asin)
    assert answer.status_code == 409
    assert "E-401" in answer.text
    assert GOOD.asin in answer.text


def test_staff_see_the_page_without_a_form_and_no_foreign_form_is_taken(
    seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    page = staff.get("/validator", params={"seller_id": public_id("sel", seller.seller_id)}).text
    assert "<textarea" not in page
    forged = visitor(seller_key).post("/validator", data={"asins": GOOD.asin})
    assert forged.headers["location"].startswith("/sign-in")
