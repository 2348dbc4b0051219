"""The jobs of arbitrage: hold a seller's signs against the rules; end its bindings with it.

Both can be run again from the start: what was suspected or has ended is not told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain import winding_up
from domain.application import acting_for
from domain.arbitrage import Evidence, WindUp
from domain.policies import StartSweep
from domain.policies import WindUp as WindUpDue
from domain.policy import policy_of
from domain.sellers import suspect_seller
from domain.stamps import Work
from infra.policies_follower import job_of
from infra.sweep_jobs import Put
from infra.workshop import ACTOR, Workshop
from projections import arbitrage_signs, suspicions
from projections.arbitrage_signs import SignRow


class ArbitrageJobs:
    """The tasks `check_arbitrage` and `wind_up`."""

    def __init__(self, workshop: Workshop, put: Put) -> None:
        self._workshop = workshop
        self._put = put

    def check_arbitrage(self, seller: str) -> None:
        """Suspect the seller where a rule holds against it and that is not known yet."""
        shop, seller_id = self._workshop, UUID(seller)
        policy, now, work = policy_of().arbitrage, shop.clock(), self._work(seller_id)
        with shop.database.reading_for(seller_id) as connection:
            above = arbitrage_signs.above_policy(connection, policy, now)
            unowned = arbitrage_signs.without_offer(connection, policy, now)
        told_above = evidence_of(above, [row.above_since for row in above])
        told_unowned = evidence_of(unowned, [row.unowned_since for row in unowned])
        suspect_seller(shop.app, seller_id, "price_above_policy", told_above, work)
        suspect_seller(shop.app, seller_id, "no_own_offer", told_unowned, work)

    def wind_up(self, seller: str, ending: WindUp) -> None:
        """End the seller's bindings page by page, then look for listings that nobody knew of."""
        shop, seller_id, after, ended = self._workshop, UUID(seller), UUID(int=0), 0
        while page := self._left(seller_id, ending, after):
            if shop.stop.is_set():
                self._put(*job_of(WindUpDue(seller_id, ending)))
                return
            with acting_for(seller_id):
                work = self._work(seller_id)
                ended += winding_up.wind_up(shop.app, seller_id, page, ending, work)
            after = page[-1]
        if ended:
            self._put(*job_of(StartSweep(seller_id, "drift", shop.clock(), is_requested=True)))

    def _left(self, seller_id: UUID, ending: WindUp, after: UUID) -> list[UUID]:
        with self._workshop.database.reading_for(seller_id) as connection:
            return suspicions.left_to_end(connection, ending, after, winding_up.PAGE_SIZE)

    def _work(self, correlation_id: UUID) -> Work:
        return Work(self._workshop.clock, ACTOR, correlation_id)


def evidence_of(rows: Sequence[SignRow], since: Sequence[datetime | None]) -> list[Evidence]:
    """The rows as a suspicion names them; `since` is that of the rule."""
    return [
        Evidence(
            binding_id=row.binding_id, asin=row.asin, since=begun,
            amazon_price_jpy=row.amazon_price_jpy, shown_price_jpy=row.shown_price_jpy,
            positions=row.positions,
        )
        for row, begun in zip(rows, since, strict=True)
        if begun is not None
    ]  # fmt: skip
