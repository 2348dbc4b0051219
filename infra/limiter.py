"""The budget of calls that an adapter asks before each one; who keeps it is decided elsewhere."""

from __future__ import annotations

from typing import Protocol


class Limiter(Protocol):
    """The call budget of one seller, by operation name."""

    def wait(self, operation: str) -> None:
        """Block until the budget gives a token.

        Raises UpstreamThrottled if that would exceed the limiter's patience, or at a stop.
        """

    def observe(
        self, operation: str, rate_per_second: float | None, reset_seconds: float | None
    ) -> None:
        """Learn the rate, or the seconds until the budget is full again, from an answer's header.

        Called only when an answer, a 429 included, carried at least one of them.
        """

    def pause(self, operation: str, seconds: float | None) -> None:
        """Heed a 429: the bucket that the operation spends from stays empty for so long.

        None = not said how long: until the bucket would hold a token again.
        """
