"""The README's pictures, drawn from a shop that was synced; `SCREENSHOTS=docs` writes them."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from api.ids import public_id
from domain.stamps import Work
from domain.values import binding_id_of
from infra.sandbox.goods import asin_of, flaw_of
from tests.browser.stage import Rooms, Stage
from tests.infra.running_worker import now, running_worker, wait_until
from tests.sellers import upload_products

FOLDER = os.environ.get("SCREENSHOTS", "")
LANGUAGES_DRAWN = os.environ.get("SCREENSHOT_LANGUAGES", "en").split(",")
WIDTHS = [int(width) for width in os.environ.get("SCREENSHOT_WIDTHS", "1440").split(",")]
COLOURS, PNG_BYTES_MAX = 256, 150_000
SOUND = next(number for number in range(40) if flaw_of(number) is None)
PICTURES = {
    "health": "/", "binding": "/bindings/{picture}?at_version=3", "sync-log": "/sync-log",
    "audit": "/audit",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not FOLDER, reason="the README's pictures were not asked for")


def test_the_readmes_pictures_are_drawn(
    stage: Stage, rooms: Rooms, browser: Browser, passwords: dict[str, str]
) -> None:
    work = Work(now, "demonstration", uuid4())
    upload_products(stage.installation.app, stage.seller, range(40), work)
    stage.names["picture"] = public_id("bnd", binding_id_of(stage.seller_id, asin_of(SOUND)))
    look = rooms.look("seller", "en", "light", 1440)
    with running_worker(stage.installation, passwords):
        wait_until(lambda: is_settled(look.page, stage), "every row is settled")
        for language in LANGUAGES_DRAWN:
            for width in WIDTHS:
                draw(browser, rooms, stage, language, width)


def is_settled(page: Page, stage: Stage) -> bool:
    page.goto(stage.url("/upload"))
    return page.get_by_text("Finished", exact=True).count() > 0


def draw(browser: Browser, rooms: Rooms, stage: Stage, language: str, width: int) -> None:
    context = browser.new_context(locale=language, viewport={"width": width, "height": 900})
    context.add_cookies(rooms.cookies_of("seller"))  # type: ignore[arg-type]
    page = context.new_page()
    tail = "" if (language, width) == ("en", 1440) else f"-{language}-{width}"
    for name, address in PICTURES.items():
        page.goto(stage.url(address))
        expect(page.locator("h1")).to_be_visible()
        file = Path(FOLDER) / f"{name}{tail}.png"
        page.screenshot(path=file)
        Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)
        assert file.stat().st_size <= PNG_BYTES_MAX, name
    context.close()
