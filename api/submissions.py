"""JSON routes of uploads: send a file or rows, watch each row come to its fate, the template."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.answers import row_answer, submission_answer
from api.auth import caller_of
from api.desk import Desk
from api.idempotency import HEADER
from api.ids import inner_id, public_id
from api.openapi_extras import form_body
from api.requests import Reception, Visit, tagged
from domain import uploads
from domain.application import acting_for
from domain.errors import FileRefused, NotFound
from domain.submission import SAME_CONTENT_WINDOW
from domain.upload_file import BYTES_MAX, COLUMNS, TEMPLATE
from projections import submissions

STREAM_POLL_SECONDS = 0.1


def build_submissions(reception: Reception) -> APIRouter:
    """Routes under /submissions."""
    router = APIRouter(prefix="/submissions", tags=["submissions"])

    @router.post("", status_code=202, openapi_extra=form_body("upload.csv"))
    async def submit(request: Request, response: Response) -> Any:
        """Bind up to 500 ASINs: multipart `file` (CSV), or JSON `{"rows": [{…}]}`."""
        filename, content = await sent_file(request)
        return await run_in_threadpool(
            receive, reception.writing(request), response, filename, content
        )

    @router.get("/template.csv")
    def template(request: Request) -> Response:
        """The CSV template: UTF-8 with a byte-order mark, so that spreadsheets open it right."""
        caller_of(request, reception.desk, reception.sessions)
        headers = {"Content-Disposition": 'attachment; filename="asin-sync-template.csv"'}
        return Response(TEMPLATE, media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("")
    def latest(request: Request) -> Any:
        """The newest uploads, without their rows."""
        visit = reception.reading(request)
        with visit.desk.reading_for(visit.seller_id) as connection:
            found = submissions.latest(connection, 50)
        items = [submission_answer(row, [], visit.l10n) for row in found]
        return {"items": items, "next_cursor": None, "position": visit.desk.position()}

    @router.get("/{submission_id}")
    def show(request: Request, response: Response, submission_id: str) -> Any:
        """One upload with the fate of every row; its ETag is the position of its last event."""
        answer = shown(reception.reading(request), inner_id("sub", submission_id))
        return tagged(request, response, answer["position"], answer)

    @router.get("/{submission_id}/events")
    def follow(request: Request, submission_id: str) -> StreamingResponse:
        """Server-sent events: `row` as rows settle, then `end` with the counts."""
        visit = reception.reading(request)
        inner = inner_id("sub", submission_id)
        shown(visit, inner)
        last = request.headers.get("last-event-id", "")[:18]
        is_number = last.isascii() and last.isdecimal()
        stream = row_events(visit, inner, int(last) if is_number else 0)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    return router


async def sent_file(request: Request) -> tuple[str, bytes]:
    """The file of a multipart form, or JSON rows as the CSV they stand for."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        async with request.form() as form:
            file = form.get("file")
            if isinstance(file, str) or file is None:
                raise FileRefused([("empty_file", {})])
            return file.filename or "upload.csv", await read_bounded(file)  # type: ignore[arg-type]
    return "rows.json", csv_of(await request.body())


async def read_bounded(file: UploadFile) -> bytes:
    """One byte more than is allowed tells that there is too much."""
    return await file.read(BYTES_MAX + 1)


def csv_of(body: bytes) -> bytes:
    """JSON rows as CSV, so that both ways in obey the same rules. Raises FileRefused."""
    try:
        rows = orjson.loads(body)["rows"]
        lines = [[cell_of(row.get(name)) for name in COLUMNS] for row in rows]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise FileRefused([("not_csv", {"line": 1})]) from None
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    return "\n".join([",".join(COLUMNS), *quoted]).encode()


def cell_of(value: object) -> str:
    return "" if value is None else str(value)


def receive(visit: Visit, response: Response, filename: str, content: bytes) -> dict[str, Any]:
    """Record the upload; without an idempotency key, answer with an open one of equal content.

    Raises FileRefused for a file that is refused whole.
    """
    is_keyed = HEADER in visit.request.headers
    with acting_for(visit.seller_id):
        known = None if is_keyed else open_upload(visit, sha256(content).hexdigest())
        if known is not None:
            response.headers["Idempotency-Replayed"] = "true"
            return accepted(response, known, visit.desk.position())
        receipt = uploads.receive_file(
            visit.desk.app, visit.seller(), filename, content, uuid4().hex, visit.work()
        )
    if receipt.faults:
        raise FileRefused([(fault.key, fault.values) for fault in receipt.faults])
    return accepted(response, receipt.submission_id, receipt.position or visit.desk.position())


def open_upload(visit: Visit, digest: str) -> UUID | None:
    """An upload of the same content that is still open, not older than a day."""
    since = visit.desk.clock() - SAME_CONTENT_WINDOW
    with visit.desk.reading_for(visit.seller_id) as connection:
        found = submissions.open_with_content(connection, digest, since)
    return found.submission_id if found else None


def accepted(response: Response, inner: UUID, position: int) -> dict[str, Any]:
    answer = accepted_answer(inner)
    response.headers["Location"] = answer["links"]["self"]
    return {**answer, "position": position}


def accepted_answer(inner: UUID) -> dict[str, Any]:
    identity = public_id("sub", inner)
    links = {"self": f"/v1/submissions/{identity}", "page": f"/upload/{identity}"}
    return {"id": identity, "status": "open", "links": links}


def received_before(
    desk: Desk, seller_id: UUID, inner: UUID
) -> tuple[dict[str, Any], dict[str, str]]:
    """How this upload was answered when it was received. Raises FileRefused."""
    with acting_for(seller_id):
        upload = desk.app.submission(inner)
    if upload is not None and upload.faults:
        raise FileRefused([(fault.key, fault.values) for fault in upload.faults])
    answer = accepted_answer(inner)
    return answer, {"Location": answer["links"]["self"]}


def shown(visit: Visit, inner: UUID) -> dict[str, Any]:
    with visit.desk.reading_for(visit.seller_id) as connection:
        head = submissions.one(connection, inner)
        rows = submissions.rows_of(connection, inner) if head else []
    if head is None:
        raise NotFound("no such submission")
    return submission_answer(head, rows, visit.l10n)


async def row_events(visit: Visit, inner: UUID, position: int) -> AsyncIterator[bytes]:
    """Rows as they settle, from a position on; ends with the upload or with the server."""
    yield b"retry: 2000\n\n"
    while not visit.desk.is_stopping():
        head, rows = await run_in_threadpool(news, visit, inner, position)
        for row in rows:
            data = orjson.dumps(row_answer(row, visit.l10n)).decode()
            yield f"id: {row.position}\nevent: row\ndata: {data}\n\n".encode()
        position = max([position, *(row.position for row in rows)])
        if head is not None and head.status != "open":
            data = orjson.dumps({"status": head.status, "counts": head.counts}).decode()
            yield f"event: end\ndata: {data}\n\n".encode()
            return
        await asyncio.sleep(STREAM_POLL_SECONDS)


def news(
    visit: Visit, inner: UUID, position: int
) -> tuple[submissions.SubmissionRow | None, list[submissions.RowRow]]:
    with visit.desk.reading_for(visit.seller_id) as connection:
        rows = submissions.rows_after(connection, inner, position)
        return submissions.one(connection, inner), [row for row in rows if row.fate]
