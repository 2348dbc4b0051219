"""Bindings: how each ASIN stands now, on Amazon and on Mercari, and how it stood at any instant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, assert_never, cast, get_args
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
from domain.facts import Recorded
from domain.ports import MercariListing
from domain.product import Product
from domain.rules.findings import Finding
from domain.rules.pricing import bounds_of, float_rate_max, out_of_range
from domain.rules.stock import stock_left
from projections.binding_counts import CODES, COUNTS, hold, recount
from projections.table import Key, Rows, Table

_FACTS = frozenset(get_args(BindingFact))


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
    certificates: list[dict[str, Any]] | None = None
    proofs: int = 0
    image_verdict: str | None = None
    is_in_review: bool = False
    suggested_price_jpy: int | None = None
    shown_title: str | None = None
    shown_category_id: str | None = None
    shown_image_urls: list[str] | None = None
    shown_description_sha256: str | None = None
    is_closed_by_hand: bool = False


REFUSED = "E-903"
OBSERVING = (TermsChanged, PriceAdjusted, StockAdjusted, Suspended, Reinstated)
"""These were decided from a reading of Amazon, and are dated by it."""
IMAGE_CODES = ("E-410", "E-411", "E-412")
TABLE = Table("bindings", BindingRow, ("binding_id",))


class Bindings:
    """The fold of each binding's facts into its row."""

    name: ClassVar[str] = "bindings"
    version: ClassVar[int] = 6
    tables: ClassVar[tuple[Table, ...]] = (TABLE, COUNTS, CODES)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if type(recorded.fact) in _FACTS:
            yield TABLE, (recorded.originator_id,)
            yield COUNTS, (recorded.seller_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        if type(recorded.fact) not in _FACTS:
            return
        row, status, codes = rows.changing(TABLE, recorded.originator_id), None, None
        if row is None:
            row = begun(recorded)
            rows.put(TABLE, row)
        else:
            status, codes = row.status, row.error_codes
        evolve(row, recorded)
        if row.status != status:
            recount(rows, row.seller_id, status, row.status)
        if codes or row.error_codes:
            hold(rows, row, codes or ())


def begun(recorded: Recorded) -> BindingRow:
    """The row as its first fact finds it."""
    fact = recorded.fact
    assert isinstance(fact, Requested), f"{fact.TOPIC} can't be the first fact of a binding"  # noqa: S101
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


def evolve(row: BindingRow, recorded: Recorded) -> None:
    """Take one more fact of the binding into its row."""
    fact = cast(BindingFact, recorded.fact)
    row.version, row.position = recorded.version, recorded.position
    row.updated_at = recorded.recorded_at
    if isinstance(fact, OBSERVING):
        row.observed_at = fact.stamp.observed_at or row.observed_at
    change(row, fact)


def change(row: BindingRow, fact: BindingFact) -> None:
    """The columns that a fact changes."""
    match fact:
        case Requested():
            row.status, row.sku, row.match_rate = "requested", fact.sku, None
            if row.mercari_category_id != fact.terms.mercari_category_id:
                row.mercari_category_id = fact.terms.mercari_category_id
                row.category_path = None
            row.stock_threshold = fact.terms.stock_threshold
            row.suggested_price_jpy = fact.terms.suggested_price_jpy
            row.submission_id = fact.submission_id
            row.error_codes = row.warning_codes = row.findings = None
            row.is_in_review = row.is_closed_by_hand = False
        case TermsChanged():
            row.stock_threshold = fact.terms.stock_threshold
            row.suggested_price_jpy = fact.terms.suggested_price_jpy
            row.price_jpy, row.amazon_price_jpy = fact.price_jpy, fact.amazon_price_jpy
            row.stock, row.amazon_quantity = fact.stock, fact.amazon_quantity
            row.float_pct = percent(fact.float_rate)
            row.submission_id = fact.submission_id
        case Validated():
            show_product(row, fact.product)
            row.status, row.price_jpy, row.stock = "validated", fact.price_jpy, fact.stock
            row.float_pct = percent(fact.float_rate)
            row.image_verdict, row.is_in_review = fact.image_verdict, False
            row.warning_codes = [warning.code for warning in fact.warnings] or None
            row.findings = [warning.model_dump() for warning in fact.warnings] or None
        case Rejected():
            show_product(row, fact.product)
            row.status, row.is_in_review = "rejected", False
            if any(found.code in IMAGE_CODES for found in fact.findings):
                row.image_verdict = "fail"
            show_findings(row, fact.findings)
        case ReviewRequested():
            show_product(row, fact.product)
            row.is_in_review = True
            show_findings(row, fact.findings)
        case ImageReviewed():
            row.is_in_review = False
        case ProofAdded():
            row.proofs = row.proofs + 1
        case ImageJudged():
            row.image_url, row.image_verdict = fact.image_url, fact.verdict
        case Mapped():
            row.status, row.match_rate, row.error_codes = "mapped", fact.match_rate, None
            row.mercari_category_id = fact.mercari_category_id
            row.category_path = list(fact.category_path)
        case MappingBroken():
            row.status, row.browse_path = "unmapped", list(fact.to_browse_path)
            row.match_rate = None
            show_findings(row, (fact.finding,))
        case Listed():
            row.status, row.error_codes = "listed", None
            show_listing(row, fact.listing)
        case ListingConfirmed():
            show_listing(row, fact.listing, is_written=fact.effect != "seen")
            if fact.effect == "update":
                row.error_codes = None
        case DriftFound():
            row.price_jpy, row.is_closed_by_hand = fact.price_jpy, fact.is_closed_by_hand
            row.float_pct = row.float_pct if fact.float_rate is None else percent(fact.float_rate)
            row.warning_codes = ["W-106"]
            if fact.listing is None:
                row.is_on_sale = False
                row.listing_id = row.shown_price_jpy = row.shown_stock = row.shown_title = None
                row.shown_category_id = row.shown_description_sha256 = None
                row.shown_image_urls = None
            else:
                show_listing(row, fact.listing, is_written=False)
        case PriceAdjusted():
            row.price_jpy, row.amazon_price_jpy = fact.to_price_jpy, fact.amazon_price_jpy
        case StockAdjusted():
            row.stock, row.amazon_quantity = fact.to_stock, fact.amazon_quantity
            row.warning_codes = [fact.warning.code] if fact.warning else None
        case ContentRefreshed():
            row.title, row.image_url = fact.title, fact.image_url
            row.browse_path = list(fact.browse_path)
        case Suspended():
            row.status, row.error_codes = "suspended", [fact.code]
            row.findings = [*warned(row), *priced_out(fact)] or None
        case Blocked():
            row.status = "blocked"
            show_findings(row, (fact.finding,))
        case Reinstated():
            row.status, row.error_codes = "listed" if fact.is_listed else "mapped", None
        case Withdrawn():
            row.status, row.error_codes = "withdrawn", None
        case CheckPostponed():
            return
        case AttemptFailed():
            if fact.code == REFUSED and fact.operation != "take_down":
                row.error_codes = [fact.code]
        case _:
            assert_never(fact)


def show_findings(row: BindingRow, findings: Iterable[Finding]) -> None:
    row.findings = [found.model_dump() for found in findings]
    row.error_codes = list(dict.fromkeys(found["code"] for found in row.findings))


def warned(row: BindingRow) -> list[dict[str, Any]]:
    """The findings of the warnings that stay."""
    return [found for found in row.findings or () if found["code"] in (row.warning_codes or ())]


def priced_out(fact: Suspended) -> list[dict[str, Any]]:
    """What its price on Amazon was held against, where that is why."""
    if fact.code != "E-409" or fact.amazon_price_jpy is None:
        return []
    bounds = bounds_of(fact.amazon_price_jpy, float_rate_max(fact.stamp.policy))
    return [out_of_range(bounds, fact.amazon_price_jpy, None).model_dump()]


def show_product(row: BindingRow, product: Product) -> None:
    row.sku, row.title, row.image_url = product.sku, product.title, product.image_url
    row.browse_path = list(product.browse_path)
    row.amazon_price_jpy, row.amazon_quantity = product.price_jpy, product.quantity
    row.observed_at = product.observed_at
    held = product.certificates
    row.certificates = None if held is None else [each.model_dump() for each in held]


def show_listing(row: BindingRow, listing: MercariListing, *, is_written: bool = True) -> None:
    row.stock = stock_left(row.stock, row.shown_stock, listing.stock, is_written=is_written)
    row.listing_id, row.is_on_sale = listing.listing_id, listing.is_on_sale
    row.shown_price_jpy, row.shown_stock = listing.price_jpy, listing.stock
    row.shown_title, row.shown_category_id = listing.title, listing.category_id
    row.shown_image_urls = None if listing.image_urls is None else list(listing.image_urls)
    row.shown_description_sha256 = listing.description_sha256


def percent(rate: Decimal) -> float:
    """A fraction as percent with two decimals."""
    return float(round(rate * 100, 2))


def fold_history(history: Sequence[Recorded]) -> BindingRow | None:
    """The row after these facts of one binding: the same fold, to any instant of the past."""
    row = begun(history[0]) if history else None
    for recorded in history:
        evolve(cast(BindingRow, row), recorded)
    return row


# --- queries ------------------------------------------------------------------------------------

# A listing that is still shown, or a binding that has not come to its end.
ANY_ON_SALE = """
    SELECT EXISTS (
        SELECT FROM live_bindings
        WHERE is_on_sale OR status NOT IN ('withdrawn', 'blocked', 'rejected')
    )
"""

# One binding, as the live generation holds it.
ONE = """
    SELECT * FROM live_bindings WHERE binding_id = %(binding_id)s
"""

# What the seller last asked for, of these bindings.
TERMS = """
    SELECT binding_id, mercari_category_id, suggested_price_jpy, stock_threshold
    FROM live_bindings WHERE binding_id = ANY(%s)
"""

# A page of bindings, newest change first; filters that are null are not applied.
PAGE = """
    SELECT * FROM live_bindings
    WHERE (%(status)s::text IS NULL OR status = %(status)s)
      AND (%(asin)s::text IS NULL OR asin = %(asin)s)
      AND (NOT %(is_in_review)s OR is_in_review)
      AND (%(before)s::bigint IS NULL OR position < %(before)s)
    ORDER BY position DESC, binding_id LIMIT %(limit)s
"""

# The same of those that have an error code: an index leads to them, which `error_codes` can't have.
PAGE_OF_CODE = """
    SELECT b.* FROM live_binding_codes held JOIN live_bindings b USING (binding_id)
    WHERE held.code = %(error_code)s AND held.is_held
      AND (%(status)s::text IS NULL OR held.status = %(status)s)
      AND (%(asin)s::text IS NULL OR b.asin = %(asin)s)
      AND (NOT %(is_in_review)s OR b.is_in_review)
      AND (%(before)s::bigint IS NULL OR held.position < %(before)s)
    ORDER BY held.position DESC LIMIT %(limit)s
"""

# These bindings.
SOME = "SELECT * FROM live_bindings WHERE binding_id = ANY(%s)"

# The ASINs of these bindings.
ASINS_OF = "SELECT binding_id, asin FROM live_bindings WHERE binding_id = ANY(%s)"

# A page of live bindings for a sweep, in the order of their ids.

# The ASIN that a seller's SKU is bound to.
ASIN_OF_SKU = "SELECT asin FROM live_bindings WHERE sku = %(sku)s ORDER BY position DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What the seller last asked for."""

    binding_id: UUID
    mercari_category_id: str
    suggested_price_jpy: int | None
    stock_threshold: int


def one(connection: Connection[Any], binding_id: UUID) -> BindingRow | None:
    cursor = connection.cursor(row_factory=class_row(BindingRow))
    return cursor.execute(ONE, {"binding_id": binding_id}).fetchone()


def some(connection: Connection[Any], binding_ids: Collection[UUID]) -> dict[UUID, BindingRow]:
    """Those of these bindings that there are, by id."""
    cursor = connection.cursor(row_factory=class_row(BindingRow))
    rows = cursor.execute(SOME, (list(binding_ids),)).fetchall()
    return {row.binding_id: row for row in rows}


def asins_of(connection: Connection[Any], binding_ids: Collection[UUID]) -> dict[UUID, str]:
    return dict(connection.execute(ASINS_OF, (list(binding_ids),)).fetchall())


def terms(connection: Connection[Any], binding_ids: Iterable[UUID]) -> dict[UUID, TermsRow]:
    """What the seller last asked for, by binding."""
    cursor = connection.cursor(row_factory=class_row(TermsRow))
    rows = cursor.execute(TERMS, (list(binding_ids),)).fetchall()
    return {row.binding_id: row for row in rows}


def page(
    connection: Connection[Any],
    *,
    status: str | None = None,
    asin: str | None = None,
    error_code: str | None = None,
    is_in_review: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[BindingRow]:
    """Newest change first; `before` is the position of the last row of the page before."""
    filters = {
        "status": status, "asin": asin, "error_code": error_code, "is_in_review": is_in_review,
        "before": before,
    }  # fmt: skip
    cursor = connection.cursor(row_factory=class_row(BindingRow))
    query = PAGE_OF_CODE if error_code else PAGE
    return cursor.execute(query, {**filters, "limit": limit}).fetchall()


def is_any_on_sale(connection: Connection[Any]) -> bool:
    """Whether the shop shows anything of the seller, or is still to be told something."""
    row = connection.execute(ANY_ON_SALE).fetchone()
    return bool(row and row[0])


def asin_of_sku(connection: Connection[Any], sku: str) -> str | None:
    """The ASIN bound by this SKU, the one that changed last; None where it is not bound."""
    row = connection.execute(ASIN_OF_SKU, {"sku": sku}).fetchone()
    return str(row[0]) if row else None
