"""The state of the sync as JSON: what is paused, held or late, and how the sweeps go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from api.ids import public_id
from api.l10n import L10n
from api.log_text import who_acts
from api.requests import Reception
from api.sync_words import projected, read_so_far, told
from domain.sync_sweep import promised_at
from domain.values import binding_id_of
from projections import conditions
from projections.conditions import ConditionRow, UnderWayRow


def build_sync_state(reception: Reception) -> APIRouter:
    """The route /sync-state."""
    router = APIRouter(tags=["reports"])

    @router.get("/sync-state")
    def state(request: Request) -> Any:
        """What is paused, held or late now, the sweeps under way, and how each last ended."""
        visit = reception.reading(request)
        position, now = visit.desk.position(), visit.desk.clock()
        with visit.desk.reading_for(visit.seller_id) as connection:
            found = conditions.state(connection, now)
        return {
            "conditions": [
                condition_answer(row, found.under_way.get(row.subject), now, visit.l10n)
                for row in found.conditions
            ],
            "under_way": [under_way_answer(each) for each in found.under_way.values()],
            "ended": [ended_answer(row) for row in found.ended.values()],
            "as_of_position": position,
        }

    return router


def condition_answer(
    row: ConditionRow, running: UnderWayRow | None, now: datetime, l10n: L10n
) -> dict[str, Any]:
    """An open condition; `subject` is a marketplace or a kind of sweep."""
    words = told(row, running, now, l10n)
    return {
        "kind": row.kind,
        "subject": row.subject,
        "error_code": row.code,
        "since": row.since,
        "said": words.said,
        "meaning": words.meaning,
        "suggested_action": " ".join(filter(None, (words.advice, words.command))),
        "who_acts": who_acts(row.code),
        **DETAILS[row.kind](row, running),
    }


def of_breaker(row: ConditionRow, _: UnderWayRow | None) -> dict[str, Any]:
    return {
        "retry_at": row.until, "tries": row.detail["tries"], "reason": row.detail["reason"]
    }  # fmt: skip


def of_brake(row: ConditionRow, _: UnderWayRow | None) -> dict[str, Any]:
    """`held` are the first hundred of `held_count`, each as it was read twice."""
    counts = {name: row.detail[name]
              for name in ("listings", "limit", "drastic", "confirmed", "held_count")}  # fmt: skip
    held = [
        {**each, "binding_id": public_id("bnd", binding_id_of(row.seller_id, each["asin"]))}
        for each in row.detail["held"]
    ]
    return {**counts, "held": held}


def of_delay(row: ConditionRow, running: UnderWayRow | None) -> dict[str, Any]:
    done, listings = read_so_far(row, running)
    return {
        "promised_at": row.until, "projected_at": projected(row, running), "done": done,
        "listings": listings,
    }  # fmt: skip


DETAILS = {"breaker": of_breaker, "brake": of_brake, "delay": of_delay}


def under_way_answer(row: UnderWayRow) -> dict[str, Any]:
    """A sweep under way; `updated_at` is when it last moved on."""
    return {
        "kind": row.kind,
        "due_at": row.due_at,
        "started_at": row.started_at,
        "promised_at": promised_at(row.kind, row.due_at),
        "projected_at": row.projected_at,
        "done": row.done,
        "listings": row.listings,
        "updated_at": row.updated_at,
    }


def ended_answer(row: ConditionRow) -> dict[str, Any]:
    """How the last sweep of a kind ended; `late_seconds` is 0 for one in time."""
    return {
        "kind": row.subject,
        "due_at": row.detail["due_at"],
        "started_at": row.since,
        "ended_at": row.until,
        "late_seconds": row.detail["late_seconds"],
        "bindings": row.detail["bindings"],
        "changed": row.detail["changed"],
        "failed": row.detail["failed"],
        "stopped_by": row.detail["stopped_by"],
    }


# --- the page's form ----------------------------------------------------------------------------
