"""Effects while the binding, Amazon, or the seller's own hand moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

import pytest

from domain import drift, hints, listing
from domain.application import AsinSync, Change, acting_for
from domain.asin_binding import AsinBinding, BindingFact, effect_due
from domain.asin_binding.facts import (
    AttemptFailed,
    ContentRefreshed,
    DriftFound,
    PriceAdjusted,
    StockAdjusted,
)
from domain.breaker import Paused, UpstreamPaused
from domain.ports import (
    Amazon,
    AmazonOffer,
    ListingChange,
    ListingDraft,
    ListingsPage,
    Mercari,
    MercariListing,
    ShopClosed,
    Sources,
)
from domain.seller import Seller
from domain.stamps import Work
from domain.sweep_run import Desk
from infra.installation import Installation
from tests.examples import (
    AT_MAPPED,
    BAGS,
    BINDING_ID,
    IMAGE_URL,
    LIVE,
    NOW,
    SELLER_ID,
    STAMP,
    TITLE,
    a_listing,
    an_offer,
    at,
    confirmed,
    listed,
    mapped,
    reinstated,
    requested,
    stamp,
    suspended,
    validated,
    withdrawn,
)

DAYS_LATER = NOW + timedelta(days=3)
SELLER = Seller(seller_id=SELLER_ID)
SOON = Work(lambda: at(120), "test", uuid4())
LATER = Work(lambda: DAYS_LATER, "test", uuid4())
ASKED = requested(submission_id=None, row=None)
DEARER = PriceAdjusted(
    stamp=stamp(60, 60), from_price_jpy=10_000, to_price_jpy=11_000, amazon_price_jpy=11_000,
    float_rate=Decimal(0),
)  # fmt: skip
FEWER = StockAdjusted(
    stamp=stamp(60, 60), from_stock=10, to_stock=7, amazon_quantity=7, stock_threshold=0
)


class OneListing:
    """A shop with at most one listing; `meanwhile` happens just after it was changed."""

    def __init__(
        self, shown: MercariListing | None, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        self.shown, self.meanwhile = shown, meanwhile
        self.changes: list[dict[str, Any]] = []
        self.stocks: list[int] = []
        self.takes_stock = True

    def _now(self) -> MercariListing | None:
        return self.shown and self.shown.model_copy(update={"observed_at": DAYS_LATER})

    def find_listing(self, _: str) -> MercariListing | None:
        return self._now()

    def read_listings(self, _: str | None) -> ListingsPage:
        shown = self._now()
        return ListingsPage((shown,) if shown else (), None)

    def create_listing(self, draft: ListingDraft) -> MercariListing | None:
        self.shown = a_listing(
            is_on_sale=False, stock=draft.stock, price_jpy=draft.price_jpy, title=draft.title
        )
        return self._now()

    def change_listing(self, _: str, change: ListingChange) -> MercariListing | None:
        assert self.shown is not None
        fields = change.model_dump(exclude_none=True)
        self.changes.append(fields)
        known = {name: value for name, value in fields.items() if name != "description"}
        self.shown = self.shown.model_copy(update=known)
        self.meanwhile()
        return self._now()

    def set_stock(self, _: str, quantity: int) -> None:
        assert self.shown is not None
        self.stocks.append(quantity)
        self.shown = self.shown.model_copy(update={"stock": quantity})

    def set_stocks(self, quantities: Mapping[str, int]) -> Mapping[str, int]:
        assert self.shown is not None
        (quantity,) = quantities.values()
        self.stocks.append(quantity)
        if self.takes_stock:
            self.shown = self.shown.model_copy(update={"stock": quantity})
        return dict.fromkeys(quantities, self.shown.stock)


class OneOffer:
    """Amazon says this of every SKU, and of its stock in a warehouse."""

    def __init__(self, offer: AmazonOffer, quantity: int = 10) -> None:
        self._offer, self._quantity = offer, quantity

    def read_offer(self, _: str) -> AmazonOffer:
        return self._offer

    def read_fba_quantities(self, skus: Collection[str]) -> dict[str, int]:
        return dict.fromkeys(skus, self._quantity)


class Bench:
    """One binding, its history, and one effect after the other."""

    def __init__(self, app: AsinSync) -> None:
        self.app = app

    @property
    def binding(self) -> AsinBinding:
        found = self.app.binding(BINDING_ID)
        assert found is not None
        return found

    def given(self, *facts: BindingFact) -> None:
        known = self.app.binding(BINDING_ID)
        self.app.record(Change(BINDING_ID, known.version if known else 0, facts))

    def perform(
        self, shop: OneListing, amazon: object = None, work: Work = SOON
    ) -> listing.EffectOutcome:
        offers = cast(Amazon, amazon or OneOffer(an_offer()))
        return listing.perform_effect(
            self.app, SELLER, offers, cast(Mercari, shop), BINDING_ID, work
        )

    def facts(self) -> list[Any]:
        return self.app.facts_of(BINDING_ID)

    def sweep_drift(self, shop: OneListing) -> None:
        desk = Desk(self.app, SELLER, Sources(cast(Amazon, None), (), cast(Any, None)), LATER)
        drift.sweep_listings(desk, cast(Mercari, shop), lambda _: [], set())


@pytest.fixture
def bench(installation: Installation) -> Iterator[Bench]:
    with acting_for(SELLER_ID):
        yield Bench(installation.app)


def test_a_listing_opened_while_its_binding_was_withdrawn_is_taken_down(bench: Bench) -> None:
    bench.given(ASKED, validated(), mapped())
    shop = OneListing(None, lambda: bench.given(withdrawn()))
    bench.perform(shop)
    assert shop.shown is not None
    assert shop.shown.is_on_sale
    assert effect_due(bench.binding) == "take_down"
    shop.meanwhile = lambda: None
    bench.perform(shop)
    assert not shop.shown.is_on_sale
    assert effect_due(bench.binding) is None


def test_a_listing_reopened_while_its_asin_was_suspended_is_taken_down(bench: Bench) -> None:
    off = confirmed("take_down", is_on_sale=False)
    bench.given(ASKED, validated(), mapped(), listed(), suspended(1), off, reinstated(2))
    shop = OneListing(a_listing(is_on_sale=False), lambda: bench.given(suspended(90)))
    bench.perform(shop)
    assert bench.binding.status == "suspended"
    assert effect_due(bench.binding) == "take_down"


def test_an_open_listing_that_nobody_knows_of_is_found_by_the_drift_sweep(bench: Bench) -> None:
    """The worker was killed between opening it and recording that, and the seller withdrew."""
    bench.given(ASKED, validated(), mapped(), withdrawn())
    shop = OneListing(a_listing())
    bench.sweep_drift(shop)
    assert effect_due(bench.binding) == "take_down"


def test_a_warehouse_item_that_is_only_sold_out_is_not_suspended_by_a_second_look(
    bench: Bench,
) -> None:
    renewed = ContentRefreshed(stamp=STAMP, title="新", image_url=IMAGE_URL, browse_path=BAGS)
    bench.given(*LIVE, renewed)
    sold_out = an_offer(status="inactive", status_reason="not_buyable", quantity=None).model_copy(
        update={"observed_at": DAYS_LATER}
    )
    bench.perform(OneListing(a_listing()), OneOffer(sold_out, quantity=0), LATER)
    assert bench.binding.status == "listed"
    assert bench.binding.stock == 0


def test_a_stale_decision_is_not_carried_out_while_amazon_says_too_little(bench: Bench) -> None:
    bench.given(*AT_MAPPED)
    unknown = an_offer(status="unknown", price_jpy=None, quantity=None)
    shop = OneListing(None)
    outcome = bench.perform(shop, OneOffer(unknown), LATER)
    assert (shop.shown, outcome.error_code) == (None, "E-901")


def test_a_sale_that_is_seen_forgets_nothing_that_is_still_to_be_written(bench: Bench) -> None:
    renewed = ContentRefreshed(stamp=STAMP, title=TITLE, image_url="https://x/2", browse_path=BAGS)
    bench.given(*LIVE, renewed)
    shop = OneListing(a_listing(stock=9))
    assert hints.follow_sale(bench.app, cast(Mercari, shop), BINDING_ID, LATER) == "changed"
    assert bench.binding.to_write == ("description", "image_urls")


def test_a_listing_closed_by_hand_is_not_opened_by_a_new_price(bench: Bench) -> None:
    bench.given(*LIVE, DEARER)
    shop = OneListing(a_listing(is_on_sale=False))
    for _ in range(3):
        bench.perform(shop)
    assert shop.changes == []
    assert bench.binding.is_closed_by_hand
    assert effect_due(bench.binding) is None


def test_a_text_edited_by_hand_is_found_by_the_next_update_and_put_back(bench: Bench) -> None:
    seen = {"description_sha256": "aa", "image_urls": ("x",)}
    bench.given(ASKED, validated(), mapped(), listed(**seen), DEARER)
    shop = OneListing(a_listing(description_sha256="by hand", image_urls=("x",)))
    bench.perform(shop)
    assert isinstance(bench.facts()[-1], DriftFound)
    bench.perform(shop)
    assert set(shop.changes[0]) == {"description", "price_jpy"}


def test_units_sold_on_mercari_are_not_put_back_by_a_new_quantity(bench: Bench) -> None:
    bench.given(*LIVE, FEWER)
    shop = OneListing(a_listing(stock=8))
    for _ in range(2):
        bench.perform(shop)
    assert shop.stocks == [5], "seven, less the two that were sold"
    assert effect_due(bench.binding) is None


@pytest.mark.parametrize("takes_stock", [True, False])
def test_stock_written_in_bulk_is_done_only_where_mercari_took_it(
    bench: Bench, *, takes_stock: bool
) -> None:
    bench.given(*LIVE, FEWER)
    shop = OneListing(a_listing())
    shop.takes_stock = takes_stock
    done = listing.perform_stock(bench.app, SELLER, cast(Mercari, shop), [BINDING_ID], SOON)
    assert done == ({BINDING_ID} if takes_stock else set())
    assert (effect_due(bench.binding) is None) == takes_stock


def test_an_effect_that_needs_a_paused_amazon_waits_for_its_time_and_lets_others_go_on(
    bench: Bench,
) -> None:
    class PausedAmazon:
        def read_offer(self, _: str) -> AmazonOffer:
            paused = Paused(
                stamp=STAMP, marketplace="amazon", code="E-901", reason="503", since=NOW, tries=0,
                retry_at=DAYS_LATER + timedelta(minutes=9),
            )  # fmt: skip
            raise UpstreamPaused(paused, DAYS_LATER)

    bench.given(*LIVE, DEARER)
    outcome = bench.perform(OneListing(a_listing()), PausedAmazon(), LATER)
    assert (outcome.is_paused, outcome.error_code) == (False, "E-901")
    assert outcome.retry_at == DAYS_LATER + timedelta(minutes=9)


def test_a_take_down_that_a_closed_shop_refuses_is_tried_again_soon(bench: Bench) -> None:
    class ClosedShop(OneListing):
        def change_listing(self, _: str, change: ListingChange) -> MercariListing:
            raise ShopClosed("mercari", "updateProduct", "the shop is closed")

    bench.given(*LIVE, suspended())
    bench.perform(ClosedShop(a_listing()))
    failed = bench.facts()[-1]
    assert isinstance(failed, AttemptFailed)
    assert failed.retry_at - at(120) < timedelta(minutes=1)


def test_a_change_that_mercari_takes_and_does_not_show_is_tried_again_after_an_hour(
    bench: Bench,
) -> None:
    class Stubborn(OneListing):
        def change_listing(self, listing_id: str, change: ListingChange) -> MercariListing | None:
            shown = super().change_listing(listing_id, change)
            assert self.shown is not None
            self.shown = self.shown.model_copy(update={"price_jpy": 10_500})
            return shown

    bench.given(*LIVE, DEARER)
    bench.perform(Stubborn(a_listing()))
    failed = bench.facts()[-1]
    assert isinstance(failed, AttemptFailed)
    assert failed.retry_at == at(120) + timedelta(hours=1)
