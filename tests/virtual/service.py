"""The whole service in one thread and in virtual time: real jobs, scheduler, limiter and Postgres.

Both upstreams are the sandbox over real HTTP, on the same clock. A worker can be killed at any step
that reaches outside: before or after a call, before or after an append.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent

from api.cloud_events import message_of
from domain.application import AsinSync, acting_for
from domain.breaker import Marketplace
from domain.seller import Seller
from domain.stamps import Work
from infra.breakers import SellerBreaker
from infra.budgets import Budgets
from infra.installation import Installation, upstream_urls
from infra.jobs import Jobs
from infra.policies_follower import PoliciesFollower
from infra.projection_engine import ProjectionEngine
from infra.scheduler import Scheduler
from infra.shops import LinkedShops
from infra.workshop import workshop_of
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller, upload_products

ROUNDS_MAX = 500
PATIENCE_SECONDS = 60.0
WAITING_JOBS = """
    SELECT j.id, j.task_name, j.args, coalesce(extract(epoch FROM j.scheduled_at - e.at), 0)
    FROM asin_sync_jobs.procrastinate_jobs j
    JOIN asin_sync_jobs.procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
    WHERE j.status = 'todo' ORDER BY j.id
"""


class VirtualClock:
    """Time passes only when somebody lets it."""

    def __init__(self, now: datetime = datetime(2026, 12, 1, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def timestamp(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class VirtualStop(Event):
    """Waiting for it lets time pass, and the views catch up meanwhile."""

    def __init__(self, clock: VirtualClock, catch_up: Callable[[], object]) -> None:
        super().__init__()
        self._clock = clock
        self._catch_up = catch_up

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.advance(timeout or 0)
        self._catch_up()
        return self.is_set()


class Killed(BaseException):
    """The worker was killed at this step; nothing in it may catch that."""


class Crashes:
    """Kills the worker at the step where the countdown ends; without one it counts steps.

    Where `meanwhile` is set the worker is not killed but sleeps while that happens, and goes on: a
    zombie.
    """

    def __init__(self) -> None:
        self.countdown: int | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.countdown is None:
            return
        if self.countdown == 0:
            self.countdown = None
            if self.meanwhile is None:
                raise Killed
            self.meanwhile()
        else:
            self.countdown -= 1


class CrashingBreaker(SellerBreaker):
    """A breaker around whose calls the worker may be killed."""

    crashes: Crashes

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.crashes.step()
        with super().watching():
            yield
        self.crashes.step()


class CrashingShops(LinkedShops):
    """The sellers' marketplaces, with a worker that may be killed at each call."""

    crashes: Crashes

    def breaker(self, seller_id: UUID, marketplace: Marketplace) -> SellerBreaker:
        key = (seller_id, marketplace)
        if key not in self._breakers:
            made = CrashingBreaker(self._app, seller_id, marketplace, self._clock)
            made.crashes = self.crashes
            self._breakers[key] = made
        return self._breakers[key]


