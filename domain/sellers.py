"""Use cases of a seller: whatever is decided on it as it stands is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from domain.application import AsinSync, Change, acting_for, until_settled
from domain.errors import NotFound
from domain.seller import Seller, SellerFact

Decide = Callable[[Seller], Sequence[SellerFact]]


def change_seller(app: AsinSync, seller_id: UUID, decide: Decide) -> int | None:
    """Decide on the seller as it stands and record it. Raises NotFound and the refusals."""

    def attempt() -> int | None:
        known = app.seller(seller_id)
        if not known.is_registered:
            raise NotFound("no such seller")
        return app.record(Change(seller_id, known.version, decide(known)))

    with acting_for(seller_id):
        return until_settled(attempt)
