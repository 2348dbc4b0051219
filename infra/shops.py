"""The marketplaces of each seller: adapters made from its tokens, budgets and the settings.

Kept one per seller and process, as an adapter holds an access token; a new token, a new adapter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Event, RLock
from typing import NamedTuple
from uuid import UUID

from domain.application import AsinSync
from domain.breaker import Marketplace, Paused
from domain.errors import SyncNotEnabled
from domain.ports import Clock, MercariCategory, Sources
from domain.seller import SecretKind, Seller
from infra.amazon.calls import OPERATIONS as AMAZON_OPERATIONS
from infra.amazon.login import AmazonAccess
from infra.amazon.sp_api import AmazonSpApi
from infra.breakers import SellerBreaker
from infra.budgets import BudgetLimiter, Budgets, Rate
from infra.http_client import HttpSettings
from infra.http_deadline import open_client
from infra.images.inspector import MainImageInspector
from infra.mercari.calls import MercariAccess
from infra.mercari.operations import DOCUMENTS as MERCARI_DOCUMENTS
from infra.mercari.operations import POINTS as MERCARI_POINTS
from infra.mercari.shops import MercariShops
from infra.seller_secrets import SellerSecrets

TREE_SECONDS = 3600
MERCARI_POINTS_AN_HOUR = 10_000
AMAZON_RATES = {
    operation.name: Rate(operation.rate_per_second, max(1, operation.burst // 2))
    for operation in AMAZON_OPERATIONS.values()
}
# All sellers share these: a burst of two keeps calls apart, however many ask at the same moment.
AMAZON_APPLICATION_RATES = {
    "searchListingsItems": Rate(100, 2),
    "getListingsItem": Rate(100, 2),
    "searchCatalogItems": Rate(500, 2),
}
MERCARI_RATES = {
    operation: Rate(MERCARI_POINTS_AN_HOUR / 3600, MERCARI_POINTS_AN_HOUR)
    for operation in MERCARI_DOCUMENTS
}
"""What we take of what each upstream grants one seller (facts/amazon-sp-api §1.1, mercari-shops
§1.1); half of Amazon's burst is left for calls that arrive bunched."""


class UpstreamUrls(NamedTuple):
    """Where the upstreams are, and who we are to them."""

    amazon_spapi_url: str
    amazon_lwa_url: str
    amazon_lwa_client_id: str
    amazon_lwa_client_secret: str
    mercari_graphql_url: str
    mercari_api_client_name: str


