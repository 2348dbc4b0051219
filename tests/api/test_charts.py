"""Charts never lose a count, never leave their frame, and never draw what was not counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api.pages.charts import buckets_of, deviation_bars, due_bars, price_plot, trend
from domain.business_days import is_business_day
from projections.health_score import SYNC_SUCCESS_RATE_TARGET, WINDOWS, HourRow, Window

NOW = datetime(2026, 11, 23, 5, 32, tzinfo=UTC)
attempts = st.integers(0, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def rows(counts: dict[int, tuple[int, int]]) -> list[HourRow]:
    top = NOW.replace(minute=0)
    return [
        HourRow(UUID(int=1), top - timedelta(hours=back), tried, failed)
        for back, (tried, failed) in counts.items()
    ]


@given(st.dictionaries(st.integers(0, 23), attempts), st.sampled_from(["24h", "30d"]))
def test_whatever_was_counted_is_in_exactly_one_bucket(
    counts: dict[int, tuple[int, int]], window: Window
) -> None:
    since = (NOW - WINDOWS[window]).replace(minute=0)
    buckets = buckets_of(rows(counts), since, NOW, window)
    assert sum(each.attempts for each in buckets) == sum(tried for tried, _ in counts.values())
    assert sum(each.failed for each in buckets) == sum(failed for _, failed in counts.values())
    assert buckets[-1].start <= NOW < buckets[-1].end


@given(st.dictionaries(st.integers(0, 23), attempts))
def test_however_bad_the_hours_the_trend_stays_inside_its_frame(
    counts: dict[int, tuple[int, int]],
) -> None:
    since = (NOW - WINDOWS["24h"]).replace(minute=0)
    drawn = trend(buckets_of(rows(counts), since, NOW, "24h"), SYNC_SUCCESS_RATE_TARGET)
    for column in drawn.columns:
        assert (column.center_y is None) == (column.bucket.attempts == 0)
        assert column.center_y is None or 0 <= column.center_y <= 100
    assert bool(drawn.pieces) == any(tried for tried, _ in counts.values())


@given(st.lists(st.tuples(st.integers(-40, 40).map(lambda n: n / 2), st.integers(1, 900))))
def test_however_far_prices_deviate_every_listing_is_in_the_histogram(
    deviations: list[tuple[float, int]],
) -> None:
    bars = deviation_bars(deviations, 3.5)
    assert sum(bar.bindings for bar in bars) == sum(number for _, number in deviations)
    assert all(bar.is_out == (abs(bar.pct) > 3.5) for bar in bars)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.lists(st.integers(-40, 60), max_size=20))
def test_whenever_applications_are_due_each_is_in_one_bar_of_a_business_day(
    today: date, days: list[int]
) -> None:
    bars = due_bars([today + timedelta(days=each) for each in days], today)
    assert sum(bar.count for bar in bars) == len(days)
    assert bars[0].count == sum(each < 0 for each in days)
    assert all(is_business_day(bar.noon.date()) for bar in bars[2:])
    assert all(bar.y >= 0 and bar.y + bar.height <= 100.01 for bar in bars)
    assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in bars)


def test_prices_are_steps_over_the_time_above_policy_and_a_quarter_before() -> None:
    begun, now = NOW - timedelta(days=4), NOW
    amazon = [(begun - timedelta(days=9), 1_000), (begun, 800)]
    limit = [(begun - timedelta(days=9), 1_150), (begun, 920)]
    plot = price_plot(amazon, limit, [(begun - timedelta(days=9), 1_100)], begun, now)
    assert plot is not None
    assert plot.since_x == 20
    assert plot.ticks == [(100, 800), (0, 1_150)]
    assert plot.amazon == "0.0,42.9 200.0,42.9 200.0,100.0 1000.0,100.0"
    assert plot.limit == "0.0,0.0 200.0,0.0 200.0,65.7 1000.0,65.7"
    assert plot.shown == "0.0,14.3 1000.0,14.3"


def test_prices_that_are_not_known_make_no_plot() -> None:
    known = [(NOW, 1_000)]
    assert price_plot([], [], known, NOW, NOW) is None
    assert price_plot(known, known, [], NOW, NOW) is None
    level = price_plot(known, known, known, NOW, NOW)
    assert level is not None
    assert level.shown == "0.0,100.0 0.0,100.0"
