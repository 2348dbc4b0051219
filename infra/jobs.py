"""The jobs: each loads its seller, calls one use case, and asks for what is still to be done.

Carried and locked by procrastinate; every job can be run again from the start after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import procrastinate
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

from domain import bindings as binding_cases
from domain import listing, uploads
from domain.application import acting_for
from domain.errors import Refusal, VersionConflict
from domain.hints import HintKind
from domain.policies import WindUp
from domain.ports import Mercari, UpstreamError
from domain.reading import in_batches
from domain.seller import Seller, ensure_linked, ensure_may_bind
from domain.stamps import Work
from domain.values import hint_id_of
from infra.arbitrage_jobs import ArbitrageJobs
from infra.hint_following import HintFollower
from infra.hint_intake import note, options_of
from infra.job_queue import put, put_webhook
from infra.policies_follower import job_of
from infra.sweep_jobs import SweepJobs
from infra.workshop import ACTOR, Workshop
from projections import effects

PAGE_SIZE = 100
CHECK_ATTEMPTS_MAX = 8
HINT_ATTEMPTS_MAX = 5
DRAIN_SECONDS_MAX = 60
STALLED_SECONDS = 10
ERASE_WAIT_SECONDS = 20
ASKED_FOR_ANYWAY = ("drain_effects", "rescue", "send_messages", "send_webhook")
FORGET = "DELETE FROM procrastinate_jobs WHERE id = %(id)s"
STOCK_BATCH = 20
STOP_DRAINING = ("E-401", "E-902")
log = logging.getLogger(__name__)


class Jobs:
    """The tasks of the worker, under the names that the follower and the scheduler defer."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._hints = HintFollower(workshop.database, workshop.app, workshop.shops, workshop.clock)
        url = workshop.database.url("jobs")
        connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4)
        self.app = procrastinate.App(connector=connector)
        sweep_jobs = SweepJobs(workshop, self._put)
        arbitrage_jobs = ArbitrageJobs(workshop, self._put)
        for task in (
            self.check_rows, self.check_again, self.drain_effects, sweep_jobs.start_sweep,
            sweep_jobs.sweep_page, self.follow_hint, self.send_messages, self.send_webhook,
            arbitrage_jobs.check_arbitrage, arbitrage_jobs.wind_up, self.erase,
        ):  # fmt: skip
            self.app.task(name=task.__name__)(task)
        self.app.periodic(cron="17 19 * * *")(
            self.app.task(name="give_up_abandoned", queueing_lock="give_up", pass_context=False)(
                self.daily
            )
        )
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
        """Check one binding that was asked for again by hand; a terminated seller's ends anyway."""
        shop, work = self._workshop, self._work(UUID(binding))
        with acting_for(UUID(seller)):
            owner = shop.app.seller(UUID(seller))
            if owner.is_terminated:
                return
            why = ("E-901", "no usable answer")
            try:
                sources = shop.shops.sources(owner)
                if binding_cases.check_again(shop.app, owner, sources, UUID(binding), work):
                    return
            except UpstreamError as error:
                why = (error.code, str(error))
            delay = check_delay_seconds(attempt)
            is_last = attempt >= CHECK_ATTEMPTS_MAX
            retry_at = None if is_last else shop.clock() + timedelta(seconds=delay)
            binding_cases.postpone_check(shop.app, UUID(binding), why, attempt, retry_at, work)
        if not is_last:
            self._defer_in(
                delay, "check_again", seller=seller, binding=binding, attempt=attempt + 1
            )

    def drain_effects(self, seller: str) -> None:
        """Do what is due on Mercari for one seller, take-downs first, until nothing is.

        The seller is loaded for each page: from its termination on, nothing is listed any more.
        """
        shop, seller_id = self._workshop, UUID(seller)
        ends_at = shop.clock() + timedelta(seconds=DRAIN_SECONDS_MAX)
        with acting_for(seller_id):
            while not shop.stop.is_set() and shop.clock() < ends_at:
                owner = shop.app.seller(seller_id)
                ensure_linked(owner)
                if shop.shops.pause(owner, "mercari"):
                    return
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
        written = self._write_stock(owner, mercari, due)
        for row in due:
            if row.binding_id in written:
                done += 1
                continue
            if shop.stop.is_set():
                return False
            try:
                outcome = listing.perform_effect(
                    shop.app, owner, amazon, mercari, row.binding_id, self._work(row.binding_id)
                )
            except VersionConflict:
                continue
            done += outcome.effect is not None
            if outcome.is_paused or outcome.error_code in STOP_DRAINING:
                return False
        if done == 0:
            shop.stop.wait(0.05)  # the view is a moment behind what was just recorded
        return True

    def _write_stock(
        self, owner: Seller, mercari: Mercari, due: Sequence[effects.EffectRow]
    ) -> set[UUID]:
        """Twenty stocks a call, where nothing else is to be written."""
        shop, written = self._workshop, set[UUID]()
        stocks = [row.binding_id for row in due if effects.is_only_stock(row)]
        for batch in in_batches(stocks, STOCK_BATCH) if len(stocks) > 1 else ():
            work = self._work(batch[0])
            written |= listing.perform_stock(shop.app, owner, mercari, batch, work)
        return written

    def follow_hint(
        self,
        seller: str,
        kind: HintKind,
        sku: str | None,
        asin: str | None,
        notification: str,
        attempt: int,
    ) -> None:
        """Read again what a notification hints at; what stays UNKNOWN is left to the next sweep."""
        seller_id = UUID(seller)
        work = self._work(hint_id_of(seller_id, notification))
        with acting_for(seller_id):
            followed = self._hints.follow(seller_id, kind, sku, asin, work)
        if followed == "unknown" and attempt < HINT_ATTEMPTS_MAX:
            options = options_of(seller_id, kind, sku or asin, check_delay_seconds(attempt))
            arguments = {"seller": seller, "kind": kind, "sku": sku, "asin": asin,
                         "notification": notification, "attempt": attempt + 1}  # fmt: skip
            self._put("follow_hint", options, arguments)
            return
        if followed == "unknown":
            log.warning("hint %s of %s: left to the next sweep", notification, sku or asin)
        outcome = "left_to_sweep" if followed == "unknown" else followed
        with self._workshop.database.pool("jobs").connection() as connection:
            note(connection, seller_id, notification, outcome)

    def send_messages(self, seller: str) -> None:
        """Mail what is due to a seller's contacts; what failed is due again later."""
        shop, seller_id = self._workshop, UUID(seller)
        with acting_for(seller_id):
            shop_name = shop.app.seller(seller_id).shop_name
        shop.mailing.send_due(seller_id, shop_name, shop.clock())

    def send_webhook(self, seller: str, webhook: str) -> None:
        """Tell one endpoint what waits for it; a long line goes on in another job."""
        shop = self._workshop
        if shop.courier.deliver(UUID(seller), UUID(webhook)):
            with shop.database.pool("jobs").connection() as connection:
                put_webhook(connection, UUID(seller), UUID(webhook))

    def erase(self, seller: str) -> None:
        """Erase a leaving seller's personal data as soon as nothing of it is on sale.

        What still is, or came in between, is ended again.
        """
        shop, seller_id = self._workshop, UUID(seller)
        with acting_for(seller_id):
            owner = shop.app.seller(seller_id)
        if shop.erasure.is_due(owner, shop.clock()):
            shop.erasure.erase(seller_id, self._work(seller_id))
        elif owner.is_leaving and not owner.is_erased:
            options = {"queueing_lock": f"erase:{seller}",
                       "schedule_in": {"seconds": ERASE_WAIT_SECONDS}}  # fmt: skip
            self._put("erase", options, {"seller": seller})
            self._put(*job_of(WindUp(seller_id, "withdraw")))

    def daily(self, timestamp: int) -> None:
        """Once a day: applications that nobody moved for half a year are given up."""
        self._workshop.erasure.give_up_abandoned(self._work(uuid4()))

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

    def _defer(self, name: str, lock: str, **arguments: Any) -> None:
        """Queue a job under a lock; the same waiting already is enough."""
        self._put(name, {"lock": lock, "queueing_lock": lock}, arguments)

    def _defer_in(self, delay_seconds: float, name: str, **arguments: Any) -> None:
        """Queue a job for later, under no lock that it could starve."""
        self._put(name, {"schedule_in": {"seconds": delay_seconds}}, arguments)

    def _put(self, name: str, options: dict[str, Any], arguments: dict[str, Any]) -> None:
        with self._workshop.database.pool("jobs").connection() as connection:
            put(connection, name, options, arguments)


def check_delay_seconds(attempt: int) -> float:
    """2, 4, 8 … seconds, at most five minutes."""
    return float(min(300, 2**attempt))
