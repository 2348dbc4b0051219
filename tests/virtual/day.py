"""Sweeps of many sellers in virtual time: the real scheduler and limiter, a simulated upstream.

Only calls are simulated: each takes its latency, and the upstream grants what Amazon documents (or
less). A seller's sweeps take turns page by page, as their jobs do.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from threading import Event
from uuid import UUID, uuid5

from domain.ports import UpstreamThrottled
from domain.sync_sweep import Progress, SweepKind, promised_at
from infra.amazon.calls import OPERATIONS
from infra.budgets import BudgetLimiter, Budgets, Rate
from infra.database import Database
from infra.sandbox.limits import TokenBuckets
from infra.scheduler import due_sweeps
from infra.shops import AMAZON_APPLICATION_RATES, AMAZON_RATES
from infra.sweep_jobs import PAGE_SIZE, group_of
from tests.virtual.service import VirtualClock

LISTINGS, STOCK, CATALOGUE = (
    "searchListingsItems", "getInventorySummaries", "searchCatalogItems",
)  # fmt: skip
APPLICATION_RATE, FBA_SHARE, NOT_BUYABLE_SHARE = 100.0, 0.7, 0.01
TICK_SECONDS = 60.0
SEEDS = UUID(int=0)


@dataclass
class Sweep:
    """One sweep of one seller; `chains` are the calls of its present page, still to be made."""

    seller_id: UUID
    kind: SweepKind
    due_at: datetime
    bindings: int
    started_at: datetime | None = None
    done: int = 0
    foreseen_at: datetime | None = None
    chains: dict[str, int] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)

    def next_page(self) -> None:
        """The calls of the next page, by operation; the operations go on side by side."""
        left = self.bindings - self.done
        size = min(PAGE_SIZE, left)
        self.done += size
        if self.kind == "delta":
            self.done = self.bindings
            self.chains = {LISTINGS: max(1, ceil(self.bindings * NOT_BUYABLE_SHARE / 20))}
        elif self.kind == "catalogue":
            self.chains = {CATALOGUE: ceil(size / 20)}
        else:
            self.chains = {LISTINGS: ceil(size / 20)}
            if self.kind == "stock_price":
                self.chains[STOCK] = ceil(size * FBA_SHARE / 50)


@dataclass
class Report:
    """What came of it: lateness in seconds after the promise (negative is early), by kind."""

    lateness: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    calls: Counter[str] = field(default_factory=Counter)
    least: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    foreseen: list[Sweep] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    under_way: int = 0

    def worst(self, kind: SweepKind) -> float:
        return max(self.lateness[kind])

    @property
    def calls_vs_least(self) -> float:
        return sum(self.calls.values()) / sum(self.least.values())


class SimulatedDay:
    """A discrete-event simulation: the next thing to happen is the one with the earliest time."""

    def __init__(
        self,
        database: Database,
        sellers: int,
        bindings: int,
        *,
        latency_seconds: float = 0.2,
        rate_per_second: float | None = None,
    ) -> None:
        self.clock = VirtualClock(datetime(2026, 12, 1, tzinfo=UTC))
        self.report = Report()
        self._seller_ids = [uuid5(SEEDS, str(number)) for number in range(sellers)]
        self._bindings = bindings
        self._latency = latency_seconds
        self._rate = rate_per_second
        self._granted = TokenBuckets()
        self._budgets = Budgets(database, self.clock.timestamp)
        self._limiters: dict[UUID, BudgetLimiter] = {}
        self._begun: dict[tuple[UUID, str], datetime] = {}
        self._running: set[tuple[UUID, str]] = set()
        self._queues: dict[tuple[UUID, str], deque[Sweep]] = defaultdict(deque)
        self._next: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def run(self, hours: float) -> Report:
        """Only what falls due after the start counts; the rest began before anybody looked."""
        start = self.clock.now
        for sweep in due_sweeps(self._seller_ids, start):
            self._begun[sweep.seller_id, sweep.kind] = sweep.due_at
        ends_at = (start + timedelta(hours=hours)).timestamp()
        self._at(0, self._tick)
        while self._next and self._next[0][0] <= ends_at:
            moment, _, happen = heapq.heappop(self._next)
            self.clock.now = datetime.fromtimestamp(moment, UTC)
            happen()
        self.report.under_way = sum(len(queue) for queue in self._queues.values())
        return self.report

    def _at(self, delay_seconds: float, happen: Callable[[], None]) -> None:
        self._number += 1
        moment = self.clock.timestamp() + delay_seconds
        heapq.heappush(self._next, (moment, self._number, happen))

    def _tick(self) -> None:
        """As the scheduler: begin what is due and was not begun."""
        for due in due_sweeps(self._seller_ids, self.clock.now):
            key = (due.seller_id, due.kind)
            if self._begun[key] < due.due_at if key in self._begun else True:
                self._begun[key] = due.due_at
                self._begin(Sweep(due.seller_id, due.kind, due.due_at, self._bindings))
        self._at(TICK_SECONDS, self._tick)

    def _begin(self, sweep: Sweep) -> None:
        key = (sweep.seller_id, sweep.kind)
        if sweep.kind in ("drift", "report"):
            return
        if key in self._running:
            self.report.skipped[sweep.kind] += 1
            return
        self._running.add(key)
        sweep.started_at = self.clock.now
        self._join(sweep)

    def _count_least(self, sweep: Sweep) -> None:
        """Whole batches of what a sweep reads (DECISIONS 19), of those that ended; no deltas."""
        least = self.report.least
        if sweep.kind in ("status", "stock_price"):
            least[LISTINGS] += ceil(sweep.bindings / 20)
        if sweep.kind == "stock_price":
            least[STOCK] += ceil(sweep.bindings * FBA_SHARE / 50)
        if sweep.kind == "catalogue":
            least[CATALOGUE] += ceil(sweep.bindings / 20)

    def _join(self, sweep: Sweep) -> None:
        """Wait for the turn; pages of one group never run side by side."""
        queue = self._queues[sweep.seller_id, group_of(sweep.kind)]
        queue.append(sweep)
        if len(queue) == 1:
            self._start_page(sweep)

    def _start_page(self, sweep: Sweep) -> None:
        sweep.next_page()
        for operation in list(sweep.chains):
            self._call(sweep, operation)

    def _call(self, sweep: Sweep, operation: str) -> None:
        """One call, as soon as our own budget gives a token; the upstream may still refuse it."""
        limiter = self._limiter(sweep.seller_id)
        try:
            limiter.wait(operation)
        except UpstreamThrottled as spent:
            delay = spent.retry_after_seconds or 1.0
            self._at(delay, lambda: self._call(sweep, operation))
            return
        sweep.made[operation] += 1
        if not self._is_granted(sweep.seller_id, operation):
            self.report.refused += 1
            limiter.pause(operation, None)
            self._at(self._latency, lambda: self._call(sweep, operation))
            return
        if self._rate:
            limiter.observe(operation, self._rate, None)
        sweep.chains[operation] -= 1
        goes_on = sweep.chains[operation] > 0
        self._at(
            self._latency,
            (lambda: self._call(sweep, operation)) if goes_on else lambda: self._end_chain(sweep),
        )

    def _end_chain(self, sweep: Sweep) -> None:
        if any(sweep.chains.values()):
            return
        queue = self._queues[sweep.seller_id, group_of(sweep.kind)]
        queue.popleft()
        if sweep.done >= sweep.bindings:
            self._end(sweep)
        else:
            self._foresee(sweep)
            queue.append(sweep)
        if queue:
            self._start_page(queue[0])

    def _foresee(self, sweep: Sweep) -> None:
        assert sweep.started_at is not None
        projected = Progress(sweep.started_at, sweep.done, sweep.bindings).projected_at(
            self.clock.now
        )
        if sweep.foreseen_at is None and projected > promised_at(sweep.kind, sweep.due_at):
            sweep.foreseen_at = self.clock.now
            self.report.foreseen.append(sweep)

    def _end(self, sweep: Sweep) -> None:
        self._running.discard((sweep.seller_id, sweep.kind))
        late = self.clock.now - promised_at(sweep.kind, sweep.due_at)
        self.report.lateness[sweep.kind].append(late.total_seconds())
        if sweep.kind != "delta":
            self._count_least(sweep)
            self.report.calls += sweep.made

    def _is_granted(self, seller_id: UUID, operation: str) -> bool:
        """What Amazon documents for the pair and for the application, or the rate given."""
        granted = OPERATIONS[operation]
        rate = self._rate or granted.rate_per_second
        now = self.clock.now
        is_pair = self._granted.take((seller_id, operation), rate, granted.burst, now)
        application = self._granted.take((operation,), APPLICATION_RATE, 100, now)
        return is_pair and application

    def _limiter(self, seller_id: UUID) -> BudgetLimiter:
        if seller_id not in self._limiters:
            levels: dict[str, dict[str, Rate]] = {
                f"amazon:{seller_id}": AMAZON_RATES, "amazon": AMAZON_APPLICATION_RATES,
            }  # fmt: skip
            self._limiters[seller_id] = BudgetLimiter(
                self._budgets, levels, patience_seconds=0, stop=Event()
            )
        return self._limiters[seller_id]


def told(report: Report, kinds: Sequence[SweepKind]) -> str:
    """The figures in one line."""
    parts = [
        f"{kind}: {len(report.lateness[kind])} ended, the latest {report.worst(kind) / 60:+.0f} min"
        for kind in kinds
        if report.lateness[kind]
    ]
    return (
        f"{'; '.join(parts)} against the promise; {sum(report.calls.values()):,} calls,"
        f" {report.calls_vs_least:.3f} of the least, {report.refused} refused,"
        f" {len(report.foreseen)} delays foreseen, {sum(report.skipped.values())} not begun"
    )
