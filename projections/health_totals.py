"""Health totals: what is counted of a seller's bindings, kept as they change.

A page reads one row, however many bindings there are. Every figure is a sum of whole numbers, so
that what a binding once added can be taken away again exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection

from projections.table import Rows, Table

BILLION = 1_000_000_000
HALVES = "half_pct "
STATUS = "status "
CODE = "code "


class Counted(Protocol):
    """What is counted of a binding."""

    @property
    def status(self) -> str: ...
    @property
    def expected_price_jpy(self) -> int | None: ...
    @property
    def shown_price_jpy(self) -> int | None: ...
    @property
    def image_verdict(self) -> str | None: ...
    @property
    def codes(self) -> list[str] | None: ...


@dataclass(slots=True)
class TotalsRow:
    """One seller's figures by name; what is not there is 0. The fold changes them in place."""

    seller_id: UUID
    figures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code that a binding failed with, and whether it does still."""

    binding_id: UUID
    code: str
    seller_id: UUID
    asin: str
    changed_at: datetime
    is_held: bool


TOTALS = Table("health_totals", TotalsRow, ("seller_id",))
CODES = Table("health_codes", CodeRow, ("binding_id", "code"))


def failing_codes(row: Counted | None) -> tuple[str, ...]:
    """The failures of a binding, each once; warnings are none, and what is withdrawn has none."""
    if row is None or not row.codes or row.status == "withdrawn":
        return ()
    return tuple(dict.fromkeys(code for code in row.codes if not code.startswith("W-")))


def figures_of(row: Counted) -> dict[str, int]:
    """What one binding adds to its seller's figures."""
    found = {STATUS + row.status: 1} | {CODE + code: 1 for code in failing_codes(row)}
    if row.status != "listed":
        return found
    if row.image_verdict is not None:
        found["inspected"] = 1
        found["compliant"] = int(row.image_verdict == "pass")
    expected, shown = row.expected_price_jpy, row.shown_price_jpy
    if expected is None or shown is None:
        return found
    found["deviating"] = int(shown != expected)
    if expected > 0:
        found |= {
            "compared": 1,
            "deviation_ppb": rounded(abs(shown - expected) * BILLION, expected),
        }
        found[f"{HALVES}{signed_halves(shown - expected, expected)}"] = 1
    return found


def rounded(amount: int, by: int) -> int:
    """The quotient of two numbers that are not negative, to the nearest."""
    return (2 * amount + by) // (2 * by)


def signed_halves(difference: int, expected: int) -> int:
    """A deviation in steps of half a percent; what lies between two steps goes away from 0."""
    steps = rounded(200 * abs(difference), expected)
    return steps if difference > 0 else -steps


def counted_in(row: Counted) -> tuple[object, ...]:
    """Everything that `figures_of` goes by."""
    return row.status, row.expected_price_jpy, row.shown_price_jpy, row.image_verdict, row.codes


def recount(rows: Rows, seller_id: UUID, before: Counted | None, after: Counted) -> None:
    """Take away what the binding added before, and add what it adds now."""
    if before is not None and counted_in(before) == counted_in(after):
        return
    was, now = figures_of(before) if before else {}, figures_of(after)
    totals = rows.changing(TOTALS, seller_id)
    if totals is None:
        totals = TotalsRow(seller_id)
        rows.put(TOTALS, totals)
    figures = totals.figures
    for name in was.keys() | now.keys():
        figures[name] = figures.get(name, 0) + now.get(name, 0) - was.get(name, 0)
        if figures[name] == 0:
            del figures[name]


# --- queries ------------------------------------------------------------------------------------

FIGURES = "SELECT figures FROM live_health_totals"

# The bindings that hold each of these codes now, newest change first; at most twenty of each.
NAMED = """
    SELECT wanted.code, named.asin, named.binding_id
    FROM unnest(%(codes)s::text[]) AS wanted (code), LATERAL (
        SELECT asin, binding_id, changed_at FROM live_health_codes held
        WHERE held.code = wanted.code AND is_held ORDER BY changed_at DESC, asin LIMIT 20
    ) AS named
    ORDER BY wanted.code, named.changed_at DESC, named.asin
"""

Named = tuple[list[str], list[UUID]]


class Figures:
    """One seller's totals, by what they tell."""

    def __init__(self, figures: Mapping[str, int]) -> None:
        self._figures = figures

    def __getitem__(self, name: str) -> int:
        return self._figures.get(name, 0)

    def by(self, kind: str) -> dict[str, int]:
        """The figures whose names begin so, by the rest of the name."""
        length = len(kind)
        return {name[length:]: n for name, n in self._figures.items() if name.startswith(kind)}


def read(connection: Connection[Any]) -> Figures:
    """Of the seller that the connection may see."""
    row = connection.execute(FIGURES).fetchone()
    return Figures(row[0] if row else {})


def named(connection: Connection[Any], codes: list[str]) -> dict[str, Named]:
    """ASINs and ids of the bindings that each of these codes holds."""
    found: dict[str, Named] = {}
    for code, asin, binding_id in connection.execute(NAMED, {"codes": codes}):
        asins, ids = found.setdefault(code, ([], []))
        asins.append(asin)
        ids.append(binding_id)
    return found
