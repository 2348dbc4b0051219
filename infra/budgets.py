"""Call budgets: token buckets in Postgres, shared by all workers and surviving restarts.

A bucket for each (seller, operation) and one for each (application, operation); the first that is
empty makes the caller wait. Tokens are leased a few at a time; after a crash a lease is spent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Event, Lock
from typing import NamedTuple

from domain.ports import UpstreamThrottled
from infra.database import Database

LEASE_MAX = 20
UTILISATION = 0.95
"""Calls arrive a little earlier or later than they were sent; the rest is for that."""


class Rate(NamedTuple):
    """What an upstream allows: tokens a second, and how many at once."""

    per_second: float
    burst: int


# Refill by the time gone, then take the lease where there is enough; one row back, or none.
TAKE = """
    INSERT INTO asin_sync.budget AS b (owner, operation, tokens, refilled_at)
    VALUES (%(owner)s, %(operation)s, %(burst)s - %(lease)s, %(now)s)
    ON CONFLICT (owner, operation) DO UPDATE SET
        tokens = least(%(burst)s,
            b.tokens + greatest(0, %(now)s - b.refilled_at) * %(rate)s) - %(lease)s,
        refilled_at = greatest(b.refilled_at, %(now)s)
    WHERE least(%(burst)s,
        b.tokens + greatest(0, %(now)s - b.refilled_at) * %(rate)s) >= %(lease)s
    RETURNING tokens
"""

# How many tokens there would be now.
LEFT = """
    SELECT least(%(burst)s, tokens + greatest(0, %(now)s - refilled_at) * %(rate)s)
    FROM asin_sync.budget WHERE owner = %(owner)s AND operation = %(operation)s
"""


class Budgets:
    """Leases tokens; the clock is a parameter, so that simulations can run it."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def take(self, owner: str, operation: str, rate: Rate, lease: int) -> float:
        """Take `lease` tokens: 0 when they were there, else the seconds until they will be."""
        parameters = {
            "owner": owner, "operation": operation, "burst": float(rate.burst),
            "rate": rate.per_second * UTILISATION, "lease": float(lease), "now": self._now(),
        }  # fmt: skip
        with self._database.pool("jobs").connection() as connection:
            if connection.execute(TAKE, parameters).fetchone():
                return 0.0
            row = connection.execute(LEFT, parameters).fetchone()
        return max(0.001, (lease - (row[0] if row else 0.0)) / (rate.per_second * UTILISATION))


class BudgetLimiter:
    """The limiter of one seller at one upstream: waits for a token of every bucket that counts.

    `levels` gives, for each owner of buckets (the seller, the application), its rates; an
    operation without a rate at a level is not limited there. With a `shared_bucket` all operations
    spend from one bucket of that name, as at Mercari.
    """

    def __init__(
        self,
        budgets: Budgets,
        levels: Mapping[str, Mapping[str, Rate]],
        *,
        patience_seconds: float,
        stop: Event,
        shared_bucket: str | None = None,
    ) -> None:
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
                self._wait_for(owner, self._shared_bucket or operation, rate)

    def observe(
        self, operation: str, rate_per_second: float | None, reset_seconds: float | None
    ) -> None:
        """Go by the rate that the seller's bucket was said to have.

        A reset alone changes nothing: a 429 brings it along as the time to come back.
        """
        rates = next(iter(self._levels.values()))
        if rate_per_second and operation in rates:
            rates[operation] = Rate(rate_per_second, rates[operation].burst)

    def _wait_for(self, owner: str, operation: str, rate: Rate) -> None:
        lease, waited = max(1, min(LEASE_MAX, rate.burst // 2)), 0.0
        while not self._spend(owner, operation):
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

    def _spend(self, owner: str, operation: str) -> bool:
        with self._lock:
            left = self._leased[owner, operation]
            if left:
                self._leased[owner, operation] -= 1
            return left > 0
