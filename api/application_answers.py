"""How an application, its papers and the queue of reviewers are answered."""

from __future__ import annotations

from typing import Any, get_args
from uuid import UUID

from api.admission_words import FAULTS, ITEMS
from api.auth import OWN_SELLER_ROLES, REVIEWER_ROLES
from api.desk import Caller, Desk
from api.ids import public_id
from api.l10n import L10n
from domain import admission, seller
from domain.admission import (
    TEMPLATE_VERSIONS,
    Admission,
    Item,
    Rejection,
    fits,
    is_asked,
    stage_of,
)
from domain.application import acting_for
from domain.texts import rule_text
from projections import applications
from projections.applications import ApplicationRow, ItemRow


def sees_persons(caller: Caller) -> bool:
    """The seller itself and reviewers; support and auditors see that a paper is there."""
    return caller.role in (*OWN_SELLER_ROLES, *REVIEWER_ROLES)


def application_answer(desk: Desk, caller: Caller, seller_id: UUID, l10n: L10n) -> dict[str, Any]:
    """The admission as it stands; persons are named to the seller itself and to reviewers."""
    with desk.reading_for(seller_id) as connection:
        reviews = applications.of_seller(connection, seller_id)
        items = {row.item: row for row in applications.items_of(connection, seller_id)}
    with acting_for(seller_id):
        known = desk.app.seller(seller_id)
    admitted = known.admission
    names = ("representative_name", "contact_name", "contact_email")
    is_shown = sees_persons(caller)
    return {
        "id": public_id("sel", seller_id),
        "entity": admitted.entity,
        "company_name": admitted.company_name,
        "registration_number": admitted.registration_number,
        "sells_brands": admitted.sells_brands,
        **{name: getattr(admitted, name) if is_shown else None for name in names},
        "reviews": [review_answer(row) for row in reviews],
        "items": [
            item_answer(admitted, item, items.get(item), l10n)
            for stage in get_args(admission.Stage)
            for item in admitted.required(stage)
        ],
        "asins": [each.model_dump() for each in admitted.asins],
        "missing": seller.missing_admission(known),
        "is_amazon_linked": known.is_amazon_linked,
        "is_mercari_linked": known.is_mercari_linked,
        "is_sync_enabled": known.is_sync_enabled,
        "template_version": TEMPLATE_VERSIONS[-1],
        "position": desk.position(),
    }


def item_answer(admitted: Admission, item: Item, row: ItemRow | None, l10n: L10n) -> dict[str, Any]:
    """One thing that is asked for: its state and, where it came back, what to send instead."""
    fault = row.fault if row else None
    return {
        "item": item,
        "title": l10n.text(ITEMS[item]),
        "needs": rule_text(f"document_{item}", {}, l10n.language),
        "stage": stage_of(item),
        "state": "missing" if row is None else "returned" if fault else "filed",
        "is_asked": is_asked(admitted, item),
        "fault": fault,
        "why": l10n.text(FAULTS[fault]) if fault else None,
        "action": rule_text(f"fault_{fault}", {}, l10n.language) if fault else None,
        "possible_faults": [
            fault for fault in get_args(admission.Fault) if fits(Rejection(item=item, fault=fault))
        ],
        "sha256": row.sha256 if row else None,
        "media_type": row.media_type if row else None,
        "size_bytes": row.size_bytes if row else None,
        "asins": row.asins if row else None,
        "filed_at": row.filed_at if row else None,
    }


def review_answer(row: ApplicationRow) -> dict[str, Any]:
    return {
        "stage": row.stage,
        "progress": row.progress,
        "round": row.round,
        "requested_at": row.requested_at,
        "due_on": row.due_on,
        "decided_at": row.decided_at,
        "decided_by": row.decided_by,
        "review_days": row.review_days,
    }


def queue_answer(row: ApplicationRow, today: str) -> dict[str, Any]:
    return {
        "seller_id": public_id("sel", row.seller_id),
        "company_name": row.company_name,
        "entity": row.entity,
        **review_answer(row),
        "is_overdue": row.due_on is not None and row.due_on < today,
    }
