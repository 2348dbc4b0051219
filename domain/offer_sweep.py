"""Sweeps of offers: status, price and stock, read in batches, compared row by row, decided in bulk.

An unchanged binding is never loaded, and whatever could not be read is counted, logged and left as
it is. Many changes at once go on only where a second reading confirms them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from domain.asin_binding import decisions
from domain.braked import Reread, record_braked
from domain.breaker import UpstreamPaused
from domain.following import offer_to_follow
from domain.policy import policy_of
from domain.ports import (
    Amazon,
    AmazonOffer,
    ReportedListing,
    StockBatch,
    UpstreamError,
    UpstreamThrottled,
)
from domain.reading import FBA_BATCH, stocked
from domain.seller import Seller
from domain.sweep_run import Decide, Desk, LiveBinding, Page, SweepRun, decide_all, failed
from domain.sync_sweep import SweepFailure, Tally

WAITING = (UpstreamThrottled, UpstreamPaused)
UNANSWERED = "E-901"
WITH_STOCK = ("stock_price", "report")
TOO_OLD = "E-906"


class OfferReading:
    """What could be read of a page's offers, by SKU; the rest has its reason, or is left for later.

    `stock` holds the sellable FBA units of the SKUs that were asked for them. `waits_for` is the
    error that asks to wait: nothing is wrong with what is left.
    """

    def __init__(self) -> None:
        self.offers: dict[str, AmazonOffer] = {}
        self.stock: dict[str, int | None] = {}
        self.failures: dict[str, tuple[str, str]] = {}
        self.left: set[str] = set()
        self.waits_for: UpstreamError | None = None

    def fail(self, skus: Iterable[str], error: UpstreamError) -> None:
        if isinstance(error, WAITING):
            self.left.update(skus)
            self.waits_for = error
        else:
            self.failures.update(dict.fromkeys(skus, (error.code, str(error))))

    def usable(self, sku: str, asin: str, oldest: datetime) -> AmazonOffer | None:
        """The offer, where it may be acted on; else None, and the reason is among the failures."""
        offer = self.offers.get(sku)
        if offer is not None and sku in self.stock:
            offer = stocked(offer, self.stock[sku])
        if offer is None:
            self.failures.setdefault(sku, (UNANSWERED, "Amazon did not answer for this SKU"))
        elif offer.status == "unknown":
            self.failures.setdefault(sku, (UNANSWERED, "Amazon's answer says too little"))
        elif offer.asin not in ("", asin):
            self.failures.setdefault(sku, (UNANSWERED, f"the SKU now belongs to {offer.asin}"))
        elif offer.observed_at < oldest:
            read_at = f"read at {offer.observed_at:%Y-%m-%d %H:%M:%S} UTC"
            self.failures.setdefault(sku, (TOO_OLD, read_at))
        else:
            return offer
        return None


def sweep_offers(desk: Desk, run: SweepRun, bindings: Sequence[LiveBinding]) -> Page:
    """Status, own price and seller-fulfilled stock; FBA stock where the sweep is about stock."""
    skus = list(dict.fromkeys(each.sku for each in bindings if each.sku))
    reading = read_offers(desk.sources.amazon, skus, with_stock=run.kind in WITH_STOCK)
    return follow_offers(desk, run, bindings, reading)


def read_offers(amazon: Amazon, skus: Sequence[str], *, with_stock: bool) -> OfferReading:
    """Twenty SKUs a call, fifty for FBA stock; a SKU missing from a good answer is asked for alone.

    Without `with_stock`, FBA stock is asked only where it tells sold out from suspended.
    """
    reading = OfferReading()
    with StockBeside(amazon, reading, is_full=with_stock) as stock:
        for batch in amazon.read_offers_in_batches(skus):
            reading.offers.update((offer.sku, offer) for offer in batch.offers)
            absent = [sku for sku in batch.skus if sku not in reading.offers]
            if batch.error is not None:
                reading.fail(absent, batch.error)
            else:
                for sku in absent:
                    read_alone(amazon, sku, reading)
            stock.ask_for(batch.skus)
    return reading


def read_alone(amazon: Amazon, sku: str, reading: OfferReading) -> None:
    """A SKU missing from a good batch is UNKNOWN until it was asked for by itself."""
    try:
        reading.offers[sku] = amazon.read_offer(sku)
    except UpstreamError as error:
        reading.fail([sku], error)


class StockBeside:
    """Reads FBA stock while offers are still being read: the two have budgets of their own.

    What stays unknown is said, and never taken for 0.
    """

    def __init__(self, amazon: Amazon, reading: OfferReading, *, is_full: bool) -> None:
        self._amazon = amazon
        self._reading = reading
        self._is_full = is_full
        self._asked: list[str] = []
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="fba-stock")
        self._answers: list[Future[list[StockBatch]]] = []

    def __enter__(self) -> Self:
        return self

    def ask_for(self, skus: Iterable[str]) -> None:
        """Ask for those of these SKUs whose stock is wanted, in whole batches."""
        offers = self._reading.offers
        self._asked += [sku for sku in skus if sku in offers and self._is_wanted(offers[sku])]
        whole = len(self._asked) // FBA_BATCH * FBA_BATCH
        if whole:
            self._submit(self._asked[:whole])
            self._asked = self._asked[whole:]

    def __exit__(self, *_: object) -> None:
        if self._asked:
            self._submit(self._asked)
        self._beside.shutdown()
        for answer in self._answers:
            for batch in answer.result():
                self._take(batch)

    def _is_wanted(self, offer: AmazonOffer) -> bool:
        return offer.channel == "fba" and (self._is_full or offer.status == "inactive")

    def _submit(self, skus: Sequence[str]) -> None:
        read = self._amazon.read_fba_in_batches
        self._answers.append(self._beside.submit(lambda: list(read(skus))))

    def _take(self, batch: StockBatch) -> None:
        absent = [sku for sku in batch.skus if sku not in batch.quantities]
        if batch.error is not None:
            self._reading.fail(absent, batch.error)
        for sku in absent:
            untold = (UNANSWERED, "Amazon told no FBA stock of this SKU")
            self._reading.failures.setdefault(sku, untold)
        self._reading.stock |= {**dict.fromkeys(absent), **batch.quantities}


def follow_offers(
    desk: Desk, run: SweepRun, bindings: Sequence[LiveBinding], reading: OfferReading
) -> Page:
    """Decide what changed, apply the brake, record the rest, and count."""
    changed: dict[UUID, AmazonOffer] = {}
    failures: list[SweepFailure] = []
    oldest = oldest_usable(desk.work.clock())
    is_suspended = run.account == "suspended"
    must_decide = is_suspended or is_repriced(desk.seller, run)
    left = [each for each in bindings if each.sku in reading.left]
    for binding in bindings:
        if binding.sku in reading.left:
            continue
        if not must_decide and is_unchanged(binding, reading, oldest):
            continue
        offer = reading.usable(binding.sku or "", binding.asin, oldest)
        if why := reading.failures.get(binding.sku or ""):
            failures.append(SweepFailure(asin=binding.asin, code=why[0], detail=why[1]))
        if offer is not None:
            changed[binding.binding_id] = in_account(offer) if is_suspended else offer
    tally = Tally(bindings=len(bindings) - len(left)).plus(failed(failures))
    recorded, held = record_changed(desk, run, changed)
    return Page(
        tally.plus(recorded), (*failures, *held),
        tuple(each.binding_id for each in left), reading.waits_for,
    )  # fmt: skip


def oldest_usable(now: datetime) -> datetime:
    """Nothing is decided on what was read before then."""
    return now - timedelta(seconds=policy_of().guards.stale_offer_seconds_max)


def is_unchanged(binding: LiveBinding, reading: OfferReading, oldest: datetime) -> bool:
    """True only when following this offer can't change anything, and it was read whole."""
    sku = binding.sku or ""
    offer = reading.offers.get(sku)
    if offer is None or sku in reading.failures or offer.observed_at < oldest:
        return False
    quantity = reading.stock.get(sku, offer.quantity)
    return (
        binding.status == "listed"
        and offer.asin == binding.asin
        and offer.status == "active"
        and (offer.price_jpy is None or offer.price_jpy == binding.amazon_price_jpy)
        and (quantity is None or quantity == binding.amazon_quantity)
    )


