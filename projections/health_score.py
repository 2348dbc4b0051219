"""Health score: how well a seller is in sync, by the three KPIs of SPEC §8, and what is failing.

Attempts are counted in hourly buckets; the window is applied when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, cast, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.asin_binding import facts as binding
from domain.facts import Fact, Recorded
from domain.ports import MercariListing
from domain.sync_sweep import Finished as SweepFinished
from domain.values import Value
from projections.table import Key, Rows, Table

SYNC_SUCCESS_RATE_TARGET = 0.992
PRICE_DEVIATION_RATE_TARGET = 0.035
IMAGE_COMPLIANCE_RATE_TARGET = 1.0
HOUR = timedelta(hours=1)
WINDOWS = {"24h": timedelta(hours=24), "30d": timedelta(days=30)}

Window = Literal["24h", "30d"]
_BINDING_FACTS = get_args(binding.BindingFact)


@dataclass(frozen=True, slots=True)
class HourRow:
    """One seller's attempts in one hour (UTC, by decided_at), and the failures by code."""

    seller_id: UUID
    hour: datetime
    attempts: int = 0
    failed: int = 0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One binding: what it should cost on Mercari, what it does cost, and what is wrong with it."""

    binding_id: UUID
    seller_id: UUID
    asin: str
    title: str | None = None
    status: str = "requested"
    float_rate: Decimal | None = None
    amazon_price_jpy: int | None = None
    expected_price_jpy: int | None = None
    shown_price_jpy: int | None = None
    amazon_quantity: int | None = None
    shown_stock: int | None = None
    stock_threshold: int = 0
    image_verdict: str | None = None
    codes: list[str] | None = None
    changed_at: datetime | None = None


HOURS = Table("health_hours", HourRow, ("seller_id", "hour"))
LIVE = Table("health_bindings", LiveRow, ("binding_id",))


class HealthScore:
    """Counts attempts an hour, and keeps what each live binding shows against what it should."""

    name: ClassVar[str] = "health_score"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table, ...]] = (HOURS, LIVE)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        yield HOURS, (recorded.seller_id, hour_of(recorded.fact))
        if isinstance(recorded.fact, _BINDING_FACTS):
            yield LIVE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        count(rows, recorded)
        if isinstance(recorded.fact, _BINDING_FACTS):
            keep(rows, recorded, cast(binding.BindingFact, recorded.fact))


def hour_of(fact: Fact) -> datetime:
    return fact.stamp.decided_at.replace(minute=0, second=0, microsecond=0)


def count(rows: Rows, recorded: Recorded) -> None:
    """Add the fact's attempts to its hour."""
    attempts, codes = attempts_of(recorded.fact)
    if attempts == 0:
        return
    hour = hour_of(recorded.fact)
    row = rows.get(HOURS, recorded.seller_id, hour) or HourRow(recorded.seller_id, hour)
    summed = {code: row.codes.get(code, 0) + codes.get(code, 0) for code in {*row.codes, *codes}}
    failed = row.failed + sum(codes.values())
    rows.put(HOURS, replace(row, attempts=row.attempts + attempts, failed=failed, codes=summed))


def attempts_of(fact: Fact) -> tuple[int, dict[str, int]]:
    """Attempts in the fact (sweep items, listing operations), and how many failed, by code."""
    match fact:
        case binding.Listed() | binding.ListingConfirmed():
            return 1, {}
        case binding.AttemptFailed():
            return 1, {fact.code: 1}
        case SweepFinished():
            return fact.tally.bindings, dict(fact.tally.counts_by_code)
        case _:
            return 0, {}


def keep(rows: Rows, recorded: Recorded, fact: binding.BindingFact) -> None:
    row = rows.get(LIVE, recorded.originator_id)
    if row is None:
        asin = fact.asin if isinstance(fact, binding.Requested) else ""
        row = LiveRow(recorded.originator_id, recorded.seller_id, asin)
    rows.put(LIVE, replace(row, changed_at=recorded.recorded_at, **changes_by(fact)))


