"""Facts, commands and products to write examples with: one clock, one seller, sensible defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.asin_binding import decisions, facts, judging
from domain.facts import Cause, Fact, Recorded, Stamp
from domain.policy import CURRENT_VERSION
from domain.ports import AmazonOffer, MercariListing
from domain.product import Certificate, Product
from domain.rules.findings import Finding
from domain.rules.precheck import Circumstances, Terms, Tree
from domain.rules.warranty import Warranty, listing_title
from domain.values import binding_id_of, sku_code_of

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ASIN = "B0EXAMPLE1"
SKU = "SKU-1"
SELLER_ID = UUID(int=7)
BINDING_ID = binding_id_of(SELLER_ID, ASIN)
SUBMISSION_ID = UUID(int=9)
CORRELATION_ID = UUID(int=11)

BAGS = ("シューズ＆バッグ", "レディースバッグ", "ハンドバッグ")
BAG_ID = "sbx-bag"
BAG_PATH = ("ファッション", "レディース", "バッグ", "ハンドバッグ")
OTHER_ID = "sbx-shoes"
OTHER_PATH = ("ファッション", "メンズ", "靴", "スニーカー")
SHOES = ("シューズ＆バッグ", "メンズシューズ", "スニーカー")
WATCHES = ("家電＆カメラ", "アクセサリ", "スマートウォッチ")
MOVED_WATCHES = ("家電＆カメラ", "ウェアラブルデバイス", "スマートウォッチ")
WATCH_ID = "sbx-watch"
WATCH_PATH = (
    "スマホ・タブレット・パソコン",
    "スマホアクセサリー",
    "スマートウォッチ・アクセサリー",
)
TITLE = "本革ハンドバッグ 黒"
IMAGE_URL = "https://images.example/bag.jpg"


def at(seconds: float = 0) -> datetime:
    """A moment so many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def stamp(seconds: float = 0, observed: float | None = None) -> Stamp:
    """A stamp of that moment; `observed` gives the upstream's own, in seconds after NOW."""
    return Stamp(
        decided_at=at(seconds), actor="worker", cause=Cause(correlation_id=CORRELATION_ID),
        policy=CURRENT_VERSION, observed_at=None if observed is None else at(observed),
    )  # fmt: skip


STAMP = stamp()
SEEN = stamp(observed=0)


def a_product(**changes: Any) -> Product:
    """A good product: active, ¥10,000, ten in stock, a bag."""
    fields: dict[str, Any] = {
        "asin": ASIN, "status": "active", "sku": SKU, "title": TITLE, "brand": None,
        "browse_path": BAGS, "image_url": IMAGE_URL, "price_jpy": 10_000, "quantity": 10,
        "channel": "fba", "certificates": None, "observed_at": NOW,
    }  # fmt: skip
    return Product(**fields | changes)


def an_offer(seconds: float = 60, **changes: Any) -> AmazonOffer:
    """The same product's offer, read so many seconds after it."""
    fields: dict[str, Any] = {
        "sku": SKU, "asin": ASIN, "status": "active", "price_jpy": 10_000, "quantity": 10,
        "channel": "fba", "observed_at": at(seconds),
    }  # fmt: skip
    return AmazonOffer(**fields | changes)


def a_listing(**changes: Any) -> MercariListing:
    """What Mercari shows when it shows what the good product leads to."""
    fields: dict[str, Any] = {
        "listing_id": "m1", "sku_code": sku_code_of(ASIN, BINDING_ID),
        "title": listing_title(TITLE), "price_jpy": 10_000, "stock": 10, "is_on_sale": True,
        "category_id": BAG_ID, "observed_at": NOW,
    }  # fmt: skip
    return MercariListing(**fields | changes)


def the_terms(**changes: Any) -> Terms:
    return Terms(**{"mercari_category_id": BAG_ID} | changes)


TREE: Tree = {BAG_ID: BAG_PATH, OTHER_ID: OTHER_PATH, WATCH_ID: WATCH_PATH}


def the_circumstances(**changes: Any) -> Circumstances:
    fields: dict[str, Any] = {"warranty": Warranty(), "default_float_rate": Decimal(0)}
    return Circumstances(**fields | changes)


def a_finding(code: str = "E-403", **changes: Any) -> Finding:
    fields = {"field": "browse_path", "seen": "seen", "rule": "rule", "source": "SPEC"}
    return Finding(code=code, **fields | changes)


# --- the life of a binding ----------------------------------------------------------------------


def requested(**changes: Any) -> facts.Requested:
    fields: dict[str, Any] = {
        "stamp": STAMP, "asin": ASIN, "sku": SKU, "terms": the_terms(),
        "submission_id": SUBMISSION_ID, "row": 1,
    }  # fmt: skip
    return facts.Requested(**fields | changes)


def validated(**changes: Any) -> facts.Validated:
    fields: dict[str, Any] = {
        "stamp": SEEN, "product": a_product(), "warnings": (), "float_rate": Decimal("0E-8"),
        "price_jpy": 10_000, "stock": 10, "circumstances": the_circumstances(),
    }  # fmt: skip
    return facts.Validated(**fields | changes)


