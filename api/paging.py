"""Cursors of the API's lists: a place, bound to the list, its filter and the seller."""

from __future__ import annotations

from hashlib import blake2s
from uuid import UUID

from fastapi import Request

from api.ids import NotACursor, cursor_of, place_in

NO_FILTERS = frozenset({"cursor", "limit", "lang", "at_position", "reason", "ticket", "seller_id"})
"""What may differ from page to page."""


def cursor_after(request: Request, seller_id: UUID | None, *place: int) -> str:
    """Where this list goes on; `seller_id` is None for a list across sellers."""
    return cursor_of(*place, mark_of(request, seller_id))


def place_after(request: Request, seller_id: UUID | None, length: int) -> tuple[int, ...] | None:
    """The place that the request goes on after. Raises NotACursor for one of another list."""
    cursor = request.query_params.get("cursor")
    if not cursor:
        return None
    *place, mark = place_in(cursor, length + 1)
    if mark != mark_of(request, seller_id):
        rules = {"cursor": "cursor_of_another"}
        raise NotACursor("a cursor of another list, filter or seller", rules=rules)
    return tuple(place)


def mark_of(request: Request, seller_id: UUID | None) -> int:
    given = request.query_params.multi_items()
    filtered = sorted(each for each in given if each[0] not in NO_FILTERS and each[1])
    told = repr((request.scope["path"], str(seller_id), filtered))
    return int.from_bytes(blake2s(told.encode(), digest_size=4).digest())
