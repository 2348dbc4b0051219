"""Recording what a page decided, with the brake on: many drastic changes only on two readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from domain.asin_binding import AsinBinding
from domain.brake import Brake, brake_of, drastic_among
from domain.policy import policy_of
from domain.sweep_run import (
    Decide,
    Decided,
    Desk,
    SweepRun,
    decide_all,
    failed,
    record_all,
    record_on_sweep,
)
from domain.sync_sweep import FAILURES_MAX, BrakeApplied, HeldChange, SweepFailure, Tally

HELD = "E-905"


class Reread(NamedTuple):
    """What a second reading led to, and which bindings it told of at all."""

    decided: Decided
    told: set[UUID]


ReadAgain = Callable[[Sequence[UUID]], Reread]


def record_braked(
    desk: Desk,
    run: SweepRun,
    loaded: Mapping[UUID, AsinBinding],
    decides: Mapping[UUID, Decide],
    again: ReadAgain | None,
) -> tuple[Tally, Sequence[SweepFailure]]:
    """Record the page's decisions; those that the brake held are failures.

    Without `again` nothing is held: the changes were confirmed in another way.
    """
    decided = decide_all(loaded, decides)
    drastic = drastic_among(decided)
    rate = desk.seller.brake_rate
    brake = brake_of(policy_of(), run.listings, rate, is_off=run.is_brake_off)
    held: list[HeldChange] = []
    if again is not None and brake.holds(run.tally.drastic + len(drastic)):
        held = hold_unconfirmed(desk, run, brake, loaded, decided, drastic, again)
    changed = record_all(desk, loaded, decided, decides)
    failures = [SweepFailure(asin=each.asin, code=HELD, detail=each.second) for each in held]
    tally = Tally(changed=changed, drastic=len(drastic), held=len(held)).plus(failed(failures))
    return tally, failures


def hold_unconfirmed(
    desk: Desk,
    run: SweepRun,
    brake: Brake,
    loaded: Mapping[UUID, AsinBinding],
    decided: Decided,
    drastic: Mapping[UUID, str],
    again: ReadAgain,
) -> list[HeldChange]:
    """Read each drastic change a second time; what that does not confirm leaves `decided`."""
    reread = again(list(drastic)[::-1])
    confirmed = drastic_among(reread.decided)
    held: list[HeldChange] = []
    for key, first in drastic.items():
        if confirmed.get(key) == first:
            continue
        seen = confirmed.get(key) or ("no change" if key in reread.told else "no answer")
        held.append(HeldChange(asin=loaded[key].asin, first=first, second=seen))
        del decided[key]
    record_on_sweep(desk, run, BrakeApplied(
        stamp=desk.work.stamp(), kind=run.kind, page=run.page, listings=run.listings,
        limit=brake.limit, rate=brake.rate, drastic=len(drastic),
        confirmed=len(drastic) - len(held), held_count=len(held), held=tuple(held[:FAILURES_MAX]),
    ))  # fmt: skip
    return held
