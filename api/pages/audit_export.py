"""The filtered audit trail as a file: CSV for a spreadsheet, JSON Lines for a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi.encoders import jsonable_encoder

from api.answers import audit_answer
from api.desk import Desk
from api.failure_report import defused
from projections import audit_trail
from projections.audit_trail import AuditRow, Filter

Form = Literal["csv", "jsonl"]
ROWS_AT_ONCE = 1_000
COLUMNS = (
    "position", "recorded_at", "decided_at", "observed_at", "type", "subject", "version", "actor",
    "correlation_id", "causation_id", "policy",
)  # fmt: skip
MEDIA_TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8",
}  # fmt: skip


def exported(
    desk: Desk, seller_id: UUID, wanted: Filter, position: int, form: Form
) -> Iterator[bytes]:
    """Every row up to a position, newest first; a thousand at once, so that any length will do."""
    write = WRITERS[form]
    if form == "csv":
        yield b"\xef\xbb\xbf" + as_csv([COLUMNS])
    before: int | None = position + 1
    while before is not None:
        with desk.reading_for(seller_id) as connection:
            rows = audit_trail.page(connection, wanted, before=before, limit=ROWS_AT_ONCE)
        yield write(rows)
        before = rows[-1].position if len(rows) == ROWS_AT_ONCE else None


def as_jsonl(rows: Sequence[AuditRow]) -> bytes:
    """One object a line, as the API answers."""
    return b"".join(orjson.dumps(jsonable_encoder(audit_answer(row))) + b"\n" for row in rows)


def rows_as_csv(rows: Sequence[AuditRow]) -> bytes:
    return as_csv([[cell_of(getattr(row, name)) for name in COLUMNS] for row in rows])


def as_csv(lines: Sequence[Sequence[str]]) -> bytes:
    """CRLF, every cell quoted and defused."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([defused(cell) for cell in line] for line in lines)
    return buffer.getvalue().encode()


def cell_of(value: Any) -> str:
    """A cell's text; times in RFC 3339."""
    if value is None:
        return ""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


WRITERS: dict[Form, Callable[[Sequence[AuditRow]], bytes]] = {"csv": rows_as_csv, "jsonl": as_jsonl}
