"""What only a browser can tell: nothing on the console, rows that arrive, a pause that counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from api.desk import Desk
from api.ids import public_id
from api.l10n import L10NS
from api.ticket_opening import Asking, open_from
from domain.asin_binding.facts import AttemptFailed
from domain.stamps import Work
from domain.values import binding_id_of
from infra.amazon.consent import AmazonConsents
from infra.installation import Installation, consent_access
from infra.web_desk import WebDesk
from tests.api.page_data import adjusted, listed_binding, open_upload, record, settle, stamp
from tests.api.sync_scene import SyncScene, held_changes
from tests.api.web_server import serving
from tests.sellers import LinkedSeller

ASIN = "B0BROWSER1"


@dataclass
class Visit:
    """A signed-in page, and everything that the browser complained about."""

    page: Page
    address: str
    seller_id: UUID
    binding: str
    complaints: list[str]


@pytest.fixture
def visit(desk: Desk, seller_key: str, browser: Browser) -> Iterator[Visit]:
    caller = desk.keys.caller(seller_key)
    assert caller is not None
    assert caller.seller_id is not None
    binding = listed_binding(desk, caller.seller_id, ASIN)
    with serving(desk) as address:
        context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/sign-in")
        page.fill("#key", seller_key)
        page.click("form[action='/sign-in'] button")
        yield Visit(page, address, caller.seller_id, binding, complaints)
        context.close()


def adjust_price(desk: Desk, seller_id: UUID, version: int, to_price_jpy: int) -> None:
    record(desk, seller_id, binding_id_of(seller_id, ASIN), version, [adjusted(1, to_price_jpy)])


@pytest.mark.parametrize("width", [320])
def test_no_page_says_a_word_on_the_console_or_scrolls_sideways(
    desk: Desk, visit: Visit, width: int
) -> None:
    upload = public_id("sub", open_upload(desk, visit.seller_id, ["B0WAITING2"]))
    scene = SyncScene(desk, visit.seller_id)
    scene.pause("amazon", "E-401")
    scene.brake("status", held_changes(ASIN))
    scene.delay("stock_price")
    visit.page.set_viewport_size({"width": width, "height": 900})
    paths = [
        "/",
        "/?window=30d",
        "/sync-log",
        "/stock-alerts",
        "/bindings",
        "/upload",
        "/settings/integration",
        "/onboarding",
        "/apply",
        "/docs",
        "/docs/sellers",
        "/docs/errors",
        "/docs/errors/E-401",
        "/validator",
        "/failure-report",
        "/api-keys",
        "/operations",
        f"/upload/{upload}",
    ]
    paths += [f"/bindings/{visit.binding}", f"/bindings/{visit.binding}?at_version=3"]
    for path in paths:
        visit.page.goto(visit.address + path)
        expect(visit.page.locator("h1")).to_be_visible()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert visit.complaints == []


def test_a_line_of_the_log_arrives_while_the_page_is_open(desk: Desk, visit: Visit) -> None:
    visit.page.goto(f"{visit.address}/sync-log")
    expect(visit.page.locator("[data-conn]")).to_have_attribute("data-state", "on")
    adjust_price(desk, visit.seller_id, 5, 1_234)
    first = visit.page.locator("[data-rows] tr").first
    expect(first).to_contain_text("¥1,234")
    expect(first.locator("a").first).to_have_attribute("href", f"/bindings/{visit.binding}")
    assert visit.complaints == []


def test_a_paused_log_counts_what_waits_and_then_shows_it(desk: Desk, visit: Visit) -> None:
    visit.page.goto(f"{visit.address}/sync-log")
    expect(visit.page.locator("[data-conn]")).to_have_attribute("data-state", "on")
    button = visit.page.locator("[data-pause]")
    button.click()
    for version, price in ((5, 2_001), (6, 2_002)):
        adjust_price(desk, visit.seller_id, version, price)
    expect(button).to_have_text(re.compile(r"\(2\)$"))
    rows = visit.page.locator("[data-rows]")
    expect(rows).not_to_contain_text("¥2,001")
    button.click()
    expect(rows).to_contain_text("¥2,001")
    expect(rows.locator("tr").first).to_contain_text("¥2,002")
    assert visit.complaints == []


def test_the_rows_of_an_upload_fill_in_until_the_last(desk: Desk, visit: Visit) -> None:
    upload = open_upload(desk, visit.seller_id, ["B0FILLING1", "B0FILLING2"])
    visit.page.goto(f"{visit.address}/upload/{public_id('sub', upload)}")
    waiting = visit.page.locator("#r1 .pill")
    before = waiting.inner_text()
    settle(desk, visit.seller_id, upload, 1)
    expect(waiting).not_to_have_text(before)
    expect(visit.page.locator("[data-figure=settled]")).to_have_text("1")
    expect(visit.page.locator("[data-upload]")).to_have_count(1)
    settle(desk, visit.seller_id, upload, 2)
    expect(visit.page.locator("[data-upload]")).to_have_count(0)
    expect(visit.page.locator("[data-figure=settled]")).to_have_text("2")
    assert visit.complaints == []


def test_the_counts_of_the_health_page_follow_without_a_reload(desk: Desk, visit: Visit) -> None:
    visit.page.goto(visit.address)
    visit.page.evaluate("document.body.dataset.kept = 'yes'")
    listed_binding(desk, visit.seller_id, "B0COUNTED1")
    expect(visit.page.locator("[data-figure=status-listed]")).to_have_text("2")
    expect(visit.page.locator("body")).to_have_attribute("data-kept", "yes")
    assert visit.complaints == []


def test_an_open_page_loads_itself_when_a_marketplace_is_paused_and_when_it_answers(
    desk: Desk, visit: Visit
) -> None:
    scene = SyncScene(desk, visit.seller_id)
    scene.all_well()
    visit.page.goto(visit.address)
    state = visit.page.locator("#sync")
    expect(state).to_contain_text("Nothing is paused, held or late.")
    scene.pause("amazon", "E-901")
    expect(state).to_contain_text("Amazon has been left alone since", timeout=10_000)
    scene.resume("amazon", "E-901")
    expect(state).to_contain_text("Nothing is paused, held or late.", timeout=10_000)
    assert visit.complaints == []


def test_following_amazon_is_one_press_of_a_button(desk: Desk, visit: Visit) -> None:
    SyncScene(desk, visit.seller_id).brake("status", held_changes(ASIN))
    visit.page.goto(visit.address)
    visit.page.get_by_role("button", name="Follow Amazon").click()
    expect(visit.page.locator("#sync")).to_contain_text("Asked for at")
    assert visit.page.url.endswith("/#sync")
    assert visit.complaints == []


def test_a_seller_says_yes_on_amazons_page_and_is_led_back(
    desk: WebDesk, installation: Installation, seller: LinkedSeller, visit: Visit
) -> None:
    access = replace(consent_access(installation.settings), base_url=visit.address)
    desk.consents = AmazonConsents(
        access, installation.database, installation.secrets, installation.api_keys,
        installation.app, desk.clock,
    )  # fmt: skip
    visit.page.goto(f"{visit.address}/settings/integration")
    visit.page.click("text=Link Amazon.co.jp")
    visit.page.select_option("select", seller.name)
    visit.page.click("text=Allow")
    expect(visit.page.locator("h1")).to_have_text("Amazon.co.jp is linked")
    visit.page.click("text=Settings: integration")
    expect(visit.page.locator("h1")).to_have_text("Integration")
    assert visit.complaints == []


def fail_update(desk: Desk, seller_id: UUID) -> None:
    """An update of the listing fails while the page is open."""
    failed = AttemptFailed(
        stamp=stamp(), operation="update", code="E-901", detail="timed out", attempt=1,
        retry_at=datetime.now(UTC) + timedelta(minutes=5),
    )  # fmt: skip
    record(desk, seller_id, binding_id_of(seller_id, ASIN), 5, [failed])


def test_a_ticket_is_two_clicks_from_a_failed_line_that_has_just_arrived(
    desk: Desk, visit: Visit
) -> None:
    page = visit.page
    page.goto(f"{visit.address}/sync-log")
    expect(page.locator("[data-conn]")).to_have_attribute("data-state", "on")
    fail_update(desk, visit.seller_id)
    page.locator("[data-rows] tr").first.get_by_role("link", name="Open a ticket").click()
    expect(page.locator("#subject")).to_have_value(re.compile(f"E-901 {ASIN}"))
    page.get_by_role("button", name="Send the ticket").click()
    expect(page.locator("h1")).to_contain_text(f"E-901 {ASIN}")
    expect(page.get_by_text("71 h 59 min left")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("width", [320])
def test_the_pages_of_a_ticket_fit_and_are_silent_for_both_sides(
    desk: Desk, visit: Visit, width: int
) -> None:
    fail_update(desk, visit.seller_id)
    work = Work(desk.clock, "test", uuid4())
    asked = Asking("長い件名" * 30, "A" * 3_000 + "\n\u05d0" * 5, asin=ASIN)
    made = open_from(desk, visit.seller_id, asked, "k", work, L10NS["en"])
    paths = [
        "/tickets",
        f"/tickets?asin={ASIN}",
        f"/tickets/{public_id('tkt', made.ticket.ticket_id)}",
    ]
    page = visit.page
    page.set_viewport_size({"width": width, "height": 900})
    for key in (None, desk.keys.create("support", None, "desk")[1]):
        if key is not None:
            page.goto(f"{visit.address}/sign-in")
            page.fill("#key", key)
            page.click("form[action='/sign-in'] button")
            visit.complaints.clear()
        for path in paths:
            page.goto(visit.address + path)
            expect(page.locator("h1")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (key, path)
        assert visit.complaints == []
