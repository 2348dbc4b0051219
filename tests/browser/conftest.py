"""Fixtures of the browser tests: one Chromium, and one served shop for each file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from infra.installation import Installation
from tests.browser.stage import Rooms, Stage, furnish, set_up
from tests.sandbox_server import SandboxServer

SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SWITCHES)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def stage(module_installation: Installation, sandbox: SandboxServer) -> Iterator[Stage]:
    """A shop without any binding, and a newcomer."""
    with set_up(module_installation, sandbox) as made:
        yield made


@pytest.fixture(scope="module")
def furnished(stage: Stage) -> Stage:
    """The same shop with something of everything."""
    furnish(stage)
    return stage


@pytest.fixture(scope="module")
def rooms(browser: Browser, stage: Stage) -> Iterator[Rooms]:
    made = Rooms(browser, stage)
    yield made
    made.close()
