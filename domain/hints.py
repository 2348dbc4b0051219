"""Use cases of hints: a marketplace said that something changed, so it is read again.

What a notification says is never believed: it only names what to read. The decisions are those of a
sweep, so a notification that lies, comes twice or comes late does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from domain.application import AsinSync, until_settled
from domain.asin_binding import AsinBinding, BindingFact, decisions
from domain.checking import setting_of
from domain.following import offer_to_follow, product_to_follow
from domain.ports import Amazon, Mercari, Sources
from domain.product import product_of
from domain.reading import with_fba_stock
from domain.seller import Seller
from domain.stamps import Work
from domain.uploads import changes_of
from domain.values import Value

HintKind = Literal["offer", "offers", "catalogue", "account", "sale"]
"""What to read again: the offer of a SKU, the bound offer of an ASIN, its catalogue entry, the
account, or the listing on Mercari."""
Followed = Literal["changed", "unchanged", "unknown"]

Decide = Callable[[AsinBinding], list[BindingFact]]


class Hint(Value):
    """One notification, as far as it is used. `kind` is None where nothing is read because of it.

    `amazon_seller_id` is None for types that name no seller, and for Mercari's.
    """

    notification_id: str
    type: str
    kind: HintKind | None
    amazon_seller_id: str | None = None
    marketplace_id: str | None = None
    sku: str | None = None
    asin: str | None = None
    event_time: datetime | None = None


class Taken(NamedTuple):
    """What came of the notifications of one request."""

    accepted: int = 0
    duplicates: int = 0
    ignored: int = 0


def follow_offer(
    app: AsinSync,
    seller: Seller,
    amazon: Amazon,
    is_account_suspended: Callable[[datetime | None], bool],
    binding_id: UUID,
    sku: str | None,
    work: Work,
) -> Followed:
    """Read the bound offer again; one of another SKU does not matter. Raises UpstreamError.

    Nothing comes back on sale before the account itself was asked, at the time given or later.
    """
    binding = app.binding(binding_id)
    if binding is None or not binding.is_live or not is_bound(binding, sku):
        return "unchanged"
    [offer] = with_fba_stock(amazon, [amazon.read_offer(binding.sku or "")])
    if offer.status == "unknown":
        return "unknown"
    may_return = (
        binding.status == "suspended"
        and seller.reinstatement == "automatic"
        and not decisions.is_off_sale(offer)
        and not is_account_suspended(binding.observed_at)
    )
    command = offer_to_follow(seller, offer, work, may_return=may_return)
    return record(app, binding_id, lambda it: decisions.follow_offer(it, command), work)


def is_bound(binding: AsinBinding, sku: str | None) -> bool:
    return binding.sku is not None and sku in (None, binding.sku)


def follow_catalogue(
    app: AsinSync, seller: Seller, sources: Sources, binding_id: UUID, work: Work
) -> Followed:
    """Read the catalogue entry again, and look at a new main image. Raises UpstreamError."""
    binding, started_at = app.binding(binding_id), work.clock()
    if binding is None or not binding.is_live:
        return "unchanged"
    items = {item.asin: item for item in sources.amazon.read_catalogue([binding.asin])}
    item = items.get(binding.asin)
    if item is None:
        return "unknown"
    product = product_of(binding.asin, [], item, started_at)
    setting = setting_of(app, seller, sources, work)
    command = product_to_follow(setting, sources, binding.image_url, product, work)
    return record(app, binding_id, lambda it: decisions.follow_product(it, command), work)


def follow_sale(app: AsinSync, mercari: Mercari, binding_id: UUID, work: Work) -> Followed:
    """Look the listing up; where its stock fell, units were sold. Raises UpstreamError."""
    binding = app.binding(binding_id)
    if binding is None or binding.listing is None:
        return "unchanged"
    found = mercari.find_listing(binding.sku_code)
    if found is None:
        return "unchanged"
    command = decisions.RecordListing(stamp=work.stamp(), effect="seen", listing=found)

    def decide(it: AsinBinding) -> list[BindingFact]:
        before = it.listing
        if before is None or it.status == "mapped" or found.observed_at < before.observed_at:
            return []
        return decisions.record_listing(it, command) if found.stock < before.stock else []

    return record(app, binding_id, decide, work)


def record(app: AsinSync, binding_id: UUID, decide: Decide, work: Work) -> Followed:
    """Load, decide, record."""

    def attempt() -> Followed:
        binding = app.binding(binding_id)
        facts = decide(binding) if binding else []
        if binding is None or not facts:
            return "unchanged"
        app.record(*changes_of(app, binding, facts, work))
        return "changed"

    return until_settled(attempt)
