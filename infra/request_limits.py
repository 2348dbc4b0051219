"""How many requests an API key may send: a token bucket in Postgres, leased a few at a time.

Of the requests of a key only every twentieth or so asks the database; the rest count in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from domain.callers import Allowance
from infra.budgets import LEASE_MAX, Budgets, Rate

OPERATION = "request"
WINDOW_SECONDS = 60
KEPT_MAX = 10_000
"""Keys remembered; beyond, all are forgotten and lease anew."""


@dataclass
class Held:
    """What this process holds for one key, and what the bucket held when it was last asked."""

    leased: int = 0
    left: float = 0.0
    refused_until: float = 0.0


class RequestLimits:
    """The limits of one process; `a_minute` of 0 is none."""

    def __init__(
        self, budgets: Budgets, a_minute: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._budgets = budgets
        self._a_minute = a_minute
        self._rate = Rate(a_minute / WINDOW_SECONDS, a_minute)
        self._lease = max(1, min(LEASE_MAX, a_minute // 100))
        self._now = now
        self._held: dict[str, Held] = {}
        self._lock = Lock()

    def take(self, key_id: str) -> Allowance | None:
        """Let one request of the key be sent, or say for how long not; None without limits."""
        if not self._a_minute:
            return None
        if known := self.take_leased(key_id):
            return known
        delay, left = self._budgets.lease(key_id, OPERATION, self._rate, self._lease)
        with self._lock:
            held = self._of(key_id)
            held.left = max(0.0, left)
            if delay:
                held.refused_until = self._now() + delay
                return self._told(held, delay)
            held.leased += self._lease - 1
            return self._told(held)

    def take_leased(self, key_id: str) -> Allowance | None:
        """The same without asking the database; None where it has to be asked."""
        with self._lock:
            held = self._of(key_id)
            if held.leased:
                held.leased -= 1
                return self._told(held)
            wait = held.refused_until - self._now()
            return self._told(held, wait) if wait > 0 else None

    @property
    def is_off(self) -> bool:
        return not self._a_minute

    def _of(self, key_id: str) -> Held:
        if len(self._held) >= KEPT_MAX:
            self._held.clear()
        return self._held.setdefault(key_id, Held())

    def _told(self, held: Held, wait_seconds: float = 0.0) -> Allowance:
        remaining = 0 if wait_seconds else int(held.left) + held.leased
        missing = self._a_minute - remaining
        return Allowance(
            limit=self._a_minute, window_seconds=WINDOW_SECONDS, remaining=remaining,
            full_after_seconds=-(-missing // self._rate.per_second),
            retry_after_seconds=wait_seconds,
        )  # fmt: skip
