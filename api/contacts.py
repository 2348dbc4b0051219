"""JSON routes of a seller's contacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.desk import Desk
from api.requests import Reception
from api.sellers import acting, ensure_may_link
from domain.contacts import CONTACTS_MAX, TOPICS, ContactState, contact_from

TEXT_LENGTH_MAX = 320


class ContactBody(BaseModel):
    """An address, the language of its mails (zh, ja, en), and what it is told."""

    email: str = Field(max_length=TEXT_LENGTH_MAX)
    language: str = Field("en", max_length=10)
    topics: list[str] = Field(default=list(TOPICS), max_length=20)


class ContactsBody(BaseModel):
    """All contacts of the seller: one that is left out is deleted."""

    contacts: list[ContactBody] = Field(max_length=10 * CONTACTS_MAX)


def build_contacts(reception: Reception) -> APIRouter:
    """Routes under /sellers/{seller_id}/contacts; the seller's own, and an admin's."""
    router = APIRouter(tags=["sellers"])
    desk = reception.desk

    @router.get("/sellers/{seller_id}/contacts")
    def contacts(request: Request, seller_id: str) -> Any:
        """Whom the seller wants told by mail, and how the last mail to each went."""
        inner, _ = acting(reception, request, seller_id)
        return contacts_answer(desk, inner)

    @router.put("/sellers/{seller_id}/contacts")
    def replace(request: Request, seller_id: str, body: ContactsBody) -> Any:
        """Keep these contacts and no other; refused whole where one can't be kept."""
        inner, _ = acting(reception, request, seller_id)
        ensure_may_link(desk, inner)
        kept = [
            contact_from(f"contacts/{number}/", each.email, each.language, each.topics)
            for number, each in enumerate(body.contacts)
        ]
        desk.replace_contacts(inner, kept)
        return contacts_answer(desk, inner)

    return router


def contacts_answer(desk: Desk, seller_id: UUID) -> dict[str, Any]:
    """`is_mail_on` is false where the installation has no mail server: then nobody is mailed."""
    held = desk.contacts(seller_id)
    items = [contact_answer(each) for each in held]
    return {"is_mail_on": desk.is_mail_on, "items": items, "position": desk.position()}


def contact_answer(held: ContactState) -> dict[str, Any]:
    return {
        **held.contact.model_dump(mode="json"),
        "last_sent_at": held.sent_at,
        "last_error": held.error,
        "retry_at": held.retry_at,
    }
