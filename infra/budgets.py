"""Call budgets: token buckets in Postgres, shared by all workers and surviving restarts.

A bucket for each (seller, operation) and one for each (application, operation); the first that is
empty makes the caller wait. Tokens are leased a few at a time; after a crash a lease is spent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from math import ceil
from threading import Event, Lock
from typing import Any, LiteralString, NamedTuple

from psycopg.sql import SQL, Identifier

from domain.ports import UpstreamThrottled
from infra.database import Database

LEASE_MAX = 20
LEASE_SECONDS = 2.0
"""No lease is larger than what comes in so long."""
UTILISATION = 0.95
"""Calls arrive a little earlier or later than they were sent; the rest is for that."""


class Rate(NamedTuple):
    """What an upstream allows: tokens a second, and how many at once."""

    per_second: float
    burst: int


# Refill by the time gone, then take the lease where there is enough; one row back, or none.
TAKE = """
    INSERT INTO asin_sync.{table} AS b (owner, operation, tokens, refilled_at)
    VALUES (%(owner)s, %(operation)s, %(burst)s - %(lease)s, %(now)s)
    ON CONFLICT (owner, operation) DO UPDATE SET
        tokens = least(%(burst)s,
            b.tokens + greatest(0, %(now)s - b.refilled_at) * %(rate)s) - %(lease)s,
        refilled_at = greatest(b.refilled_at, %(now)s)
    WHERE least(%(burst)s,
        b.tokens + greatest(0, %(now)s - b.refilled_at) * %(rate)s) >= %(lease)s
    RETURNING tokens
"""

# Nothing is to be had before the end of a pause, and then one lease; a longer pause stays.
DRAIN = """
    INSERT INTO asin_sync.{table} AS b (owner, operation, tokens, refilled_at)
    VALUES (%(owner)s, %(operation)s, %(lease)s - %(rate)s * %(seconds)s, %(now)s)
    ON CONFLICT (owner, operation) DO UPDATE SET
        tokens = least(b.tokens + greatest(0, %(now)s - b.refilled_at) * %(rate)s,
            %(lease)s - %(rate)s * %(seconds)s),
        refilled_at = greatest(b.refilled_at, %(now)s)
"""

# How many tokens there would be now.
LEFT = """
    SELECT least(%(burst)s, tokens + greatest(0, %(now)s - refilled_at) * %(rate)s)
    FROM asin_sync.{table} WHERE owner = %(owner)s AND operation = %(operation)s
"""


class Budgets:
    """Leases tokens; the clock is a parameter, so that simulations can run it.

    `table` is that of the buckets; `utilisation` the part of a rate that is used.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], float] = time.time,
        *,
        table: LiteralString = "budget",
        utilisation: float = UTILISATION,
    ) -> None:
        self._database = database
        self._now = now
        self._utilisation = utilisation
        self._take, self._drain, self._left = (
            SQL(query).format(table=Identifier(table)) for query in (TAKE, DRAIN, LEFT)
        )

    def take(self, owner: str, operation: str, rate: Rate, lease: int) -> float:
        """Take `lease` tokens: 0 when they were there, else the seconds until they will be."""
        return self.lease(owner, operation, rate, lease)[0]

    def lease(self, owner: str, operation: str, rate: Rate, lease: int) -> tuple[float, float]:
        """The same, and how many tokens are left in the bucket."""
        parameters = self._parameters(owner, operation, rate, lease)
        with self._database.pool("jobs").connection() as connection:
            if taken := connection.execute(self._take, parameters).fetchone():
                return 0.0, taken[0]
            row = connection.execute(self._left, parameters).fetchone()
        left = row[0] if row else 0.0
        return max(0.001, (lease - left) / (rate.per_second * self._utilisation)), left

    def drain(self, owner: str, operation: str, rate: Rate, lease: int, seconds: float) -> None:
        """Let no worker take a lease for so many seconds."""
        parameters = self._parameters(owner, operation, rate, lease)
        with self._database.pool("jobs").connection() as connection:
            connection.execute(self._drain, {**parameters, "seconds": seconds})

    def _parameters(self, owner: str, operation: str, rate: Rate, lease: int) -> dict[str, Any]:
        return {
            "owner": owner, "operation": operation, "burst": float(rate.burst),
            "rate": rate.per_second * self._utilisation, "lease": float(lease), "now": self._now(),
        }  # fmt: skip


class BudgetLimiter:
    """The limiter of one seller at one upstream: waits for a token of every bucket that counts.

    `levels` gives, for each owner of buckets (the seller, the application), its rates; an
    operation without a rate at a level is not limited there. With a `shared_bucket` all operations
    spend from one bucket of that name, as at Mercari. `costs` names the operations that spend more
    than one token.
    """

    def __init__(
        self,
        budgets: Budgets,
        levels: Mapping[str, Mapping[str, Rate]],
        *,
        patience_seconds: float,
        stop: Event,
        shared_bucket: str | None = None,
        costs: Mapping[str, int] | None = None,
    ) -> None:
        self._costs = dict(costs or {})
        self._cost_max = max(self._costs.values(), default=1)
        self._shared_bucket = shared_bucket
        self._budgets = budgets
        self._levels = {owner: dict(rates) for owner, rates in levels.items()}
        self._patience_seconds = patience_seconds
        self._stop = stop
        self._leased: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def wait(self, operation: str) -> None:
        """Return when the call may be made. Raises UpstreamThrottled past its patience."""
        for owner, rates in self._levels.items():
            if rate := rates.get(operation):
                cost = self._costs.get(operation, 1)
                self._wait_for(owner, self._shared_bucket or operation, rate, cost)

    def observe(
        self, operation: str, rate_per_second: float | None, reset_seconds: float | None
    ) -> None:
        """Go by the rate that the seller's bucket was said to have.

        A reset alone changes nothing: a 429 brings it along as the length of the pause.
        """
        rates = next(iter(self._levels.values()))
        if rate_per_second and operation in rates:
            rates[operation] = Rate(rate_per_second, rates[operation].burst)

    def pause(self, operation: str, seconds: float | None) -> None:
        """Empty the seller's bucket for all workers, and forget what was leased from it here.

        What another process has leased (LEASE_MAX) it may still spend, and is told 429 itself.
        """
        owner, rates = next(iter(self._levels.items()))
        rate = rates.get(operation)
        if rate is None:
            return
        bucket = self._shared_bucket or operation
        with self._lock:
            self._leased[owner, bucket] = 0
        length = 1 / rate.per_second if seconds is None else seconds
        self._budgets.drain(owner, bucket, rate, self._lease_of(rate), length)

    def _wait_for(self, owner: str, operation: str, rate: Rate, cost: int) -> None:
        lease, waited = self._lease_of(rate), 0.0
        while not self._spend(owner, operation, cost):
            delay = self._budgets.take(owner, operation, rate, lease)
            if delay == 0.0:
                with self._lock:
                    self._leased[owner, operation] += lease
                continue
            waited += delay
            if waited > self._patience_seconds or self._stop.wait(delay):
                raise UpstreamThrottled(
                    owner, operation, "our own budget is spent", retry_after_seconds=delay
                )

    def _spend(self, owner: str, operation: str, cost: int) -> bool:
        with self._lock:
            is_enough = self._leased[owner, operation] >= cost
            if is_enough:
                self._leased[owner, operation] -= cost
            return is_enough

    def _lease_of(self, rate: Rate) -> int:
        """Enough for the dearest operation; where tokens come slowly, no more than comes soon."""
        soon = ceil(rate.per_second * LEASE_SECONDS)
        return max(self._cost_max, min(LEASE_MAX, rate.burst // 2, soon))
