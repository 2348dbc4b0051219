"""Submissions: each upload and the fate of each of its rows, filling in as they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain import submission
from domain.facts import Recorded
from projections.table import Key, Rows, Table


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One upload. `status` is open, finished or refused; `counts` by fate."""

    submission_id: UUID
    seller_id: UUID
    filename: str
    content_sha256: str
    status: str
    row_count: int
    settled_count: int
    counts: dict[str, int]
    faults: list[dict[str, Any]]
    received_at: datetime
    finished_at: datetime | None
    position: int


@dataclass(frozen=True, slots=True)
class RowRow:
    """One data row of an upload; `fate` is None while it is open."""

    submission_id: UUID
    number: int
    seller_id: UUID
    asin: str
    own: dict[str, str]
    fate: str | None
    codes: list[str] | None
    detail: str | None
    values: dict[str, Any] | None
    findings: list[dict[str, Any]] | None
    binding_id: UUID | None
    position: int


UPLOADS = Table("submissions", SubmissionRow, ("submission_id",))
ROWS = Table("submission_rows", RowRow, ("submission_id", "number"))


class Submissions:
    """Folds each upload's facts into its head and its rows."""

    name: ClassVar[str] = "submissions"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table, ...]] = (UPLOADS, ROWS)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        fact = recorded.fact
        if isinstance(fact, submission.RowsSettled | submission.Finished):
            yield UPLOADS, (recorded.originator_id,)
        if isinstance(fact, submission.RowsSettled):
            for fate in fact.fates:
                yield ROWS, (recorded.originator_id, fate.number)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        match recorded.fact:
            case submission.Received() | submission.Refused() as fact:
                rows.put(UPLOADS, head_of(recorded, fact))
                for row in fact.rows if isinstance(fact, submission.Received) else ():
                    rows.put(ROWS, open_row(recorded, row))
            case submission.RowsSettled() as fact:
                settle(rows, recorded, fact)
            case submission.Finished():
                head: SubmissionRow = rows.get(UPLOADS, recorded.originator_id)  # type: ignore[assignment]
                ended: dict[str, Any] = {"status": "finished", "finished_at": recorded.recorded_at}
                rows.put(UPLOADS, replace(head, position=recorded.position, **ended))
            case _:
                return


def head_of(recorded: Recorded, fact: submission.Received | submission.Refused) -> SubmissionRow:
    is_refused = isinstance(fact, submission.Refused)
    return SubmissionRow(
        submission_id=recorded.originator_id,
        seller_id=recorded.seller_id,
        filename=fact.filename,
        content_sha256=fact.content_sha256,
        status="refused" if is_refused else "open",
        row_count=0 if isinstance(fact, submission.Refused) else len(fact.rows),
        settled_count=0,
        counts={},
        faults=[each.model_dump() for each in fact.faults]
        if isinstance(fact, submission.Refused)
        else [],
        received_at=recorded.recorded_at,
        finished_at=recorded.recorded_at if is_refused else None,
        position=recorded.position,
    )


def open_row(recorded: Recorded, row: submission.Row) -> RowRow:
    return RowRow(
        submission_id=recorded.originator_id,
        number=row.number,
        seller_id=recorded.seller_id,
        asin=row.asin,
        own=dict(row.own),
        fate=None,
        codes=None,
        detail=row.fault.key if row.fault else None,
        values=dict(row.fault.values) if row.fault else None,
        findings=None,
        binding_id=None,
        position=recorded.position,
    )


def settle(rows: Rows, recorded: Recorded, fact: submission.RowsSettled) -> None:
    head: SubmissionRow = rows.get(UPLOADS, recorded.originator_id)  # type: ignore[assignment]
    counts = dict(head.counts)
    for fate in fact.fates:
        counts[fate.fate] = counts.get(fate.fate, 0) + 1
        row: RowRow = rows.get(ROWS, recorded.originator_id, fate.number)  # type: ignore[assignment]
        settled: dict[str, Any] = {
            "fate": fate.fate, "codes": list(fate.codes), "detail": fate.detail or row.detail,
            "findings": [found.model_dump() for found in fate.findings] or None,
            "binding_id": fate.binding_id,
        }  # fmt: skip
        rows.put(ROWS, replace(row, position=recorded.position, **settled))
    settled_count = head.settled_count + len(fact.fates)
    rows.put(
        UPLOADS,
        replace(head, counts=counts, settled_count=settled_count, position=recorded.position),
    )


# --- queries ------------------------------------------------------------------------------------

ONE = "SELECT * FROM live_submissions WHERE submission_id = %s"

# The newest uploads.
LATEST = "SELECT * FROM live_submissions ORDER BY position DESC LIMIT %s"

# An open upload of the same content, not older than the window.
OPEN_WITH_CONTENT = """
    SELECT * FROM live_submissions
    WHERE content_sha256 = %(content_sha256)s AND status = 'open' AND received_at >= %(since)s
    ORDER BY position DESC LIMIT 1
"""

ROWS_OF = "SELECT * FROM live_submission_rows WHERE submission_id = %s ORDER BY number"

# Rows settled after a position, oldest first: the live progress.
ROWS_AFTER = """
    SELECT * FROM live_submission_rows WHERE submission_id = %s AND position > %s
    ORDER BY position, number
"""


def one(connection: Connection[Any], submission_id: UUID) -> SubmissionRow | None:
    cursor = connection.cursor(row_factory=class_row(SubmissionRow))
    return cursor.execute(ONE, (submission_id,)).fetchone()


def latest(connection: Connection[Any], limit: int) -> list[SubmissionRow]:
    cursor = connection.cursor(row_factory=class_row(SubmissionRow))
    return cursor.execute(LATEST, (limit,)).fetchall()


def open_with_content(
    connection: Connection[Any], content_sha256: str, since: datetime
) -> SubmissionRow | None:
    cursor = connection.cursor(row_factory=class_row(SubmissionRow))
    parameters = {"content_sha256": content_sha256, "since": since}
    return cursor.execute(OPEN_WITH_CONTENT, parameters).fetchone()


def rows_of(connection: Connection[Any], submission_id: UUID) -> list[RowRow]:
    cursor = connection.cursor(row_factory=class_row(RowRow))
    return cursor.execute(ROWS_OF, (submission_id,)).fetchall()


def rows_after(connection: Connection[Any], submission_id: UUID, position: int) -> list[RowRow]:
    cursor = connection.cursor(row_factory=class_row(RowRow))
    return cursor.execute(ROWS_AFTER, (submission_id, position)).fetchall()
