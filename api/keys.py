"""JSON routes of API keys, and what routes and page do with them: make, list, revoke."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.auth import RoleForbids
from api.desk import Caller, Desk, KeyInfo
from api.requests import Reception, Visit
from domain import seller
from domain.callers import role_a_seller_makes
from domain.errors import NotFound, Refusal
from domain.seller import Role
from domain.sellers import change_seller
from domain.stamps import Work

KEY_HOLDERS: tuple[Role, ...] = ("seller",)
"""These make and revoke keys: a program's key opens no further doors."""


class KeyBody(BaseModel):
    """What the key is for; `seller` signs in and may make keys, `service` is for programs."""

    role: str
    label: str


def build_keys(reception: Reception) -> APIRouter:
    """Routes under /keys."""
    router = APIRouter(tags=["sellers"])

    @router.get("/keys")
    def list_(request: Request) -> Any:
        """The seller's API keys, newest first, revoked ones too; never the keys themselves."""
        visit = reception.reading(request)
        known = visit.desk.keys.all(visit.seller_id)
        items = [key_answer(each, visit.caller) for each in known]
        return {"items": items, "position": visit.desk.position()}

    @router.post("/keys", status_code=201)
    def create(request: Request, response: Response, body: KeyBody) -> Any:
        """Make a key. It is in this answer and never again."""
        visit = holding(reception, request)
        key_id, key, position = issued(
            visit.desk, visit.seller_id, body.role, body.label, visit.work()
        )
        response.headers["Cache-Control"] = "no-store"
        return {
            "id": key_id, "role": body.role, "label": body.label.strip(), "key": key,
            "position": position or visit.desk.position(),
        }  # fmt: skip

    @router.delete("/keys/{key_id}", status_code=202)
    def revoke(request: Request, key_id: str, even_if_last: bool = False) -> Any:
        """Close a key within five seconds; the last one that people sign in with only if said so.

        Its events stay, and say who did what.
        """
        visit = holding(reception, request)
        position = revoked(
            visit.desk, visit.seller_id, key_id, visit.work(), may_be_last=even_if_last
        )
        return {"id": key_id, "position": position or visit.desk.position()}

    return router


def holding(reception: Reception, request: Request) -> Visit:
    """A request of a seller's own key. Raises RoleForbids for any other."""
    visit = reception.writing(request)
    ensure_key_holder(visit.caller)
    return visit


def ensure_key_holder(caller: Caller) -> None:
    """Raises RoleForbids."""
    if caller.role not in KEY_HOLDERS:
        raise RoleForbids(KEY_HOLDERS)


def issued(
    desk: Desk, seller_id: UUID, role: str, label: str, work: Work
) -> tuple[str, str, int | None]:
    """Make a key and record it; its id, the key, and the position. Raises KeyRefused, NotFound."""
    label = label.strip()
    allowed = role_a_seller_makes(role, label, desk.keys.all(seller_id))
    key_id, key = desk.keys.create(allowed, seller_id, label)
    command = seller.IssueKey(stamp=work.stamp(), key_id=key_id, role=allowed, label=label)
    try:
        position = change_seller(desk.app, seller_id, lambda it: seller.issue_key(it, command))
    except Refusal:
        desk.keys.revoke(key_id, seller_id)
        raise
    return key_id, key, position


def revoked(
    desk: Desk, seller_id: UUID, key_id: str, work: Work, *, may_be_last: bool
) -> int | None:
    """Close a key and record it. Raises KeyRefused for the last one, NotFound."""
    if not desk.keys.revoke(key_id, seller_id, may_be_last=may_be_last):
        raise NotFound("no such open key")
    command = seller.RevokeKey(stamp=work.stamp(), key_id=key_id)
    return change_seller(desk.app, seller_id, lambda it: seller.revoke_key(it, command))


def key_answer(key: KeyInfo, caller: Caller) -> dict[str, Any]:
    """A key as it may be shown; `is_yours` is the one that asks."""
    return {
        "id": key.key_id,
        "role": key.role,
        "label": key.label,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "is_yours": key.key_id == caller.key_id,
    }
