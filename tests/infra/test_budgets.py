"""Call budgets in Postgres: shared buckets, costs, and the pause that a 429 asks for."""

from __future__ import annotations

from threading import Event

import pytest

from domain.ports import UpstreamThrottled
from infra.budgets import BudgetLimiter, Budgets, Rate
from infra.database import Database


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(database: Database, clock: Clock) -> Budgets:
    return Budgets(database, clock)


def shop(budgets: Budgets, name: str = "mercari:a") -> BudgetLimiter:
    """A shop's limiter in a process of its own: 100 points, one more a second."""
    rates = {operation: Rate(1.0, 100) for operation in ("products", "productVariant")}
    return BudgetLimiter(
        budgets, {name: rates}, patience_seconds=0.0, stop=Event(), shared_bucket="points",
        costs={"products": 16},
    )  # fmt: skip


def calls_until_refused(limiter: BudgetLimiter, operation: str) -> int:
    for count in range(1000):
        try:
            limiter.wait(operation)
        except UpstreamThrottled:
            return count
    raise AssertionError("never refused")


def test_all_operations_of_a_shop_spend_from_one_bucket_by_their_cost(budgets: Budgets) -> None:
    limiter = shop(budgets)
    for _ in range(40):
        limiter.wait("productVariant")
    assert calls_until_refused(limiter, "products") == 60 // 16
    assert calls_until_refused(shop(budgets, "mercari:b"), "products") == 100 // 16


def test_a_429_stops_every_operation_of_that_shop_in_every_process(
    budgets: Budgets, clock: Clock
) -> None:
    limiter, elsewhere = shop(budgets), shop(budgets)
    limiter.wait("productVariant")
    limiter.pause("products", 120.0)
    for refused in (limiter, elsewhere):
        for operation in ("products", "productVariant"):
            with pytest.raises(UpstreamThrottled) as caught:
                refused.wait(operation)
            assert caught.value.retry_after_seconds == pytest.approx(120.0)
    shop(budgets, "mercari:b").wait("products")
    clock.now += 119
    with pytest.raises(UpstreamThrottled):
        limiter.wait("productVariant")
    clock.now += 1.1
    limiter.wait("productVariant")


def test_a_shorter_pause_does_not_end_a_longer_one(budgets: Budgets, clock: Clock) -> None:
    limiter = shop(budgets)
    limiter.pause("products", 600.0)
    limiter.pause("productVariant", 1.0)
    clock.now += 300
    with pytest.raises(UpstreamThrottled):
        limiter.wait("products")


def test_a_429_without_a_time_pauses_its_own_operation_until_a_token_is_back(
    budgets: Budgets, clock: Clock
) -> None:
    rates = {"slow": Rate(0.1, 5), "fast": Rate(5.0, 2)}
    limiter = BudgetLimiter(budgets, {"amazon:a": rates}, patience_seconds=0.0, stop=Event())
    limiter.wait("slow")
    limiter.pause("slow", None)
    limiter.pause("unlimited", None)
    limiter.wait("fast")
    clock.now += 9
    with pytest.raises(UpstreamThrottled):
        limiter.wait("slow")
    clock.now += 1.1
    limiter.wait("slow")
