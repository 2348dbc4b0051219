"""Two instants of one binding side by side: the fields that differ, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from api.answers import differences_between
from api.l10n import L10n, mark
from api.log_text import title_of
from api.pages.page_frame import Visit
from api.query_values import moment_in, number_in
from api.words import IMAGE_VERDICTS, STATUSES
from domain.errors import NotFound
from domain.facts import Recorded
from projections.bindings import BindingRow, begun, evolve

FIELDS: Mapping[str, str] = {
    "status": mark("Status"),
    "sku": "SKU",
    "title": mark("Product"),
    "image_url": mark("Main image"),
    "mercari_category_id": mark("Mercari category"),
    "category_path": mark("Category path"),
    "match_rate": mark("Category match (%%)"),
    "listing_id": mark("Listing on Mercari"),
    "is_on_sale": mark("On sale on Mercari"),
    "is_closed_by_hand": mark("Closed on Mercari by hand"),
    "price_jpy": mark("Decided price"),
    "shown_price_jpy": mark("Price shown on Mercari"),
    "amazon_price_jpy": mark("Amazon price"),
    "float_pct": mark("Float (%%)"),
    "stock": mark("Decided stock"),
    "shown_stock": mark("Stock shown on Mercari"),
    "amazon_quantity": mark("Amazon stock"),
    "stock_threshold": mark("Stock threshold"),
    "error_codes": mark("Error codes"),
    "warning_codes": mark("Warning codes"),
    "findings": mark("Findings"),
    "is_in_review": mark("With a reviewer"),
    "image_verdict": mark("Check of the main image"),
    "proofs": mark("Evidence filed"),
    "observed_at": mark("Read from Amazon"),
}
"""What is compared; version, position and time head the columns."""


class Instant(NamedTuple):
    """One version of the binding, and when it came to be."""

    version: int
    moment: datetime


class Differing(NamedTuple):
    """One field that differs, in words, with its name in the API."""

    field: str
    label: str
    before: str
    after: str


class Comparison(NamedTuple):
    """Two instants and what differs between them."""

    before: Instant
    after: Instant
    differing: Sequence[Differing]


def comparison_of(visit: Visit, history: Sequence[Recorded], shown_version: int) -> Comparison:
    """What the address asks to compare; else what the shown version changed. Raises NotFound."""
    after = version_in(visit.query("to"), history) or shown_version
    before = version_in(visit.query("from"), history) or max(1, after - 1)
    rows = rows_at(history, {before, after})
    instants = [Instant(each, history[each - 1].recorded_at) for each in (before, after)]
    differing = differing_in(rows[before], rows[after], visit.l10n)
    return Comparison(instants[0], instants[1], differing)


def rows_at(history: Sequence[Recorded], versions: Set[int]) -> dict[int, BindingRow]:
    """The row as it was after each of these versions, from one pass over the history."""
    row = begun(history[0])
    found: dict[int, BindingRow] = {}
    for recorded in history[: max(versions)]:
        evolve(row, recorded)
        if recorded.version in versions:
            found[recorded.version] = replace(row)
    return found


def version_in(text: str | None, history: Sequence[Recorded]) -> int | None:
    """A version, by its number or by an instant. Raises NotFound, Unreadable."""
    if not text:
        return None
    if text.isdecimal():
        version = number_in(text) or 0
    else:
        moment = moment_in(text)
        seen = [each.version for each in history if moment and each.recorded_at <= moment]
        version = max(seen, default=0)
    if not 1 <= version <= len(history):
        raise NotFound("no such binding at that instant")
    return version


def differing_in(before: BindingRow, after: BindingRow, l10n: L10n) -> list[Differing]:
    """The fields of FIELDS that differ, in words."""
    found: list[Differing] = []
    for each in differences_between(before, after, l10n):
        name = each["field"]
        if label := FIELDS.get(name):
            values = [value_in_words(name, each[side], l10n) for side in ("from", "to")]
            found.append(Differing(name, l10n.text(label), values[0], values[1]))
    return found


def value_in_words(field: str, value: Any, l10n: L10n) -> str:
    """A value of this field as the page says it."""
    match value:
        case None | []:
            return "—"
        case bool():
            return l10n.text("Yes") if value else l10n.text("No")
        case datetime():
            return f"{l10n.stamp(value)} JST"
        case int():
            return l10n.yen(value) if field.endswith("_jpy") else l10n.number(value)
        case float():
            return l10n.decimal(value)
        case list():
            return list_in_words(field, value, l10n)
        case _ if field == "status":
            return l10n.text(STATUSES[value].message)
        case _ if field == "image_verdict":
            return l10n.text(IMAGE_VERDICTS[value])
        case _:
            return str(value)


def list_in_words(field: str, values: list[Any], l10n: L10n) -> str:
    if field == "findings":
        return " · ".join(f"{each['code']} {each['seen']}" for each in values)
    if field == "category_path":
        return " › ".join(values)
    return " · ".join(f"{each} {title_of(each, l10n.language)}" for each in values)
