"""Pure geometry for the inline SVG charts: numbers in, coordinates out; templates only place them.

All coordinates are percent of the drawing, except the trend's line, which lies in 1000 x 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby

from api.l10n import JST
from domain.business_days import business_day_after
from projections.health_score import HourRow, Window

TREND_FLOORS = (0.98, 0.95, 0.9, 0.75, 0.5, 0.0)
DEVIATION_PCT_MAX = 5.0
DEVIATION_PCT_STEP = 0.5
DUE_DAYS = 8
SPARK_WIDTH, SPARK_HEIGHT, SPARK_BARS = 72.0, 20.0, 12


@dataclass
class Bucket:
    """The attempts of one hour, or of one day in JST."""

    start: datetime
    end: datetime
    attempts: int = 0
    failed: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """The share that succeeded; None where nothing was attempted."""
        return (self.attempts - self.failed) / self.attempts if self.attempts else None

    def is_ok(self, target: float) -> bool | None:
        return None if self.rate is None else self.rate >= target

    def add(self, hour: HourRow) -> None:
        self.attempts += hour.attempts
        self.failed += hour.failed
        for code, number in hour.codes.items():
            self.codes[code] = self.codes.get(code, 0) + number


def buckets_of(
    hours: Iterable[HourRow], since: datetime, now: datetime, window: Window
) -> list[Bucket]:
    """Every hour of the day, or every day of the month, whether something happened in it or not."""
    step = timedelta(hours=1) if window == "24h" else timedelta(days=1)
    start = since.astimezone(JST)
    if window == "30d":
        start = start.replace(hour=0)
    buckets: list[Bucket] = []
    while start <= now:
        buckets.append(Bucket(start, start + step))
        start += step
    for hour in hours:
        buckets[(hour.hour - buckets[0].start) // step].add(hour)
    return buckets


def scale(value: float, low: float, high: float) -> float:
    """Where the value lies between low and high, in percent, cut at both ends."""
    return round(100 * max(0.0, min(1.0, (value - low) / (high - low))), 2)


@dataclass(frozen=True)
class Column:
    """One bucket's place in the trend; `center_y` is None where nothing was attempted."""

    bucket: Bucket
    x: float
    width: float
    center_x: float
    center_y: float | None
    is_ok: bool | None


@dataclass(frozen=True)
class Trend:
    """The line in pieces, broken where nothing was attempted. `ticks` are (y, rate)."""

    pieces: Sequence[str]
    areas: Sequence[str]
    target_y: float
    ticks: Sequence[tuple[float, float]]
    columns: Sequence[Column]


def trend(buckets: Sequence[Bucket], target: float) -> Trend:
    """The success rate over time, on a scale that reaches down to the worst bucket."""
    rates = [bucket.rate for bucket in buckets if bucket.rate is not None]
    worst = min(rates, default=1.0)
    floor = next(each for each in TREND_FLOORS if worst >= each)
    low = max(0.0, floor - (1 - floor) * 0.25)
    width = 100 / len(buckets)
    columns = [
        Column(
            bucket=bucket,
            x=round(number * width, 3),
            width=round(width, 3),
            center_x=round((number + 0.5) * width, 3),
            center_y=None if bucket.rate is None else round(100 - scale(bucket.rate, low, 1), 2),
            is_ok=bucket.is_ok(target),
        )
        for number, bucket in enumerate(buckets)
    ]
    pieces = [points_of(list(run)) for drawn, run in groupby(columns, has_rate) if drawn]
    return Trend(
        pieces=[" ".join(f"{x},{y}" for x, y in points) for points in pieces],
        areas=[area_of(points) for points in pieces],
        target_y=round(100 - scale(target, low, 1), 2),
        ticks=[(round(100 - scale(rate, low, 1), 2), rate) for rate in (1.0, floor)],
        columns=columns,
    )


def has_rate(column: Column) -> bool:
    return column.center_y is not None


def points_of(columns: Sequence[Column]) -> list[tuple[float, float]]:
    """The points of one piece; a piece of one bucket is a dash, so that it can be seen."""
    points = [(10 * column.center_x, column.center_y or 0.0) for column in columns]
    if len(points) == 1:
        (x, y) = points[0]
        points = [(x - 6, y), (x + 6, y)]
    return [(round(x, 1), y) for x, y in points]


