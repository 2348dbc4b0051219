"""The filtered audit trail as a file: for a spreadsheet, for a program, for columns of a lake."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

from api.answers import audit_answer
from api.desk import Desk
from api.failure_report import defused
from api.instants import Instant
from api.reports import subject_of
from api.requests import Reception
from domain.errors import ParquetNotInstalled
from domain.ticket.facts import STAFF_ONLY
from projections import audit_trail
from projections.audit_trail import AuditRow, Filter

Form = Literal["csv", "jsonl", "parquet"]
Batches = Iterator[Sequence[AuditRow]]
ROWS_AT_ONCE = 1_000
COLUMNS = (
    "position", "recorded_at", "decided_at", "observed_at", "type", "subject", "version", "actor",
    "correlation_id", "causation_id", "policy",
)  # fmt: skip
MEDIA_TYPES: Mapping[Form, str] = {
    "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}  # fmt: skip
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The whole trail, as it is found.",
        "content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()},
    }
}


def build_audit_export(reception: Reception) -> APIRouter:
    """The trail as one file, of any length."""
    router = APIRouter(tags=["reports"])

    @router.get("/audit-trail/export", response_class=StreamingResponse, responses=FILE)
    def export(
        request: Request,
        form: Form = Query("jsonl", alias="format"),
        subject: str | None = None,
        actor: str | None = None,
        event_type: str | None = Query(None, alias="type"),
        since: Instant | None = Query(None, alias="from"),
        until: Instant | None = Query(None, alias="to"),
    ) -> StreamingResponse:
        """Every fact that fits, newest first, as JSON Lines, CSV or (where installed) Parquet."""
        visit = reception.reading(request)
        inner = subject_of(subject) if subject else None
        hidden = () if visit.caller.seller_id is None else tuple(sorted(STAFF_ONLY))
        wanted = Filter(inner, actor, event_type, since, until, hidden)
        return answered(visit.desk, visit.seller_id, wanted, visit.desk.position(), form)

    return router


def can_write(form: Form) -> bool:
    """Whether what it takes is installed."""
    return form != "parquet" or find_spec("pyarrow") is not None


def answered(
    desk: Desk, seller_id: UUID, wanted: Filter, position: int, form: Form
) -> StreamingResponse:
    """The whole filtered trail; its name says up to which position. Raises ParquetNotInstalled."""
    headers = {
        "Content-Disposition": f'attachment; filename="asin-sync-audit-{position}.{form}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    rows = exported(desk, seller_id, wanted, position, form)
    return StreamingResponse(rows, media_type=MEDIA_TYPES[form], headers=headers)


def exported(
    desk: Desk, seller_id: UUID, wanted: Filter, position: int, form: Form
) -> Iterator[bytes]:
    """Every row up to a position, newest first. Raises ParquetNotInstalled."""
    if not can_write(form):
        raise ParquetNotInstalled("ask for csv or jsonl, or install asin-sync[parquet]")
    found = batches(desk, seller_id, wanted, position)
    first = next(found)  # what goes wrong does so before anything is sent
    return WRITERS[form](chain([first], found))


def batches(desk: Desk, seller_id: UUID, wanted: Filter, position: int) -> Batches:
    """A thousand rows at once, so that any length will do."""
    before: int | None = position + 1
    while before is not None:
        with desk.reading_for(seller_id) as connection:
            rows = audit_trail.page(connection, wanted, before=before, limit=ROWS_AT_ONCE)
        yield rows
        before = rows[-1].position if len(rows) == ROWS_AT_ONCE else None


def as_jsonl(found: Batches) -> Iterator[bytes]:
    """One object a line, as the API answers."""
    for rows in found:
        yield b"".join(orjson.dumps(jsonable_encoder(audit_answer(row))) + b"\n" for row in rows)


def as_csv(found: Batches) -> Iterator[bytes]:
    """CRLF, every cell quoted and defused; a byte-order mark for spreadsheets."""
    yield b"\xef\xbb\xbf" + csv_lines([COLUMNS])
    for rows in found:
        yield csv_lines([[cell_of(getattr(row, name)) for name in COLUMNS] for row in rows])


def csv_lines(lines: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([defused(cell) for cell in line] for line in lines)
    return buffer.getvalue().encode()


def cell_of(value: Any) -> str:
    """A cell's text; times in RFC 3339."""
    if value is None:
        return ""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def as_parquet(found: Batches) -> Iterator[bytes]:
    written: Iterator[bytes] = import_module("api.parquet").written(found, COLUMNS)
    return written


WRITERS: Mapping[Form, Callable[[Batches], Iterator[bytes]]] = {
    "csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet,
}  # fmt: skip
