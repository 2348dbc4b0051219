"""By keyboard alone: the skip link first, and every step of a seller's day without a pointer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stage import Rooms, Stage

STEPS_MAX = 120
CSV = "asin,mercari_category_id\nB0BYKEYS01,sbx-01-01-11-01\n"
OUTLINED = "element => getComputedStyle(element).outlineStyle !== 'none'"
IS_NEW_STOP = """
() => {
  window.stops ??= new Set();
  const known = stops.has(document.activeElement);
  stops.add(document.activeElement);
  return !known;
}
"""
FOCUSED = "element => element === document.activeElement"


@pytest.fixture
def page(furnished: Stage, rooms: Rooms) -> Iterator[Page]:
    look = rooms.look("seller", "en", "light", 1440)
    look.open(furnished.url("/"))
    yield look.page
    assert look.said == []


def reach(page: Page, place: Locator) -> None:
    """Walk there with the tab key; what has the focus shows it."""
    for _ in range(STEPS_MAX):
        page.keyboard.press("Tab")
        if place.evaluate(FOCUSED):
            assert place.evaluate(OUTLINED), "the focus can't be seen"
            return
    raise AssertionError(f"the keyboard does not reach {place}")


def go(page: Page, place: Locator, heading: str) -> None:
    """Follow a link of the menu."""
    reach(page, place)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(heading)


def menu(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation").first.get_by_role("link", name=name)


def test_the_first_stop_skips_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_focus_goes_through_the_page_and_out_again(page: Page) -> None:
    stops = 0
    while page.evaluate(IS_NEW_STOP):
        page.keyboard.press("Tab")
        stops += 1
        assert stops <= STEPS_MAX, "the focus never comes back"
    here = "document.activeElement.matches('body, .skip')"
    assert page.evaluate(here), page.evaluate("document.activeElement.outerHTML")
    assert stops > 40


def test_a_file_is_uploaded(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"
    file.write_text(CSV)
    go(page, menu(page, "CSV upload"), "CSV upload")
    chosen = page.get_by_label("The file")
    reach(page, chosen)
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Enter")
    choosing.value.set_files(file)
    reach(page, page.get_by_role("button", name="Upload and bind"))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("keys.csv")
    expect(page.locator("main")).to_contain_text("B0BYKEYS01")


def test_the_log_is_filtered_and_its_tail_paused(page: Page) -> None:
    go(page, menu(page, "Sync log"), "Sync log")
    reach(page, page.get_by_label("Code", exact=True))
    page.keyboard.type("E-403")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("code=E-403"))
    expect(page.locator("[data-rows] tr")).to_have_count(2)
    button = page.locator("[data-pause]")
    reach(page, button)
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-conn]")).to_have_text("Paused")
    page.keyboard.press("Space")
    expect(page.locator("[data-conn]")).to_have_text("Live")


def test_a_binding_is_opened_and_withdrawn(page: Page) -> None:
    go(page, menu(page, "Bindings"), "Bindings")
    reach(page, page.get_by_role("main").get_by_role("link", name="B0REJECT02", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator(".sub")).to_contain_text("B0REJECT02")
    reach(page, page.get_by_role("button", name="Withdraw this ASIN"))
    page.keyboard.press("Enter")
    expect(page.locator("#scene")).to_contain_text("Withdrawn")
