"""The jobs of sweeps: begin one, work on it page by page, end it; wait where Amazon is paused.

Pages are jobs of their own, so that a killed worker loses one page's work, and a seller's urgent
sweeps come in between.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from domain import drift, offer_sweep, sweep_run, sweeps
from domain.application import acting_for
from domain.arbitrage import ensure_not_terminated
from domain.breaker import Marketplace, UpstreamPaused
from domain.errors import Refusal
from domain.ports import UpstreamError, UpstreamRefused, UpstreamThrottled
from domain.stamps import Work
from domain.sweep_run import Account, Desk, LiveBinding, Page, SweepRun
from domain.sync_sweep import INTERVAL_SECONDS, SweepKind, Tally
from domain.values import sweep_id_of
from infra.sweep_runs import SweepRuns
from infra.workshop import ACTOR, Workshop
from projections import in_sync

PAGE_SIZE = 1_000
"""Whole batches of 20 offers and of 50 stocks, so that few calls are only partly used."""
HOT_MAX = 200
"""So many bindings, failing or changed within a day, are read before all others."""
HOT_SINCE = timedelta(hours=24)
REPORT_WAIT = timedelta(seconds=20)
REPORT_AGAIN_SECONDS = 900.0
REQUESTED_WAIT = timedelta(seconds=5)
ACCOUNT_AGE_MAX = timedelta(minutes=15)
ACCOUNT_PATIENCE = timedelta(minutes=5)
"""So long a sweep waits at its beginning for the one call a minute that tells of the account."""
BY_HAND = "E-401"
WAIT_SECONDS = 15.0
log = logging.getLogger(__name__)


class Put(Protocol):
    """Queues a job."""

    def __call__(self, name: str, options: dict[str, Any], arguments: dict[str, Any]) -> None: ...


class SweepJobs:
    """The tasks `start_sweep` and `sweep_page`."""

    def __init__(self, workshop: Workshop, put: Put) -> None:
        self._workshop = workshop
        self._put = put
        self._runs = SweepRuns(workshop.database)

    def start_sweep(
        self,
        seller: str,
        kind: SweepKind,
        due_at: str,
        is_brake_off: bool = False,
        is_requested: bool = False,
    ) -> None:
        """Begin a sweep at its first page.

        While one of its kind runs, a regular one says that it did not begin; a requested one waits.
        """
        shop, seller_id, due = self._workshop, UUID(seller), datetime.fromisoformat(due_at)
        now = shop.clock()
        with shop.database.reading_for(seller_id) as connection:
            listings = in_sync.count(connection)
            lately = in_sync.hot(connection, now - HOT_SINCE, HOT_MAX)
        running_since = self._runs.begin(seller_id, kind, due, listings, now)
        if running_since is None:
            self._defer_page(seller_id, SweepRun(
                kind=kind, due_at=due, started_at=now, listings=listings, first=tuple(lately),
                is_brake_off=is_brake_off,
            ))  # fmt: skip
        elif is_requested:
            put_off = {"seller": seller, "kind": kind, "due_at": due_at,
                       "is_brake_off": is_brake_off, "is_requested": True}  # fmt: skip
            options = {"schedule_in": {"seconds": REQUESTED_WAIT.total_seconds()},
                       "queueing_lock": f"requested:{seller}:{kind}:{is_brake_off}"}  # fmt: skip
            self._put("start_sweep", options, put_off)
        else:
            work = self._work(sweep_id_of(seller_id, kind, due))
            with acting_for(seller_id):
                sweep_run.skip_sweep(shop.app, seller_id, kind, due, running_since, work)

    def sweep_page(self, seller: str, run: dict[str, Any]) -> None:
        """Work on one page of a sweep and hand the run on; the last page ends it.

        Of a terminated seller only Mercari is looked at: nothing may be on sale there.
        """
        shop, seller_id, sweep = self._workshop, UUID(seller), SweepRun.model_validate(run)
        work = self._work(sweep.sweep_id(seller_id))
        with acting_for(seller_id):
            owner = shop.app.seller(seller_id)
            try:
                if sweep.kind != "drift":
                    ensure_not_terminated(owner.arbitrage)
                if paused := shop.shops.pause(owner, marketplace_of(sweep.kind)):
                    raise UpstreamPaused(paused, shop.clock())
                sources = shop.shops.sources(owner, with_tree=sweep.kind == "catalogue")
                self._work_on(Desk(shop.app, owner, sources, work), sweep)
            except UpstreamError as error:
                self._wait_or_stop(seller_id, sweep, error, work)
            except Refusal as refusal:
                self._stop(seller_id, sweep, refusal.code, refusal.detail, work)

    def _work_on(self, desk: Desk, run: SweepRun) -> None:
        match run.kind:
            case "delta":
                self._sweep_delta(desk, run)
            case "drift":
                self._sweep_drift(desk, run)
            case "report" if not run.is_report_read:
                self._sweep_report(desk, run)
            case _:
                asked = self._with_account(desk, run)
                if asked.account == "doubtful":
                    self._defer_page(desk.seller.seller_id, asked)
                else:
                    self._sweep_next(desk, asked)

    def _sweep_next(self, desk: Desk, run: SweepRun) -> None:
        """The next page of a sweep that reads Amazon; the last one ends it."""
        seller_id = desk.seller.seller_id
        rows, is_last = self._page_of(seller_id, run)
        if not (run.left or self._is_out_of_turn(run)) and rows:
            run = run.model_copy(update={"after": max(row.binding_id for row in rows)})
        page = sweeps.sweep_page(desk, run, rows) if rows else Page(Tally())
        self._go_on(desk, run, page, is_last=is_last)

    def _go_on(self, desk: Desk, run: SweepRun, page: Page, *, is_last: bool) -> None:
        """Count the page, then wait, end, or queue the next one."""
        seller_id = desk.seller.seller_id
        run = run.plus(page.tally).model_copy(update={"page": run.page + 1, "left": page.left})
        if page.waits_for is not None:
            self._wait_or_stop(seller_id, run, page.waits_for, desk.work)
        elif is_last:
            self._finish(desk, run)
        else:
            self._defer_page(seller_id, sweep_run.foresee_delay(desk, run))

    def _page_of(self, seller_id: UUID, run: SweepRun) -> tuple[list[LiveBinding], bool]:
        """The rows of the next page, and whether they are the last.

        What was left comes first, then hot and failing bindings, out of turn where the sweep has
        several pages, then all others in turn.
        """
        with self._workshop.database.reading_for(seller_id) as connection:
            if run.left or run.is_report_read:
                return in_sync.among(connection, run.left), run.is_report_read
            if self._is_out_of_turn(run):
                return in_sync.among(connection, run.first), False
            taken = run.first if run.listings > PAGE_SIZE else ()
            rows = in_sync.page(connection, run.after, PAGE_SIZE, but=taken)
        place = {binding_id: number for number, binding_id in enumerate(run.first)}
        rows.sort(key=lambda row: place.get(row.binding_id, len(place)))
        return rows, len(rows) < PAGE_SIZE

    def _is_out_of_turn(self, run: SweepRun) -> bool:
        return run.page == 1 and bool(run.first) and run.listings > PAGE_SIZE

    def _sweep_delta(self, desk: Desk, run: SweepRun) -> None:
        """What can't be bought on Amazon now, in few calls; too many are left to the next scan."""
        page = offer_sweep.sweep_not_buyable(
            desk, run, partial(self._by_sku, desk.seller.seller_id)
        )
        if page is not None:
            sweeps.say_unread(desk, run, page)
            self._finish(desk, run.plus(page.tally))
            return
        limit = "more than 1,000 offers can't be bought: left to the next status scan"
        sweep_run.finish_sweep(desk.app, desk.seller.seller_id, run, desk.work, stopped_by=limit)
        self._runs.end(desk.seller.seller_id, run.kind, run.due_at)

    def _sweep_drift(self, desk: Desk, run: SweepRun) -> None:
        """Every listing of the shop against what we last saw of it."""
        seller_id, shop = desk.seller.seller_id, self._workshop
        with shop.database.reading_for(seller_id) as connection:
            expected = in_sync.with_listing(connection)
        mercari = shop.shops.mercari(desk.seller)
        tally = drift.sweep_listings(desk, mercari, partial(self._shown, seller_id), expected)
        self._finish(desk, run.plus(tally))

    def _sweep_report(self, desk: Desk, run: SweepRun) -> None:
        """Ask for the day's report, wait for it, read again what it says otherwise."""
        seller_id, amazon = desk.seller.seller_id, desk.sources.amazon
        if run.report_id is None:
            asked = run.model_copy(update={"report_id": amazon.request_listings_report()})
            self._defer_page(seller_id, asked, REPORT_WAIT)
            return
        reported = amazon.read_listings_report(run.report_id)
        if reported is None:
            not_ready = UpstreamThrottled(
                "amazon", "getReport", "the report is not ready",
                retry_after_seconds=REPORT_WAIT.total_seconds(),
            )  # fmt: skip
            self._wait_or_stop(seller_id, run, not_ready, desk.work)
            return
        with self._workshop.database.reading_for(seller_id) as connection:
            live = in_sync.every(connection)
        page = offer_sweep.sweep_reported(desk, run, reported, live)
        sweeps.say_unread(desk, run, page)
        read = run.model_copy(update={"is_report_read": True})
        self._go_on(desk, read, page, is_last=not page.left)

    def _by_sku(self, seller_id: UUID, skus: Sequence[str]) -> list[LiveBinding]:
        with self._workshop.database.reading_for(seller_id) as connection:
            return in_sync.by_sku(connection, skus)

    def _shown(self, seller_id: UUID, binding_ids: Sequence[UUID]) -> list[drift.ShownBinding]:
        with self._workshop.database.reading_for(seller_id) as connection:
            return in_sync.shown(connection, binding_ids)

    def _finish(self, desk: Desk, run: SweepRun) -> None:
        sweep_run.finish_sweep(desk.app, desk.seller.seller_id, run, desk.work)
        self._runs.end(desk.seller.seller_id, run.kind, run.due_at)

    def _wait_or_stop(
        self, seller_id: UUID, run: SweepRun, error: UpstreamError, work: Work
    ) -> None:
        """Try the page again while that can still help; the next sweep of its kind takes over."""
        wait_seconds = REPORT_AGAIN_SECONDS if run.kind == "report" else WAIT_SECONDS
        delay = timedelta(seconds=error.retry_after_seconds or wait_seconds)
        ends_at = run.due_at + timedelta(seconds=INTERVAL_SECONDS[run.kind])
        now = self._workshop.clock()
        is_hopeless = error.code == BY_HAND or isinstance(error, UpstreamRefused)
        if is_hopeless or now + delay >= ends_at:
            self._stop(seller_id, run, error.code, str(error), work)
            return
        self._runs.advance(seller_id, run, now)
        self._defer_page(seller_id, run, delay)

    def _stop(self, seller_id: UUID, run: SweepRun, code: str, reason: str, work: Work) -> None:
        sweep_run.stop_sweep(self._workshop.app, seller_id, run, code, reason, work)
        self._runs.end(seller_id, run.kind, run.due_at)

    def _with_account(self, desk: Desk, run: SweepRun) -> SweepRun:
        """The run with what Amazon says of the account, asked anew after a while.

        A suspension is believed when it is said twice; no answer is UNKNOWN, which suspends nothing
        and lets nothing return to sale. Raises UpstreamThrottled where the page had better wait.
        """
        now, asked_at = self._workshop.clock(), run.account_asked_at
        is_fresh = asked_at is not None and now - asked_at < ACCOUNT_AGE_MAX
        is_doubtful = run.account == "doubtful"
        if run.kind not in ("status", "stock_price") or (is_fresh and not is_doubtful):
            return run
        account: Account = "unknown"
        try:
            if desk.sources.amazon.is_account_suspended():
                account = "suspended" if is_doubtful else "doubtful"
            else:
                account = "active"
        except UpstreamError as error:
            if isinstance(error, UpstreamThrottled) and now - run.started_at < ACCOUNT_PATIENCE:
                raise
            log.warning("account of %s: %s", desk.seller.seller_id, error)
        return run.model_copy(update={"account": account, "account_asked_at": now})

    def _defer_page(self, seller_id: UUID, run: SweepRun, delay: timedelta = timedelta()) -> None:
        """Queue the run's next page. A page that waits holds no lock that it could starve."""
        self._runs.advance(seller_id, run, self._workshop.clock())
        options: dict[str, Any] = {"queueing_lock": f"page:{run.sweep_id(seller_id)}"}
        if delay:
            options["schedule_in"] = {"seconds": delay.total_seconds()}
        else:
            options["lock"] = f"sweep:{seller_id}:{group_of(run.kind)}"
        arguments = {"seller": str(seller_id), "run": run.model_dump(mode="json")}
        self._put("sweep_page", options, arguments)

    def _work(self, correlation_id: UUID) -> Work:
        return Work(self._workshop.clock, ACTOR, correlation_id)


def group_of(kind: SweepKind) -> str:
    """Sweeps of one group take turns page by page; groups have call budgets of their own."""
    return kind if kind in ("catalogue", "drift") else "offers"


def marketplace_of(kind: SweepKind) -> Marketplace:
    return "mercari" if kind == "drift" else "amazon"
