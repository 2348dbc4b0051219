"""The mass-change brake on real histories: a second reading decides, and what it denies is held."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from domain.application import Change, acting_for
from domain.ports import Amazon, AmazonOffer, OffersBatch, Sources, StockBatch
from domain.seller import Seller
from domain.stamps import Work
from domain.sweep_run import Desk, LiveBinding, SweepRun
from domain.sweeps import sweep_page
from domain.sync_sweep import BrakeApplied, PageFailed, SweepKind, Tally
from infra.installation import Installation
from tests.bench.ground import history

Answer = Callable[[str, int], dict[str, Any]]
LISTINGS = 40
NOW = datetime(2026, 12, 1, tzinfo=UTC)


class TwiceAsked:
    """Amazon as one seller sees it; what it says of a SKU may depend on how often it was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._asked: dict[str, int] = {}

    def read_offers_in_batches(self, skus: Collection[str]) -> Iterator[OffersBatch]:
        yield OffersBatch(tuple(skus), tuple(self._offer(sku) for sku in skus), None)

    def read_fba_in_batches(self, skus: Collection[str]) -> Iterator[StockBatch]:
        yield StockBatch(tuple(skus), dict.fromkeys(skus, 4), None)

    def _offer(self, sku: str) -> AmazonOffer:
        self._asked[sku] = self._asked.get(sku, 0) + 1
        fields: dict[str, Any] = {
            "sku": sku, "asin": sku[4:], "status": "active", "price_jpy": 9_000, "channel": "fba",
            "observed_at": NOW,
        }  # fmt: skip
        return AmazonOffer(**fields | self._answer(sku, self._asked[sku]))


class Shop:
    """A seller with forty live listings, and what a sweep of them comes to."""

    def __init__(self, installation: Installation, seller_id: UUID) -> None:
        self.app, self.seller_id = installation.app, seller_id
        self.rows = [self._bind(number) for number in range(LISTINGS)]
        self.due_at = NOW

    def _bind(self, number: int) -> LiveBinding:
        binding_id, asin = uuid4(), f"B0{number:08d}"
        facts = [
            fact.model_copy(update={"product": fact.product.model_copy(
                update={"observed_at": NOW - timedelta(hours=1)})})
            if hasattr(fact, "product") else fact
            for fact in history(binding_id, asin, 4)
        ]  # fmt: skip
        self.app.record(Change(binding_id, 0, facts))
        return LiveBinding(self.seller_id, binding_id, asin, f"SKU-{asin}", "listed", 9_000, 4)

    def sweep(
        self, kind: SweepKind, answer: Answer, *, is_brake_off: bool = False, **seller: Any
    ) -> Tally:
        self.due_at += timedelta(hours=1)
        work = Work(lambda: NOW, "test", uuid4())
        owner = Seller(seller_id=self.seller_id, **seller)
        sources = Sources(cast(Amazon, TwiceAsked(answer)), (), cast(Any, None))
        run = SweepRun(
            kind=kind, due_at=self.due_at, started_at=NOW, listings=LISTINGS,
            is_brake_off=is_brake_off,
        )  # fmt: skip
        tally = sweep_page(Desk(self.app, owner, sources, work), run, self.rows).tally
        self.facts = self.app.facts_of(run.sweep_id(self.seller_id))
        return tally

    def statuses(self) -> list[str]:
        found = self.app.bindings([row.binding_id for row in self.rows])
        return [found[row.binding_id].status for row in self.rows]

    @property
    def brake(self) -> BrakeApplied:
        return next(fact for fact in self.facts if isinstance(fact, BrakeApplied))


@pytest.fixture
def shop(installation: Installation) -> Iterator[Shop]:
    seller_id = uuid4()
    with acting_for(seller_id):
        yield Shop(installation, seller_id)


def is_among(sku: str, count: int) -> bool:
    return int(sku[-4:]) < count


def suspended(count: int, *, until: int = 99) -> Answer:
    """The first `count` SKUs are suspended, the first `until` times that they are asked for."""
    gone = {"status": "suspended", "status_reason": "LISTING_SUPPRESSED"}
    return lambda sku, times: gone if is_among(sku, count) and times <= until else {}


def test_a_few_suspensions_go_on_at_the_first_reading(shop: Shop) -> None:
    tally = shop.sweep("status", suspended(4))
    assert (tally.changed, tally.drastic, tally.held) == (4, 4, 0)
    assert shop.facts == []


def test_many_suspensions_that_a_second_reading_confirms_go_on_at_once(shop: Shop) -> None:
    tally = shop.sweep("status", suspended(30))
    assert (tally.changed, tally.held, tally.failed) == (30, 0, 0)
    assert (shop.brake.drastic, shop.brake.confirmed, shop.brake.limit) == (30, 30, 5)
    assert shop.statuses().count("suspended") == 30


def test_many_suspensions_that_a_second_reading_denies_are_held_and_said(shop: Shop) -> None:
    tally = shop.sweep("status", suspended(30, until=1))
    assert (tally.changed, tally.held, tally.failed) == (0, 30, 30)
    assert tally.counts_by_code == {"E-905": 30}
    assert shop.brake.held_count == 30
    assert "suspended" not in shop.brake.held[0].second
    assert any(isinstance(fact, PageFailed) for fact in shop.facts)
    assert set(shop.statuses()) == {"listed"}


def test_a_second_reading_that_gives_no_answer_confirms_nothing(shop: Shop) -> None:
    def answer(sku: str, times: int) -> dict[str, Any]:
        return suspended(30)(sku, times) if times == 1 else {"status": "unknown"}

    tally = shop.sweep("status", answer)
    assert (tally.changed, tally.held) == (0, 30)
    assert {each.second for each in shop.brake.held} == {"no answer"}


def test_many_prices_move_only_where_both_readings_say_the_same_price(shop: Shop) -> None:
    def answer(sku: str, times: int) -> dict[str, Any]:
        return {"price_jpy": 9_000 + (100 if is_among(sku, 20) else times)}

    tally = shop.sweep("stock_price", answer)
    assert (tally.changed, tally.drastic, tally.held) == (20, 40, 20)


def test_what_the_brake_does_not_count_goes_on_beside_what_it_holds(shop: Shop) -> None:
    def answer(sku: str, times: int) -> dict[str, Any]:
        held = {"price_jpy": 9_000 + 100 * times} if is_among(sku, 30) else {}
        return {"channel": "seller", "quantity": 2 if int(sku[-4:]) >= 30 else 4} | held

    tally = shop.sweep("stock_price", answer)
    assert (tally.changed, tally.held) == (10, 30)


def test_the_seller_may_let_a_sweep_follow_amazon_whatever_it_changes(shop: Shop) -> None:
    tally = shop.sweep("status", suspended(30, until=1), is_brake_off=True)
    assert (tally.changed, tally.held) == (30, 0)


def test_the_limit_is_the_seller_s_own_share_and_never_below_five(shop: Shop) -> None:
    assert shop.sweep("status", suspended(20, until=1), brake_rate=Decimal("0.5")).changed == 20
    assert shop.sweep("status", suspended(26, until=1), brake_rate=Decimal("0.01")).held == 6


def test_a_reading_that_is_too_old_changes_nothing_and_says_so(shop: Shop) -> None:
    def answer(sku: str, times: int) -> dict[str, Any]:
        return suspended(3)(sku, times) | {"observed_at": NOW - timedelta(minutes=16)}

    tally = shop.sweep("status", answer)
    assert (tally.changed, tally.failed) == (0, LISTINGS)
    assert tally.counts_by_code == {"E-906": LISTINGS}
