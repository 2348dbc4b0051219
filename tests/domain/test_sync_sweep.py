"""Sweeps: when they are due, and how their counts add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sync_sweep import (
    FAILURES_MAX,
    INTERVAL_SECONDS,
    Progress,
    SweepFailure,
    SweepKind,
    Tally,
    due_at_epoch_seconds,
    offset_seconds,
)

KINDS = st.sampled_from(sorted(INTERVAL_SECONDS))
LOTS = st.integers(0, 2**64 - 1)
MOMENTS = st.floats(1.6e9, 4e9)

tallies = st.builds(
    Tally,
    bindings=st.integers(0, 10_000),
    changed=st.integers(0, 10_000),
    failed=st.integers(0, 10_000),
    counts_by_code=st.dictionaries(st.sampled_from(["E-901", "E-902", "E-903"]), st.integers(1)),
    failures=st.lists(
        st.builds(
            SweepFailure, asin=st.just("B0EXAMPLE1"), code=st.just("E-901"), detail=st.text()
        ),
        max_size=3,
    ).map(tuple),
)


@pytest.mark.parametrize(("kind", "hours"), [("status", 2), ("stock_price", 6), ("catalogue", 24)])
def test_a_sweep_comes_as_often_as_the_platform_promises(kind: SweepKind, hours: int) -> None:
    assert INTERVAL_SECONDS[kind] == hours * 3600


@given(kind=KINDS, lot=LOTS, now=MOMENTS)
def test_the_last_due_moment_is_never_in_the_future_nor_an_interval_ago(
    kind: SweepKind, lot: int, now: float
) -> None:
    due = due_at_epoch_seconds(kind, offset_seconds(kind, lot), now)
    assert due <= now < due + INTERVAL_SECONDS[kind]


@given(kind=KINDS, lot=LOTS, now=MOMENTS)
def test_whatever_the_lot_due_moments_follow_each_other_by_one_interval(
    kind: SweepKind, lot: int, now: float
) -> None:
    interval = INTERVAL_SECONDS[kind]
    dues = [
        due_at_epoch_seconds(kind, offset_seconds(kind, lot), now + turn * interval)
        for turn in range(4)
    ]
    assert [later - earlier for earlier, later in pairwise(dues)] == [interval] * 3


@given(kind=KINDS, lot=LOTS, now=MOMENTS)
def test_asking_at_the_due_moment_itself_gives_that_moment(
    kind: SweepKind, lot: int, now: float
) -> None:
    due = due_at_epoch_seconds(kind, offset_seconds(kind, lot), now)
    assert due_at_epoch_seconds(kind, offset_seconds(kind, lot), due) == due


def test_two_sellers_are_due_at_two_moments() -> None:
    assert offset_seconds("status", 1) != offset_seconds("status", 3600)


@given(lot=LOTS, now=MOMENTS)
def test_every_stock_and_price_sweep_falls_on_a_status_scan(lot: int, now: float) -> None:
    stock_price = due_at_epoch_seconds("stock_price", offset_seconds("stock_price", lot), now)
    status = due_at_epoch_seconds("status", offset_seconds("status", lot), stock_price)
    assert status == stock_price


@given(done=st.integers(1, 1000), left=st.integers(0, 1000), seconds=st.integers(1, 10_000))
def test_a_sweep_is_projected_to_end_at_the_pace_that_it_had(
    done: int, left: int, seconds: int
) -> None:
    began = datetime(2026, 11, 26, tzinfo=UTC)
    now = began + timedelta(seconds=seconds)
    projected = Progress(began, done, done + left).projected_at(now)
    assert abs((projected - now).total_seconds() - seconds * left / done) < 0.001


@given(one=tallies, other=tallies)
def test_whatever_two_pages_saw_the_counts_add_up(one: Tally, other: Tally) -> None:
    total = one.plus(other)
    assert total.bindings == one.bindings + other.bindings
    assert total.changed == one.changed + other.changed
    assert total.failed == one.failed + other.failed
    for code in ("E-901", "E-902", "E-903"):
        parts = one.counts_by_code.get(code, 0) + other.counts_by_code.get(code, 0)
        assert total.counts_by_code.get(code, 0) == parts
    assert total.failures == (*one.failures, *other.failures)


@given(tally=tallies)
def test_a_page_that_saw_nothing_changes_no_count(tally: Tally) -> None:
    assert Tally().plus(tally) == tally.plus(Tally())


def test_only_the_first_hundred_failures_are_kept_by_name_and_all_are_counted() -> None:
    def page(start: int) -> Tally:
        failures = tuple(
            SweepFailure(asin=f"B{number:09}", code="E-901", detail="")
            for number in range(start, start + 80)
        )
        return Tally(bindings=80, failed=80, counts_by_code={"E-901": 80}, failures=failures)

    total = page(0).plus(page(80))
    assert (total.failed, total.counts_by_code) == (160, {"E-901": 160})
    assert [each.asin for each in total.failures] == [
        f"B{number:09}" for number in range(FAILURES_MAX)
    ]
