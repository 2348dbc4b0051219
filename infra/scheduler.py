"""The scheduler: each tick asks what is due, defers it once, and wakes effects whose wait is over.

What is due is decided by a pure rule with an injected clock; the database only remembers it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from threading import Event
from uuid import UUID

import psycopg

from domain.policies import DrainEffects, StartSweep
from domain.ports import Clock
from domain.sync_sweep import INTERVAL_SECONDS, SweepKind, due_at_epoch_seconds
from infra.call_counts import add_calls
from infra.database import Connection, Database
from infra.policies_follower import defer
from infra.shops import LinkedShops
from projections import effects, sellers

TICK_SECONDS = 1.0
log = logging.getLogger(__name__)

# Remember that this sweep was begun; no row where it had been.
BEGIN = """
    INSERT INTO sweep_schedule AS s (seller_id, kind, due_at) VALUES (%s, %s, %s)
    ON CONFLICT (seller_id, kind) DO UPDATE SET due_at = excluded.due_at
    WHERE s.due_at < excluded.due_at RETURNING due_at
"""


def due_sweeps(seller_ids: Iterable[UUID], now: datetime) -> list[StartSweep]:
    """For each seller and kind, the latest moment it was due; sellers are spread evenly."""
    return [
        StartSweep(
            seller_id,
            kind,
            datetime.fromtimestamp(
                due_at_epoch_seconds(kind, phase_of(seller_id, kind), now.timestamp()), UTC
            ),
        )
        for seller_id in seller_ids
        for kind in INTERVAL_SECONDS
    ]


def phase_of(seller_id: UUID, kind: SweepKind) -> float:
    """A fixed fraction of the interval for each seller and kind, evenly spread."""
    digest = hashlib.sha256(f"{seller_id}:{kind}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


class Scheduler:
    """One tick a second; several schedulers on several machines begin each sweep once."""

    def __init__(self, database: Database, shops: LinkedShops, clock: Clock) -> None:
        self._database = database
        self._shops = shops
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Tick until told to stop."""
        while not stop.wait(TICK_SECONDS):
            try:
                self.tick()
            except psycopg.Error as error:
                log.warning("scheduler tick failed, the next one will do: %s", error)

    def tick(self) -> None:
        """Begin the sweeps that are due and wake the sellers with effects due."""
        now = self._clock()
        with self._database.pool("projector").connection() as connection:
            enabled = sellers.enabled(connection)
            waiting = effects.sellers_due(connection, now)
        with self._database.pool("jobs").connection() as connection:
            add_calls(connection, self._shops.take_calls(), now)
            for sweep in due_sweeps(enabled, now):
                self.begin(connection, sweep)
            for seller_id in waiting:
                defer(connection, DrainEffects(seller_id))

    def begin(self, connection: Connection, sweep: StartSweep) -> None:
        """Remember and queue the sweep in one transaction."""
        with connection.transaction():
            begun = connection.execute(BEGIN, (sweep.seller_id, sweep.kind, sweep.due_at))
            if begun.fetchone():
                defer(connection, sweep)