def is_repriced(seller: Seller, run: SweepRun) -> bool:
    """The seller's rules may move a price though Amazon's stands: by a new day, or a stale price.

    Also where all rules were taken back, so that the plain float returns.
    """
    return run.kind == "stock_price" and seller.pricing_rules is not None


def in_account(offer: AmazonOffer) -> AmazonOffer:
    """The offer as a suspended account lets it count."""
    suspended = {"status": "suspended_account", "status_reason": "hasSuspendedListings"}
    return offer.model_copy(update=suspended)


def record_changed(
    desk: Desk, run: SweepRun, offers: Mapping[UUID, AmazonOffer]
) -> tuple[Tally, Sequence[SweepFailure]]:
    """Decide in bulk; where the sweep would change too many listings, only on a second reading."""
    decides = {key: following(desk, run, offer) for key, offer in offers.items()}
    loaded = desk.app.bindings(list(decides))

    def again(keys: Sequence[UUID]) -> Reread:
        skus = {loaded[key].sku or "": key for key in keys}
        second = read_offers(desk.sources.amazon, list(skus), with_stock=run.kind in WITH_STOCK)
        oldest = oldest_usable(desk.work.clock())
        usable = {key: second.usable(sku, loaded[key].asin, oldest) for sku, key in skus.items()}
        told = {key: offer for key, offer in usable.items() if offer is not None}
        followed = {key: following(desk, run, offer) for key, offer in told.items()}
        return Reread(decide_all({key: loaded[key] for key in told}, followed), set(told))

    # an account that is suspended was asked twice before
    is_confirmed = run.account == "suspended"
    return record_braked(desk, run, loaded, decides, None if is_confirmed else again)


