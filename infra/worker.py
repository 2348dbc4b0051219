"""The worker process: projection engine, policies, scheduler and jobs, each in its own thread."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from domain.ports import Clock
from infra.hint_intake import QUEUE as HINTS
from infra.http_deadline import open_client
from infra.installation import JOB_PATIENCE_SECONDS, Installation
from infra.job_queue import WEBHOOKS
from infra.jobs import Jobs
from infra.messages_follower import MessagesFollower
from infra.policies_follower import PoliciesFollower
from infra.projection_engine import ProjectionEngine
from infra.scheduler import Scheduler
from infra.transparency.integrator import Integrator
from infra.transparency.signer import CheckpointSigner
from infra.transparency.witnessing import witnessings
from infra.webhooks.courier import Tell
from infra.webhooks.follower import WebhooksFollower
from infra.workshop import workshop_of

CONCURRENCY = {"default": 10, HINTS: 4, WEBHOOKS: 4}
"""Jobs at once by queue: a burst of notifications or a slow receiver never holds up the rest."""
STOP_SECONDS_MAX = 1.5
HEARTBEAT_SECONDS = 2
log = logging.getLogger(__name__)


class Worker:
    """Everything that acts on facts. Several may run, on several machines."""

    def __init__(self, installation: Installation, clock: Clock, tell: Tell) -> None:
        self.stop_asked = threading.Event()
        self._installation = installation
        database, policy = installation.database, installation.settings.trust_policy
        shops = installation.shops(clock, self.stop_asked, JOB_PATIENCE_SECONDS)
        workshop = workshop_of(installation, shops, clock, self.stop_asked, tell)
        self.jobs = Jobs(workshop)
        self.engine = ProjectionEngine(database)
        self._followers: Sequence[Callable[[threading.Event], None]] = (
            self.engine.run,
            PoliciesFollower(database).run,
            WebhooksFollower(database).run,
            Scheduler(database, shops, clock).run,
            MessagesFollower(database, workshop.mailing, clock).run,
            Integrator(database).run,
            CheckpointSigner(
                database, installation.log_keys, installation.signed_checkpoints()
            ).run,
            *(each.run for each in witnessings(database, policy, open_client())),
        )

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; then end within two seconds, whatever is under way.

        A job that does not end in time is left as it is: it is safe to run again, and is rescued.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop_asked.set())
        threads = [
            threading.Thread(target=follow, args=(self.stop_asked,), daemon=True)
            for follow in self._followers
        ]
        threads.append(threading.Thread(target=self._run_jobs, daemon=True))
        for thread in threads:
            thread.start()
        while not self.stop_asked.wait(0.5):
            if not all(thread.is_alive() for thread in threads):
                log.error("a part of the worker died: ending, to be started anew")
                os._exit(1)
        ends_at = time.monotonic() + STOP_SECONDS_MAX
        for thread in threads:
            thread.join(max(0.0, ends_at - time.monotonic()))
        os._exit(0)

    def _run_jobs(self) -> None:
        asyncio.run(self._jobs())

    async def _jobs(self) -> None:
        """Fetch and run jobs until told to stop; a lost database is waited for."""
        threads = ThreadPoolExecutor(sum(CONCURRENCY.values()), "jobs")
        asyncio.get_running_loop().set_default_executor(threads)
        while not self.stop_asked.is_set():
            try:
                async with self.jobs.app.open_async():
                    await self._jobs_until_stopped()
            except Exception:
                log.exception("the job runner lost its database; trying again")
                await asyncio.sleep(1)

    async def _jobs_until_stopped(self) -> None:
        running = [
            asyncio.create_task(self._queue(queue, concurrency))
            for queue, concurrency in CONCURRENCY.items()
        ]
        while not self.stop_asked.is_set() and not any(each.done() for each in running):
            await asyncio.sleep(0.1)
        for each in running:
            each.cancel()
        await asyncio.wait(running, timeout=STOP_SECONDS_MAX)

    async def _queue(self, queue: str, concurrency: int) -> None:
        await self.jobs.app.run_worker_async(
            queues=[queue],
            concurrency=concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            delete_jobs="successful",
        )
