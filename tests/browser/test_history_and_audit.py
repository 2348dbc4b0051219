"""Travelling through a binding's history, marking several, keeping a view: by keyboard, quietly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from api.desk import Desk
from domain.values import binding_id_of
from tests.api.page_data import adjusted, listed_binding, record, rejected_binding
from tests.api.web_server import serving
from tests.browser.test_pages_in_a_browser import Visit

ASIN = "B0TRAVEL01"
VERSIONS = 15
MODULES_BYTES_MAX = 15_000


@pytest.fixture
def visit(desk: Desk, seller_id: UUID, seller_key: str, browser: Browser) -> Iterator[Visit]:
    binding = listed_binding(desk, seller_id, ASIN)
    prices = [adjusted(9_600 + number, 9_601 + number) for number in range(VERSIONS - 5)]
    record(desk, seller_id, binding_id_of(seller_id, ASIN), 5, list(prices))
    with serving(desk) as address:
        context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/sign-in")
        page.fill("#key", seller_key)
        page.click("form[action='/sign-in'] button")
        yield Visit(page, address, seller_id, binding, complaints)
        context.close()


def focus(page: Page, selector: str, limit: int = 60) -> None:
    """Walk there with the tab key alone."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_the_slider_travels_by_keyboard_and_the_past_is_framed(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.address}/bindings/{visit.binding}")
    page.evaluate("document.documentElement.dataset.kept = 'yes'")
    expect(page.locator("[data-plain]")).to_be_hidden()
    focus(page, "input[type=range]")
    page.keyboard.press("Home")
    expect(page.locator(".timebar")).to_contain_text("You are looking at the past")
    expect(page.locator("body")).to_have_class("past")
    expect(page.locator("#scene")).to_contain_text("Being checked")
    expect(page).to_have_url(re.compile(r"at_version=1$"))
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[data-read]")).to_contain_text("v5")
    expect(page.locator("#scene")).to_contain_text("¥9,600")
    page.keyboard.press("End")
    expect(page.locator(".timebar")).to_have_count(0)
    expect(page.locator("#scene")).to_contain_text("¥9,610")
    assert page.evaluate("document.activeElement.type") == "range"
    expect(page.locator("html")).to_have_attribute("data-kept", "yes")
    assert visit.complaints == []


def test_the_past_is_compared_with_now_in_two_presses(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.address}/bindings/{visit.binding}?at_version=5")
    page.get_by_role("link", name="Compare with now").press("Enter")
    row = page.locator(".sides tr", has_text="price_jpy").first
    expect(row.locator("del")).to_have_text("¥9,600")
    expect(row.locator("ins")).to_have_text("¥9,610")
    assert visit.complaints == []


def test_without_javascript_the_slider_and_the_instants_still_travel(
    visit: Visit, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    context.add_cookies(visit.page.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{visit.address}/bindings/{visit.binding}")
    page.locator("input[type=range]").press("Home")
    page.locator("[data-plain]").press("Enter")
    expect(page.locator(".timebar")).to_contain_text("version 1")
    page.get_by_role("link", name="One after").press("Enter")
    expect(page.locator(".timebar")).to_contain_text("version 2")
    page.locator("summary", has_text="All instants").press("Enter")
    page.locator(".instants a").nth(6).press("Enter")
    expect(page.locator(".timebar")).to_contain_text("version 7")
    context.close()


def test_several_bindings_are_withdrawn_by_keyboard_alone(desk: Desk, visit: Visit) -> None:
    listed_binding(desk, visit.seller_id, "B0SECOND01")
    page = visit.page
    page.goto(f"{visit.address}/bindings")
    focus(page, "[name=chosen]")
    page.keyboard.press("Space")
    expect(page.locator("[data-chosen]")).to_have_text("1")
    focus(page, "[data-all]")
    page.keyboard.press("Space")
    expect(page.locator("[data-chosen]")).to_have_text("2")
    focus(page, "button[value=withdraw]")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Withdraw 2 bindings?")
    focus(page, "form[action='/bindings/changed'] button")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("2 bindings were withdrawn")
    assert visit.complaints == []


def test_a_view_is_kept_by_the_browser_shown_as_text_and_removed(desk: Desk, visit: Visit) -> None:
    rejected_binding(desk, visit.seller_id, "B0REJECT01")
    page = visit.page
    page.goto(f"{visit.address}/sync-log?code=E-403")
    page.fill("#view-name", "<b>mine</b>")
    page.keyboard.press("Enter")
    page.goto(f"{visit.address}/sync-log")
    kept = page.locator("[data-views] li a")
    expect(kept).to_have_text("<b>mine</b>")
    kept.press("Enter")
    expect(page).to_have_url(re.compile(r"/sync-log\?code=E-403$"))
    expect(page.locator("[data-views] li a")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Remove: <b>mine</b>").press("Enter")
    expect(page.locator("[data-views] li")).to_have_count(0)
    assert visit.complaints == []


def test_the_modules_of_a_page_are_small_together(visit: Visit) -> None:
    asked: dict[str, int] = {}
    visit.page.on(
        "response",
        lambda it: asked.update({it.url: len(it.body())}) if it.url.endswith(".js") else None,
    )
    for path in ("/", f"/bindings/{visit.binding}", "/sync-log", "/bindings"):
        visit.page.goto(
            visit.address + path, wait_until="networkidle" if path == "/bindings" else "load"
        )
    assert 0 < sum(asked.values()) <= MODULES_BYTES_MAX
