"""What a hostile or careless hand puts into an address or a text is shown as text, or refused."""

from __future__ import annotations

import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from api.ids import public_id
from api.l10n import L10NS
from api.ticket_opening import Asking, open_from
from domain.asin_binding.facts import Requested, Validated
from domain.facts import Fact
from domain.stamps import Work
from domain.values import binding_id_of
from tests.api.page_data import TERMS, listed_binding, product, record, stamp
from tests.browser.inspection import Look
from tests.browser.stage import Rooms, Stage

HTML = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
RIGHT_TO_LEFT = "\u202e逆さま\u202d"
UNSEEN = "零\u200b幅\u2060の\ufeff題"
TEXTS = {"html": HTML, "rtl": RIGHT_TO_LEFT, "unseen": UNSEEN, "long": "長" * 10_000}
FILTERED = (
    "/sync-log?asin=", "/sync-log?code=", "/sync-log?outcome=", "/bindings?asin=",
    "/bindings?error_code=", "/bindings?status=", "/audit?actor=", "/audit?type=",
    "/tickets?asin=", "/validator?asins=",
)  # fmt: skip
DATED = (
    "/sync-log?from=", "/sync-log?to=", "/bindings/{binding}?as_of=", "/failure-report?from=",
    "/audit?from=", "/audit/reconstruct?subject={binding}&as_of=",
)  # fmt: skip
DATES = (
    "0000-01-01T00:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31",
    "99999-01-01",
)
BROKEN = 500


@pytest.fixture
def look(furnished: Stage, rooms: Rooms) -> Look:
    return rooms.look("seller", "en", "light", 390)


def seen(look: Look, url: str) -> None:
    """It answers, shows a page that says something, and nothing of it runs or scrolls away."""
    look.said.clear()
    answer = look.page.goto(url)
    assert answer is not None
    assert answer.status < BROKEN, (answer.status, url[:120])
    expect(look.page.locator("h1")).to_have_count(1)
    assert look.page.title() != "taken"
    assert look.page.evaluate("document.documentElement.scrollWidth") <= look.width, url[:120]
    said = [each for each in look.said if f"a status of {answer.status}" not in each]
    assert said == [], url[:120]
    if answer.status >= 400:
        ways = look.page.locator("main a.btn.primary, main form button")
        assert ways.count() >= 1, f"no next step: {url[:120]}"


@pytest.mark.parametrize("kind", TEXTS)
def test_a_filter_is_shown_as_text_or_refused_with_a_next_step(
    furnished: Stage, look: Look, kind: str
) -> None:
    for address in FILTERED:
        seen(look, furnished.address + address + quote(TEXTS[kind]))


@pytest.mark.parametrize("date", DATES)
def test_a_date_at_the_ends_of_the_calendar_is_a_page_with_a_next_step(
    furnished: Stage, look: Look, date: str
) -> None:
    for address in DATED:
        seen(look, furnished.url(address) + quote(date))


@pytest.mark.parametrize("kind", TEXTS)
def test_a_title_is_shown_as_text_wherever_it_stands(
    furnished: Stage, look: Look, kind: str
) -> None:
    asin, text = f"B0HOSTIL{list(TEXTS).index(kind):02d}", TEXTS[kind]
    named = product(asin).model_copy(update={"title": text})
    facts: list[Fact] = [
        Requested(stamp=stamp(), asin=asin, sku=text[:40], terms=TERMS),
        Validated(stamp=stamp(), product=named, warnings=(), float_rate=0, price_jpy=900, stock=1),
    ]
    binding_id = binding_id_of(furnished.seller_id, asin)
    record(furnished.desk, furnished.seller_id, binding_id, 0, facts)
    work = Work(furnished.desk.clock, "test", uuid4())
    asked = Asking(text[:120] or "x", text[:4_000], asin=asin)
    made = open_from(furnished.desk, furnished.seller_id, asked, kind, work, L10NS["en"])
    for address in (
        "/bindings", f"/bindings/{public_id('bnd', binding_id)}", "/sync-log", "/", "/tickets",
        f"/bindings/{public_id('bnd', binding_id)}?view=json",
        f"/tickets/{public_id('tkt', made.ticket.ticket_id)}",
    ):  # fmt: skip
        seen(look, furnished.address + address)
    assert look.page.locator("img[src=x]").count() == 0


def test_the_cursor_of_another_seller_or_filter_leads_on_to_the_first_page(
    furnished: Stage, rooms: Rooms, look: Look
) -> None:
    for number in range(60):
        listed_binding(furnished.desk, furnished.seller_id, f"B0CURSOR{number:02d}")
    seen(look, furnished.url("/bindings"))
    older = look.page.get_by_role("link", name="Older")
    cursor = older.get_attribute("href") or ""
    older.click()
    expect(look.page.get_by_role("link", name="Newest")).to_be_visible()
    stranger = rooms.look("newcomer", "en", "light", 390)
    for other, address in (
        (stranger, cursor), (look, cursor.replace("/bindings?", "/bindings?status=listed&")),
        (look, "/bindings?before=%00"), (look, "/sync-log?before=" + "9" * 40),
    ):  # fmt: skip
        seen(other, furnished.address + address)
        expect(other.page.locator("h1")).to_have_text("The address can't be read")
        other.page.get_by_role("link", name=re.compile("Go on without it")).click()
        expect(other.page.locator("h1")).to_have_text(re.compile("Bindings|Sync log"))
