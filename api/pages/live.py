"""Server-sent events of the pages: new log lines, changed figures, settled rows of an upload.

A stream asks the database only when the views have moved, and ends when the server is to stop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import NamedTuple, Protocol
from uuid import UUID

import orjson
from starlette.concurrency import run_in_threadpool

from api.desk import Desk
from api.pages.health_view import live_figures
from api.pages.log_lines import lines_of
from api.pages.page_frame import Visit
from api.pages.upload_view import counts_by_fate, upload_line
from domain.errors import NotFound
from projections import submissions, sync_log

STOP_CHECK_SECONDS = 0.08
READ_SECONDS = 0.25
FIGURES_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
LINES_MAX = 200


class Chunk(NamedTuple):
    """What one look at the database gave; `is_partial` asks for another look soon."""

    text: str = ""
    is_over: bool = False
    is_partial: bool = False


class Tail(Protocol):
    """Something that is followed."""

    def read(self) -> Chunk:
        """What is new since the last look. Blocks on the database."""


def event(name: str, data: object, place: str | None = None) -> str:
    """One server-sent event; `place` is where the browser resumes after it."""
    resume = f"id: {place}\n" if place else ""
    return f"{resume}event: {name}\ndata: {orjson.dumps(data).decode()}\n\n"


async def follow(desk: Desk, tail: Tail, is_allowed: Callable[[], bool]) -> AsyncIterator[str]:
    """The tail as it grows, until it is over, the server stops, or the session has ended."""
    yield "retry: 2000\n\n"
    seen, read_at, checked_at = -1, 0.0, time.monotonic()
    while not desk.is_stopping():
        now, position = time.monotonic(), desk.position()
        if position != seen and now - read_at >= READ_SECONDS:
            chunk = await run_in_threadpool(tail.read)
            read_at = now
            seen = -1 if chunk.is_partial else position
            if chunk.text:
                yield chunk.text
            if chunk.is_over:
                return
        if now - checked_at >= KEEP_ALIVE_SECONDS:
            checked_at = now
            if not await run_in_threadpool(is_allowed):
                return
            yield ": still here\n\n"
        await asyncio.sleep(STOP_CHECK_SECONDS)


class LogTail:
    """Lines of the log after a place in it and, where asked for, the health page's figures."""

    def __init__(
        self,
        desk: Desk,
        visit: Visit,
        wanted: sync_log.Filter,
        place: tuple[int, int],
        *,
        with_figures: bool,
    ) -> None:
        self._desk = desk
        self._visit = visit
        self._wanted = wanted
        self._place = place
        self._with_figures = with_figures
        self._figures_at = 0.0

    def read(self) -> Chunk:
        visit = replace(self._visit, now=self._desk.clock())
        with self._desk.reading_for(visit.seller_id) as connection:
            rows = sync_log.after(connection, *self._place, limit=LINES_MAX)
            lines = lines_of(connection, visit, [row for row in rows if self._is_wanted(row)])
            is_due = time.monotonic() - self._figures_at >= FIGURES_SECONDS
            figures = live_figures(connection, visit) if self._with_figures and is_due else None
        if rows:
            self._place = (rows[-1].position, rows[-1].number)
        if figures:
            self._figures_at = time.monotonic()
        texts = [event("line", line.model_dump(), line.place) for line in lines]
        texts += [event("figures", figures)] if figures else []
        is_partial = len(rows) == LINES_MAX or (self._with_figures and not figures)
        return Chunk("".join(texts), is_partial=is_partial)

    def _is_wanted(self, row: sync_log.LogRow) -> bool:
        wanted = self._wanted
        return (
            wanted.asin in (None, row.asin)
            and wanted.code in (None, row.error_code)
            and wanted.outcome in (None, row.outcome)
        )


class UploadTail:
    """Rows of one upload as they are settled, with the counts by fate."""

    def __init__(self, desk: Desk, visit: Visit, submission_id: UUID, position: int) -> None:
        self._desk = desk
        self._visit = visit
        self._submission_id = submission_id
        self._position = position

    def ensure_there(self) -> None:
        """Raises NotFound."""
        with self._desk.reading_for(self._visit.seller_id) as connection:
            if submissions.one(connection, self._submission_id) is None:
                raise NotFound("no such upload")

    def read(self) -> Chunk:
        visit = self._visit
        with self._desk.reading_for(visit.seller_id) as connection:
            head = submissions.one(connection, self._submission_id)
            rows = submissions.rows_after(connection, self._submission_id, self._position)
        if head is None:
            return Chunk(is_over=True)
        is_over = head.status != "open"
        if not rows:
            return Chunk(event("end", {}) if is_over else "", is_over=is_over)
        self._position = rows[-1].position
        settled = {
            "rows": [upload_line(visit, row) for row in rows],
            "settled": head.settled_count,
            "figures": {
                **counts_by_fate(visit, head.counts, head.row_count),
                "settled": visit.l10n.number(head.settled_count),
            },
        }
        text = event("rows", settled, str(self._position)) + (event("end", {}) if is_over else "")
        return Chunk(text, is_over=is_over)
