"""How much may be asked: token buckets (Amazon) and points an hour (Mercari), kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

POINTS_PER_HOUR = 10_000


@dataclass(slots=True)
class TokenBuckets:
    """One bucket for each key; it starts full and fills at `rate` tokens a second up to `burst`."""

    _filled: dict[tuple[object, ...], tuple[float, datetime]] = field(default_factory=dict)

    def take(self, key: tuple[object, ...], rate: float, burst: int, now: datetime) -> bool:
        """Take one token; False when the bucket is empty."""
        tokens, then = self._filled.get(key, (float(burst), now))
        tokens = min(float(burst), tokens + rate * max(0.0, (now - then).total_seconds()))
        is_allowed = tokens >= 1
        self._filled[key] = (tokens - 1 if is_allowed else tokens, now)
        return is_allowed


@dataclass(slots=True)
class HourlyPoints:
    """Points spent in each key's present hour, which begins with its first request."""

    _spent: dict[object, tuple[int, datetime]] = field(default_factory=dict)

    def spend(self, key: object, points: int, now: datetime) -> bool:
        """Spend the points; False, and nothing spent, when the hour has not enough left."""
        spent, reset_at = self._spent.get(key, (0, now))
        if now >= reset_at:
            spent, reset_at = 0, now + timedelta(hours=1)
        is_allowed = spent + points <= POINTS_PER_HOUR
        self._spent[key] = (spent + points if is_allowed else spent, reset_at)
        return is_allowed

    def reset_at(self, key: object, now: datetime) -> datetime:
        """When the key's hour ends."""
        _, reset_at = self._spent.get(key, (0, now))
        return reset_at if reset_at > now else now + timedelta(hours=1)