def mapped(**changes: Any) -> facts.Mapped:
    fields: dict[str, Any] = {
        "stamp": SEEN, "mercari_category_id": BAG_ID, "category_path": BAG_PATH,
        "match_rate": 100.0, "reason": "curated",
    }  # fmt: skip
    return facts.Mapped(**fields | changes)


def listed(**changes: Any) -> facts.Listed:
    return facts.Listed(stamp=SEEN, listing=a_listing(**changes))


def confirmed(effect: Any, **changes: Any) -> facts.ListingConfirmed:
    return facts.ListingConfirmed(stamp=SEEN, effect=effect, listing=a_listing(**changes))


def drifted(
    field: str,
    *,
    outcome: str = "put_back",
    price_jpy: int = 10_000,
    is_gone: bool = False,
    **changes: Any,
) -> facts.DriftFound:
    """Mercari shows one field otherwise than we last saw it."""
    difference = {"field": field, "expected": "before", "seen": "now", "outcome": outcome}
    shown = a_listing(price_jpy=price_jpy, **changes)
    return facts.DriftFound(
        stamp=SEEN, listing=None if is_gone else shown,
        differences=(facts.Difference.model_validate(difference),), price_jpy=price_jpy,
        float_rate=Decimal(0), is_closed_by_hand=is_gone or not shown.is_on_sale,
    )  # fmt: skip


def suspended(observed: float = 60) -> facts.Suspended:
    return facts.Suspended(
        stamp=stamp(observed=observed), code="E-404", amazon_status="inactive", reason="blocked"
    )


def reinstated(observed: float = 120, *, is_listed: bool = True) -> facts.Reinstated:
    return facts.Reinstated(stamp=stamp(observed=observed), reason="active", is_listed=is_listed)


def mapping_broken() -> facts.MappingBroken:
    return facts.MappingBroken(
        stamp=SEEN, from_browse_path=BAGS, to_browse_path=("本",), finding=a_finding()
    )


def rejected(*codes: str) -> facts.Rejected:
    findings = tuple(a_finding(code) for code in codes or ("E-403",))
    return facts.Rejected(stamp=SEEN, product=a_product(), findings=findings)


def blocked(code: str = "E-502") -> facts.Blocked:
    return facts.Blocked(stamp=SEEN, code=code, finding=a_finding(code))


def withdrawn() -> facts.Withdrawn:
    return facts.Withdrawn(stamp=STAMP, reason="asked by the seller")


def attempt_failed(
    operation: str = "update", code: str = "E-901", attempt: int = 1
) -> facts.AttemptFailed:
    return facts.AttemptFailed(
        stamp=STAMP, operation=operation, code=code, detail="timed out", attempt=attempt,
        retry_at=at(300),
    )  # fmt: skip


AT_MAPPED = (requested(), validated(), mapped())
LIVE = (*AT_MAPPED, listed())
LIVES = {
    "requested": (requested(),),
    "rejected": (requested(), rejected()),
    "validated": (requested(), validated()),
    "mapped": AT_MAPPED,
    "unmapped": (*LIVE, mapping_broken()),
    "listed": LIVE,
    "suspended": (*LIVE, suspended(0)),
    "blocked": (*LIVE, blocked()),
    "withdrawn": (*LIVE, withdrawn()),
}
"""A history that leads to each status."""


# --- commands -----------------------------------------------------------------------------------


def asking(**changes: Any) -> decisions.RequestBinding:
    fields: dict[str, Any] = {
        "stamp": STAMP, "asin": ASIN, "terms": the_terms(), "submission_id": SUBMISSION_ID,
        "row": 1, "product": a_product(), "default_float_rate": Decimal(0),
    }  # fmt: skip
    return decisions.RequestBinding(**fields | changes)


def checking(product: Product | None = None, **around: Any) -> judging.CheckBinding:
    return judging.CheckBinding(
        stamp=STAMP, product=product or a_product(), around=the_circumstances(**around), tree=TREE
    )


def following(
    seconds: float = 60,
    *,
    is_reinstated_automatically: bool = True,
    last_units: int = 0,
    **offer: Any,
) -> decisions.FollowOffer:
    return decisions.FollowOffer(
        stamp=STAMP, offer=an_offer(seconds, **offer),
        is_reinstated_automatically=is_reinstated_automatically, last_units=last_units,
    )  # fmt: skip


def sweeping(**product: Any) -> decisions.FollowProduct:
    """The daily sweep read this product an hour later."""
    read = a_product(**{"observed_at": at(3600)} | product)
    return decisions.FollowProduct(stamp=STAMP, product=read, around=the_circumstances(), tree=TREE)


def recorded(
    position: int, fact: Fact, originator_id: UUID = BINDING_ID, version: int | None = None
) -> Recorded:
    return Recorded(position, at(position), SELLER_ID, originator_id, version or position, fact)


def a_certificate(kind: str, number: str = "1") -> Certificate:
    return Certificate(kind=kind, number=number)
