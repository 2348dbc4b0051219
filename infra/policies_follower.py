"""Turns facts into jobs, each exactly once: position and jobs are committed together.

It reads only as far as the views it needs have been committed, so a job never runs ahead of them.
A replay of a projection does not touch it; its place was made by the migration.
"""

from __future__ import annotations

import logging
from threading import Event
from typing import Any

import psycopg

from domain.policies import (
    CheckAgain,
    CheckArbitrage,
    CheckRows,
    DrainEffects,
    Erase,
    StartSweep,
    WindUp,
    WorkDue,
    work_after,
)
from infra.database import Connection, Database
from infra.job_queue import put
from infra.log_reader import read_batch
from infra.projection_engine import POLL_SECONDS

NAME = "policies"
BATCH_SIZE = 500
log = logging.getLogger(__name__)

# How far the views that jobs read are committed.
COMMITTED = """
    SELECT coalesce(min(position), 0) FROM projection_positions p JOIN projections l
        ON l.name = p.name AND l.live_generation = p.generation
    WHERE p.name IN ('effects', 'sellers')
"""


class PoliciesFollower:
    """Follows the log and defers what `domain.policies` asks for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, stop: Event) -> None:
        """Follow until told to stop; a lost connection is made again."""
        while not stop.is_set():
            try:
                self.follow(stop)
            except psycopg.OperationalError as error:
                log.warning("policies lost their connection: %s", error)
                stop.wait(0.5)

    def follow(self, stop: Event) -> None:
        """Follow on two connections of its own; a lost one raises psycopg.OperationalError."""
        with self._database.connect("projector") as log_, self._database.connect("jobs") as jobs:
            while not stop.is_set():
                if self.run_once(log_, jobs) == 0:
                    stop.wait(POLL_SECONDS)

    def run_once(self, log_: Connection, jobs: Connection) -> int:
        """One batch; return how many facts were looked at."""
        with jobs.transaction():
            position = self.position(jobs)
            committed = committed_position(log_)
            if committed <= position:
                return 0
            batch = read_batch(log_, position, BATCH_SIZE)
            events = [each for each in batch.events if each.position <= committed]
            if not events:
                return 0
            for recorded in events:
                for due in work_after(recorded):
                    defer(jobs, due)
            jobs.execute(
                "UPDATE follower SET position = %s WHERE name = %s", (events[-1].position, NAME)
            )
        return len(events)

    def position(self, jobs: Connection) -> int:
        """Where it stands, locked against another worker's follower."""
        row = jobs.execute(
            "SELECT position FROM follower WHERE name = %s FOR UPDATE", (NAME,)
        ).fetchone()
        return int(row[0]) if row else 0


def committed_position(log_: Connection) -> int:
    row = log_.execute(COMMITTED, prepare=True).fetchone()
    return int(row[0]) if row else 0


def defer(connection: Connection, due: WorkDue) -> None:
    """Queue the job of this piece of work."""
    put(connection, *job_of(due))


def job_of(due: WorkDue) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Task, locks and arguments of one piece of work."""
    seller = str(due.seller_id)
    match due:
        case CheckRows():
            arguments = {
                "seller": seller, "submission": str(due.submission_id),
                "numbers": list(due.numbers), "attempt": 1,
            }  # fmt: skip
            return "check_rows", {}, arguments
        case CheckAgain():
            arguments = {"seller": seller, "binding": str(due.binding_id), "attempt": 1}
            return "check_again", {"queueing_lock": f"check:{due.binding_id}"}, arguments
        case StartSweep():
            arguments = {
                "seller": seller, "kind": due.kind, "due_at": due.due_at.isoformat(),
                "is_brake_off": due.is_brake_off, "is_requested": due.is_requested,
            }  # fmt: skip
            lock = f"start:{seller}:{due.kind}:{due.is_brake_off}"
            return "start_sweep", {"queueing_lock": lock}, arguments
        case Erase():
            return "erase", {"queueing_lock": f"erase:{seller}"}, {"seller": seller}
        case DrainEffects():
            lock = f"effects:{seller}"
            return "drain_effects", {"lock": lock, "queueing_lock": lock}, {"seller": seller}
        case WindUp():
            lock = f"wind_up:{seller}"
            arguments = {"seller": seller, "ending": due.ending}
            return "wind_up", {"lock": lock, "queueing_lock": lock}, arguments
        case CheckArbitrage():
            return "check_arbitrage", {"queueing_lock": f"arbitrage:{seller}"}, {"seller": seller}
