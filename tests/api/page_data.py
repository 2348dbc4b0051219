"""Facts for the page tests, recorded as the service would record them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from api.desk import Desk
from api.ids import public_id
from domain import submission
from domain.application import Change, acting_for
from domain.asin_binding.facts import (
    Difference,
    DriftFound,
    Listed,
    Mapped,
    PriceAdjusted,
    Rejected,
    Requested,
    Validated,
)
from domain.facts import Cause, Fact, Stamp
from domain.ports import MercariListing
from domain.product import Product
from domain.rules.precheck import Finding, Terms
from domain.values import binding_id_of, sku_code_of, submission_id_of

TERMS = Terms(mercari_category_id="sbx-1042", stock_threshold=1)
TITLE = "ステンレス真空断熱タンブラー 420ml"


def stamp() -> Stamp:
    return Stamp(
        decided_at=datetime.now(UTC), actor="worker", policy="2026-11",
        cause=Cause(correlation_id=uuid4()),
    )  # fmt: skip


def record(desk: Desk, seller_id: UUID, stream: UUID, version: int, facts: list[Fact]) -> None:
    """Append, and wait until every view shows it."""
    with acting_for(seller_id):
        position = desk.app.record(Change(stream, version, facts))
    ends_at = time.monotonic() + 10
    while desk.position() < (position or 0):
        assert time.monotonic() < ends_at, "the projections did not follow"
        time.sleep(0.02)


def product(asin: str) -> Product:
    return Product(
        asin=asin, status="active", sku="SKU-1", title=TITLE, price_jpy=9_000, quantity=4,
        browse_path=("ホーム&キッチン", "タンブラー"), channel="fba", observed_at=datetime.now(UTC),
    )  # fmt: skip


def listed_binding(desk: Desk, seller_id: UUID, asin: str) -> str:
    """A binding on sale at ¥9,480 whose price was then adjusted to ¥9,600; its public id."""
    binding_id = binding_id_of(seller_id, asin)
    shown = MercariListing(
        listing_id="m1", sku_code=sku_code_of(asin, binding_id), title=TITLE, price_jpy=9_480,
        stock=4, is_on_sale=True, observed_at=datetime.now(UTC),
    )  # fmt: skip
    facts: list[Fact] = [
        Requested(stamp=stamp(), asin=asin, sku="SKU-1", terms=TERMS),
        Validated(stamp=stamp(), product=product(asin), warnings=(), float_rate=Decimal("0.05"),
                  price_jpy=9_480, stock=4),
        Mapped(stamp=stamp(), mercari_category_id="sbx-1042", category_path=("キッチン",),
               match_rate=96.4, reason="curated"),
        Listed(stamp=stamp(), listing=shown),
        adjusted(9_480, 9_600),
    ]  # fmt: skip
    record(desk, seller_id, binding_id, 0, facts)
    return public_id("bnd", binding_id)


def adjusted(before: int, after: int) -> PriceAdjusted:
    return PriceAdjusted(
        stamp=stamp(), from_price_jpy=before, to_price_jpy=after, amazon_price_jpy=9_100,
        float_rate=Decimal("0.05"),
    )  # fmt: skip


def edited_by_hand(desk: Desk, seller_id: UUID, asin: str, version: int = 5) -> None:
    """Somebody gave the listing another title, text and price on Mercari, and closed it."""
    edits = (
        ("title", TITLE, "格安タンブラー", "put_back"), ("description", "a1b2", "c3d4", "put_back"),
        ("price_jpy", "9480", "7000", "put_back"), ("is_on_sale", "True", "False", "kept"),
    )  # fmt: skip
    found = tuple(
        Difference(field=field, expected=expected, seen=seen, outcome=outcome)  # type: ignore[arg-type]
        for field, expected, seen, outcome in edits
    )
    binding_id = binding_id_of(seller_id, asin)
    shown = MercariListing(
        listing_id="m1", sku_code=sku_code_of(asin, binding_id), title="格安タンブラー",
        price_jpy=7_000, stock=4, is_on_sale=False, observed_at=datetime.now(UTC),
    )  # fmt: skip
    drifted = DriftFound(
        stamp=stamp(), listing=shown, differences=found, price_jpy=9_600,
        float_rate=Decimal("0.05"), is_closed_by_hand=True,
    )  # fmt: skip
    record(desk, seller_id, binding_id, version, [drifted])


def rejected_binding(desk: Desk, seller_id: UUID, asin: str) -> None:
    fault = Finding(code="E-403", field="category", seen="マグカップ", rule="≥ 92 %", source="v2.1")
    facts: list[Fact] = [
        Requested(stamp=stamp(), asin=asin, sku="SKU-1", terms=TERMS),
        Rejected(stamp=stamp(), product=product(asin), findings=(fault,)),
    ]
    record(desk, seller_id, binding_id_of(seller_id, asin), 0, facts)


def open_upload(desk: Desk, seller_id: UUID, asins: list[str]) -> UUID:
    """An upload whose rows all wait."""
    submission_id = submission_id_of(seller_id, uuid4().hex)
    rows = tuple(
        submission.Row(number=number, asin=asin, terms=TERMS)
        for number, asin in enumerate(asins, start=1)
    )
    received = submission.Received(
        stamp=stamp(), filename="autumn.csv", content_sha256=uuid4().hex, rows=rows
    )
    record(desk, seller_id, submission_id, 0, [received])
    return submission_id


def settle(
    desk: Desk, seller_id: UUID, upload_id: UUID, number: int, name: submission.Fate = "listed"
) -> None:
    """What became of this row."""
    with acting_for(seller_id):
        upload = desk.app.submission(upload_id)
    assert upload is not None
    fate = submission.RowFate(number=number, asin=upload.rows[number - 1].asin, fate=name)
    facts = submission.settle(upload, submission.Settle(stamp=stamp(), fates=(fate,)))
    record(desk, seller_id, upload_id, upload.version, list(facts))