def changes_by(fact: binding.BindingFact) -> dict[str, Any]:
    """The columns that a fact changes."""
    match fact:
        case binding.Requested():
            threshold = fact.terms.stock_threshold
            return {"status": "requested", "codes": None, "stock_threshold": threshold}
        case binding.Validated():
            product = fact.product
            return {
                "status": "validated", "title": product.title, "image_verdict": fact.image_verdict,
                "float_rate": fact.float_rate, "expected_price_jpy": fact.price_jpy,
                "amazon_price_jpy": product.price_jpy, "amazon_quantity": product.quantity,
            }  # fmt: skip
        case binding.TermsChanged():
            return {
                "expected_price_jpy": fact.price_jpy, "float_rate": fact.float_rate,
                "amazon_price_jpy": fact.amazon_price_jpy,
                "amazon_quantity": fact.amazon_quantity,
                "stock_threshold": fact.terms.stock_threshold,
            }  # fmt: skip
        case binding.Rejected():
            codes = list(dict.fromkeys(found.code for found in fact.findings))
            return {"status": "rejected", "title": fact.product.title, "codes": codes}
        case binding.ReviewRequested():
            codes = list(dict.fromkeys(found.code for found in fact.findings))
            return {"title": fact.product.title, "codes": codes}
        case binding.ImageReviewed() | binding.ProofAdded():
            return {}
        case binding.ImageJudged():
            return {"image_verdict": fact.verdict}
        case binding.Mapped():
            return {"status": "mapped", "codes": None}
        case binding.Listed():
            return {"status": "listed", "codes": None, **shown_columns(fact.listing)}
        case binding.ListingConfirmed():
            mended = {"codes": None} if fact.effect == "update" else {}
            return {**mended, **shown_columns(fact.listing)}
        case binding.PriceAdjusted():
            return {
                "expected_price_jpy": fact.to_price_jpy,
                "amazon_price_jpy": fact.amazon_price_jpy,
            }
        case binding.StockAdjusted():
            alerts = [fact.warning.code] if fact.warning else None
            return {"amazon_quantity": fact.amazon_quantity, "codes": alerts}
        case binding.ContentRefreshed():
            return {"title": fact.title}
        case binding.MappingBroken():
            return {"status": "unmapped", "codes": [fact.finding.code]}
        case binding.Suspended():
            return {"status": "suspended", "codes": [fact.code]}
        case binding.Blocked():
            return {"status": "blocked", "codes": [fact.code]}
        case binding.Reinstated():
            return {"status": "listed" if fact.is_listed else "mapped", "codes": None}
        case binding.Withdrawn():
            return {"status": "withdrawn", "codes": None}
        case binding.AttemptFailed():
            return {"codes": [fact.code]} if fact.operation != "take_down" else {}


def shown_columns(listing: MercariListing) -> dict[str, Any]:
    return {"shown_price_jpy": listing.price_jpy, "shown_stock": listing.stock}


# --- queries ------------------------------------------------------------------------------------

# A seller's hours within the window, oldest first.
HOURS_SINCE = "SELECT * FROM live_health_hours WHERE hour >= %s ORDER BY hour"

# Live listings: mean and share of deviation, and image verdicts. Deviation is a fraction.
LISTINGS = """
    SELECT count(*) AS listings,
           avg(abs(shown_price_jpy - expected_price_jpy)::double precision / expected_price_jpy)
               FILTER (WHERE expected_price_jpy > 0) AS deviation,
           count(*) FILTER (WHERE shown_price_jpy <> expected_price_jpy) AS deviating,
           count(*) FILTER (WHERE image_verdict IS NOT NULL) AS inspected,
           count(*) FILTER (WHERE image_verdict = 'pass') AS compliant
    FROM live_health_bindings WHERE status = 'listed'
"""

STATUSES = "SELECT status, count(*) AS count FROM live_health_bindings GROUP BY status"

# What is failing now, worst code first; the ASINs are cut to what a page can show.
FAILING = """
    SELECT code, count(*) AS bindings, (array_agg(asin ORDER BY changed_at DESC))[1:20] AS asins
    FROM live_health_bindings, jsonb_array_elements_text(codes) AS code
    WHERE codes IS NOT NULL AND status <> 'withdrawn' AND code NOT LIKE 'W-%%'
    GROUP BY code ORDER BY bindings DESC, code
"""

# Listings at or below their threshold, newest first.
ALERTS = """
    SELECT * FROM live_health_bindings
    WHERE status = 'listed' AND amazon_quantity <= stock_threshold
    ORDER BY changed_at DESC LIMIT 20
"""

