"""The event feed: a seller's own facts in the log's order, as pages to poll or as a live stream."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.cloud_events import cloud_event, json_of
from api.ids import event_id_at, position_of_event
from api.pages.live import Chunk, follow
from api.requests import Reception, Visit
from domain.event_types import types_from

NOW = "now"
STREAM = "text/event-stream"
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept"}
BATCH_SIZE = 1_000

After = Annotated[
    str | None, Query(description="The id of the last event seen, or `now`; none = from the first.")
]
Types = Annotated[
    list[str] | None, Query(alias="type", description="A type, or how it begins; may be repeated.")
]


class EventTail:
    """A seller's events after a position, for `api.live.follow`."""

    def __init__(self, visit: Visit, position: int, types: tuple[str, ...]) -> None:
        self._visit = visit
        self._position = position
        self._types = types

    def read(self) -> Chunk:
        visit, until = self._visit, self._visit.desk.position()
        found = visit.desk.events_after(
            visit.seller_id, self._position, until, self._types, BATCH_SIZE
        )
        texts = []
        for recorded in found:
            data = json_of(cloud_event(recorded)).decode()
            texts.append(f"id: {event_id_at(recorded.position)}\ndata: {data}\n\n")
        is_partial = len(found) == BATCH_SIZE
        self._position = found[-1].position if is_partial else max(self._position, until)
        return Chunk("".join(texts), is_partial=is_partial)


def build_feed(reception: Reception) -> APIRouter:
    """The route /events."""
    router = APIRouter(tags=["feed"])

    @router.get("/events", responses={200: {"content": {STREAM: {}}}})
    def events(
        request: Request,
        after: After = None,
        types: Types = None,
        limit: int = Query(100, ge=1, le=500),
    ) -> Any:
        """The seller's events, oldest first, each a CloudEvent; a page says where `next` begins.

        With `Accept: text/event-stream` they come as they happen, after `Last-Event-ID`.
        """
        visit = reception.reading(request)
        wanted = types_from(types or ())
        if STREAM in request.headers.get("accept", ""):
            place = place_of(visit, request.headers.get("last-event-id") or after)
            tail = EventTail(visit, place, wanted)
            stream = follow(visit.desk, tail, reception.is_still_allowed(visit))
            return StreamingResponse(stream, media_type=STREAM, headers=STREAM_HEADERS)
        return page(visit, place_of(visit, after), wanted, limit)

    return router


def place_of(visit: Visit, after: str | None) -> int:
    """The position to go on after. Raises NotAnEventId."""
    if after == NOW:
        return visit.desk.position()
    return position_of_event(after) if after else 0


def page(visit: Visit, after: int, types: tuple[str, ...], limit: int) -> Response:
    """`next` moves on also where nothing was found, so that nothing is looked through twice."""
    until = visit.desk.position()
    found = visit.desk.events_after(visit.seller_id, after, until, types, limit)
    reached = found[-1].position if len(found) == limit else max(after, until)
    body = {"items": [cloud_event(each) for each in found], "next": event_id_at(reached)}
    url = visit.request.url.include_query_params(after=body["next"])
    headers = {"Link": f'<{url.path}?{url.query}>; rel="next"', "Vary": "Accept"}
    return Response(json_of(body), media_type="application/json", headers=headers)
