"""Each effect on Mercari happens exactly once, at whatever step the worker is killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.application import acting_for
from domain.asin_binding import AsinBinding, effect_due
from domain.values import binding_id_of
from infra.projection_commands import check
from infra.sandbox.goods import asin_of, flaw_of
from tests.sampling import EVERY
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService

SOUND = [number for number in range(200) if flaw_of(number) is None and number % 125 != 5]


class Case:
    """One product of one seller, on its way through one scenario."""

    def __init__(self, service: VirtualService, seller: LinkedSeller, number: int) -> None:
        self.service, self.seller, self.asin = service, seller, asin_of(number)
        self.number = number

    def control(self, path: str, **fields: Any) -> None:
        self.service.sandbox.control(path, seller=self.seller.name, asin=self.asin, **fields)

    def upload(self) -> None:
        self.service.upload(self.seller, [self.number])

    def listed(self) -> None:
        self.upload()
        self.service.settle()
        assert self.binding.status == "listed"

    @property
    def binding(self) -> AsinBinding:
        with acting_for(self.seller.seller_id):
            found = self.service.app.binding(binding_id_of(self.seller.seller_id, self.asin))
        assert found is not None
        return found

    @property
    def topics(self) -> list[str]:
        with acting_for(self.seller.seller_id):
            facts = self.service.app.facts_of(binding_id_of(self.seller.seller_id, self.asin))
        return [fact.TOPIC.partition(".")[2] for fact in facts]

    def edit(self, **fields: Any) -> None:
        sku_code = self.binding.sku_code
        self.service.sandbox.control(f"listings/{sku_code}", seller=self.seller.name, **fields)

    def sweep(self, kind: str) -> None:
        """As the scheduler begins it, at a moment of its own."""
        self.service.clock.advance(61)
        due_at = self.service.clock.now.isoformat()
        self.service.jobs.app.tasks["start_sweep"](
            seller=str(self.seller.seller_id), kind=kind, due_at=due_at
        )


def first_listing(case: Case) -> None:
    case.upload()


def new_price(case: Case) -> None:
    case.control("price", price_jpy=6_000)
    case.sweep("stock_price")


def suspension(case: Case) -> None:
    case.control("suspend")
    case.sweep("status")


def hand_edit(case: Case) -> None:
    case.edit(title="手で書いた題名", price_jpy=999)
    case.sweep("drift")


SCENARIOS: dict[str, Callable[[Case], None]] = {
    "first listing": first_listing,
    "new price": new_price,
    "suspension": suspension,
    "hand edit": hand_edit,
}


def run(case: Case, scenario: Callable[[Case], None], kill_at: int | None) -> int:
    """Let it happen with a kill at that step of the jobs; how many steps there were."""
    service = case.service
    scenario(case)
    service.crashes.steps, service.crashes.countdown = 0, kill_at
    service.settle()
    service.crashes.countdown = None
    steps = service.crashes.steps
    for _ in range(20):
        if effect_due(case.binding) is None and not service.waiting_jobs():
            break
        service.clock.advance(120)
        service.jobs.app.tasks["drain_effects"](seller=str(case.seller.seller_id))
        service.settle()
    return steps


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_step_leaves_one_listing_that_shows_what_was_decided(
    service: VirtualService, name: str
) -> None:
    seller, scenario = service.add_seller(product_count=200), SCENARIOS[name]
    numbers = iter(SOUND)
    kill_at, steps = 0, 1
    while kill_at < steps:
        case = Case(service, seller, next(numbers))
        if scenario is not first_listing:
            case.listed()
        before = service.kills
        steps = run(case, scenario, kill_at)
        assert service.kills == before + (kill_at < steps), kill_at
        assert_shown_as_decided(case)
        kill_at += EVERY
    print(f"{name}: {kill_at} steps, each killed once")
    while service.engine.run_once():
        continue
    assert [each.name for each in check(service.database) if each.differences] == []


@pytest.mark.parametrize("name", ["first listing", "new price"])
def test_a_worker_that_comes_back_from_the_dead_at_any_step_does_no_harm(
    service: VirtualService, name: str
) -> None:
    """It sleeps at that step while another worker does the same work, and then goes on."""
    seller, scenario = service.add_seller(product_count=200), SCENARIOS[name]
    numbers = iter(SOUND)
    sleep_at, steps = 0, 1
    service.crashes.meanwhile = lambda: service.other_worker_does(
        "drain_effects", seller=str(seller.seller_id)
    )
    while sleep_at < steps:
        case = Case(service, seller, next(numbers))
        if scenario is not first_listing:
            case.listed()
        steps = run(case, scenario, sleep_at)
        assert_shown_as_decided(case)
        sleep_at += 1
    print(f"{name}: a zombie at each of {sleep_at} steps")


def assert_shown_as_decided(case: Case) -> None:
    binding = case.binding
    (shown,) = case.service.listings(case.seller, case.asin)
    assert effect_due(binding) is None
    assert binding.listing is not None
    assert shown["is_on_sale"] == binding.listing.is_on_sale == (binding.status == "listed")
    assert (shown["price_jpy"], shown["title"]) == (
        binding.listing.price_jpy,
        binding.listing.title,
    )
    assert shown["title"] != "手で書いた題名"
    assert case.topics.count("listed") == 1
