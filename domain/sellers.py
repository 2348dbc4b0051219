"""Use cases of a seller: whatever is decided on it as it stands is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from domain import arbitrage
from domain.application import AsinSync, Change, acting_for, until_settled
from domain.errors import NotFound, VersionConflict
from domain.seller import Seller, SellerFact
from domain.stamps import Work
from domain.values import suspicion_id_of

Decide = Callable[[Seller], Sequence[SellerFact]]


def change_seller(
    app: AsinSync, seller_id: UUID, decide: Decide, expected_version: int | None = None
) -> int | None:
    """Decide on the seller as it stands and record it.

    Raises NotFound, the refusals, and VersionConflict where it is not at the version expected.
    """

    def attempt() -> int | None:
        known = app.seller(seller_id)
        if not known.is_registered:
            raise NotFound("no such seller")
        if expected_version not in (None, known.version):
            detail = f"the seller is at version {known.version}, not {expected_version}"
            raise VersionConflict(
                detail, version=known.version, rules={"If-Match": "version_moved_on"}
            )
        return app.record(Change(seller_id, known.version, decide(known)))

    with acting_for(seller_id):
        return until_settled(attempt)


def suspect_seller(
    app: AsinSync,
    seller_id: UUID,
    rule: arbitrage.Rule,
    evidence: Sequence[arbitrage.Evidence],
    work: Work,
) -> int | None:
    """Record the suspicion where this rule's evidence tells something new; its position."""

    def decide(known: Seller) -> Sequence[SellerFact]:
        command = arbitrage.SuspectArbitrage(
            stamp=work.stamp(), rule=rule, evidence=tuple(evidence),
            suspicion_id=suspicion_id_of(seller_id, known.version + 1),
        )  # fmt: skip
        return arbitrage.suspect(known.arbitrage, command)

    return change_seller(app, seller_id, decide)
