"""Pages that stay open: through a restart of the server, and under five hundred rows at once."""

from __future__ import annotations

import json
import re
import time
from uuid import UUID

from playwright.sync_api import Browser, Page, expect

from api.ids import public_id
from domain import submission
from domain.application import Change, acting_for
from domain.values import binding_id_of
from tests.api.page_data import adjusted, listed_binding, open_upload, record, stamp
from tests.api.web_server import serving
from tests.browser.stage import Rooms, Stage

ASIN = "B0RESTART1"
ROWS, BATCH, ROWS_PER_SECOND = 500, 5, 200
TASK_MILLISECONDS_MAX = 100
TRACED = ["toplevel", "__metadata"]


def adjust(stage: Stage, version: int) -> None:
    """One line of the log, known by its price."""
    moved = adjusted(20_000 + version, 20_001 + version)
    record(stage.desk, stage.seller_id, binding_id_of(stage.seller_id, ASIN), version, [moved])


def prices(page: Page) -> list[int]:
    rows = page.locator("[data-rows] tr", has_text=ASIN).all_inner_texts()
    found = [int(re.findall(r"¥([\d,]+)", row)[-1].replace(",", "")) for row in rows]
    return [price - 20_001 for price in found if price > 20_000]


def test_a_restart_of_the_server_loses_no_line_and_doubles_none(
    stage: Stage, rooms: Rooms, browser: Browser
) -> None:
    listed_binding(stage.desk, stage.seller_id, ASIN)
    context = browser.new_context(locale="en-US")
    context.add_cookies(rooms.cookies_of("seller"))  # type: ignore[arg-type]
    page = context.new_page()
    mark = page.locator("[data-conn]")
    with serving(stage.desk) as address:
        page.goto(f"{address}/sync-log")
        expect(mark).to_have_text("Live")
        for version in (5, 6):
            adjust(stage, version)
        expect(page.locator("[data-rows] tr").first).to_contain_text("¥20,007")
    expect(mark).to_have_text("Reconnecting…", timeout=15_000)
    for version in (7, 8, 9):
        adjust(stage, version)
    with serving(stage.desk, int(address.rpartition(":")[2])):
        expect(mark).to_have_text("Live", timeout=20_000)
        adjust(stage, 10)
        expect(page.locator("[data-rows] tr").first).to_contain_text("¥20,011", timeout=15_000)
        assert prices(page) == [10, 9, 8, 7, 6, 5]
        context.close()


def settle_all(stage: Stage, upload_id: UUID) -> None:
    """Every row, so many a second, a few in one fact."""
    with acting_for(stage.seller_id):
        upload = stage.desk.app.submission(upload_id)
        assert upload is not None
        begun_at, version = time.monotonic(), upload.version
        for first in range(0, ROWS, BATCH):
            fates = tuple(
                submission.RowFate(number=row.number, asin=row.asin, fate="listed")
                for row in upload.rows[first : first + BATCH]
            )
            facts: list[submission.SubmissionFact] = [
                submission.RowsSettled(stamp=stamp(), fates=fates)
            ]
            if first + BATCH == ROWS:
                facts.append(submission.Finished(stamp=stamp(), counts={"listed": ROWS}))
            stage.desk.app.record(Change(upload_id, version, facts))
            version += len(facts)
            time.sleep(max(0.0, begun_at + (first + BATCH) / ROWS_PER_SECOND - time.monotonic()))


def longest_task(browser: Browser, page: Page) -> float:
    """Milliseconds of the page's own main thread in one task; what else the machine does is out."""
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {
        (each["pid"], each["tid"]) for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }  # fmt: skip
    tasks = [
        each.get("tdur", 0) / 1000 for each in events
        if each["name"].endswith("RunTask") and (each["pid"], each["tid"]) in mains
    ]  # fmt: skip
    assert len(tasks) > ROWS // BATCH // 4, "the trace holds no tasks of the page"
    return float(max(tasks))


def test_five_hundred_rows_a_page_fills_in_never_hold_it_up(
    stage: Stage, rooms: Rooms, browser: Browser
) -> None:
    upload = open_upload(stage.desk, stage.seller_id, [f"B0{n:08d}" for n in range(ROWS)])
    context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    context.add_cookies(rooms.cookies_of("seller"))  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(stage.url(f"/upload/{public_id('sub', upload)}"), wait_until="load")
    page.evaluate("new Promise((done) => requestIdleCallback(() => done()))")
    browser.start_tracing(page=page, categories=TRACED)
    settle_all(stage, upload)
    expect(page.locator("[data-figure=settled]")).to_have_text(str(ROWS), timeout=20_000)
    assert longest_task(browser, page) <= TASK_MILLISECONDS_MAX
    context.close()
