"""Bindings: how each ASIN stands now, on Amazon and on Mercari, and how it stood at any instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.asin_binding.facts import (
    AttemptFailed,
    BindingFact,
    Blocked,
    ContentRefreshed,
    Listed,
    ListingConfirmed,
    Mapped,
    MappingBroken,
    PriceAdjusted,
    Reinstated,
    Rejected,
    Requested,
    StockAdjusted,
    Suspended,
    TermsChanged,
    Validated,
    Withdrawn,
)
from domain.facts import Recorded
from domain.product import Product
from domain.rules.stock import stock_left
from projections.table import Key, Rows, Table

_FACTS = get_args(BindingFact)


@dataclass(slots=True)
class BindingRow:
    """One binding. `price_jpy` and `stock` are decided; `shown_*` is what Mercari last showed.

    The fold changes a row in place: copying thirty columns a fact was a fifth of a rebuild.
    """

    binding_id: UUID
    seller_id: UUID
    asin: str
    status: str
    mercari_category_id: str
    version: int
    position: int
    updated_at: datetime
    created_at: datetime
    sku: str | None = None
    title: str | None = None
    image_url: str | None = None
    listing_id: str | None = None
    price_jpy: int | None = None
    amazon_price_jpy: int | None = None
    float_pct: float | None = None
    stock: int | None = None
    amazon_quantity: int | None = None
    stock_threshold: int = 0
    match_rate: float | None = None
    shown_price_jpy: int | None = None
    shown_stock: int | None = None
    is_on_sale: bool = False
    observed_at: datetime | None = None
    submission_id: UUID | None = None
    category_path: list[str] | None = None
    browse_path: list[str] | None = None
    error_codes: list[str] | None = None
    warning_codes: list[str] | None = None
    findings: list[dict[str, Any]] | None = None


REFUSED = "E-903"
TABLE = Table("bindings", BindingRow, ("binding_id",))


class Bindings:
    """The fold of each binding's facts into its row."""

    name: ClassVar[str] = "bindings"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield TABLE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        if isinstance(recorded.fact, _FACTS):
            rows.put(TABLE, evolved(rows.get(TABLE, recorded.originator_id), recorded))


def evolved(row: BindingRow | None, recorded: Recorded) -> BindingRow:
    """The row after one more fact of its binding."""
    fact = cast(BindingFact, recorded.fact)
    if isinstance(fact, Requested):
        row = requested(row, recorded, fact)
    assert row is not None, f"{fact.TOPIC} can't be the first fact of a binding"  # noqa: S101
    if isinstance(fact, Listed | ListingConfirmed):
        row.stock = stock_left(row.stock, row.shown_stock, fact.listing.stock)
    row.version, row.position = recorded.version, recorded.position
    row.updated_at = recorded.recorded_at
    for name, value in changes_by(fact).items():
        setattr(row, name, value)
    return row


def requested(row: BindingRow | None, recorded: Recorded, fact: Requested) -> BindingRow:
    if row is not None:
        return row
    return BindingRow(
        binding_id=recorded.originator_id,
        seller_id=recorded.seller_id,
        asin=fact.asin,
        status="requested",
        mercari_category_id=fact.terms.mercari_category_id,
        version=recorded.version,
        position=recorded.position,
        updated_at=recorded.recorded_at,
        created_at=recorded.recorded_at,
    )


