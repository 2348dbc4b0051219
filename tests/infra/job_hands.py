"""Runs the jobs that wait in the queue in this process, whatever their hour, until none is left."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any, LiteralString

from api.cloud_events import message_of
from infra.installation import Installation
from infra.jobs import Jobs
from infra.policies_follower import PoliciesFollower
from infra.projection_commands import status
from infra.projection_engine import ProjectionEngine
from infra.workshop import workshop_of
from tests.infra.running_worker import now, wait_until

TAKE: LiteralString = """
    DELETE FROM procrastinate_jobs WHERE id = (
        SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND task_name <> 'rescue'
        ORDER BY scheduled_at NULLS FIRST, id LIMIT 1
    ) RETURNING task_name, args
"""


class JobHands:
    """Policies and jobs of an installation, moved when asked; the views follow by themselves."""

    def __init__(self, installation: Installation) -> None:
        self._database = installation.database
        self.shops = installation.shops(now, Event(), 60.0)
        workshop = workshop_of(installation, self.shops, now, Event(), message_of)
        self._jobs = Jobs(workshop)
        self._stop = Event()
        engine = ProjectionEngine(installation.database)
        assert engine.lead()
        self._views = Thread(target=engine.run, args=(self._stop,), daemon=True)
        self._views.start()

    def run(self) -> list[str]:
        """The tasks that were run, in order."""
        done = []
        self._follow()
        while job := self._taken():
            name, arguments = job
            getattr(self._jobs, name)(**arguments)
            done.append(name)
            self._follow()
        return done

    def close(self) -> None:
        self._stop.set()
        self._views.join()
        self.shops.close()

    def _follow(self) -> None:
        """Wait until the whole log is folded, and queue what follows from it."""
        wait_until(
            lambda: all(each["lag"] == 0 for each in status(self._database)), "views catch up"
        )
        follower = PoliciesFollower(self._database)
        with self._database.connect("projector") as log, self._database.connect("jobs") as jobs:
            while follower.run_once(log, jobs):
                continue

    def _taken(self) -> tuple[str, dict[str, Any]] | None:
        with self._database.pool("jobs").connection() as connection:
            return connection.execute(TAKE).fetchone()
