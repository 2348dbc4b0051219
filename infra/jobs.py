"""The jobs: each loads its seller, calls one use case, and asks for what is still to be done.

Carried and locked by procrastinate; every job can be run again from the start after a crash.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

from domain import bindings as binding_cases
from domain import listing, sweeps, uploads
from domain.application import AsinSync, acting_for
from domain.errors import Refusal, VersionConflict
from domain.ports import AuthorisationRevoked, Clock, UpstreamError
from domain.product import Certificate
from domain.seller import Seller, ensure_linked, ensure_may_bind
from domain.stamps import Work
from domain.sync_sweep import SweepKind, Tally
from domain.values import sweep_id_of
from infra.database import Database
from infra.job_queue import put
from infra.shops import LinkedShops
from projections import bindings, effects

PAGE_SIZE = 100
CHECK_ATTEMPTS_MAX = 8
DRAIN_SECONDS_MAX = 60
STALLED_SECONDS = 10
ASKED_FOR_ANYWAY = ("drain_effects", "rescue")
FORGET = "DELETE FROM procrastinate_jobs WHERE id = %(id)s"
STOP_DRAINING = ("E-401", "E-902")
NO_BINDING = UUID(int=0)
ACTOR = "asin-sync"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workshop:
    """What every job works with."""

    database: Database
    app: AsinSync
    shops: LinkedShops
    clock: Clock
    stop: Event


class Jobs:
    """The tasks of the worker, under the names that the follower and the scheduler defer."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        url = workshop.database.url("jobs")
        connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4)
        self.app = procrastinate.App(connector=connector)
        for task in (
            self.check_rows, self.check_again, self.drain_effects, self.start_sweep,
            self.sweep_page,
        ):  # fmt: skip
            self.app.task(name=task.__name__)(task)
        self.app.periodic(cron="* * * * * */5")(
            self.app.task(name="rescue", queueing_lock="rescue", pass_context=False)(self.rescue)
        )

    def check_rows(self, seller: str, submission: str, numbers: list[int], attempt: int) -> None:
        """Check a page of an upload; rows that stay UNKNOWN are tried again, then given up."""
        shop, work = self._workshop, self._work(UUID(submission))
        with acting_for(UUID(seller)):
            owner = shop.app.seller(UUID(seller))
            code, detail = "E-901", "no usable answer"
            try:
                ensure_may_bind(owner)
                sources = shop.shops.sources(owner)
                left = uploads.check_page(shop.app, owner, sources, UUID(submission), numbers, work)
            except UpstreamError as error:
                left, code, detail = numbers, error.code, str(error)
            except Refusal as refusal:
                left, code, detail = numbers, refusal.code, refusal.detail
                attempt = CHECK_ATTEMPTS_MAX
            if not left:
                return
            if attempt >= CHECK_ATTEMPTS_MAX:
                uploads.give_up_rows(shop.app, UUID(submission), left, code, work)
                return
            delay = check_delay_seconds(attempt)
            retry_at = shop.clock() + timedelta(seconds=delay)
            uploads.postpone_rows(shop.app, UUID(submission), left, code, detail, retry_at, work)
        self._defer_in(delay, "check_rows", seller=seller, submission=submission, numbers=left,
                       attempt=attempt + 1)  # fmt: skip

    def check_again(self, seller: str, binding: str, attempt: int) -> None:
        """Check one binding that was asked for again by hand."""
        shop, work = self._workshop, self._work(UUID(binding))
        with acting_for(UUID(seller)):
            owner = shop.app.seller(UUID(seller))
            try:
                sources = shop.shops.sources(owner)
                is_done = binding_cases.check_again(shop.app, owner, sources, UUID(binding), work)
            except UpstreamError as error:
                log.warning("check of %s again: %s", binding, error)
                is_done = False
        if not is_done and attempt < CHECK_ATTEMPTS_MAX:
            delay = check_delay_seconds(attempt)
            self._defer_in(
                delay, "check_again", seller=seller, binding=binding, attempt=attempt + 1
            )

    def drain_effects(self, seller: str) -> None:
        """Do what is due on Mercari for one seller, take-downs first, until nothing is."""
        shop, seller_id = self._workshop, UUID(seller)
        ends_at = shop.clock() + timedelta(seconds=DRAIN_SECONDS_MAX)
        with acting_for(seller_id):
            owner = shop.app.seller(seller_id)
            ensure_linked(owner)
            while not shop.stop.is_set() and shop.clock() < ends_at:
                with shop.database.reading_for(seller_id) as connection:
                    due = effects.due(connection, shop.clock(), PAGE_SIZE)
                if not due or not self._perform(owner, due):
                    return
        self._defer("drain_effects", f"effects:{seller}", seller=seller)

    def _perform(self, owner: Seller, due: list[effects.EffectRow]) -> bool:
        """Perform a page of effects; False when the shop wants no more calls for now."""
        shop = self._workshop
        amazon, mercari = shop.shops.amazon(owner), shop.shops.mercari(owner)
        done = 0
        for row in due:
            if shop.stop.is_set():
                return False
            try:
                outcome = listing.perform_effect(
                    shop.app, owner, amazon, mercari, row.binding_id, self._work(row.binding_id)
                )
            except VersionConflict:
                continue
            done += outcome.effect is not None
            if outcome.error_code in STOP_DRAINING:
                return False
        if done == 0:
            shop.stop.wait(0.05)  # the view is a moment behind what was just recorded
        return True

    def start_sweep(self, seller: str, kind: SweepKind, due_at: str) -> None:
        """Begin a sweep at its first page; one that waits or runs already is enough."""
        self._defer(
            "sweep_page", f"sweep:{seller}", queueing_lock=f"sweep:{seller}:{kind}",
            seller=seller, kind=kind, due_at=due_at,
            started_at=self._workshop.clock().isoformat(), number=1, after=str(NO_BINDING),
            is_account_suspended=self._is_account_suspended(UUID(seller), kind),
            tally=Tally().model_dump(mode="json"),
        )  # fmt: skip

    def _is_account_suspended(self, seller_id: UUID, kind: SweepKind) -> bool:
        """Asked once a sweep; an answer that can't be had is UNKNOWN, which suspends nothing."""
        shop = self._workshop
        if kind == "catalogue":
            return False
        with acting_for(seller_id):
            try:
                return shop.shops.amazon(shop.app.seller(seller_id)).is_account_suspended()
            except (UpstreamError, Refusal) as error:
                log.warning("account of %s: %s", seller_id, error)
                return False

    def sweep_page(
        self,
        seller: str,
        kind: SweepKind,
        due_at: str,
        started_at: str,
        number: int,
        after: str,
        is_account_suspended: bool,
        tally: dict[str, Any],
    ) -> None:
        """Sweep a page of live bindings and hand the tally on; the last page ends the sweep."""
        shop, seller_id = self._workshop, UUID(seller)
        due = datetime.fromisoformat(due_at)
        sweep_id = sweep_id_of(seller_id, kind, int(due.timestamp()))
        work = self._work(sweep_id)
        with acting_for(seller_id):
            with shop.database.reading_for(seller_id) as connection:
                rows = bindings.live_page(connection, UUID(after), PAGE_SIZE)
            total = Tally.model_validate(tally)
            if rows:
                owner = shop.app.seller(seller_id)
                page = sweeps.SweepPage(
                    sweep_id=sweep_id, kind=kind, number=number,
                    is_account_suspended=is_account_suspended,
                    bindings=tuple(live_binding(row) for row in rows),
                )  # fmt: skip
                total = total.plus(self._swept(owner, page, work))
            if len(rows) < PAGE_SIZE:
                began = datetime.fromisoformat(started_at)
                sweeps.finish_sweep(shop.app, sweep_id, kind, due, began, total, work)
                return
        self._defer(
            "sweep_page", f"sweep:{seller}", queueing_lock=f"sweep:{seller}:{kind}",
            seller=seller, kind=kind, due_at=due_at, started_at=started_at, number=number + 1,
            after=str(rows[-1].binding_id), is_account_suspended=is_account_suspended,
            tally=total.model_dump(mode="json"),
        )  # fmt: skip

    def _swept(self, owner: Seller, page: sweeps.SweepPage, work: Work) -> Tally:
        """The page's tally; a seller whose permission is gone has every binding counted failed."""
        shop = self._workshop
        try:
            sources = shop.shops.sources(owner, with_tree=page.kind == "catalogue")
            return sweeps.sweep_page(shop.app, owner, sources, page, work)
        except (AuthorisationRevoked, Refusal) as error:
            return sweeps.failed(page.bindings, error.code, str(error))

    async def rescue(self, timestamp: int) -> None:
        """Queue again what a killed worker left 'doing', with its lock, and what broke.

        What breaks does so on its way to the database, and would be lost for ever otherwise.
        """
        manager = self.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            log.warning("rescuing job %s (%s)", job.id, job.task_name)
            await self._queue_again(job, 0)
        for job in await manager.list_jobs_async(status=Status.FAILED.value):
            if job.task_name in ASKED_FOR_ANYWAY:
                await self._forget(job)
            else:
                await self._queue_again(job, check_delay_seconds(job.attempts))

    async def _queue_again(self, job: Job, delay_seconds: float) -> None:
        """Where the same work waits already, that will do."""
        retry_at = self._workshop.clock() + timedelta(seconds=delay_seconds)
        try:
            await self.app.job_manager.retry_job(job, retry_at)
        except UniqueViolation:
            await self._forget(job)

    async def _forget(self, job: Job) -> None:
        await self.app.connector.execute_query_async(FORGET, id=job.id)

    def _work(self, correlation_id: UUID) -> Work:
        return Work(self._workshop.clock, ACTOR, correlation_id)

    def _defer(
        self, name: str, lock: str, *, queueing_lock: str | None = None, **arguments: Any
    ) -> None:
        """Queue a job under a lock; the same waiting already is enough."""
        self._put(name, {"lock": lock, "queueing_lock": queueing_lock or lock}, arguments)

    def _defer_in(self, delay_seconds: float, name: str, **arguments: Any) -> None:
        """Queue a job for later, under no lock that it could starve."""
        self._put(name, {"schedule_in": {"seconds": delay_seconds}}, arguments)

    def _put(self, name: str, options: dict[str, Any], arguments: dict[str, Any]) -> None:
        with self._workshop.database.pool("jobs").connection() as connection:
            put(connection, name, options, arguments)


def check_delay_seconds(attempt: int) -> float:
    """2, 4, 8 … seconds, at most five minutes."""
    return float(min(300, 2**attempt))


def live_binding(row: bindings.BindingRow) -> sweeps.LiveBinding:
    return sweeps.LiveBinding(
        binding_id=row.binding_id,
        asin=row.asin,
        sku=row.sku,
        status=row.status,
        title=row.title,
        image_url=row.image_url,
        browse_path=tuple(row.browse_path or ()),
        certificates=certificates_of(row),
        amazon_price_jpy=row.amazon_price_jpy,
        amazon_quantity=row.amazon_quantity,
    )


def certificates_of(row: bindings.BindingRow) -> tuple[Certificate, ...] | None:
    """The certificates on file when the binding was last checked."""
    held = row.certificates
    return None if held is None else tuple(Certificate.model_validate(each) for each in held)
