"""The daily sweep of the catalogue: title, image, category and certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from domain.asin_binding import decisions
from domain.braked import Reread, record_braked
from domain.checking import Setting, setting_of
from domain.following import product_to_follow
from domain.offer_sweep import UNANSWERED, WAITING
from domain.ports import Sources, UpstreamError
from domain.product import Certificate, Product, product_of
from domain.stamps import Work
from domain.sweep_run import Decide, Desk, LiveBinding, Page, SweepRun, decide_all, failed, unread
from domain.sync_sweep import SweepFailure, Tally


class CatalogueReading(NamedTuple):
    """What could be read of some ASINs; the rest has its reason, or is left for later."""

    products: dict[str, Product]
    failures: list[SweepFailure]
    left: list[UUID]
    waits_for: UpstreamError | None


def sweep_catalogue(desk: Desk, run: SweepRun, bindings: Sequence[LiveBinding]) -> Page:
    """Title, image, category and certificates of up to 20 ASINs a call."""
    reading = read_catalogue(desk, bindings)
    changed = changed_among(bindings, reading.products)
    recorded, held = record_products(desk, run, changed)
    tally = Tally(bindings=len(bindings) - len(reading.left)).plus(failed(reading.failures))
    return Page(
        tally.plus(recorded), (*reading.failures, *held), tuple(reading.left), reading.waits_for
    )


def read_catalogue(desk: Desk, bindings: Sequence[LiveBinding]) -> CatalogueReading:
    started_at = desk.work.clock()
    by_asin = {each.asin: each for each in bindings}
    reading = CatalogueReading({}, [], [], None)
    for batch in desk.sources.amazon.read_catalogue_in_batches(list(by_asin)):
        asked = [by_asin[asin] for asin in batch.asins]
        if isinstance(batch.error, WAITING):
            reading.left.extend(binding.binding_id for binding in asked)
            reading = reading._replace(waits_for=batch.error)
            continue
        products = {item.asin: product_of(item.asin, [], item, started_at) for item in batch.items}
        reading.products.update(products)
        reading.failures.extend(unread_among(asked, products, batch.error))
    return reading


def unread_among(
    asked: Sequence[LiveBinding], products: Mapping[str, Product], error: UpstreamError | None
) -> list[SweepFailure]:
    """Those that a batch did not tell of, and why."""
    code = error.code if error else UNANSWERED
    detail = str(error) if error else "absent from Amazon's catalogue answer"
    return [unread(each, code, detail) for each in asked if each.asin not in products]


def changed_among(
    asked: Sequence[LiveBinding], products: Mapping[str, Product]
) -> dict[UUID, tuple[LiveBinding, Product]]:
    told = ((each, as_told(each, products[each.asin])) for each in asked if each.asin in products)
    return {
        each.binding_id: (each, product)
        for each, product in told
        if not is_same_product(each, product)
    }


def as_told(binding: LiveBinding, product: Product) -> Product:
    """The product; a category without its way up to the department is no category that is told."""
    known = tuple(binding.browse_path or ())
    if len(product.browse_path) > 1 or len(known) < 2:
        return product
    return product.model_copy(update={"browse_path": known})


def is_same_product(binding: LiveBinding, product: Product) -> bool:
    """True only when following this product can't change anything."""
    content = (product.title, product.image_url, product.browse_path)
    if content != (binding.title, binding.image_url, tuple(binding.browse_path or ())):
        return False
    return product.certificates in (None, certificates_of(binding))


def certificates_of(binding: LiveBinding) -> tuple[Certificate, ...] | None:
    """The certificates on file when the binding was last checked."""
    held = binding.certificates
    return None if held is None else tuple(Certificate.model_validate(each) for each in held)


def record_products(
    desk: Desk, run: SweepRun, changed: Mapping[UUID, tuple[LiveBinding, Product]]
) -> tuple[Tally, Sequence[SweepFailure]]:
    """Decide in bulk; blocks and broken mappings of many, only on a second reading."""
    if not changed:
        return Tally(), ()
    setting = setting_of(desk.app, desk.seller, desk.sources, desk.work)
    decides = {
        key: following_product(setting, desk.sources, binding.image_url, product, desk.work)
        for key, (binding, product) in changed.items()
    }
    loaded = desk.app.bindings(list(decides))

    def again(keys: Sequence[UUID]) -> Reread:
        rows = [changed[key][0] for key in keys]
        second = read_catalogue(desk, rows).products
        told = {
            row.binding_id: as_told(row, second[row.asin]) for row in rows if row.asin in second
        }
        followed = {
            key: following_product(
                setting, desk.sources, changed[key][0].image_url, product, desk.work
            )
            for key, product in told.items()
        }
        return Reread(decide_all({key: loaded[key] for key in told}, followed), set(told))

    return record_braked(desk, run, loaded, decides, again)


def following_product(
    setting: Setting, sources: Sources, image_url: str | None, product: Product, work: Work
) -> Decide:
    command = product_to_follow(setting, sources, image_url, product, work)
    return lambda binding: decisions.follow_product(binding, command)
