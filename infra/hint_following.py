"""Follows a hint: finds what is bound, reads it again through the seller's own adapters, decides.

An answer that can't be had is UNKNOWN and changes nothing.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import assert_never
from uuid import UUID

from domain import hints
from domain.application import AsinSync
from domain.errors import Refusal
from domain.hints import Followed, HintKind
from domain.ports import Clock, UpstreamError
from domain.seller import Seller, ensure_may_bind
from domain.stamps import Work
from domain.values import binding_id_of
from infra.database import Database
from infra.shops import LinkedShops
from projections import bindings

ACCOUNT_AGE_MAX = timedelta(seconds=60)
NEVER = datetime.min.replace(tzinfo=UTC)
log = logging.getLogger(__name__)


class HintFollower:
    """One a worker; it remembers for a minute what Amazon said of each account."""

    def __init__(self, database: Database, app: AsinSync, shops: LinkedShops, clock: Clock) -> None:
        self._database = database
        self._app = app
        self._shops = shops
        self._clock = clock
        self._accounts: dict[UUID, tuple[datetime, bool]] = {}

    def follow(
        self, seller_id: UUID, kind: HintKind, sku: str | None, asin: str | None, work: Work
    ) -> Followed:
        """Read again and decide, acting for this seller."""
        asin = asin or self._asin_of(seller_id, sku or "")
        if asin is None:
            return "unchanged"
        owner = self._app.seller(seller_id)
        try:
            ensure_may_bind(owner)
            return self._read(owner, kind, sku, binding_id_of(seller_id, asin), work)
        except (UpstreamError, Refusal) as error:
            log.warning("hint about %s of %s: %s", asin, seller_id, error)
            return "unknown"

    def _read(
        self, owner: Seller, kind: HintKind, sku: str | None, binding_id: UUID, work: Work
    ) -> Followed:
        match kind:
            case "offer" | "offers":
                amazon = self._shops.amazon(owner)
                return hints.follow_offer(
                    self._app, owner, amazon,
                    lambda since: self._is_account_suspended(owner, since), binding_id, sku, work,
                )  # fmt: skip
            case "catalogue":
                sources = self._shops.sources(owner)
                return hints.follow_catalogue(self._app, owner, sources, binding_id, work)
            case "sale":
                mercari = self._shops.mercari(owner)
                return hints.follow_sale(self._app, mercari, binding_id, work)
            case "account":
                raise ValueError("an account is asked by a sweep")
            case _:
                assert_never(kind)

    def _asin_of(self, seller_id: UUID, sku: str) -> str | None:
        with self._database.reading_for(seller_id) as connection:
            return bindings.asin_of_sku(connection, sku)

    def _is_account_suspended(self, owner: Seller, since: datetime | None) -> bool:
        """Asked once a minute, as Amazon allows it, or when `since` is newer than the answer.

        Raises UpstreamError.
        """
        now = self._clock()
        said_at, is_suspended = self._accounts.get(owner.seller_id, (NEVER, True))
        if now - said_at > ACCOUNT_AGE_MAX or said_at < (since or NEVER):
            is_suspended = self._shops.amazon(owner).is_account_suspended()
            self._accounts[owner.seller_id] = (now, is_suspended)
        return is_suspended
