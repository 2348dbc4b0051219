"""SyncSweep: one pass over a seller's live bindings, read page by page from Amazon.

A binding that did not change costs no fact: the sweep ends in one, with counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from domain.facts import Fact
from domain.values import Value

SweepKind = Literal["status", "stock_price", "catalogue"]

INTERVAL_SECONDS: Mapping[SweepKind, int] = {
    "status": 2 * 3600,
    "stock_price": 6 * 3600,
    "catalogue": 24 * 3600,
}
FAILURES_MAX = 100


class SweepFailure(Value):
    """One binding that a sweep could not read; nothing was done to its listing."""

    asin: str
    code: str
    detail: str


class Tally(Value):
    """What a sweep has seen so far; page jobs hand it on."""

    bindings: int = 0
    changed: int = 0
    failed: int = 0
    counts_by_code: Mapping[str, int] = {}
    failures: tuple[SweepFailure, ...] = ()

    def plus(self, other: Tally) -> Tally:
        """The sum; only the first hundred failures are kept by name, all are counted."""
        codes = {
            code: self.counts_by_code.get(code, 0) + other.counts_by_code.get(code, 0)
            for code in sorted({*self.counts_by_code, *other.counts_by_code})
        }
        return Tally(
            bindings=self.bindings + other.bindings,
            changed=self.changed + other.changed,
            failed=self.failed + other.failed,
            counts_by_code=codes,
            failures=(*self.failures, *other.failures)[:FAILURES_MAX],
        )


class PageFailed(Fact):
    """A page of a sweep could not be read whole: these bindings were left as they are."""

    TOPIC: ClassVar[str] = "sync_sweep.page_failed"
    kind: SweepKind
    page: int
    failures: tuple[SweepFailure, ...]


class Finished(Fact):
    """The sweep is over: every live binding was read, or counted as failed."""

    TOPIC: ClassVar[str] = "sync_sweep.finished"
    kind: SweepKind
    due_at: AwareDatetime
    started_at: AwareDatetime
    tally: Tally


SweepFact = PageFailed | Finished


def due_at_epoch_seconds(kind: SweepKind, phase: float, now_epoch_seconds: float) -> int:
    """The last moment at or before now when this sweep was due.

    `phase` in [0, 1) spreads sellers over the interval, so that not all are due at once.
    """
    interval = INTERVAL_SECONDS[kind]
    offset = int(phase * interval)
    return int((now_epoch_seconds - offset) // interval) * interval + offset
