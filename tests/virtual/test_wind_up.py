"""A terminated seller's bindings end and come off sale, at whatever step the worker is killed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from domain import seller
from domain.application import Change, acting_for
from domain.arbitrage import Terminate, terminate
from domain.asin_binding import AsinBinding, decisions, effect_due
from domain.errors import SellerTerminated
from domain.policies import WindUp
from domain.sellers import change_seller
from domain.uploads import check_page
from domain.values import binding_id_of
from infra.policies_follower import defer
from infra.projection_commands import check
from infra.sandbox.goods import asin_of, flaw_of
from projections import suspicions, sync_log
from tests.sampling import EVERY
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService

SOUND = [number for number in range(60) if flaw_of(number) is None]
LISTED, WAITING = SOUND[:2], SOUND[2:3]


class Ended:
    """A seller with listings on sale and rows on their way, about to be terminated."""

    def __init__(self, service: VirtualService) -> None:
        self.service = service
        self.seller: LinkedSeller = service.add_seller(product_count=60)
        service.upload(self.seller, LISTED)
        service.settle()
        assert self.on_sale() == len(LISTED)

    def terminate(self) -> None:
        work = self.service.work
        command = Terminate(stamp=work.stamp(), cause="fraud", reason="words", is_admin=True)
        change_seller(
            self.service.app, self.seller.seller_id, lambda it: terminate(it.arbitrage, command)
        )

    def bindings(self, numbers: Sequence[int]) -> list[AsinBinding]:
        ids = [binding_id_of(self.seller.seller_id, asin_of(number)) for number in numbers]
        with acting_for(self.seller.seller_id):
            return list(self.service.app.bindings(ids).values())

    def on_sale(self, numbers: Sequence[int] = SOUND[:8]) -> int:
        shown = (self.service.listings(self.seller, asin_of(number)) for number in numbers)
        return sum(listing["is_on_sale"] for found in shown for listing in found)

    def settle_for(self, minutes: int) -> None:
        """At most so long; one more minute once everything is as it has to be."""
        for _ in range(minutes):
            is_ended = self.is_ended()
            self.service.clock.advance(60)
            self.service.tick()
            if is_ended:
                return

    def is_ended(self) -> bool:
        found = self.bindings(SOUND[:8])
        return all(each.status == "blocked" for each in found) and self.on_sale() == 0

    def lines(self, operation: str) -> list[sync_log.LogRow]:
        with self.service.database.reading_for(self.seller.seller_id) as connection:
            rows = sync_log.page(connection, sync_log.Filter(), limit=500)
        return [row for row in rows if row.operation == operation]

    def assert_ended(self, numbers: Sequence[int] = LISTED) -> None:
        found = self.bindings(numbers)
        assert len(found) == len(numbers)
        assert {each.status for each in found} == {"blocked"}
        assert {each.error_codes for each in found} == {("E-415",)}
        assert all(effect_due(each) is None for each in found)
        assert self.on_sale() == 0
        with self.service.database.reading_for(self.seller.seller_id) as connection:
            row = suspicions.termination(connection, self.seller.seller_id)
        assert row is not None
        with acting_for(self.seller.seller_id):
            facts = self.service.app.facts_of(self.seller.seller_id)
            assert self.service.app.seller(self.seller.seller_id).arbitrage.wound_up_count == (
                row.wound_up
            )
        assert [fact.TOPIC for fact in facts].count("seller.terminated") == 1
        assert sum(line.detail["bindings"] for line in self.lines("wind_up.block")) == row.wound_up


@pytest.fixture
def shop(service: VirtualService) -> Ended:
    return Ended(service)


def test_every_listing_comes_off_sale_and_the_log_counts_it(shop: Ended) -> None:
    shop.terminate()
    shop.service.settle()
    shop.assert_ended()
    (line,) = shop.lines("wind_up.block")
    assert (line.outcome, line.detail) == ("ok", {"bindings": len(LISTED)})
    assert len(shop.lines("terminate")) == 1
    assert [each.name for each in check(shop.service.database) if each.differences] == []


def test_a_kill_at_any_step_of_the_wind_up_ends_the_same(service: VirtualService) -> None:
    kill_at, steps = 0, 1
    while kill_at < steps:
        shop = Ended(service)
        service.upload(shop.seller, WAITING)
        shop.terminate()
        service.crashes.steps, service.crashes.countdown = 0, kill_at
        before = service.kills
        service.settle()
        service.crashes.countdown = None
        steps = service.crashes.steps
        assert service.kills == before + (kill_at < steps), kill_at
        shop.settle_for(5)
        shop.assert_ended()
        assert_rows_settled(shop)
        kill_at += EVERY
    print(f"wind-up: {kill_at} steps, each killed once")
    while service.engine.run_once():
        continue
    assert [each.name for each in check(service.database) if each.differences] == []


def test_a_kill_while_listing_as_the_seller_is_terminated_leaves_nothing_on_sale(
    service: VirtualService,
) -> None:
    """The worker that opens a listing dies at any step; the termination comes meanwhile."""
    kill_at, was_killed = 0, True
    while was_killed:
        shop = Ended(service)
        service.upload(shop.seller, WAITING)
        before = service.kills
        service.crashes.meanwhile = None
        service.crashes.countdown = kill_at
        run_until_killed(shop, before)
        was_killed = service.kills > before
        service.crashes.countdown = None
        shop.terminate()
        shop.settle_for(10)
        shop.assert_ended()
        kill_at += EVERY
    print(f"listing: {kill_at - 1} steps, each killed and terminated after")


def run_until_killed(shop: Ended, kills: int) -> None:
    """Work until the worker is killed, or nothing is left."""
    service = shop.service
    for _ in range(100):
        while service.engine.run_once():
            continue
        is_moved = service._follower.run_once(service._log, service._jobs) > 0
        if service.kills > kills or not (service._run_next_job() or is_moved):
            return


def test_a_zombie_that_lists_while_the_seller_is_wound_up_puts_nothing_back(
    service: VirtualService,
) -> None:
    """It sleeps at any step of a first listing while the seller is terminated and wound up."""
    sleep_at, has_slept = 0, True
    while has_slept:
        shop = Ended(service)
        happened: list[bool] = []

        def meanwhile(shop: Ended = shop, happened: list[bool] = happened) -> None:
            happened.append(True)
            shop.terminate()
            while service.engine.run_once():
                continue
            service.other_worker_does("wind_up", seller=str(shop.seller.seller_id), ending="block")

        service.upload(shop.seller, WAITING)
        service.crashes.meanwhile, service.crashes.countdown = meanwhile, sleep_at
        service.settle()
        service.crashes.meanwhile = service.crashes.countdown = None
        has_slept = bool(happened)
        if has_slept:
            shop.settle_for(10)
            shop.assert_ended()
            assert_rows_settled(shop)
        sleep_at += EVERY
    print(f"zombie: asleep at each of {sleep_at - 1} steps")


def assert_rows_settled(shop: Ended) -> None:
    """No row of an upload is left waiting, and none was listed for good."""
    for each in shop.bindings(WAITING):
        assert each.status == "blocked"
    with (
        acting_for(shop.seller.seller_id),
        shop.service.database.reading_for(shop.seller.seller_id) as connection,
    ):
        open_rows = connection.execute(
            "SELECT count(*) FROM live_submission_rows WHERE fate IS NULL"
        ).fetchone()
    assert open_rows == (0,)


def test_an_upload_during_the_wind_up_is_refused_and_one_under_way_binds_nothing(
    shop: Ended,
) -> None:
    service = shop.service
    service.upload(shop.seller, WAITING)
    shop.terminate()
    with pytest.raises(SellerTerminated):
        service.upload(shop.seller, SOUND[5:7])
    service.settle()
    shop.settle_for(2)
    shop.assert_ended()
    assert shop.bindings(WAITING) == []
    assert_rows_settled(shop)


@pytest.mark.parametrize("is_drained_first", [True, False])
def test_a_binding_made_by_a_worker_that_did_not_know_does_not_slip_through(
    shop: Ended, is_drained_first: bool
) -> None:
    service, seller_id = shop.service, shop.seller.seller_id
    submission_id = service.upload(shop.seller, WAITING)
    unaware = service.owner(shop.seller)
    shop.terminate()
    while service.engine.run_once():
        continue
    service.other_worker_does("wind_up", seller=str(seller_id), ending="block")
    with acting_for(seller_id):
        sources = service.shops.sources(unaware)
        check_page(service.app, unaware, sources, submission_id, [1], service.work)
    assert {each.status for each in shop.bindings(WAITING)} == {"mapped"}
    if is_drained_first:
        while service.engine.run_once():
            continue
        service.jobs.app.tasks["drain_effects"](seller=str(seller_id))
        assert {each.status for each in shop.bindings(WAITING)} == {"blocked"}
    service.settle()
    shop.settle_for(2)
    shop.assert_ended([*LISTED, *WAITING])
    assert all(not service.listings(shop.seller, asin_of(number)) for number in WAITING)
    assert_rows_settled(shop)


@pytest.mark.parametrize("kind", ["status", "stock_price", "catalogue", "delta"])
def test_a_sweep_under_way_brings_nothing_back_on_sale(shop: Ended, kind: str) -> None:
    service = shop.service
    name = shop.seller.name
    service.sandbox.control("suspend", seller=name, asin=asin_of(LISTED[0]))
    sweep(shop, "status")
    assert shop.on_sale() == len(LISTED) - 1
    service.sandbox.control("reactivate", seller=name, asin=asin_of(LISTED[0]))
    service.clock.advance(61)
    start(shop, kind)
    shop.terminate()
    service.settle()
    shop.settle_for(5)
    shop.assert_ended()


def sweep(shop: Ended, kind: str) -> None:
    shop.service.clock.advance(61)
    start(shop, kind)
    shop.service.settle()


def start(shop: Ended, kind: str) -> None:
    shop.service.jobs.app.tasks["start_sweep"](
        seller=str(shop.seller.seller_id), kind=kind, due_at=shop.service.clock.now.isoformat()
    )


def test_a_listing_opened_by_hand_after_the_end_is_closed_by_the_next_look(shop: Ended) -> None:
    shop.terminate()
    shop.service.settle()
    (binding,) = shop.bindings(LISTED[:1])
    shop.service.sandbox.control(
        f"listings/{binding.sku_code}", seller=shop.seller.name, is_on_sale=True
    )
    assert shop.on_sale() == 1
    shop.service.pass_time(7 * 3600)
    shop.assert_ended()


def test_while_mercari_is_down_the_bindings_end_and_the_listings_come_off_later(
    shop: Ended,
) -> None:
    control = shop.service.sandbox.control
    control("faults", upstream="mercari", kind="503_html", seconds=3600)
    shop.terminate()
    shop.settle_for(10)
    assert {each.status for each in shop.bindings(LISTED)} == {"blocked"}
    assert shop.on_sale() == len(LISTED)
    control("faults", method="DELETE")
    shop.settle_for(60)
    shop.assert_ended()


@pytest.mark.parametrize("ending", ["block", "withdraw"])
def test_nothing_ends_for_a_seller_that_stays(shop: Ended, ending: Any) -> None:
    seller_id = shop.seller.seller_id
    with shop.service.database.pool("jobs").connection() as connection:
        defer(connection, WindUp(seller_id, ending))
    shop.service.settle()
    assert {each.status for each in shop.bindings(LISTED)} == {"listed"}
    assert shop.on_sale() == len(LISTED)


def test_a_seller_that_leaves_has_its_bindings_withdrawn(shop: Ended) -> None:
    seller_id = shop.seller.seller_id
    block_one(shop)
    leave = seller.RequestErasure(stamp=shop.service.work.stamp(), ground="request")
    change_seller(shop.service.app, seller_id, lambda it: seller.request_erasure(it, leave))
    shop.service.settle()
    for _ in range(2):
        with shop.service.database.pool("jobs").connection() as connection:
            defer(connection, WindUp(seller_id, "withdraw"))
        shop.service.settle()
    assert sorted(each.status for each in shop.bindings(LISTED)) == [
        "blocked", "withdrawn",
    ]  # fmt: skip
    assert shop.on_sale() == 0
    (line,) = shop.lines("wind_up.withdraw")
    assert line.detail == {"bindings": 1}


def block_one(shop: Ended) -> None:
    (binding,) = shop.bindings(LISTED[:1])
    command = decisions.EndWithSeller(stamp=shop.service.work.stamp(), ending="block")
    facts = decisions.end_with_seller(binding, command)
    with acting_for(shop.seller.seller_id):
        shop.service.app.record(Change(binding.binding_id, binding.version, facts))
