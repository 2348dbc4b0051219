"""The breakers of a process: every call to a marketplace passes one, and its outcome is noted.

Failures in a row are counted here; that a breaker opened or closed is a fact, which other processes
read within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import cast
from uuid import UUID

from domain import breaker
from domain.application import AsinSync, Change, acting_for, until_settled
from domain.breaker import BreakerFact, Marketplace, Paused, UpstreamPaused, breaker_id_of
from domain.ports import Clock, UpstreamError, UpstreamThrottled
from domain.stamps import Work

Decide = Callable[[breaker.Breaker, Work], list[BreakerFact]]

ACTOR = "asin-sync"
READ_AGAIN_AFTER = timedelta(seconds=3)


class SellerBreaker:
    """The breaker of one seller at one marketplace, shared by all threads of this process."""

    def __init__(
        self, app: AsinSync, seller_id: UUID, marketplace: Marketplace, clock: Clock
    ) -> None:
        self._app = app
        self._seller_id = seller_id
        self._marketplace = marketplace
        self._stream = breaker_id_of(seller_id, marketplace)
        self._clock = clock
        self._failures = 0
        self._paused: Paused | None = None
        self._tried_at_once: Paused | None = None
        self._read_at: datetime | None = None
        self._lock = Lock()

    def pause(self) -> Paused | None:
        """Why the marketplace is not asked now; None where it may be."""
        self._read()
        paused = self._paused
        if paused is None or paused == self._tried_at_once:
            return None
        return paused if self._clock() < paused.retry_at else None

    def try_now(self) -> None:
        """The seller linked anew: what the old link had to wait for does not count."""
        self._read_at = None
        self._read()
        self._tried_at_once = self._paused

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around one call. Raises UpstreamPaused instead of asking while the breaker is open."""
        if paused := self.pause():
            raise UpstreamPaused(paused, self._clock())
        try:
            yield
        except UpstreamThrottled:
            raise
        except UpstreamError as error:
            self._failed(error)
            raise
        self._answered()

    def _failed(self, error: UpstreamError) -> None:
        """Count it; open where that is enough. A refusal is an answer."""
        self._tried_at_once = None
        if breaker.stops_at_once(error):
            self._open(error, is_for_a_person=True)
        elif breaker.counts_against(error):
            with self._lock:
                self._failures += 1
                is_enough = self._failures >= breaker.FAILURES_MAX or self._paused is not None
            if is_enough:
                self._open(error, is_for_a_person=False)
        else:
            self._answered()

    def _answered(self) -> None:
        self._failures = 0
        if self._paused is not None:
            self._record(lambda it, work: breaker.resume(it, breaker.Resume(stamp=work.stamp())))

    def _open(self, error: UpstreamError, *, is_for_a_person: bool) -> None:
        def decide(it: breaker.Breaker, work: Work) -> list[BreakerFact]:
            return breaker.pause(it, breaker.Pause(
                stamp=work.stamp(), marketplace=self._marketplace, code=error.code,
                reason=str(error), is_for_a_person=is_for_a_person,
            ))  # fmt: skip

        self._record(decide)

    def _record(self, decide: Decide) -> None:
        work = Work(self._clock, ACTOR, self._stream)

        def attempt() -> None:
            known = self._facts()
            state = breaker.fold(known)
            facts = decide(state, work)
            self._app.record(Change(self._stream, state.version, facts))
            self._paused = breaker.fold([*known, *facts]).pause

        with acting_for(self._seller_id):
            until_settled(attempt)

    def _read(self) -> None:
        """What other processes recorded, at most a few seconds ago."""
        now, read_at = self._clock(), self._read_at
        if read_at is not None and timedelta(0) <= now - read_at < READ_AGAIN_AFTER:
            return
        self._read_at = now
        with acting_for(self._seller_id):
            self._paused = breaker.fold(self._facts()).pause

    def _facts(self) -> list[BreakerFact]:
        return cast(list[BreakerFact], self._app.facts_of(self._stream))
