"""Decisions: how long one takes without its image, and all past ones made again on a long log."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from statistics import median
from uuid import uuid4

from domain.application import Change, acting_for
from domain.asin_binding import fold, judging
from domain.asin_binding.facts import Requested
from domain.category_tree import recorded_tree
from domain.policy import policy_of
from domain.product import Certificate, Product
from domain.reading import in_batches
from domain.reference_tree import reference_tree
from domain.rules.brands import BrandAuthorisation
from domain.rules.precheck import Circumstances, Terms, judge
from domain.rules.warranty import Warranty
from domain.stamps import Work
from domain.values import binding_id_of
from infra.audit_replay import replay
from infra.demo import authorised_by_sandbox
from infra.sandbox.categories import ids_by_path
from infra.sandbox.goods import product_of
from tests.bench.ground import opened_app, prepared, stamp, writer_url
from tests.bench.measurement import Measurement

PRODUCTS = 500
ROUNDS = 5
REPLAYED = 10_000
APPENDED_TOGETHER = 500


def product(number: int) -> Product:
    """A product of the sandbox's catalogue, flaws included, as Amazon would show it."""
    goods = product_of(number)
    held = goods.certificates
    return Product(
        asin=goods.asin, status="suspended" if goods.flaw == "suspended" else "active",
        sku=f"SKU-{number}", title=goods.title, brand=goods.brand, browse_path=goods.browse_path,
        product_type=goods.product_type, price_jpy=goods.list_price_jpy, quantity=9, channel="fba",
        image_url=f"https://m.media-amazon.com/images/I/{goods.asin}.jpg",
        certificates=None if held is None else tuple(
            Certificate(kind=kind, number=certificate) for kind, certificate in held
        ),
        manual_languages=("japanese",), observed_at=stamp().decided_at,
    )  # fmt: skip


def terms(number: int) -> Terms:
    return Terms(mercari_category_id=ids_by_path()[product_of(number).mercari_path])


def authorisations() -> dict[str, BrandAuthorisation]:
    return {each.brand: each for each in authorised_by_sandbox()}


def around(number: int, brands: dict[str, BrandAuthorisation]) -> Circumstances:
    held = brands.get(product_of(number).brand)
    return Circumstances(
        warranty=Warranty(), default_float_rate=0, authorisations=(held,) if held else ()
    )


def decisions() -> Iterator[Measurement]:
    """Milliseconds a decision without its image, and seconds for the rows of one upload."""
    policy, tree, brands = policy_of(), reference_tree(), authorisations()
    asked = [(product(n), terms(n), around(n, brands)) for n in range(PRODUCTS)]
    singles, totals = [], []
    for number in range(ROUNDS + 1):
        gc.collect()
        seconds = []
        for each, wanted, circumstances in asked:
            started_at = time.perf_counter()
            judge(policy, each, wanted, circumstances, tree)
            seconds.append(time.perf_counter() - started_at)
        if number:
            singles += seconds
            totals.append(sum(seconds))
    yield Measurement(
        "decision_ms", 1000 * median(singles), "ms", None, None, 1,
        is_ratio_gated=False, is_lower_better=True, note="median, without image",
    )  # fmt: skip
    yield Measurement(
        "decisions_500_seconds", median(totals), "s", None, None, 1,
        is_ratio_gated=False, is_lower_better=True, note="the rows of one upload, one core",
    )  # fmt: skip


def replayed() -> Iterator[Measurement]:
    """Every decision of a log made again: how many a second, and how many differ."""
    seller_id, tree, brands = uuid4(), reference_tree(), authorisations()
    with prepared() as ground, opened_app(writer_url(ground)) as app, acting_for(seller_id):
        work = Work(lambda: stamp().decided_at, "bench", uuid4())
        tree_id = recorded_tree(app, seller_id, tree, work)
        for numbers in in_batches(range(REPLAYED), APPENDED_TOGETHER):
            changes = []
            for number in numbers:
                binding_id = binding_id_of(seller_id, product_of(number).asin)
                requested = Requested(
                    stamp=stamp(), asin=product_of(number).asin, sku=None, terms=terms(number)
                )
                circumstances = around(number, brands).model_copy(update={"tree_id": tree_id})
                command = judging.CheckBinding(
                    stamp=stamp(), product=product(number), around=circumstances, tree=tree
                )
                binding = fold(None, binding_id, [requested])
                assert binding is not None
                changes.append(Change(binding_id, 0, [requested, *judging.check(binding, command)]))
            app.record(*changes)
        database = ground.database()
        started_at = time.perf_counter()
        result = replay(database)
        seconds = time.perf_counter() - started_at
        database.close()
    yield Measurement(
        "replay_differences", result.different, "decisions", None, None, 0,
        is_ratio_gated=False, is_lower_better=True,
        note=f"{result.same} of {result.decisions} decisions the same,"
        f" {result.decisions / seconds:.0f} a second",
    )  # fmt: skip