class VirtualService:
    """Everything a worker does, one step after the other."""

    def __init__(
        self, installation: Installation, sandbox: SandboxServer, clock: VirtualClock
    ) -> None:
        self.installation, self.sandbox, self.clock = installation, sandbox, clock
        self.crashes = Crashes()
        self.kills = 0
        self.database, self.app = installation.database, installation.app
        self.work = Work(clock, "test", uuid4())
        self._crash_around_appends(self.app)
        self._due: dict[int, datetime] = {}
        self.engine = ProjectionEngine(self.database)
        assert self.engine.lead()
        self._log = self.database.connect("projector")
        self._jobs = self.database.connect("jobs")
        self._follower = PoliciesFollower(self.database)
        self.start_worker()

    def other_worker_does(self, name: str, **arguments: Any) -> None:
        """Another worker runs this job from beginning to end."""
        mine = self.shops, self.jobs, self.scheduler
        self.start_worker()
        self.jobs.app.tasks[name](**arguments)
        self.shops.close()
        self.shops, self.jobs, self.scheduler = mine
        while self.engine.run_once():
            continue

    def start_worker(self) -> None:
        """A new worker: nothing that the one before held in memory is left."""
        stop = VirtualStop(self.clock, self.engine.run_once)
        self.shops = CrashingShops(
            upstream_urls(self.installation.settings), self.installation.secrets,
            Budgets(self.database, self.clock.timestamp), self.app, self.clock,
            self.installation.images(), patience_seconds=PATIENCE_SECONDS, stop=stop,
        )  # fmt: skip
        self.shops.crashes = self.crashes
        workshop = workshop_of(self.installation, self.shops, self.clock, stop, message_of)
        self.jobs = Jobs(workshop)
        self.scheduler = Scheduler(self.database, self.shops, self.clock)

    def close(self) -> None:
        self.shops.close()
        self.engine.close()
        self._log.close()
        self._jobs.close()

    def add_seller(self, product_count: int, name: str | None = None) -> LinkedSeller:
        """A seller's name decides its ids, and so when its sweeps are due."""
        return linked_seller(
            self.installation, self.sandbox, self.work, product_count=product_count, name=name
        )

    def owner(self, seller: LinkedSeller) -> Seller:
        with acting_for(seller.seller_id):
            return self.app.seller(seller.seller_id)

    def upload(self, seller: LinkedSeller, numbers: Sequence[int]) -> UUID:
        return upload_products(self.app, seller, numbers, self.work)

    def listings(self, seller: LinkedSeller, asin: str) -> list[dict[str, Any]]:
        """What the shop shows for this ASIN."""
        return self.sandbox.listings(seller.name, asin)

    def settle(self) -> None:
        """Fold, follow and run every job whose time has come, until nothing is left to do."""
        for _ in range(ROUNDS_MAX):
            while self.engine.run_once():
                continue
            is_moved = self._follower.run_once(self._log, self._jobs) > 0
            if not self._run_next_job() and not is_moved:
                return
        raise AssertionError("it does not come to rest")

    def tick(self) -> None:
        """What the scheduler does each second."""
        self.scheduler.tick()
        self.settle()

    def pass_time(self, seconds: float, step_seconds: float = 600) -> None:
        """Let time pass in steps, with a tick after each."""
        ends_at = self.clock.now + timedelta(seconds=seconds)
        while self.clock.now < ends_at:
            self.clock.advance(min(step_seconds, (ends_at - self.clock.now).total_seconds()))
            self.tick()

    def waiting_jobs(self) -> list[str]:
        return [name for _, name, _, _ in self._jobs.execute(WAITING_JOBS)]

    def _run_next_job(self) -> bool:
        """Run the oldest job that is due; one whose worker is killed stays, and is run again."""
        for job_id, name, arguments, delay in self._jobs.execute(WAITING_JOBS).fetchall():
            due = self._due.setdefault(job_id, self.clock.now + timedelta(seconds=float(delay)))
            if due <= self.clock.now:
                self._run(job_id, name, arguments)
                return True
        return False

    def _run(self, job_id: int, name: str, arguments: dict[str, Any]) -> None:
        """As the queue does: its queueing lock is free once it has begun."""
        self._jobs.execute(
            "UPDATE asin_sync_jobs.procrastinate_jobs SET queueing_lock = NULL WHERE id = %s",
            (job_id,),
        )
        if self.work_on(name, **arguments):
            self._jobs.execute(
                "DELETE FROM asin_sync_jobs.procrastinate_jobs WHERE id = %s", (job_id,)
            )

    def work_on(self, name: str, **arguments: Any) -> bool:
        """Run a job; False where its worker was killed, and another has begun."""
        try:
            self.jobs.app.tasks[name](**arguments)
        except Killed:
            self.kills += 1
            self.shops.close()
            self.start_worker()
            return False
        return True

    def _crash_around_appends(self, app: AsinSync) -> None:
        recorder: Any = app.recorder
        append = recorder.insert_events

        def crashing(events: Sequence[StoredEvent], **options: Any) -> Any:
            self.crashes.step()
            positions = append(events, **options)
            self.crashes.step()
            return positions

        recorder.insert_events = crashing
