"""The promises of SPEC §5, in virtual time: the real scheduler and limiter, Amazon's own quotas."""

from __future__ import annotations

from datetime import timedelta

from domain.sync_sweep import promised_at
from infra.database import Database
from tests.sampling import ALL_ONLY, EVERY
from tests.virtual.day import SimulatedDay, told


def test_one_seller_of_100_000_bindings_is_swept_in_time_within_amazons_quotas(
    database: Database,
) -> None:
    report = SimulatedDay(database, 1, 100_000 // EVERY).run(hours=7)
    print(told(report, ("status", "stock_price", "catalogue")))
    assert report.lateness["status"]
    assert report.lateness["stock_price"]
    assert report.worst("status") <= 0
    assert report.worst("stock_price") <= 0
    assert report.refused == 0
    assert report.calls_vs_least <= 1.05


@ALL_ONLY
def test_twenty_sellers_share_the_application_and_are_all_in_time(database: Database) -> None:
    report = SimulatedDay(database, 20, 2_000).run(hours=7)
    print(told(report, ("status", "stock_price", "catalogue")))
    assert len(report.lateness["stock_price"]) >= 20
    assert report.worst("status") <= 0
    assert report.worst("stock_price") <= 0
    assert report.refused == 0
    assert report.calls_vs_least <= 1.05


def test_at_a_quarter_of_a_call_a_second_the_delay_is_said_within_two_pages(
    database: Database,
) -> None:
    report = SimulatedDay(database, 1, 20_000, rate_per_second=0.25).run(hours=8)
    print(told(report, ("status", "stock_price")))
    stock = [each for each in report.foreseen if each.kind == "stock_price"]
    assert stock
    for sweep in stock:
        assert sweep.foreseen_at is not None
        assert sweep.foreseen_at < promised_at("stock_price", sweep.due_at) + timedelta(minutes=5)
    assert report.worst("status") <= 0
    assert report.worst("stock_price") > 0
