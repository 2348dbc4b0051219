"""Health score: how well a seller is in sync, by the three KPIs of SPEC §8, and what is failing.

Attempts are counted in hourly buckets; the window is applied when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from projections import health_totals
from projections.health_totals import (
    BILLION,
    CODE,
    CODES,
    HALVES,
    STATUS,
    TOTALS,
    CodeRow,
    failing_codes,
    recount,
)
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

    @property
    def success_rate(self) -> float:
        """A row is there only for an hour with attempts."""
        return (self.attempts - self.failed) / self.attempts


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
    version: ClassVar[int] = 4
    tables: ClassVar[tuple[Table, ...]] = (HOURS, LIVE, TOTALS, CODES)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        yield HOURS, (recorded.seller_id, hour_of(recorded.fact))
        if isinstance(recorded.fact, _BINDING_FACTS):
            yield LIVE, (recorded.originator_id,)
            yield TOTALS, (recorded.seller_id,)

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
    known = rows.get(LIVE, recorded.originator_id)
    asin = fact.asin if isinstance(fact, binding.Requested) else ""
    row = known or LiveRow(recorded.originator_id, recorded.seller_id, asin)
    changed = replace(row, changed_at=recorded.recorded_at, **changes_by(fact))
    rows.put(LIVE, changed)
    recount(rows, recorded.seller_id, row if known else None, changed)
    hold(rows, row, changed, recorded.recorded_at)


def hold(rows: Rows, before: LiveRow, after: LiveRow, changed_at: datetime) -> None:
    """Note which codes the binding fails with now, and which ones no more."""
    held = failing_codes(after)
    for code in dict.fromkeys((*failing_codes(before), *held)):
        rows.put(
            CODES,
            CodeRow(after.binding_id, code, after.seller_id, after.asin, changed_at, code in held),
        )


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
        case binding.ImageReviewed() | binding.ProofAdded() | binding.CheckPostponed():
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
        case binding.DriftFound():
            shown = shown_columns(fact.listing) if fact.listing else {}
            return {**shown, "expected_price_jpy": fact.price_jpy, "float_rate": fact.float_rate}
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


class Failing(Value):
    """A code, how many attempts failed with it in the window, and the bindings it holds now.

    `asins` and `binding_ids` name the same bindings, newest first, at most twenty.
    """

    code: str
    failures: int
    bindings: int
    asins: tuple[str, ...] = ()
    binding_ids: tuple[UUID, ...] = ()


class Part(Value):
    """One KPI's share of the score. `points` is None where nothing was counted.

    It gives all its points at its target and loses them linearly over the tolerance, which is
    negative where lower is better.
    """

    kpi: str
    weight: int
    target: float
    tolerance: float
    rate: float | None

    @property
    def points(self) -> float | None:
        if self.rate is None:
            return None
        return max(0.0, min(1.0, 1 - (self.target - self.rate) / self.tolerance))


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
    images_inspected: int
    images_compliant: int
    statuses: dict[str, int]
    hours: tuple[HourRow, ...]
    failing: tuple[Failing, ...]

    @property
    def failures_allowed(self) -> int:
        """How many failures the success target allows for the attempts so far."""
        return int(self.attempts * (1 - SYNC_SUCCESS_RATE_TARGET))

    @property
    def failures_left(self) -> int:
        """What is left of them; negative when the budget is overdrawn."""
        return self.failures_allowed - self.failed

    @property
    def worst_hours(self) -> tuple[HourRow, ...]:
        """The hours below the success target with the most failures, at most five."""
        below = (each for each in self.hours if each.success_rate < SYNC_SUCCESS_RATE_TARGET)
        return tuple(sorted(below, key=lambda each: (-each.failed, each.hour)))[:5]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The three KPIs with weight, target and tolerance: 50/25/25 over 2, 2 and 1 points."""
        return (
            Part(kpi="sync_success_rate", weight=50, target=SYNC_SUCCESS_RATE_TARGET,
                 tolerance=0.02, rate=self.sync_success_rate),
            Part(kpi="price_deviation_rate", weight=25, target=PRICE_DEVIATION_RATE_TARGET,
                 tolerance=-0.02, rate=self.price_deviation_rate),
            Part(kpi="image_compliance_rate", weight=25, target=IMAGE_COMPLIANCE_RATE_TARGET,
                 tolerance=0.01, rate=self.image_compliance_rate),
        )  # fmt: skip

    @property
    def score(self) -> float | None:
        """The weighted mean of the points; a KPI without a figure leaves its weight to others."""
        counted = [(part.weight, part.points) for part in self.parts if part.points is not None]
        weight = sum(w for w, _ in counted)
        return round(100 * sum(w * p for w, p in counted) / weight, 1) if weight else None


def read(connection: Connection[Any], window: Window, now: datetime) -> Health:
    """The health of the seller that the connection may see."""
    since = (now - WINDOWS[window] + HOUR).replace(minute=0, second=0, microsecond=0)
    hours = connection.cursor(row_factory=class_row(HourRow)).execute(HOURS_SINCE, (since,))
    counted = hours.fetchall()
    attempts, failed = sum(h.attempts for h in counted), sum(h.failed for h in counted)
    figures = health_totals.read(connection)
    statuses, compared = figures.by(STATUS), figures["compared"]
    listings, inspected = statuses.get("listed", 0), figures["inspected"]
    return Health(
        window=window,
        since=since,
        attempts=attempts,
        failed=failed,
        sync_success_rate=(attempts - failed) / attempts if attempts else None,
        price_deviation_rate=figures["deviation_ppb"] / BILLION / compared if compared else None,
        price_deviating_share=figures["deviating"] / listings if listings else None,
        image_compliance_rate=figures["compliant"] / listings if inspected else None,
        listings=listings,
        images_inspected=inspected,
        images_compliant=figures["compliant"],
        statuses=statuses,
        hours=tuple(counted),
        failing=failing_now(connection, counted, figures.by(CODE)),
    )


def deviations(connection: Connection[Any]) -> list[tuple[float, int]]:
    """How many live listings deviate by how many percent, in steps of a half."""
    steps = health_totals.read(connection).by(HALVES)
    return sorted((int(halves) / 2, number) for halves, number in steps.items())


def failing_now(
    connection: Connection[Any], hours: Iterable[HourRow], held: Mapping[str, int]
) -> tuple[Failing, ...]:
    """Codes that hold a binding now or failed an attempt in the window."""
    failures: dict[str, int] = {}
    for hour in hours:
        for code, number in hour.codes.items():
            failures[code] = failures.get(code, 0) + number
    named = health_totals.named(connection, list(held)) if held else {}
    ranked = sorted(
        {*failures, *held}, key=lambda code: (-held.get(code, 0), -failures.get(code, 0), code)
    )
    found = []
    for code in ranked:
        asins, ids = named.get(code, ((), ()))
        found.append(
            Failing(
                code=code, failures=failures.get(code, 0), bindings=held.get(code, 0),
                asins=tuple(asins), binding_ids=tuple(ids),
            )
        )  # fmt: skip
    return tuple(found)
