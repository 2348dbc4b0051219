"""Use case of a drift sweep: walk through the shop, and record what was edited there by hand.

A row is compared with what Mercari showed after our last change; only what differs is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from domain.asin_binding import AsinBinding, BindingFact
from domain.asin_binding.drift import FollowListing, follow_listing
from domain.ports import Mercari, MercariListing
from domain.stamps import Work
from domain.sweep_run import Decide, Desk, decide_all, record_all
from domain.sync_sweep import Tally
from domain.values import binding_id_of, sku_code_of


class ShownBinding(NamedTuple):
    """What Mercari showed of a binding's listing when it was last looked at."""

    binding_id: UUID
    listing_id: str
    title: str | None
    price_jpy: int
    stock: int
    is_on_sale: bool
    category_id: str | None
    image_urls: Sequence[str] | None
    description_sha256: str | None


FindShown = Callable[[Sequence[UUID]], Sequence[ShownBinding]]


def sweep_listings(desk: Desk, mercari: Mercari, find: FindShown, with_listing: set[UUID]) -> Tally:
    """Compare every listing of the shop; `with_listing` are the bindings that should have one.

    Raises UpstreamError: a walk that did not come to its end says nothing of what is missing.
    """
    tally, seen = Tally(), set[UUID]()
    for page in pages_of(mercari):
        listings = ours_among(desk.seller.seller_id, page)
        seen.update(listings)
        known = {each.binding_id: each for each in find(list(listings))}
        drifted = {
            key: shown
            for key, shown in listings.items()
            if (has_drifted(known[key], shown) if key in known else shown.is_on_sale)
        }
        changed = record_drift(desk, drifted)
        tally = tally.plus(Tally(bindings=len(known), changed=changed))
    missing = {key: None for key in with_listing - seen if is_gone(desk, mercari, key)}
    return tally.plus(Tally(bindings=len(missing), changed=record_drift(desk, missing)))


def pages_of(mercari: Mercari) -> Iterator[Sequence[MercariListing]]:
    """Every page of the shop's listings."""
    page = mercari.read_listings(None)
    yield page.listings
    while page.next is not None:
        page = mercari.read_listings(page.next)
        yield page.listings


def ours_among(seller_id: UUID, listings: Sequence[MercariListing]) -> dict[UUID, MercariListing]:
    """Listings that carry a SKU code of ours, by binding; the code tells which."""
    found: dict[UUID, MercariListing] = {}
    for listing in listings:
        asin = listing.sku_code.partition("-")[0]
        binding_id = binding_id_of(seller_id, asin)
        if listing.sku_code == sku_code_of(asin, binding_id):
            found[binding_id] = listing
    return found


def has_drifted(known: ShownBinding, shown: MercariListing) -> bool:
    """False only when following this listing can't find anything; units sold are no drift."""
    return (
        known.title != shown.title
        or known.price_jpy != shown.price_jpy
        or known.is_on_sale != shown.is_on_sale
        or known.stock < shown.stock
        or differs(known.category_id, shown.category_id)
        or differs(known.description_sha256, shown.description_sha256)
        or differs(known.image_urls and tuple(known.image_urls), shown.image_urls)
    )


def differs(known: object, shown: object) -> bool:
    """What was never seen is not compared."""
    return known is not None and shown is not None and known != shown


def is_gone(desk: Desk, mercari: Mercari, binding_id: UUID) -> bool:
    """Missing from the walk, and Mercari says by itself that there is none of this SKU code."""
    binding = desk.app.binding(binding_id)
    return (
        binding is not None
        and binding.listing is not None
        and mercari.find_listing(binding.sku_code) is None
    )


def record_drift(desk: Desk, shown: dict[UUID, MercariListing] | dict[UUID, None]) -> int:
    if not shown:
        return 0
    keeps_price = desk.seller.hand_edited_price == "keep"
    decides = {
        key: following_listing(listing, keeps_price, desk.work) for key, listing in shown.items()
    }
    loaded = desk.app.bindings(list(decides))
    return record_all(desk, loaded, decide_all(loaded, decides), decides)


def following_listing(listing: MercariListing | None, keeps_price: bool, work: Work) -> Decide:
    def decide(binding: AsinBinding) -> list[BindingFact]:
        command = FollowListing(stamp=work.stamp(), listing=listing, keeps_price=keeps_price)
        return follow_listing(binding, command)

    return decide
