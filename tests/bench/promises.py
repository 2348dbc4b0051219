"""Promises: 500 sellers of 10,000 bindings each in virtual time, within Amazon's quotas."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.ground import prepared
from tests.bench.measurement import Measurement
from tests.virtual.day import SimulatedDay, told

SELLERS, BINDINGS, HOURS = 500, 10_000, 2.6


def promises() -> Iterator[Measurement]:
    """Every seller's status scan, and every third's stock and price sweep, fall into the window."""
    with prepared() as ground:
        database = ground.database()
        report = SimulatedDay(database, SELLERS, BINDINGS).run(HOURS)
        database.close()
    note = f"{SELLERS} sellers of {BINDINGS:,}: {told(report, ('status', 'stock_price'))}"
    worst = max(report.worst("status"), report.worst("stock_price"))
    yield Measurement(
        "promises_worst_lateness_minutes", worst / 60, "min", None, None, 0,
        is_ratio_gated=False, is_lower_better=True, note=note,
    )  # fmt: skip
    yield Measurement(
        "sweep_calls_vs_least", report.calls_vs_least, "", 1.0, report.calls_vs_least, 1.05,
        is_lower_better=True, note=f"{report.refused} refused by the upstream",
    )  # fmt: skip
