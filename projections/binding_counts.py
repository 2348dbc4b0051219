"""Binding counts: how many bindings of a seller stand in each status, and which have which code.

Part of the projection of bindings, so that a list costs the same however many there are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection

from projections.table import Rows, Table


class Coded(Protocol):
    """A binding, as far as its codes go."""

    binding_id: UUID
    seller_id: UUID
    status: str
    position: int
    error_codes: list[str] | None


@dataclass(slots=True)
class CountsRow:
    """How many bindings of a seller stand in each status; the fold changes it in place."""

    seller_id: UUID
    by_status: dict[str, int]


@dataclass(frozen=True, slots=True)
class CodeRow:
    """An error code that a binding had, and whether it has it still."""

    binding_id: UUID
    code: str
    seller_id: UUID
    status: str
    position: int
    is_held: bool


COUNTS = Table("binding_counts", CountsRow, ("seller_id",))
CODES = Table("binding_codes", CodeRow, ("binding_id", "code"))


def recount(rows: Rows, seller_id: UUID, before: str | None, after: str) -> None:
    """One binding more in its status, and one less in that before."""
    counts = rows.changing(COUNTS, seller_id)
    if counts is None:
        counts = CountsRow(seller_id, {})
        rows.put(COUNTS, counts)
    by_status = counts.by_status
    by_status[after] = by_status.get(after, 0) + 1
    if before is not None:
        by_status[before] -= 1
        if by_status[before] == 0:
            del by_status[before]


def hold(rows: Rows, row: Coded, before: Collection[str]) -> None:
    """Note which codes the binding has now, and which ones no more."""
    now = row.error_codes or ()
    for code in dict.fromkeys((*before, *now)):
        place = (row.binding_id, code, row.seller_id, row.status, row.position)
        rows.put(CODES, CodeRow(*place, code in now))


# --- queries ------------------------------------------------------------------------------------

BY_STATUS = "SELECT by_status FROM live_binding_counts"


def counts(connection: Connection[Any]) -> dict[str, int]:
    """Of the seller that the connection may see; a status without any is left out."""
    row = connection.execute(BY_STATUS).fetchone()
    return dict(row[0]) if row else {}
