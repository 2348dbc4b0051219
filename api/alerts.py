"""JSON routes of stock alerts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request, Response

from api.alert_words import advice_of
from api.ids import public_id
from api.l10n import L10n
from api.paging import cursor_after, place_after
from api.requests import Reception, page_answer
from projections import stock_alerts
from projections.stock_alerts import Alert


def build_alerts(reception: Reception) -> APIRouter:
    """Routes under /stock-alerts."""
    router = APIRouter(tags=["reports"])

    @router.get("/stock-alerts")
    def alerts(
        request: Request,
        response: Response,
        state: stock_alerts.State | None = None,
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """Listings at their threshold or sold out: open alerts first, newest first, then past."""
        visit = reception.reading(request)
        place = place_after(request, visit.seller_id, 2)
        before = (place[0], place[1]) if place else None
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = stock_alerts.page(connection, state=state, before=before, limit=limit)
        last = rows[-1] if len(rows) == limit else None
        following = None
        if last:
            following = cursor_after(request, visit.seller_id, last.is_open, last.place)
        items = [alert_answer(row, visit.l10n) for row in rows]
        return page_answer(request, response, items, following, visit.desk.position())

    return router


def alert_answer(row: Alert, l10n: L10n) -> dict[str, Any]:
    """One alert; of one that ended, the figures are those of its end."""
    return {
        "binding_id": public_id("bnd", row.binding_id),
        "seller_id": public_id("sel", row.seller_id),
        "asin": row.asin,
        "title": row.title,
        "state": "open" if row.is_open else "ended",
        "reason": row.reason,
        "error_code": None if row.reason == "last_units" else "W-103",
        "amazon_quantity": row.amazon_quantity,
        "stock_threshold": row.stock_threshold,
        "last_units": row.last_units,
        "shown_stock": row.shown_stock,
        "could_oversell": row.could_oversell,
        "since": row.raised_at,
        "position": row.raised_position,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "suggested_action": advice_of(row, l10n) if row.is_open else None,
    }
