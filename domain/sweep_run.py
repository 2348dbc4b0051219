"""A sweep under way: what its pages hand on, how they record, and what the sweep itself records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from domain.application import AsinSync, Change, until_settled
from domain.asin_binding import AsinBinding, BindingFact
from domain.errors import VersionConflict
from domain.ports import Sources, UpstreamError
from domain.seller import Seller
from domain.stamps import Work
from domain.sync_sweep import (
    FAILURES_MAX,
    DelayForeseen,
    Finished,
    Progress,
    Skipped,
    SweepFact,
    SweepFailure,
    SweepKind,
    Tally,
    promised_at,
)
from domain.uploads import ON_THE_WAY, changes_of
from domain.values import Value, sweep_id_of

Decide = Callable[[AsinBinding], list[BindingFact]]
Decided = dict[UUID, Sequence[BindingFact]]


class LiveBinding(NamedTuple):
    """What a sweep knows of a binding beforehand, to load only those that may have changed."""

    seller_id: UUID
    binding_id: UUID
    asin: str
    sku: str | None
    status: str
    amazon_price_jpy: int | None
    amazon_quantity: int | None
    title: str | None = None
    image_url: str | None = None
    browse_path: Sequence[str] | None = None
    certificates: Sequence[Mapping[str, object]] | None = None


Account = Literal["active", "doubtful", "suspended", "unknown"]
"""Doubtful: Amazon said once that it is suspended; that is believed when said a second time."""


class SweepRun(Value):
    """A sweep under way: what its page jobs hand on.

    `first` are the bindings that the first page takes out of turn, being hot or failing; `after` is
    the id of the last binding taken in turn; `left` was taken, and is to be read again. `account`
    is what Amazon said of the whole account: only an active one lets a listing return to sale.
    """

    kind: SweepKind
    due_at: AwareDatetime
    started_at: AwareDatetime
    listings: int
    page: int = 1
    after: UUID = UUID(int=0)
    first: tuple[UUID, ...] = ()
    left: tuple[UUID, ...] = ()
    report_id: str | None = None
    is_report_read: bool = False
    account: Account = "unknown"
    account_asked_at: AwareDatetime | None = None
    is_brake_off: bool = False
    is_delay_foreseen: bool = False
    tally: Tally = Tally()

    def sweep_id(self, seller_id: UUID) -> UUID:
        return sweep_id_of(seller_id, self.kind, self.due_at)

    def plus(self, tally: Tally) -> SweepRun:
        return self.model_copy(update={"tally": self.tally.plus(tally)})

    def progress(self) -> Progress:
        return Progress(self.started_at, self.tally.bindings, self.listings)


class Desk(NamedTuple):
    """What a page is worked on with."""

    app: AsinSync
    seller: Seller
    sources: Sources
    work: Work


class Page(NamedTuple):
    """What came of a page, with every failure by name.

    `left` was not read, as `waits_for` asks to wait: no failure yet.
    """

    tally: Tally
    failures: tuple[SweepFailure, ...] = ()
    left: tuple[UUID, ...] = ()
    waits_for: UpstreamError | None = None


# --- recording ----------------------------------------------------------------------------------


def decide_all(loaded: Mapping[UUID, AsinBinding], decides: Mapping[UUID, Decide]) -> Decided:
    """The facts for each binding that has any."""
    decided = {key: decides[key](binding) for key, binding in loaded.items()}
    return {key: facts for key, facts in decided.items() if facts}


def record_all(
    desk: Desk,
    loaded: Mapping[UUID, AsinBinding],
    decided: Decided,
    decides: Mapping[UUID, Decide],
) -> int:
    """Record what was decided, together; how many bindings that changed.

    A binding that moved on meanwhile is decided anew by itself, and so is one whose upload's row
    waits for it.
    """
    together = {key for key in decided if loaded[key].status not in ON_THE_WAY}
    changes = [Change(key, loaded[key].version, decided[key]) for key in together]
    try:
        desk.app.record(*changes)
    except VersionConflict:
        together = set()
    alone = [key for key in decided if key not in together]
    return len(together) + sum(record(desk.app, key, decides[key], desk.work) for key in alone)


def record(app: AsinSync, binding_id: UUID, decide: Decide, work: Work) -> bool:
    """Load, decide, record; True when there was something to record."""

    def attempt() -> bool:
        binding = app.binding(binding_id)
        facts = decide(binding) if binding else []
        return binding is not None and bool(app.record(*changes_of(app, binding, facts, work)))

    return until_settled(attempt)


def unread(binding: LiveBinding, code: str, detail: str) -> SweepFailure:
    return unread_asin(binding.asin, code, detail)


def unread_asin(asin: str, code: str, detail: str) -> SweepFailure:
    return SweepFailure(asin=asin, code=code, detail=detail)


def failed(failures: Sequence[SweepFailure]) -> Tally:
    """Bindings that could not be read: nothing was done to their listings."""
    return Tally(
        failed=len(failures),
        counts_by_code=dict(Counter(failure.code for failure in failures)),
        failures=tuple(failures[:FAILURES_MAX]),
    )


# --- the sweep's own stream ---------------------------------------------------------------------


def stop_sweep(
    app: AsinSync, seller_id: UUID, run: SweepRun, code: str, reason: str, work: Work
) -> None:
    """End a sweep that can't go on: every binding not yet read is counted as failed."""
    left = max(0, run.listings - run.tally.bindings)
    rest = Tally(bindings=left, failed=left, counts_by_code={code: left} if left else {})
    stopped = run.model_copy(update={"tally": run.tally.plus(rest)})
    finish_sweep(app, seller_id, stopped, work, stopped_by=reason)


