"""Use case of a sweep's page: read live bindings from Amazon, and record only what changed."""

from __future__ import annotations

from collections.abc import Sequence

from domain.catalogue_sweep import sweep_catalogue
from domain.offer_sweep import sweep_offers
from domain.sweep_run import Desk, LiveBinding, Page, SweepRun, record_on_sweep
from domain.sync_sweep import PageFailed


def sweep_page(desk: Desk, run: SweepRun, bindings: Sequence[LiveBinding]) -> Page:
    """Sweep one page of a sweep that reads Amazon. Raises nothing of the upstream's."""
    read = sweep_catalogue if run.kind == "catalogue" else sweep_offers
    page = read(desk, run, bindings)
    say_unread(desk, run, page)
    return page


def say_unread(desk: Desk, run: SweepRun, page: Page) -> None:
    """Record every binding of the page that could not be read, or was held, and why."""
    if page.failures:
        record_on_sweep(desk, run, PageFailed(
            stamp=desk.work.stamp(), kind=run.kind, page=run.page, failures=page.failures
        ))  # fmt: skip
