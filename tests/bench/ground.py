"""What every measurement stands on: a migrated database of its own, and facts like real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

from domain.application import AsinSync, Change
from domain.asin_binding.facts import Listed, Mapped, PriceAdjusted, Requested, Validated
from domain.facts import Cause, Fact, Stamp
from domain.policy import CURRENT_VERSION
from domain.ports import MercariListing
from domain.product import Product
from domain.rules.precheck import Terms
from domain.values import sku_code_of
from infra.database import Database
from infra.event_store import EventStoreFactory
from infra.migrate import FIRST_CELL, migrate
from infra.roles import ensure_roles, role_urls
from tests import postgres

ROLE_PREFIX = "bench"
TITLE = "ステンレス真空断熱タンブラー 420ml 保温保冷 ふた付き"


@dataclass(frozen=True)
class Ground:
    """A migrated database: its superuser's address, a login for each role, and a folder."""

    admin_url: str
    urls: dict[str, str]
    folder: Path

    def database(self) -> Database:
        return Database(self.urls, FIRST_CELL)


@contextmanager
def prepared() -> Iterator[Ground]:
    """A Postgres of its own (fsync on) with a fresh, migrated database."""
    with (
        tempfile.TemporaryDirectory(prefix="asin-sync-bench-") as folder,
        postgres.running_postgres() as server_url,
        postgres.new_database(server_url) as url,
    ):
        passwords = ensure_roles(server_url, ROLE_PREFIX, Path(folder) / "passwords.json")
        migrate(url, ROLE_PREFIX)
        yield Ground(url, role_urls(url, ROLE_PREFIX, passwords), Path(folder))


class NoPersonalData:
    """Where nothing that is measured tells of a person."""

    def seal(self, content: bytes, place: str) -> dict[str, str]:
        raise AssertionError(place)

    def unseal(self, sealed: Mapping[str, str], place: str) -> bytes | None:
        raise AssertionError(place)


@contextmanager
def opened_app(writer_url: str) -> Iterator[AsinSync]:
    """The application as the service opens it."""
    app = AsinSync(EventStoreFactory(writer_url, FIRST_CELL, NoPersonalData()))
    try:
        yield app
    finally:
        app.close()


def writer_url(ground: Ground) -> str:
    database = ground.database()
    try:
        return database.url("writer")
    finally:
        database.close()


def stamp() -> Stamp:
    return Stamp(
        decided_at=datetime.now(UTC), actor="worker", policy=CURRENT_VERSION,
        cause=Cause(correlation_id=uuid4(), causation_id=uuid4()),
    )  # fmt: skip


def history(binding_id: UUID, asin: str, length: int) -> list[Fact]:
    """The first `length` facts of a binding's life: four until it is listed, then prices."""
    product = Product(
        asin=asin, status="active", sku=f"SKU-{asin}", title=TITLE, brand="サーモス",
        browse_path=("ホーム&キッチン", "食器・グラス", "タンブラー"), price_jpy=9_000, quantity=4,
        image_url=f"https://m.media-amazon.com/images/I/{asin}.jpg", channel="fba",
        observed_at=datetime.now(UTC),
    )  # fmt: skip
    listing = MercariListing(
        listing_id=f"m-{asin}", sku_code=sku_code_of(asin, binding_id), title=TITLE,
        price_jpy=9_480, stock=4, is_on_sale=True, observed_at=datetime.now(UTC),
    )  # fmt: skip
    terms = Terms(mercari_category_id="sbx-1042", stock_threshold=1)
    facts: list[Fact] = [
        Requested(stamp=stamp(), asin=asin, sku=product.sku, terms=terms),
        Validated(stamp=stamp(), product=product, warnings=(), float_rate=Decimal("0.05"),
                  price_jpy=9_480, stock=4),
        Mapped(stamp=stamp(), mercari_category_id="sbx-1042", match_rate=96.4, reason="curated",
               category_path=("キッチン・日用品", "食器", "タンブラー")),
        Listed(stamp=stamp(), listing=listing),
    ]  # fmt: skip
    while len(facts) < length:
        facts.append(adjusted(9_480, 9_600))
    return facts[:length]


def adjusted(from_price_jpy: int, to_price_jpy: int) -> PriceAdjusted:
    return PriceAdjusted(
        stamp=stamp(), from_price_jpy=from_price_jpy, to_price_jpy=to_price_jpy,
        amazon_price_jpy=9_100, float_rate=Decimal("0.05"),
    )  # fmt: skip


def new_bindings(count: int, length: int) -> list[Change]:
    """New streams of `length` facts each."""
    changes = []
    for number in range(count):
        binding_id = uuid4()
        changes.append(Change(binding_id, 0, history(binding_id, f"B0{number:08d}", length)))
    return changes