def finish_sweep(
    app: AsinSync, seller_id: UUID, run: SweepRun, work: Work, stopped_by: str | None = None
) -> None:
    """Record the end of a sweep once; a job that runs again finds it ended."""
    append_to_sweep(app, run.sweep_id(seller_id), Finished(
        stamp=work.stamp(), kind=run.kind, due_at=run.due_at, started_at=run.started_at,
        tally=run.tally, stopped_by=stopped_by,
    ))  # fmt: skip


def foresee_delay(desk: Desk, run: SweepRun) -> SweepRun:
    """Say once that the sweep will end too late, as soon as its pace shows it."""
    promise, now = promised_at(run.kind, run.due_at), desk.work.clock()
    progress = run.progress()
    projected = progress.projected_at(now)
    if run.is_delay_foreseen or projected <= promise:
        return run
    record_on_sweep(desk, run, DelayForeseen(
        stamp=desk.work.stamp(), kind=run.kind, due_at=run.due_at, promised_at=promise,
        projected_at=projected, done=progress.done, listings=progress.listings,
    ))  # fmt: skip
    return run.model_copy(update={"is_delay_foreseen": True})


def skip_sweep(
    app: AsinSync,
    seller_id: UUID,
    kind: SweepKind,
    due_at: datetime,
    running_since: datetime,
    work: Work,
) -> None:
    """Record that a sweep did not begin, as the one before it was still under way."""
    fact = Skipped(stamp=work.stamp(), kind=kind, due_at=due_at, running_since=running_since)
    append_to_sweep(app, sweep_id_of(seller_id, kind, due_at), fact)


def record_on_sweep(desk: Desk, run: SweepRun, fact: SweepFact) -> None:
    append_to_sweep(desk.app, run.sweep_id(desk.seller.seller_id), fact)


def append_to_sweep(app: AsinSync, sweep_id: UUID, fact: SweepFact) -> None:
    """Append it, unless the sweep has ended, or the same page has said it before."""
    page = getattr(fact, "page", None)

    def attempt() -> int | None:
        facts = app.facts_of(sweep_id)
        if any(isinstance(each, Finished | Skipped) for each in facts):
            return None
        same = (each for each in facts if type(each) is type(fact))
        if page is not None and any(getattr(each, "page", None) == page for each in same):
            return None
        return app.record(Change(sweep_id, len(facts), [fact]))

    until_settled(attempt)