def changes_by(fact: BindingFact) -> dict[str, Any]:
    """The columns that a fact changes."""
    match fact:
        case Requested():
            return {
                "status": "requested", "mercari_category_id": fact.terms.mercari_category_id,
                "stock_threshold": fact.terms.stock_threshold, "sku": fact.sku,
                "submission_id": fact.submission_id, "error_codes": None, "findings": None,
                "warning_codes": None,
            }  # fmt: skip
        case TermsChanged():
            return {
                "stock_threshold": fact.terms.stock_threshold, "price_jpy": fact.price_jpy,
                "stock": fact.stock, "float_pct": percent(fact.float_rate),
                "amazon_price_jpy": fact.amazon_price_jpy,
                "amazon_quantity": fact.amazon_quantity, "submission_id": fact.submission_id,
                **observed(fact),
            }  # fmt: skip
        case Validated():
            return product_columns(fact.product) | {
                "status": "validated", "price_jpy": fact.price_jpy, "stock": fact.stock,
                "float_pct": percent(fact.float_rate),
                "warning_codes": [warning.code for warning in fact.warnings] or None,
            }  # fmt: skip
        case Rejected():
            return product_columns(fact.product) | {
                "status": "rejected",
                "error_codes": list(dict.fromkeys(found.code for found in fact.findings)),
                "findings": [found.model_dump() for found in fact.findings],
            }
        case Mapped():
            return {
                "status": "mapped", "match_rate": fact.match_rate, "error_codes": None,
                "mercari_category_id": fact.mercari_category_id,
                "category_path": list(fact.category_path),
            }  # fmt: skip
        case MappingBroken():
            return {
                "status": "unmapped", "error_codes": [fact.finding.code],
                "browse_path": list(fact.to_browse_path), "findings": [fact.finding.model_dump()],
            }  # fmt: skip
        case Listed() | ListingConfirmed():
            listing = fact.listing
            shown = {
                "listing_id": listing.listing_id, "shown_price_jpy": listing.price_jpy,
                "shown_stock": listing.stock, "is_on_sale": listing.is_on_sale,
            }  # fmt: skip
            became = {"status": "listed"} if isinstance(fact, Listed) else {}
            is_mended = isinstance(fact, Listed) or fact.effect == "update"
            return shown | became | ({"error_codes": None} if is_mended else {})
        case PriceAdjusted():
            return {
                "price_jpy": fact.to_price_jpy, "amazon_price_jpy": fact.amazon_price_jpy,
                **observed(fact),
            }  # fmt: skip
        case StockAdjusted():
            return {
                "stock": fact.to_stock, "amazon_quantity": fact.amazon_quantity,
                **observed(fact),
                "warning_codes": [fact.warning.code] if fact.warning else None,
            }  # fmt: skip
        case ContentRefreshed():
            return {
                "title": fact.title, "image_url": fact.image_url,
                "browse_path": list(fact.browse_path),
            }  # fmt: skip
        case Suspended():
            return {"status": "suspended", "error_codes": [fact.code], **observed(fact)}
        case Blocked():
            return {"status": "blocked", "error_codes": [fact.code]}
        case Reinstated():
            status = "listed" if fact.is_listed else "mapped"
            return {"status": status, "error_codes": None, **observed(fact)}
        case Withdrawn():
            return {"status": "withdrawn", "error_codes": None}
        case AttemptFailed():
            is_shown = fact.code == REFUSED and fact.operation != "take_down"
            return {"error_codes": [fact.code]} if is_shown else {}


def observed(fact: BindingFact) -> dict[str, Any]:
    return {"observed_at": fact.stamp.observed_at} if fact.stamp.observed_at else {}


def product_columns(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "title": product.title,
        "image_url": product.image_url,
        "browse_path": list(product.browse_path),
        "amazon_price_jpy": product.price_jpy,
        "amazon_quantity": product.quantity,
        "observed_at": product.observed_at,
    }


def percent(rate: Decimal) -> float:
    """A fraction as percent with two decimals."""
    return float(round(rate * 100, 2))


def fold_history(history: Sequence[Recorded]) -> BindingRow | None:
    """The row after these facts of one binding: the same fold, to any instant of the past."""
    row: BindingRow | None = None
    for recorded in history:
        row = evolved(row, recorded)
    return row


# --- queries ------------------------------------------------------------------------------------

# One binding, as the live generation holds it.
ONE = """
    SELECT * FROM live_bindings WHERE binding_id = %(binding_id)s
"""

# A page of bindings, newest change first; filters that are null are not applied.
PAGE = """
    SELECT * FROM live_bindings
    WHERE (%(status)s::text IS NULL OR status = %(status)s)
      AND (%(asin)s::text IS NULL OR asin = %(asin)s)
      AND (%(error_code)s::text IS NULL OR error_codes ? %(error_code)s)
      AND (%(before)s::bigint IS NULL OR position < %(before)s)
    ORDER BY position DESC, binding_id LIMIT %(limit)s
"""

# How many bindings stand in each status.
COUNTS = "SELECT status, count(*) AS count FROM live_bindings GROUP BY status"

# A page of live bindings for a sweep, in the order of their ids.
LIVE = """
    SELECT * FROM live_bindings
    WHERE status IN ('listed', 'suspended', 'mapped') AND binding_id > %(after)s
    ORDER BY binding_id LIMIT %(limit)s
"""


def one(connection: Connection[Any], binding_id: UUID) -> BindingRow | None:
    cursor = connection.cursor(row_factory=class_row(BindingRow))
    return cursor.execute(ONE, {"binding_id": binding_id}).fetchone()


def page(
    connection: Connection[Any],
    *,
    status: str | None = None,
    asin: str | None = None,
    error_code: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[BindingRow]:
    """Newest change first; `before` is the position of the last row of the page before."""
    filters = {"status": status, "asin": asin, "error_code": error_code, "before": before}
    cursor = connection.cursor(row_factory=class_row(BindingRow))
    return cursor.execute(PAGE, {**filters, "limit": limit}).fetchall()


def counts(connection: Connection[Any]) -> dict[str, int]:
    return dict(connection.execute(COUNTS).fetchall())


def live_page(connection: Connection[Any], after: UUID, limit: int) -> list[BindingRow]:
    """Live bindings whose id comes after `after`, in the order of their ids."""
    cursor = connection.cursor(row_factory=class_row(BindingRow))
    return cursor.execute(LIVE, {"after": after, "limit": limit}).fetchall()