def following(desk: Desk, run: SweepRun, offer: AmazonOffer) -> Decide:
    may_return = run.account == "active"
    command = offer_to_follow(desk.seller, offer, desk.work, may_return=may_return)
    return lambda binding: decisions.follow_offer(binding, command)


def sweep_not_buyable(
    desk: Desk, run: SweepRun, find: Callable[[Sequence[str]], Sequence[LiveBinding]]
) -> Page | None:
    """Follow only the offers that can't be bought now; `find` gives the bindings of SKUs.

    None where there are more of them than Amazon pages through: the next full scan will tell.
    Raises UpstreamError.
    """
    offers = desk.sources.amazon.read_not_buyable()
    if offers is None:
        return None
    reading, bound = OfferReading(), find([offer.sku for offer in offers])
    skus = {each.sku for each in bound}
    reading.offers = {offer.sku: offer for offer in offers if offer.sku in skus}
    with StockBeside(desk.sources.amazon, reading, is_full=False) as stock:
        stock.ask_for(reading.offers)
    return follow_offers(desk, run, bound, reading)


def sweep_reported(
    desk: Desk,
    run: SweepRun,
    reported: Iterable[ReportedListing],
    live: Sequence[LiveBinding],
) -> Page:
    """Read again, by itself, whatever the day's report says otherwise than we know.

    The report is hours old when it comes, so nothing is decided by it.
    """
    by_sku = {each.sku: each for each in reported}
    asked = [
        each for each in live if each.sku is not None and is_otherwise(each, by_sku.get(each.sku))
    ]
    return sweep_offers(desk, run, asked)


def is_otherwise(binding: LiveBinding, reported: ReportedListing | None) -> bool:
    """The report lacks the SKU, or shows another status or price; FBA stock is not in it."""
    if reported is None:
        return True
    if (reported.status == "active") != (binding.status == "listed"):
        return reported.status != "unknown"
    return reported.price_jpy not in (None, binding.amazon_price_jpy)