class LinkedShops:
    """Adapters by seller; every call is counted."""

    def __init__(
        self,
        urls: UpstreamUrls,
        seller_secrets: SellerSecrets,
        budgets: Budgets,
        app: AsinSync,
        clock: Clock,
        images: MainImageInspector,
        *,
        patience_seconds: float,
        stop: Event,
        settings: HttpSettings | None = None,
    ) -> None:
        self._urls = urls
        self._secrets = seller_secrets
        self._budgets = budgets
        self._app = app
        self._clock = clock
        self._images = images
        self._patience_seconds = patience_seconds
        self._stop = stop
        self._settings = settings or HttpSettings()
        self._client = open_client()
        self._amazon: dict[UUID, tuple[str, AmazonSpApi]] = {}
        self._mercari: dict[UUID, tuple[str, MercariShops]] = {}
        self._trees: dict[UUID, tuple[float, tuple[MercariCategory, ...]]] = {}
        self._breakers: dict[tuple[UUID, Marketplace], SellerBreaker] = {}
        self._calls: Counter[tuple[UUID, str]] = Counter()
        self._lock = RLock()

    def amazon(self, seller: Seller) -> AmazonSpApi:
        """Raises SyncNotEnabled where the seller has not linked Amazon."""
        token = self._token(seller, "amazon_refresh_token", "Amazon link")
        with self._lock:
            kept = self._amazon.get(seller.seller_id)
            if kept is not None and kept[0] != token:
                self.breaker(seller.seller_id, "amazon").try_now()
            if kept is None or kept[0] != token:
                kept = (token, self._make_amazon(seller, token))
                self._amazon[seller.seller_id] = kept
        return kept[1]

    def mercari(self, seller: Seller) -> MercariShops:
        """Raises SyncNotEnabled where the seller has not linked Mercari."""
        token = self._token(seller, "mercari_access_token", "Mercari link")
        with self._lock:
            kept = self._mercari.get(seller.seller_id)
            if kept is not None and kept[0] != token:
                self.breaker(seller.seller_id, "mercari").try_now()
            if kept is None or kept[0] != token:
                kept = (token, self._make_mercari(seller, token))
                self._mercari[seller.seller_id] = kept
        return kept[1]

    def tree(self, seller: Seller) -> tuple[MercariCategory, ...]:
        """The shop's category tree, read once an hour. Raises UpstreamError."""
        now = self._clock().timestamp()
        kept = self._trees.get(seller.seller_id)
        if kept is None or now - kept[0] > TREE_SECONDS:
            kept = (now, tuple(self.mercari(seller).read_categories()))
            self._trees[seller.seller_id] = kept
        return kept[1]

    def sources(self, seller: Seller, *, with_tree: bool = True) -> Sources:
        """What a check reads for this seller. Raises SyncNotEnabled, UpstreamError."""
        tree = self.tree(seller) if with_tree else ()
        return Sources(self.amazon(seller), tree, self._images)

    def pause(self, seller: Seller, marketplace: Marketplace) -> Paused | None:
        """Why this seller's marketplace is not asked now; None where it may be.

        Raises SyncNotEnabled. A new link is tried at once, whatever became of the one before.
        """
        _ = self.amazon(seller) if marketplace == "amazon" else self.mercari(seller)
        return self.breaker(seller.seller_id, marketplace).pause()

    def breaker(self, seller_id: UUID, marketplace: Marketplace) -> SellerBreaker:
        with self._lock:
            kept = self._breakers.get((seller_id, marketplace))
            if kept is None:
                kept = SellerBreaker(self._app, seller_id, marketplace, self._clock)
                self._breakers[seller_id, marketplace] = kept
        return kept

    def take_calls(self) -> Counter[tuple[UUID, str]]:
        """The calls made since this was last asked, by seller and operation."""
        with self._lock:
            taken, self._calls = self._calls, Counter()
        return taken

    def close(self) -> None:
        self._images.close()
        self._client.close()

    def _token(self, seller: Seller, kind: SecretKind, name: str) -> str:
        token = self._secrets.find(seller.seller_id, kind)
        if token is None:
            raise SyncNotEnabled(f"missing: {name}", missing=[name])
        return token

    def _make_amazon(self, seller: Seller, token: str) -> AmazonSpApi:
        access = AmazonAccess(
            client_id=self._urls.amazon_lwa_client_id,
            client_secret=self._urls.amazon_lwa_client_secret,
            refresh_token=token,
            amazon_seller_id=seller.amazon_seller_id,
            api_url=self._urls.amazon_spapi_url,
            login_url=self._urls.amazon_lwa_url,
        )
        levels = {f"amazon:{seller.seller_id}": AMAZON_RATES, "amazon": AMAZON_APPLICATION_RATES}
        limiter = BudgetLimiter(
            self._budgets, levels, patience_seconds=self._patience_seconds, stop=self._stop
        )
        return AmazonSpApi(
            self._client, access, limiter, self._clock, self._settings,
            on_call=self._counter(seller),
            watch=self.breaker(seller.seller_id, "amazon").watching,
        )  # fmt: skip

    def _make_mercari(self, seller: Seller, token: str) -> MercariShops:
        access = MercariAccess(
            url=self._urls.mercari_graphql_url,
            access_token=token,
            client_name=self._urls.mercari_api_client_name,
        )
        limiter = BudgetLimiter(
            self._budgets,
            {f"mercari:{seller.seller_id}": MERCARI_RATES},
            patience_seconds=self._patience_seconds,
            stop=self._stop,
            shared_bucket="points",
            costs=MERCARI_POINTS,
        )
        return MercariShops(
            self._client, access, limiter, self._clock, self._settings,
            on_call=self._counter(seller),
            watch=self.breaker(seller.seller_id, "mercari").watching,
        )  # fmt: skip

    def _counter(self, seller: Seller) -> Callable[[str], None]:
        def count(operation: str) -> None:
            with self._lock:
                self._calls[seller.seller_id, operation] += 1

        return count
