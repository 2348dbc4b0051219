"""Use case of a sweep's page: read live bindings from Amazon, and record only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from domain.application import AsinSync, Change, until_settled
from domain.asin_binding import AsinBinding, BindingFact, decisions
from domain.checking import Setting, image_of, setting_of
from domain.images import ImageReading
from domain.ports import Amazon, AmazonOffer, Sources, UpstreamError
from domain.product import Certificate, Product, product_of
from domain.reading import OFFERS_BATCH, in_batches, with_fba_stock
from domain.seller import Seller
from domain.stamps import Work
from domain.sync_sweep import Finished, PageFailed, SweepFailure, SweepKind, Tally
from domain.uploads import changes_of
from domain.values import Value

Decide = Callable[[AsinBinding], list[BindingFact]]


class LiveBinding(Value):
    """What a sweep knows of a binding beforehand, to load only those that may have changed."""

    binding_id: UUID
    asin: str
    sku: str | None
    status: str
    title: str | None
    image_url: str | None
    browse_path: tuple[str, ...]
    certificates: tuple[Certificate, ...] | None
    amazon_price_jpy: int | None
    amazon_quantity: int | None


class SweepPage(Value):
    """One page of a sweep."""

    sweep_id: UUID
    kind: SweepKind
    number: int
    is_account_suspended: bool = False
    bindings: tuple[LiveBinding, ...]


def sweep_page(
    app: AsinSync,
    seller: Seller,
    sources: Sources,
    page: SweepPage,
    work: Work,
) -> Tally:
    """Sweep one page; whatever could not be read is counted, logged and left as it is."""
    read = sweep_catalogue if page.kind == "catalogue" else sweep_offers
    tally = Tally()
    for batch in in_batches(page.bindings, OFFERS_BATCH):
        try:
            tally = tally.plus(read(app, seller, sources, batch, page, work))
        except UpstreamError as error:
            tally = tally.plus(failed(batch, error.code, str(error)))
    if tally.failures:
        record_page_failed(app, page, tally.failures, work)
    return tally


def sweep_offers(
    app: AsinSync,
    seller: Seller,
    sources: Sources,
    batch: Sequence[LiveBinding],
    page: SweepPage,
    work: Work,
) -> Tally:
    """Status, own price and seller-fulfilled stock of up to 20 SKUs; FBA stock every six hours."""
    amazon = sources.amazon
    by_sku = {binding.sku: binding for binding in batch if binding.sku}
    offers = amazon.read_offers(list(by_sku))
    if page.kind == "status":
        offers = with_stock_of_inactive(amazon, offers)
    else:
        offers = with_fba_stock(amazon, offers)
    answered = {offer.sku: offer for offer in offers}
    tally = Tally()
    for sku, binding in by_sku.items():
        offer = in_account(answered.get(sku) or read_alone(amazon, sku), page)
        if offer is None or offer.status == "unknown":
            tally = tally.plus(failed([binding], "E-901", "Amazon did not answer for this SKU"))
            continue
        changed = not is_unchanged(binding, offer) and record(
            app, binding.binding_id, following(seller, offer, work), work
        )
        tally = tally.plus(Tally(bindings=1, changed=int(changed)))
    return tally


def in_account(offer: AmazonOffer | None, page: SweepPage) -> AmazonOffer | None:
    """The offer as its account lets it count; what is unknown stays unknown."""
    if offer is None or offer.status == "unknown" or not page.is_account_suspended:
        return offer
    suspended = {"status": "suspended_account", "status_reason": "hasSuspendedListings"}
    return offer.model_copy(update=suspended)


def with_stock_of_inactive(amazon: Amazon, offers: Sequence[AmazonOffer]) -> list[AmazonOffer]:
    """A status scan asks for FBA stock only where it tells sold out from suspended."""
    inactive = [offer for offer in offers if offer.status == "inactive"]
    known = {offer.sku: offer for offer in with_fba_stock(amazon, inactive)}
    return [known.get(offer.sku, offer) for offer in offers]


def read_alone(amazon: Amazon, sku: str) -> AmazonOffer | None:
    """A SKU missing from a good batch is UNKNOWN until it was asked for by itself."""
    try:
        return amazon.read_offer(sku)
    except UpstreamError:
        return None


def is_unchanged(binding: LiveBinding, offer: AmazonOffer) -> bool:
    """True only when following this offer can't change anything."""
    return (
        binding.status == "listed"
        and offer.status == "active"
        and offer.price_jpy in (None, binding.amazon_price_jpy)
        and offer.quantity in (None, binding.amazon_quantity)
    )


