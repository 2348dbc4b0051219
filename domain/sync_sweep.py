"""SyncSweep: one pass over a seller's live bindings, read page by page from a marketplace.

A binding that did not change costs no fact: the sweep ends in one, with counts. What a sweep did
not do, and why, is a fact as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple

from pydantic import AwareDatetime

from domain.facts import Fact
from domain.values import Value

SweepKind = Literal["status", "stock_price", "catalogue", "delta", "drift", "report"]

INTERVAL_SECONDS: Mapping[SweepKind, int] = {
    "status": 2 * 3600,
    "stock_price": 6 * 3600,
    "catalogue": 24 * 3600,
    "delta": 600,
    "drift": 6 * 3600,
    "report": 24 * 3600,
}
"""How often each sweep is due. `delta` reads only what can't be bought on Amazon, `report` reads
again what Amazon's daily report says otherwise, `drift` reads Mercari. A stock and price sweep
reads what a status scan reads, so it stands for every third."""

PROMISE_SECONDS: Mapping[SweepKind, int] = {
    "status": 2 * 3600,
    "stock_price": 30 * 60,
    "catalogue": 24 * 3600,
    "delta": 600,
    "drift": 6 * 3600,
    "report": 24 * 3600,
}
"""How long after it was due a sweep must have ended (SPEC §5)."""

FAILURES_MAX = 100
LOST_AFTER = timedelta(hours=1)
"""A page takes minutes, a pause at most half an hour: what stands still for longer is lost."""


class SweepFailure(Value):
    """One binding that a sweep could not read; nothing was done to its listing."""

    asin: str
    code: str
    detail: str


class Tally(Value):
    """What a sweep has seen so far; page jobs hand it on.

    `drastic` counts bindings that it would have suspended or re-priced, `held` those of them that
    the brake held back.
    """

    bindings: int = 0
    changed: int = 0
    failed: int = 0
    drastic: int = 0
    held: int = 0
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
            drastic=self.drastic + other.drastic,
            held=self.held + other.held,
            counts_by_code=codes,
            failures=(*self.failures, *other.failures)[:FAILURES_MAX],
        )


class PageFailed(Fact):
    """A page of a sweep could not be read whole: these bindings were left as they are."""

    TOPIC: ClassVar[str] = "sync_sweep.page_failed"
    kind: SweepKind
    page: int
    failures: tuple[SweepFailure, ...]


class HeldChange(Value):
    """A change that a second reading did not confirm; `first` and `second` are what was read."""

    asin: str
    first: str
    second: str


class BrakeApplied(Fact):
    """The sweep would change more listings than its limit, so each was read a second time.

    What the second reading confirmed went on; `held` (the first hundred of `held_count`) did not.
    """

    TOPIC: ClassVar[str] = "sync_sweep.brake_applied"
    kind: SweepKind
    page: int
    listings: int
    limit: int
    rate: Decimal
    drastic: int
    confirmed: int
    held_count: int
    held: tuple[HeldChange, ...]


class DelayForeseen(Fact):
    """At its present pace the sweep will end later than was promised."""

    TOPIC: ClassVar[str] = "sync_sweep.delay_foreseen"
    kind: SweepKind
    due_at: AwareDatetime
    promised_at: AwareDatetime
    projected_at: AwareDatetime
    done: int
    listings: int


class Skipped(Fact):
    """The sweep did not begin: the one before it was still under way."""

    TOPIC: ClassVar[str] = "sync_sweep.skipped"
    kind: SweepKind
    due_at: AwareDatetime
    running_since: AwareDatetime


class Finished(Fact):
    """The sweep is over: every live binding was read, or counted as failed.

    `stopped_by` says what ended it before its last page, where something did.
    """

    TOPIC: ClassVar[str] = "sync_sweep.finished"
    kind: SweepKind
    due_at: AwareDatetime
    started_at: AwareDatetime
    tally: Tally
    stopped_by: str | None = None


SweepFact = PageFailed | BrakeApplied | DelayForeseen | Skipped | Finished


def promised_at(kind: SweepKind, due_at: datetime) -> datetime:
    """When a sweep that was due then must have ended."""
    return due_at + timedelta(seconds=PROMISE_SECONDS[kind])


def due_at_epoch_seconds(kind: SweepKind, offset_seconds: int, now_epoch_seconds: float) -> int:
    """The last moment at or before now when this sweep was due.

    `offset_seconds` spreads sellers over the interval, so that not all are due at once.
    """
    interval = INTERVAL_SECONDS[kind]
    return int((now_epoch_seconds - offset_seconds) // interval) * interval + offset_seconds


def offset_seconds(kind: SweepKind, lot: int) -> int:
    """The seller's fixed place within the interval, from its lot (any number, well spread).

    Stock and price sweeps fall on every third status scan, and so take its place.
    """
    scan = lot % INTERVAL_SECONDS["status"]
    match kind:
        case "status":
            return scan
        case "stock_price":
            return scan + lot // INTERVAL_SECONDS["status"] % 3 * INTERVAL_SECONDS["status"]
        case _:
            return lot % INTERVAL_SECONDS[kind]


class Progress(NamedTuple):
    """How far a sweep has come."""

    started_at: datetime
    done: int
    listings: int

    def projected_at(self, now: datetime) -> datetime:
        """When it will end at its pace so far; now, where nothing is left."""
        left = max(0, self.listings - self.done)
        if left == 0 or self.done == 0:
            return now
        return now + (now - self.started_at) * left / self.done
