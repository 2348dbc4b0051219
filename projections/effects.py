"""Effects: what is still to be done on Mercari, most urgent first; the queue that jobs drain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, cast, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.asin_binding.facts import (
    AttemptFailed,
    BindingFact,
    Blocked,
    CheckPostponed,
    ContentRefreshed,
    DriftFound,
    ImageJudged,
    ImageReviewed,
    Listed,
    ListingConfirmed,
    Mapped,
    MappingBroken,
    PriceAdjusted,
    ProofAdded,
    Reinstated,
    Rejected,
    Requested,
    ReviewRequested,
    StockAdjusted,
    Suspended,
    TermsChanged,
    Validated,
    Withdrawn,
)
from domain.asin_binding.state import WRITTEN_BLINDLY
from domain.facts import Recorded
from domain.ports import MercariListing
from domain.rules.stock import stock_left
from domain.rules.warranty import listing_title
from projections.table import Key, Rows, Table

_FACTS = get_args(BindingFact)
_URGENCY = {"take_down": 0, "update": 1, "list": 2}


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One binding, what Mercari should show and does show, and the effect that is due (or None).

    `urgency` 0 goes first. `not_before` is when the next attempt may be made.
    """

    binding_id: UUID
    seller_id: UUID
    version: int
    effect: str | None = None
    urgency: int | None = None
    not_before: datetime | None = None
    is_mapped: bool = False
    wants_on_sale: bool = False
    wanted_price_jpy: int | None = None
    wanted_stock: int | None = None
    wanted_title: str | None = None
    has_listing: bool = False
    shows_on_sale: bool = False
    shown_price_jpy: int | None = None
    shown_stock: int | None = None
    shown_title: str | None = None
    has_content_to_write: bool = False
    is_closed_by_hand: bool = False


TABLE = Table("effects", EffectRow, ("binding_id",))


class Effects:
    """Folds each binding's facts into wanted against shown."""

    name: ClassVar[str] = "effects"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield TABLE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        if not isinstance(recorded.fact, _FACTS):
            return
        row = rows.get(TABLE, recorded.originator_id) or EffectRow(
            binding_id=recorded.originator_id, seller_id=recorded.seller_id, version=0
        )
        fact = cast(BindingFact, recorded.fact)
        changes = changes_by(fact)
        if isinstance(fact, Validated):
            changes["has_content_to_write"] = row.has_listing
        if isinstance(fact, Listed | ListingConfirmed | DriftFound) and fact.listing:
            is_written = isinstance(fact, Listed) or getattr(fact, "effect", "seen") != "seen"
            left = stock_left(
                row.wanted_stock, row.shown_stock, fact.listing.stock, is_written=is_written
            )
            changes["wanted_stock"] = left
        row = replace(row, version=recorded.version, **changes)
        effect = effect_due(row)
        urgency = _URGENCY[effect] if effect else None
        rows.put(TABLE, replace(row, effect=effect, urgency=urgency))


def effect_due(row: EffectRow) -> str | None:
    """The difference `domain.asin_binding.effect_due` sees, on the row; a test holds them equal."""
    if row.is_mapped:
        return "list"
    if not row.has_listing:
        return None
    if not row.wants_on_sale or row.is_closed_by_hand:
        return "take_down" if row.shows_on_sale else None
    if row.has_content_to_write:
        return "update"
    wanted = (True, row.wanted_price_jpy, row.wanted_stock, row.wanted_title)
    shown = (row.shows_on_sale, row.shown_price_jpy, row.shown_stock, row.shown_title)
    return None if wanted == shown else "update"


def is_only_stock(row: EffectRow) -> bool:
    """The listing shows what is wanted, but for its stock."""
    return row.effect == "update" and effect_due(replace(row, shown_stock=row.wanted_stock)) is None


def changes_by(fact: BindingFact) -> dict[str, Any]:
    """The columns that a fact changes; every fact but a failed attempt starts the tries anew."""
    fresh = {"not_before": None}
    off = {"wants_on_sale": False, "is_mapped": False}
    match fact:
        case Requested():
            return {**fresh, **off, "is_closed_by_hand": False}
        case Rejected() | MappingBroken() | Suspended() | Blocked() | Withdrawn():
            return {**fresh, **off}
        case Validated():
            title = listing_title(fact.product.title or fact.product.asin)
            return {
                **fresh, "wanted_price_jpy": fact.price_jpy, "wanted_stock": fact.stock,
                "wanted_title": title,
            }  # fmt: skip
        case TermsChanged():
            return {**fresh, "wanted_price_jpy": fact.price_jpy, "wanted_stock": fact.stock}
        case Mapped():
            return {**fresh, "is_mapped": True}
        case Listed() | ListingConfirmed():
            became = {"is_mapped": False, "wants_on_sale": True} if isinstance(fact, Listed) else {}
            is_written = isinstance(fact, Listed) or fact.effect in ("update", "list")
            written = {"has_content_to_write": False} if is_written else {}
            return {**fresh, **became, **written, **shown_columns(fact.listing)}
        case DriftFound():
            shown = shown_columns(fact.listing) if fact.listing else NOT_SHOWN
            put_back = {each.field for each in fact.differences if each.outcome == "put_back"}
            written = {"has_content_to_write": True} if put_back & {*WRITTEN_BLINDLY} else {}
            return {
                **fresh, **shown, **written, "wanted_price_jpy": fact.price_jpy,
                "is_closed_by_hand": fact.is_closed_by_hand,
            }  # fmt: skip
        case PriceAdjusted():
            return {**fresh, "wanted_price_jpy": fact.to_price_jpy}
        case StockAdjusted():
            return {**fresh, "wanted_stock": fact.to_stock}
        case ContentRefreshed():
            title = listing_title(fact.title)
            return {**fresh, "wanted_title": title, "has_content_to_write": True}
        case Reinstated():
            return {**fresh, "wants_on_sale": fact.is_listed, "is_mapped": not fact.is_listed}
        case AttemptFailed():
            return {"not_before": fact.retry_at}
        case CheckPostponed() | ReviewRequested() | ImageReviewed() | ProofAdded() | ImageJudged():
            return fresh


NOT_SHOWN: dict[str, Any] = {
    "has_listing": False, "shows_on_sale": False, "shown_price_jpy": None, "shown_stock": None,
    "shown_title": None,
}  # fmt: skip


def shown_columns(listing: MercariListing) -> dict[str, Any]:
    return {
        "has_listing": True, "shows_on_sale": listing.is_on_sale,
        "shown_price_jpy": listing.price_jpy, "shown_stock": listing.stock,
        "shown_title": listing.title,
    }  # fmt: skip


# --- queries ------------------------------------------------------------------------------------

# What is due now for one seller, take-downs first.
DUE = """
    SELECT * FROM live_effects
    WHERE effect IS NOT NULL AND (not_before IS NULL OR not_before <= %(now)s)
    ORDER BY urgency, binding_id LIMIT %(limit)s
"""

# Sellers with something due now: what the scheduler wakes jobs for.
SELLERS_DUE = """
    SELECT DISTINCT seller_id FROM live_effects
    WHERE effect IS NOT NULL AND (not_before IS NULL OR not_before <= %(now)s)
"""


def due(connection: Connection[Any], now: datetime, limit: int) -> list[EffectRow]:
    cursor = connection.cursor(row_factory=class_row(EffectRow))
    return cursor.execute(DUE, {"now": now, "limit": limit}).fetchall()


def sellers_due(connection: Connection[Any], now: datetime) -> list[UUID]:
    """For a role that sees every seller."""
    return [seller_id for (seller_id,) in connection.execute(SELLERS_DUE, {"now": now})]