# Signed deviation of each live listing that deviates, in percent, rounded to half points.
DEVIATIONS = """
    SELECT round((shown_price_jpy - expected_price_jpy) * 200.0 / expected_price_jpy) / 2 AS pct,
           count(*) AS bindings
    FROM live_health_bindings WHERE status = 'listed' AND expected_price_jpy > 0
    GROUP BY pct ORDER BY pct
"""


class Failing(Value):
    """A code, how many attempts failed with it in the window, and the bindings it holds now."""

    code: str
    failures: int
    bindings: int
    asins: tuple[str, ...] = ()


class Health(Value):
    """The score of one seller over one window. Rates are fractions; None = nothing was counted."""

    window: Window
    since: datetime
    attempts: int
    failed: int
    sync_success_rate: float | None
    price_deviation_rate: float | None
    price_deviating_share: float | None
    image_compliance_rate: float | None
    listings: int
    statuses: dict[str, int]
    hours: tuple[HourRow, ...]
    failing: tuple[Failing, ...]
    alerts: tuple[LiveRow, ...]
    deviations: tuple[tuple[float, int], ...]

    @property
    def failures_left(self) -> int:
        """How many more failures the success target allows for the attempts so far."""
        return int(self.attempts * (1 - SYNC_SUCCESS_RATE_TARGET)) - self.failed

    @property
    def score(self) -> float | None:
        """50/25/25 over the three KPIs; a KPI without a figure leaves its weight to the others.

        A KPI gives all its points at its target and loses them linearly over a tolerance of
        2, 2 and 1 percentage points.
        """
        parts = [
            (50, self.sync_success_rate, SYNC_SUCCESS_RATE_TARGET, 0.02),
            (25, self.price_deviation_rate, PRICE_DEVIATION_RATE_TARGET, -0.02),
            (25, self.image_compliance_rate, IMAGE_COMPLIANCE_RATE_TARGET, 0.01),
        ]
        counted = [(w, points(rate, target, t)) for w, rate, target, t in parts if rate is not None]
        weight = sum(w for w, _ in counted)
        return round(100 * sum(w * p for w, p in counted) / weight, 1) if weight else None


def points(rate: float, target: float, tolerance: float) -> float:
    """1 at the target or better, 0 at `tolerance` beyond it; negative where lower is better."""
    return max(0.0, min(1.0, 1 - (target - rate) / tolerance))


def read(connection: Connection[Any], window: Window, now: datetime) -> Health:
    """The health of the seller that the connection may see."""
    since = (now - WINDOWS[window] + HOUR).replace(minute=0, second=0, microsecond=0)
    hours = connection.cursor(row_factory=class_row(HourRow)).execute(HOURS_SINCE, (since,))
    counted = hours.fetchall()
    attempts, failed = sum(h.attempts for h in counted), sum(h.failed for h in counted)
    row = connection.execute(LISTINGS).fetchone() or (0, None, 0, 0, 0)
    listings, deviation, deviating, inspected, compliant = row
    alerts = connection.cursor(row_factory=class_row(LiveRow)).execute(ALERTS).fetchall()
    return Health(
        window=window,
        since=since,
        attempts=attempts,
        failed=failed,
        sync_success_rate=(attempts - failed) / attempts if attempts else None,
        price_deviation_rate=deviation,
        price_deviating_share=deviating / listings if listings else None,
        image_compliance_rate=compliant / listings if inspected else None,
        listings=listings,
        statuses=dict(connection.execute(STATUSES).fetchall()),
        hours=tuple(counted),
        failing=failing_now(connection, counted),
        alerts=tuple(alerts),
        deviations=tuple((float(pct), n) for pct, n in connection.execute(DEVIATIONS)),
    )


def failing_now(connection: Connection[Any], hours: Iterable[HourRow]) -> tuple[Failing, ...]:
    """Codes that hold a binding now or failed an attempt in the window."""
    failures: dict[str, int] = {}
    for hour in hours:
        for code, number in hour.codes.items():
            failures[code] = failures.get(code, 0) + number
    held = {code: (number, asins) for code, number, asins in connection.execute(FAILING)}
    ranked = sorted(
        {*failures, *held}, key=lambda code: (-held.get(code, (0, []))[0], -failures.get(code, 0))
    )
    return tuple(
        Failing(
            code=code,
            failures=failures.get(code, 0),
            bindings=held.get(code, (0, []))[0],
            asins=tuple(held.get(code, (0, []))[1]),
        )
        for code in ranked
    )
