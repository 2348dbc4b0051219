"""Thirty simulated days of moving offers, failing upstreams and killed workers, from one seed.

`SOAK_SEED=7 make test ARGS="-k thirty_days -s"` plays another seed's days; a seed's days are always
the same. `SOAK_DAYS` shortens or lengthens them.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from domain.application import acting_for
from domain.asin_binding import AsinBinding, effect_due
from domain.asin_binding.facts import Suspended
from domain.sync_sweep import DelayForeseen, Finished, Skipped, promised_at
from domain.values import binding_id_of
from infra.event_codec import decode
from infra.projection_commands import check
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService
from tests.virtual.world import SoakWorld

SEED = int(os.environ.get("SOAK_SEED", "20261126"))
DAYS = float(os.environ.get("SOAK_DAYS", "30"))
STEP_SECONDS = 2_400.0
CALM_HOURS = 14


def test_thirty_days_of_misfortune_delist_nothing_wrongly_and_end_in_step(
    service: VirtualService,
) -> None:
    world = SoakWorld(service, SEED)
    ends_at = service.clock.now.timestamp() + DAYS * 86_400
    while service.clock.timestamp() < ends_at:
        world.step()
        service.pass_time(STEP_SECONDS, STEP_SECONDS)
    world.mend_everything()
    service.pass_time(CALM_HOURS * 3_600, STEP_SECONDS)
    print(f"\nseed {SEED}, {DAYS:g} days: {dict(world.happened)}, {service.kills} kills")
    facts = everything(service, world)
    report_lateness(facts)
    assert_no_suspension_was_wrong(world, facts)
    for seller in world.sellers:
        for asin in world.asins():
            assert_in_step(service, seller, asin)
    while service.engine.run_once():
        continue
    assert [(each.name, each.differences) for each in check(service.database)
            if each.differences] == []  # fmt: skip


def everything(service: VirtualService, world: SoakWorld) -> dict[UUID, list[Any]]:
    """Every fact of each seller, in the order of the log."""
    with service.database.connect("projector") as log:
        rows = log.execute(
            "SELECT seller_id, topic, state FROM asin_sync_events ORDER BY notification_id"
        ).fetchall()
    facts: dict[UUID, list[Any]] = defaultdict(list)
    for seller_id, topic, state in rows:
        facts[seller_id].append(decode(topic, bytes(state)))
    return facts


def report_lateness(facts: dict[UUID, list[Any]]) -> None:
    """Each promise's lateness, and that none was late without a word."""
    minutes: dict[str, list[float]] = defaultdict(list)
    told = Counter[str]()
    for each in (fact for mine in facts.values() for fact in mine):
        match each:
            case Finished():
                late = each.stamp.decided_at - promised_at(each.kind, each.due_at)
                minutes[each.kind].append(late.total_seconds() / 60)
                told["stopped early"] += each.stopped_by is not None
            case DelayForeseen():
                told["delays foreseen"] += 1
            case Skipped():
                told["not begun"] += 1
            case _:
                continue
    for kind, late in sorted(minutes.items()):
        count = sum(each > 0 for each in late)
        print(f"  {kind}: {len(late)} sweeps, {count} late, the latest by {max(late):+.0f} min")
    print(f"  {dict(told)}")
    assert {"status", "stock_price", "catalogue", "delta", "drift", "report"} <= set(minutes)


def assert_no_suspension_was_wrong(world: SoakWorld, facts: dict[UUID, list[Any]]) -> None:
    """Whatever was suspended could not be bought on Amazon at the moment that it was read."""
    names = {seller.seller_id: seller.name for seller in world.sellers}
    asins = {
        binding_id_of(seller_id, asin): (name, asin)
        for seller_id, name in names.items()
        for asin in world.asins()
    }
    wrong, count = [], 0
    for (name, asin), fact in suspensions(world, asins):
        count += 1
        if world.truth.was_buyable(name, asin, fact.stamp.observed_at):
            wrong.append((name, asin, fact))
    print(f"  {count} suspensions, {len(wrong)} wrong")
    assert wrong == []
    assert count > 0


def suspensions(
    world: SoakWorld, asins: dict[UUID, tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], Suspended]]:
    for seller in world.sellers:
        with acting_for(seller.seller_id):
            for binding_id, place in asins.items():
                if place[0] == seller.name:
                    for fact in world.service.app.facts_of(binding_id):
                        if isinstance(fact, Suspended):
                            yield place, fact


def assert_in_step(service: VirtualService, seller: LinkedSeller, asin: str) -> None:
    """One listing at most, and it shows what the binding's facts say."""
    with acting_for(seller.seller_id):
        binding = service.app.binding(binding_id_of(seller.seller_id, asin))
    assert binding is not None
    shown = service.listings(seller, asin)
    assert len(shown) <= 1, "a duplicate"
    assert effect_due(binding) is None, (asin, binding.status, binding)
    if binding.listing is None:
        assert shown == []
        return
    assert_shows(binding, shown[0])


def assert_shows(binding: AsinBinding, shown: dict[str, Any]) -> None:
    listing = binding.listing
    assert listing is not None
    assert shown["is_on_sale"] == (binding.status == "listed" and not binding.is_closed_by_hand)
    assert (shown["title"], shown["price_jpy"]) == (listing.title, listing.price_jpy)
    if binding.status == "listed":
        assert shown["price_jpy"] == binding.price_jpy
        (units,) = shown["stock"].values()
        assert units <= (binding.stock or 0)