def following(seller: Seller, offer: AmazonOffer, work: Work) -> Decide:
    command = decisions.FollowOffer(
        stamp=work.stamp(),
        offer=offer,
        is_reinstated_automatically=seller.reinstatement == "automatic",
    )
    return lambda binding: decisions.follow_offer(binding, command)


def sweep_catalogue(
    app: AsinSync,
    seller: Seller,
    sources: Sources,
    batch: Sequence[LiveBinding],
    _: SweepPage,
    work: Work,
) -> Tally:
    """Title, image, category and certificates of up to 20 ASINs."""
    started_at = work.clock()
    asins = [each.asin for each in batch]
    items = {item.asin: item for item in sources.amazon.read_catalogue(asins)}
    setting = setting_of(app, seller, sources, work)
    tally = Tally()
    for binding in batch:
        item = items.get(binding.asin)
        if item is None:
            tally = tally.plus(failed([binding], "E-901", "absent from Amazon's catalogue answer"))
            continue
        product = product_of(binding.asin, [], item, started_at)
        changed = not is_same_product(binding, product) and record(
            app, binding.binding_id, following_product(setting, sources, binding, product, work),
            work,
        )  # fmt: skip
        tally = tally.plus(Tally(bindings=1, changed=int(changed)))
    return tally


def is_same_product(binding: LiveBinding, product: Product) -> bool:
    """True only when following this product can't change anything."""
    content = (product.title, product.image_url, product.browse_path)
    is_same_content = content == (binding.title, binding.image_url, binding.browse_path)
    return is_same_content and product.certificates in (None, binding.certificates)


def following_product(
    setting: Setting, sources: Sources, binding: LiveBinding, product: Product, work: Work
) -> Decide:
    """A new image is looked at first; one that can't be had now waits for the next sweep."""
    image = ImageReading(status="not_installed")
    if product.image_url not in (None, binding.image_url):
        image = image_of(sources.images, product)
        if image.status == "unknown":
            product = product.model_copy(update={"image_url": binding.image_url})
    command = decisions.FollowProduct(
        stamp=work.stamp(), product=product, tree=setting.tree,
        around=setting.for_product(product, image, work.clock()),
    )  # fmt: skip
    return lambda binding: decisions.follow_product(binding, command)


def record(app: AsinSync, binding_id: UUID, decide: Decide, work: Work) -> bool:
    """Load, decide, record; True when there was something to record."""

    def attempt() -> bool:
        binding = app.binding(binding_id)
        facts = decide(binding) if binding else []
        return binding is not None and bool(app.record(*changes_of(app, binding, facts, work)))

    return until_settled(attempt)


def failed(bindings: Sequence[LiveBinding], code: str, detail: str) -> Tally:
    """Bindings that could not be read: nothing was done to their listings."""
    failures = tuple(
        SweepFailure(asin=binding.asin, code=code, detail=detail) for binding in bindings
    )
    counts = dict(Counter(failure.code for failure in failures))
    return Tally(
        bindings=len(failures), failed=len(failures), counts_by_code=counts, failures=failures
    )


def record_page_failed(
    app: AsinSync, page: SweepPage, failures: tuple[SweepFailure, ...], work: Work
) -> None:
    fact = PageFailed(stamp=work.stamp(), kind=page.kind, page=page.number, failures=failures)
    append_to_sweep(app, page.sweep_id, fact)


def finish_sweep(
    app: AsinSync,
    sweep_id: UUID,
    kind: SweepKind,
    due_at: datetime,
    started_at: datetime,
    tally: Tally,
    work: Work,
) -> None:
    """Record the end of a sweep once; a job that runs again finds it ended."""
    if any(isinstance(fact, Finished) for fact in app.facts_of(sweep_id)):
        return
    fact = Finished(
        stamp=work.stamp(), kind=kind, due_at=due_at, started_at=started_at, tally=tally
    )
    append_to_sweep(app, sweep_id, fact)


def append_to_sweep(app: AsinSync, sweep_id: UUID, fact: PageFailed | Finished) -> None:
    until_settled(lambda: app.record(Change(sweep_id, len(app.facts_of(sweep_id)), [fact])))
