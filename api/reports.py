"""JSON routes that answer questions: sync log, failure report, health score, audit trail, fees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.answers import audit_answer, health_answer, log_answer
from api.auth import caller_of
from api.failure_report import failures_of_log, failures_of_upload, report_of
from api.ids import cursor_of, inner_id, place_in
from api.instants import Instant
from api.l10n import JST
from api.paging import cursor_after, place_after
from api.requests import Reception, Visit, page_answer
from api.validator import asin_of, judgements
from domain.errors import NotFound
from domain.policy import policy_of
from domain.rules.fees import Shipping, proceeds_of
from domain.ticket.facts import STAFF_ONLY
from domain.upload_file import CELL_LENGTH_MAX
from projections import audit_trail, health_score, sync_log

STREAM_POLL_SECONDS = 0.25
KEEP_ALIVE_POLLS = 40
KEPT_SCORES_MAX = 256
"""Health scores kept as bytes: one a seller, window, position and minute, as pages are."""

Outcome = Literal["ok", "failed", "retrying"]


class ValidatorBody(BaseModel):
    """The ASIN to check, and the Mercari category it would be sold in."""

    asin: str
    mercari_category_id: str | None = Field(None, max_length=CELL_LENGTH_MAX)


def build_reports(reception: Reception) -> APIRouter:
    """Routes of the read models."""
    router = APIRouter(tags=["reports"])
    kept: dict[tuple[UUID, str, int, int], bytes] = {}

    @router.post("/validator")
    def validate(request: Request, body: ValidatorBody) -> Any:
        """Dry run of the pre-check for one ASIN: nothing is bound."""
        visit = reception.writing(request)
        asin = asin_of(body.asin)
        judged = judgements(
            visit.desk, visit.seller_id, [asin], body.mercari_category_id, visit.l10n.language,
            visit.work(),
        )  # fmt: skip
        if asin not in judged:
            raise NotFound(f"Amazon gave no complete answer for {asin}")
        return judged[asin]

    @router.get("/sync-log")
    def log(
        request: Request,
        response: Response,
        asin: str | None = None,
        code: str | None = None,
        outcome: Outcome | None = None,
        binding_id: str | None = None,
        since: Instant | None = Query(None, alias="from"),
        until: Instant | None = Query(None, alias="to"),
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """The sync log, newest first."""
        visit = reception.reading(request)
        inner = inner_id("bnd", binding_id) if binding_id else None
        wanted = sync_log.Filter(asin, code, outcome, inner, since, until)
        before = place_after(request, visit.seller_id, 2)
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = sync_log.page(
                connection, wanted, before=(before[0], before[1]) if before else None, limit=limit
            )
        last = rows[-1] if len(rows) == limit else None
        following = None
        if last:
            following = cursor_after(request, visit.seller_id, last.position, last.number)
        items = [log_answer(row, visit.l10n) for row in rows]
        return page_answer(request, response, items, following, visit.desk.position())

    @router.get("/sync-log/stream")
    def tail(request: Request) -> StreamingResponse:
        """The live log as server-sent events; `Last-Event-ID` resumes after a line."""
        visit = reception.reading(request)
        last = request.headers.get("last-event-id")
        place = place_in(last, 2) if last else (visit.desk.position(), 0)
        stream = log_events(visit, (place[0], place[1]), reception.is_still_allowed(visit))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    @router.get("/failure-report.csv")
    def report(
        request: Request,
        since: Instant | None = Query(None, alias="from"),
        until: Instant | None = Query(None, alias="to"),
        submission_id: str | None = None,
    ) -> Response:
        """The log's failures, or one upload's rows to correct and send again, for Excel."""
        visit = reception.reading(request)
        with visit.desk.reading_for(visit.seller_id) as connection:
            if submission_id:
                upload = inner_id("sub", submission_id)
                failures = failures_of_upload(connection, upload, visit.l10n)
            else:
                failures = failures_of_log(connection, since, until, visit.l10n)
        content = report_of(failures, visit.l10n)
        headers = {
            "Content-Disposition": 'attachment; filename="asin-sync-failures.csv"',
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/health-score")
    async def health(request: Request, window: health_score.Window = "24h") -> Any:
        """The three KPIs of the seller and what is failing."""
        visit = await reception.reading_soon(request)
        now, position = visit.desk.clock(), await visit.desk.position_soon()
        key = (visit.seller_id, window, position, int(now.timestamp() // 60))
        if key not in kept:
            if len(kept) >= KEPT_SCORES_MAX:
                kept.clear()
            kept[key] = await run_in_threadpool(score_of, visit, window, now, position)
        return Response(kept[key], media_type="application/json")

    @router.get("/audit-trail")
    def trail(
        request: Request,
        response: Response,
        subject: str | None = None,
        actor: str | None = None,
        event_type: str | None = Query(None, alias="type"),
        since: Instant | None = Query(None, alias="from"),
        until: Instant | None = Query(None, alias="to"),
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """Every fact, newest first: what, about whom, by whom and why."""
        visit = reception.reading(request)
        inner = subject_of(subject) if subject else None
        hidden = () if visit.caller.seller_id is None else tuple(sorted(STAFF_ONLY))
        wanted = audit_trail.Filter(inner, actor, event_type, since, until, hidden)
        place = place_after(request, visit.seller_id, 1)
        before = place[0] if place else None
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = audit_trail.page(connection, wanted, before=before, limit=limit)
        following = None
        if len(rows) == limit:
            following = cursor_after(request, visit.seller_id, rows[-1].position)
        items = [audit_answer(row) for row in rows]
        return page_answer(request, response, items, following, visit.desk.position())

    @router.get("/fees")
    def fees(
        request: Request,
        price_jpy: int = Query(ge=300, le=9_999_999),
        on: date | None = None,
        shipping: Shipping = "mercari",
    ) -> Any:
        """Commission and net proceeds of a sale on a day (Japan's calendar)."""
        caller_of(request, reception.desk, reception.sessions)
        day = on or reception.desk.clock().astimezone(JST).date()
        return proceeds_of(policy_of().repricing, price_jpy, day, shipping).model_dump(mode="json")

    return router


def score_of(visit: Visit, window: health_score.Window, now: datetime, position: int) -> bytes:
    with visit.desk.reading_for(visit.seller_id) as connection:
        read = health_score.read(connection, window, now)
    return orjson.dumps(jsonable_encoder(health_answer(read, position)))


def subject_of(text: str) -> UUID:
    """A binding, upload, seller or sweep, by its public id."""
    kind = text.split("_")[0]
    return inner_id(kind if kind in ("sub", "sel", "swp") else "bnd", text)  # type: ignore[arg-type]


async def log_events(
    visit: Visit, place: tuple[int, int], is_allowed: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Lines as they come, each with the cursor that resumes after it.

    Ends with the server, and soon after the reader's key or look has ended.
    """
    yield b"retry: 2000\n\n"
    polls = 0
    while not visit.desk.is_stopping():
        rows = await run_in_threadpool(lines_after, visit, place)
        for row in rows:
            place, polls = (row.position, row.number), 0
            data = orjson.dumps(log_answer(row, visit.l10n)).decode()
            yield f"id: {cursor_of(*place)}\nevent: line\ndata: {data}\n\n".encode()
        polls += 1
        if polls % KEEP_ALIVE_POLLS == 0:
            if not await run_in_threadpool(is_allowed):
                return
            yield b": still here\n\n"
        await asyncio.sleep(STREAM_POLL_SECONDS)


def lines_after(visit: Visit, place: tuple[int, int]) -> list[sync_log.LogRow]:
    with visit.desk.reading_for(visit.seller_id) as connection:
        return sync_log.after(connection, *place)
