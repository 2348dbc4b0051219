"""Sweeps: how fast stock and prices are decided, upstream HTTP excluded, and in what memory.

Amazon's answers are ready at hand; everything from there to the committed events is the service's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg

from domain.application import AsinSync, Change, acting_for
from domain.ports import Amazon, AmazonOffer, OffersBatch, Sources, StockBatch
from domain.reading import in_batches
from domain.seller import Seller
from domain.stamps import Work
from domain.sweep_run import Desk, SweepRun
from domain.sweeps import sweep_page
from domain.sync_sweep import Tally
from infra.database import Database
from infra.projection_engine import ProjectionEngine
from infra.sweep_jobs import PAGE_SIZE
from projections import in_sync
from tests.bench.ground import history, opened_app, prepared, writer_url
from tests.bench.measurement import Measurement

BINDINGS = 10_000
FLAT_SIZES = (1_000, 100_000)
AMAZON_PRICE_JPY = 9_000
QUANTITY = 4

# Listed bindings as the view has them, without a history: an unchanged one is never loaded.
FILL = """
    INSERT INTO cell_1.bindings (generation, binding_id, seller_id, asin, status, sku, version,
        mercari_category_id, position, updated_at, created_at, stock_threshold, is_on_sale, proofs,
        is_in_review, amazon_price_jpy, amazon_quantity)
    SELECT l.live_generation, md5(n::text)::uuid, %s, 'B0' || lpad(n::text, 8, '0'), 'listed',
        'SKU-B0' || lpad(n::text, 8, '0'), 4, 'c', n, now() - interval '2 days', now(), 1, true, 0,
        false, %s, %s
    FROM generate_series(1, %s) AS n, cell_1.projections AS l WHERE l.name = 'bindings'
"""


class ReadyAmazon:
    """Answers as the adapter does, from what it is told; no time passes upstream."""

    def __init__(self, price_jpy: int) -> None:
        self.price_jpy = price_jpy

    def read_offers_in_batches(self, skus: Collection[str]) -> Iterator[OffersBatch]:
        now = datetime.now(UTC)
        for batch in in_batches(skus, 20):
            yield OffersBatch(tuple(batch), tuple(self._offer(sku, now) for sku in batch), None)

    def read_fba_in_batches(self, skus: Collection[str]) -> Iterator[StockBatch]:
        for batch in in_batches(skus, 50):
            yield StockBatch(tuple(batch), dict.fromkeys(batch, QUANTITY), None)

    def _offer(self, sku: str, now: datetime) -> AmazonOffer:
        return AmazonOffer.model_construct(
            sku=sku, asin=sku[4:], status="active", price_jpy=self.price_jpy, channel="fba",
            observed_at=now,
        )  # fmt: skip


def sweeps() -> Iterator[Measurement]:
    """Items a second, unchanged and changed, on one core."""
    seller_id = uuid4()
    with prepared() as ground, opened_app(writer_url(ground)) as app, acting_for(seller_id):
        for numbers in in_batches(range(BINDINGS), 500):
            app.record(*(life(number) for number in numbers))
        database = ground.database()
        fold_all(database)
        unchanged = [swept(app, database, seller_id, AMAZON_PRICE_JPY) for _ in range(3)]
        changed = swept(app, database, seller_id, 2 * AMAZON_PRICE_JPY)
        database.close()
    assert unchanged[-1][1].changed == 0
    assert changed[1].changed == BINDINGS
    yield Measurement(
        "sweep_unchanged_items_per_second", BINDINGS / min(each[0] for each in unchanged), "/s",
        None, None, 15_000, is_ratio_gated=False, note="stock and price, best of three",
    )  # fmt: skip
    yield Measurement(
        "sweep_changed_items_per_second", BINDINGS / changed[0], "/s", None, None, 2_000,
        is_ratio_gated=False, note="to committed events: loaded, decided, read twice, appended",
    )  # fmt: skip
    yield from memory()


def fold_all(database: Database) -> None:
    engine = ProjectionEngine(database)
    assert engine.lead()
    while engine.run_once():
        continue
    engine.close()


def life(number: int) -> Change:
    binding_id = uuid4()
    return Change(binding_id, 0, history(binding_id, f"B0{number:08d}", 4))


def swept(
    app: AsinSync, database: Database, seller_id: UUID, price_jpy: int
) -> tuple[float, Tally]:
    """Seconds that a whole stock and price sweep takes, and what it did."""
    work = Work(lambda: datetime.now(UTC), "bench", uuid4())
    sources = Sources(cast(Amazon, ReadyAmazon(price_jpy)), (), cast(Any, None))
    with database.reading_for(seller_id) as connection:
        listings = in_sync.count(connection)
    now = work.clock()
    run = SweepRun(kind="stock_price", due_at=now, started_at=now, listings=listings)
    started_at = time.perf_counter()
    while True:
        with database.reading_for(seller_id) as connection:
            rows = in_sync.page(connection, run.after, PAGE_SIZE)
        if not rows:
            return time.perf_counter() - started_at, run.tally
        desk = Desk(app, Seller(seller_id=seller_id), sources, work)
        page = sweep_page(desk, run, rows)
        run = run.plus(page.tally).model_copy(update={"after": rows[-1].binding_id})


def memory() -> Iterator[Measurement]:
    """RSS of a process that sweeps a small and a large shop."""
    sizes = {size: peak_mib(size) for size in FLAT_SIZES}
    small, large = (sizes[size] for size in FLAT_SIZES)
    yield Measurement(
        "sweep_rss_growth", large, "MiB", small, large / small, 1.1, is_lower_better=True,
        note=f"RSS of a process that swept {FLAT_SIZES[0]:,} and {FLAT_SIZES[1]:,} bindings",
    )  # fmt: skip


def peak_mib(size: int) -> float:
    """Measured in a process of its own."""
    with prepared() as ground:
        seller_id, database = uuid4(), ground.database()
        fold_all(database)
        database.close()
        with psycopg.connect(ground.admin_url, autocommit=True) as admin:
            admin.execute(FILL, (seller_id, AMAZON_PRICE_JPY, QUANTITY, size))
        given = json.dumps([ground.urls, str(seller_id), size])
        command = [sys.executable, "-m", "tests.bench.sweeps"]
        told = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True)
    return float(told.stdout)


def main() -> None:
    urls, seller, size = json.loads(sys.stdin.read())
    database, seller_id = Database(urls, "cell_1"), UUID(seller)
    with opened_app(database.url("writer")) as app, acting_for(seller_id):
        _, tally = swept(app, database, seller_id, AMAZON_PRICE_JPY)
    assert (tally.bindings, tally.failed) == (size, 0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
