"""Arbitrage in virtual time: the daily check suspects what its rules say, and nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.application import acting_for
from domain.arbitrage import Suspicion
from infra.projection_commands import check
from infra.sandbox.goods import asin_of, flaw_of
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService

PRODUCT_COUNT = 40
SOUND = [number for number in range(PRODUCT_COUNT) if flaw_of(number) is None]
FOREIGN = [number for number in range(PRODUCT_COUNT, 90) if flaw_of(number) is None][:4]
"""In Amazon's catalogue, and not among the seller's own offers."""
DAY = 86_400.0


@pytest.fixture
def seller(service: VirtualService) -> LinkedSeller:
    return service.add_seller(PRODUCT_COUNT)


def suspicions_of(service: VirtualService, seller: LinkedSeller) -> tuple[Suspicion, ...]:
    with acting_for(seller.seller_id):
        return service.app.seller(seller.seller_id).arbitrage.suspicions


def next_day(service: VirtualService) -> None:
    service.clock.advance(DAY)
    service.tick()


def listed(service: VirtualService, seller: LinkedSeller, number: int) -> UUID:
    upload = service.upload(seller, [number])
    service.settle()
    assert [each["is_on_sale"] for each in service.listings(seller, asin_of(number))] == [True]
    return upload


def test_three_asins_without_an_own_offer_are_suspected_once(
    service: VirtualService, seller: LinkedSeller
) -> None:
    service.upload(seller, FOREIGN[:2])
    service.settle()
    next_day(service)
    assert suspicions_of(service, seller) == ()
    service.upload(seller, FOREIGN[2:])
    service.settle()
    for _ in range(3):
        next_day(service)
    (suspicion,) = suspicions_of(service, seller)
    assert suspicion.rule == "no_own_offer"
    assert {each.asin for each in suspicion.evidence} == {asin_of(number) for number in FOREIGN}
    assert all(each.positions for each in suspicion.evidence)
    assert [each.name for each in check(service.database) if each.differences] == []


def test_asins_of_more_than_thirty_days_ago_do_not_count(
    service: VirtualService, seller: LinkedSeller
) -> None:
    service.upload(seller, FOREIGN[:2])
    service.settle()
    service.clock.advance(31 * DAY)
    service.upload(seller, FOREIGN[2:])
    service.settle()
    next_day(service)
    assert suspicions_of(service, seller) == ()


@pytest.mark.parametrize("kind", ["503_html", "empty_200", "truncated_json"])
def test_an_amazon_that_says_nothing_suspects_nobody(
    service: VirtualService, seller: LinkedSeller, kind: str
) -> None:
    service.sandbox.control("faults", upstream="amazon", kind=kind)
    service.upload(seller, FOREIGN)
    service.settle()
    for _ in range(3):
        next_day(service)
    service.sandbox.control("faults", method="DELETE")
    assert suspicions_of(service, seller) == ()


@pytest.mark.parametrize(("days", "is_suspected"), [(2, False), (4, True)])
def test_a_price_above_policy_is_suspected_after_three_days(
    service: VirtualService, seller: LinkedSeller, days: int, is_suspected: bool
) -> None:
    listed(service, seller, SOUND[0])
    service.sandbox.control("faults", upstream="mercari", kind="503_html")
    service.sandbox.control("price", seller=seller.name, asin=asin_of(SOUND[0]), price_jpy=500)
    service.clock.advance(61)
    service.jobs.app.tasks["start_sweep"](
        seller=str(seller.seller_id), kind="stock_price", due_at=service.clock.now.isoformat()
    )
    service.settle()
    for _ in range(days):
        next_day(service)
    service.sandbox.control("faults", method="DELETE")
    found = suspicions_of(service, seller)
    assert len(found) == is_suspected
    for suspicion in found:
        (evidence,) = suspicion.evidence
        assert suspicion.rule == "price_above_policy"
        assert evidence.amazon_price_jpy == 500
        assert (evidence.shown_price_jpy or 0) > 575