def area_of(points: Sequence[tuple[float, float]]) -> str:
    line = " ".join(f"{x},{y}" for x, y in points)
    return f"{points[0][0]},100 {line} {points[-1][0]},100"


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram; the outermost ones also hold everything beyond."""

    pct: float
    bindings: int
    x: float
    y: float
    width: float
    height: float
    is_out: bool


def deviation_bars(deviations: Sequence[tuple[float, int]], limit_pct: float) -> list[Bar]:
    """Bindings by signed deviation in half points from -5 to +5, on a square-root scale."""
    steps = round(2 * DEVIATION_PCT_MAX / DEVIATION_PCT_STEP) + 1
    held = [0] * steps
    for pct, bindings in deviations:
        inside = max(-DEVIATION_PCT_MAX, min(DEVIATION_PCT_MAX, pct))
        held[round((inside + DEVIATION_PCT_MAX) / DEVIATION_PCT_STEP)] += bindings
    most = max(max(held), 1)
    bars: list[Bar] = []
    for number, bindings in enumerate(held):
        pct = number * DEVIATION_PCT_STEP - DEVIATION_PCT_MAX
        height = round(max(1.0, 100 * (bindings / most) ** 0.5), 2) if bindings else 0.0
        width = 100 / steps
        bars.append(
            Bar(
                pct=pct, bindings=bindings, x=round(number * width + 0.35, 3),
                y=round(100 - height, 2), width=round(width - 0.7, 3), height=height,
                is_out=abs(pct) > limit_pct,
            )
        )  # fmt: skip
    return bars


def deviation_x(pct: float) -> float:
    """Where a deviation lies across the histogram."""
    half = DEVIATION_PCT_MAX + DEVIATION_PCT_STEP / 2
    return scale(pct, -half, half)


def spark(buckets: Sequence[Bucket], code: str) -> list[Mapping[str, float]]:
    """The failures with this code in the last buckets, as bars in pixels."""
    values = [bucket.codes.get(code, 0) for bucket in buckets[-SPARK_BARS:]]
    most = max(max(values), 1)
    step = SPARK_WIDTH / SPARK_BARS
    heights = [max(1.5, value / most * (SPARK_HEIGHT - 2)) for value in values]
    return [
        {"x": round(number * step, 2), "y": round(SPARK_HEIGHT - height, 2), "h": round(height, 2)}
        for number, height in enumerate(heights)
    ]


@dataclass(frozen=True)
class DueBar:
    """What is due on one business day: overdue in the first bar, all that is later in the last."""

    noon: datetime
    count: int
    is_overdue: bool
    x: float
    center_x: float
    y: float
    width: float
    height: float


def due_bars(days_due: Sequence[date], today: date) -> list[DueBar]:
    """Overdue, then today and the business days that follow it."""
    noon = datetime.combine(today, time(12), JST)
    days = [today, *(business_day_after(noon, number) for number in range(1, DUE_DAYS))]
    held = [0] * (DUE_DAYS + 1)
    for due_on in days_due:
        place = next((n for n, day in enumerate(days, 1) if due_on <= day), DUE_DAYS)
        held[place if due_on >= today else 0] += 1
    most, width = max(max(held), 1), 100 / len(held)
    return [
        DueBar(
            noon=datetime.combine(day, time(12), JST), count=count, is_overdue=number == 0,
            x=round(number * width + 0.8, 3), center_x=round((number + 0.5) * width, 3),
            y=round(100 - 100 * count / most, 2), width=round(width - 1.6, 3),
            height=round(100 * count / most, 2),
        )
        for number, (day, count) in enumerate(zip([today, *days], held, strict=True))
    ]  # fmt: skip


PriceSteps = Sequence[tuple[datetime, int]]
"""What a price was from each moment on, in order."""


@dataclass(frozen=True)
class PricePlot:
    """Amazon's price, the highest that the policy allows, and the one shown, as stepped lines.

    `since_x` is where the time above policy begins; `ticks` are (y, yen) of the lowest and highest.
    """

    amazon: str
    limit: str
    shown: str
    since_x: float
    ticks: Sequence[tuple[float, int]]


def price_plot(
    amazon: PriceSteps, limit: PriceSteps, shown: PriceSteps, since: datetime, now: datetime
) -> PricePlot | None:
    """The lines in 1000 x 100; None where a price is not known at all."""
    if not (amazon and limit and shown):
        return None
    prices = [price for steps in (amazon, limit, shown) for _, price in steps]
    low, high = min(prices), max(max(prices), min(prices) + 1)
    begun = since - (max(now, since) - since) / 4

    def line(steps: PriceSteps) -> str:
        points = stepped([(max(at, begun), price) for at, price in visible(steps, begun)], now)
        placed = (
            (10 * place_in_time(at, begun, now), 100 - scale(price, low, high))
            for at, price in points
        )
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)

    return PricePlot(
        amazon=line(amazon), limit=line(limit), shown=line(shown),
        since_x=place_in_time(since, begun, now), ticks=[(100, low), (0, high)],
    )  # fmt: skip


def visible(steps: PriceSteps, begun: datetime) -> PriceSteps:
    """The steps after a moment, and the last one before it."""
    before = [each for each in steps if each[0] <= begun]
    return [*before[-1:], *(each for each in steps if each[0] > begun)]


def stepped(steps: PriceSteps, now: datetime) -> list[tuple[datetime, int]]:
    """Each price until the next one begins, the last one until now."""
    ends = [*(at for at, _ in steps[1:]), now]
    return [
        point
        for (at, price), end in zip(steps, ends, strict=True)
        for point in ((at, price), (max(at, end), price))
    ]


def place_in_time(at: datetime, begun: datetime, now: datetime) -> float:
    """Where a moment lies between two, in percent."""
    seconds = max(1.0, (now - begun).total_seconds())
    return scale((at - begun).total_seconds(), 0, seconds)
