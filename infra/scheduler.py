"""The scheduler: each tick asks what is due, defers it once, and wakes whose wait is over.

What is due is decided by a pure rule with an injected clock; the database only remembers it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Event
from uuid import UUID

import psycopg

from domain.policies import CheckArbitrage, DrainEffects, StartSweep, WindUp
from domain.policy import policy_of
from domain.ports import Clock
from domain.sync_sweep import INTERVAL_SECONDS, SweepKind, due_at_epoch_seconds, offset_seconds
from infra.call_counts import add_calls
from infra.database import Connection, Database
from infra.hint_intake import forget_old
from infra.job_queue import put_webhook
from infra.policies_follower import defer
from infra.shops import LinkedShops
from infra.webhooks.rows import endpoints_due
from projections import arbitrage_signs, conditions, effects, sellers, suspicions

TICK_SECONDS = 1.0
log = logging.getLogger(__name__)

# Remember that this sweep was begun; no row where it had been.
BEGIN = """
    INSERT INTO sweep_schedule AS s (seller_id, kind, due_at) VALUES (%s, %s, %s)
    ON CONFLICT (seller_id, kind) DO UPDATE SET due_at = excluded.due_at
    WHERE s.due_at < excluded.due_at RETURNING (xmax = 0)
"""


def due_sweeps(seller_ids: Iterable[UUID], now: datetime) -> list[StartSweep]:
    """For each seller and kind, the latest moment it was due; sellers are spread evenly.

    A status scan that falls on a stock and price sweep is that sweep.
    """
    return [
        StartSweep(seller_id, kind, due_at)
        for seller_id in seller_ids
        for kind, due_at in dues_of(seller_id, now).items()
    ]


def due_looks(terminated: Iterable[UUID], now: datetime) -> list[StartSweep]:
    """A terminated seller's shop is still looked at, for listings that are on sale all the same."""
    return [sweep for sweep in due_sweeps(terminated, now) if sweep.kind == "drift"]


def dues_of(seller_id: UUID, now: datetime) -> dict[SweepKind, datetime]:
    lot = lot_of(seller_id)
    dues: dict[SweepKind, datetime] = {
        kind: datetime.fromtimestamp(
            due_at_epoch_seconds(kind, offset_seconds(kind, lot), now.timestamp()), UTC
        )
        for kind in INTERVAL_SECONDS
    }
    if dues["status"] == dues["stock_price"]:
        del dues["status"]
    return dues


def lot_of(seller_id: UUID) -> int:
    """A fixed number for each seller, well spread."""
    return int.from_bytes(hashlib.sha256(str(seller_id).encode()).digest()[:8])


class Scheduler:
    """One tick a second; several schedulers on several machines begin each sweep once."""

    def __init__(self, database: Database, shops: LinkedShops, clock: Clock) -> None:
        self._database = database
        self._shops = shops
        self._clock = clock
        self._begun: dict[tuple[UUID, SweepKind], datetime] = {}
        self._done_on: date | None = None

    def run(self, stop: Event) -> None:
        """Tick until told to stop."""
        while not stop.wait(TICK_SECONDS):
            try:
                self.tick()
            except psycopg.Error as error:
                log.warning("scheduler tick failed, the next one will do: %s", error)

    def tick(self) -> None:
        """Begin the sweeps that are due; wake sellers with effects due and webhooks to be told."""
        now = self._clock()
        with self._database.pool("projector").connection() as connection:
            enabled = sellers.enabled(connection)
            terminated = suspicions.terminated_sellers(connection)
            unended = suspicions.not_wound_up(connection)
            paused = conditions.paused_sellers(connection, "mercari", now)
            waiting = [
                seller for seller in effects.sellers_due(connection, now) if seller not in paused
            ]
        with self._database.pool("integrator").connection() as connection:
            webhooks = endpoints_due(connection, now)
        with self._database.pool("jobs").connection() as connection:
            add_calls(connection, self._shops.take_calls(), now)
            for sweep in [*due_sweeps(enabled, now), *due_looks(terminated, now)]:
                self.begin(connection, sweep, now)
            for seller_id in unended:
                defer(connection, WindUp(seller_id, "block"))
            for seller_id in waiting:
                defer(connection, DrainEffects(seller_id))
            for seller_id, webhook_id in webhooks:
                put_webhook(connection, seller_id, webhook_id)
            self.do_once_a_day(connection, now)

    def do_once_a_day(self, connection: Connection, now: datetime) -> None:
        """Forget notifications too old to be sent again; look for signs of arbitrage."""
        if self._done_on == now.date():
            return
        forget_old(connection, now)
        with self._database.pool("projector").connection() as views:
            signs = arbitrage_signs.sellers_with_signs(views, policy_of().arbitrage, now)
        for seller_id in signs:
            defer(connection, CheckArbitrage(seller_id))
        self._done_on = now.date()

    def begin(self, connection: Connection, sweep: StartSweep, now: datetime) -> None:
        """Remember and queue the sweep in one transaction, unless it was.

        A seller's first sweep of a kind is due now: before, nothing was promised.
        """
        key = (sweep.seller_id, sweep.kind)
        if self._begun.get(key) == sweep.due_at:
            return
        with connection.transaction():
            begun = connection.execute(BEGIN, (*key, sweep.due_at))
            if row := begun.fetchone():
                is_first = bool(row[0])
                defer(connection, replace(sweep, due_at=now) if is_first else sweep)
        self._begun[key] = sweep.due_at
