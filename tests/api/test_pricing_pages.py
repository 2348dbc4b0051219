"""The page of pricing rules, without JavaScript: only what was tried can be saved."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx

from api.desk import Desk
from api.ids import public_id
from domain.application import acting_for
from tests.api.page_data import listed_binding
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

URL = "/pricing-rules"
ASIN = "B0TESTAA01"
"""Listed at ¥9,600, at +5 % of Amazon's ¥9,100."""


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1].replace("&#34;", '"').replace("&quot;", '"')


def tried(browser: httpx.Client, **fields: str) -> str:
    csrf = csrf_in(browser.get(URL).text)
    answer = browser.post(f"{URL}/try", data={"csrf": csrf, **fields})
    assert answer.status_code == 200
    return answer.text


def test_a_form_without_its_token_or_by_a_stranger_changes_nothing(
    visitor: Visitor, seller_key: str, head: Callable[[], int]
) -> None:
    before = head()
    signed_in = visitor(seller_key)
    for action in ("try", "save", "import"):
        for csrf in ("", "x"):
            answer = signed_in.post(f"{URL}/{action}", data={"csrf": csrf})
            assert answer.headers["location"].startswith("/sign-in")
        assert visitor().post(f"{URL}/{action}", data={"csrf": "x"}).status_code == 303
    assert head() == before


def test_rules_that_were_not_tried_are_not_saved(
    visitor: Visitor, seller_key: str, head: Callable[[], int]
) -> None:
    browser = visitor(seller_key)
    before = head()
    html = tried(browser, charm="80")
    data = {"csrf": csrf_in(html), "rules": hidden(html, "rules").replace("80", "99")}
    for proof in (hidden(html, "proof"), "", "é"):
        answer = browser.post(f"{URL}/save", data={**data, "proof": proof})
        assert "Only rules that were just tried can be saved." in answer.text
    assert head() == before


def test_faults_are_named_beside_the_form_and_what_was_typed_stays(
    visitor: Visitor, seller_key: str
) -> None:
    browser = visitor(seller_key)
    html = tried(browser, floor_jpy="2000", ceiling_jpy="1000")
    assert "The floor lies above the ceiling" in html
    assert 'value="2000"' in html
    assert 'name="proof"' not in html
    for fields, said in [
        ({"floor_jpy": "9.80"}, "Give whole yen"),
        ({"floor_jpy": "$9"}, "Give whole yen"),
        ({"daily_brake_pct": "abc"}, "The daily limit is a percentage"),
        ({"overrides": "asin,surprise\nB0TESTAA01,1"}, "The first line names the columns"),
        ({"overrides": "floor_jpy\n1000"}, "The first line names the columns"),
        ({"overrides": "asin,floor_jpy\n=cmd,1000"}, "This is not an ASIN"),
        ({"overrides": "asin,off\nB0TESTAA01,gravity"}, "has not the right form"),
        ({"follow": "<script>"}, "A channel is a name"),
    ]:  # fmt: skip
        html = tried(browser, **fields)
        assert said in html, fields
        assert "<script>" not in html


def test_rules_are_tried_then_saved_then_shown(
    visitor: Visitor, desk: Desk, seller: LinkedSeller, seller_key: str, head: Callable[[], int]
) -> None:
    listed_binding(desk, seller.seller_id, ASIN)
    browser = visitor(seller_key)
    assert 'name="proof"' not in browser.get(URL).text
    before = head()
    html = tried(
        browser, charm="80", ceiling_jpy="９５００", avoid_fee_cliff="yes",
        overrides="asin,floor_jpy,off\nB0TESTAA02,980,charm ceiling_jpy\n",
    )  # fmt: skip
    for said in (
        "1 of 1 live listings",
        "¥9,600",
        "¥9,480",
        "¥8,448",
        "¥8,343",
        "Lowered to your ceiling of ¥9,500.",
        "Rounded to the nearest price ending in 80.",
    ):
        assert said in html, said
    assert head() == before
    assert "Rounded to" not in tried(browser)
    answer = browser.post(
        f"{URL}/save",
        data={name: hidden(html, name) for name in ("csrf", "rules", "proof")},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{URL}?done=save")
    assert head() == before + 1
    shown = browser.get(answer.headers["location"]).text
    assert "Saved. Live listings are being priced anew." in shown
    assert "B0TESTAA02,980,charm ceiling_jpy" in shown
    assert re.search(r'<option value="80" selected>', shown)
    with acting_for(seller.seller_id):
        rules = desk.app.seller(seller.seller_id).pricing_rules
    assert rules is not None
    assert (rules.everywhere.ceiling_jpy, rules.everywhere.avoid_fee_cliff) == (9_500, True)


def test_prices_are_imported_and_offered_to_be_followed(visitor: Visitor, seller_key: str) -> None:
    browser = visitor(seller_key)
    data = {"csrf": csrf_in(browser.get(URL).text)}
    bad = {"file": ("p.csv", b"asin,channel,price_jpy\nB0TESTAA01,rakuten,9.70\n", "text/csv")}
    assert "Give whole yen" in browser.post(f"{URL}/import", data=data, files=bad).text
    text = "asin,channel,price_jpy\nB0TESTAA01,楽天市場,9700\n"
    good = {"file": ("p.csv", text.encode(), "text/csv")}
    answer = browser.post(f"{URL}/import", data=data, files=good)
    assert answer.headers["location"] == f"{URL}?done=import"
    shown = browser.get(answer.headers["location"]).text
    assert "1 price known" in shown
    assert "<option>楽天市場</option>" in shown


def test_staff_may_try_but_find_no_way_to_save(
    visitor: Visitor, desk: Desk, seller: LinkedSeller, head: Callable[[], int]
) -> None:
    browser = visitor(desk.keys.create("support", None, "staff")[1])
    named = {"seller_id": public_id("sel", seller.seller_id)}
    html = browser.get(URL, params=named).text
    assert "Only the seller may change this." in html
    before = head()
    data = {"csrf": csrf_in(html), "charm": "80"}
    assert 'name="proof"' not in browser.post(f"{URL}/try", params=named, data=data).text
    assert browser.post(f"{URL}/save", params=named, data=data).status_code == 403
    assert browser.post(f"{URL}/import", params=named, data=data).status_code == 403
    assert head() == before


def test_the_page_speaks_three_languages(visitor: Visitor, seller_key: str) -> None:
    browser = visitor(seller_key)
    for language, said in (("zh", "定价规则"), ("ja", "価格ルール"), ("en", "Pricing rules")):
        assert f"<h1>{said}</h1>" in browser.get(f"{URL}?lang={language}").text
