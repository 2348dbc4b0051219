"""Contacts of a seller: JSON routes, and the form on the page of stock alerts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Desk
from api.page_server import PageServer, Refused, seller_named_in
from api.query_values import number_in
from api.requests import Reception
from api.sellers import acting, ensure_registered
from domain.contacts import CONTACTS_MAX, TOPICS, Contact, ContactState, contact_from

FORM_BYTES_MAX = 16 * 1024
FIELDS_MAX = 20
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
        ensure_registered(desk, inner)
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
    return {"is_mail_on": desk.is_mail_on, "items": [contact_answer(each) for each in held]}


def contact_answer(held: ContactState) -> dict[str, Any]:
    return {
        **held.contact.model_dump(mode="json"),
        "last_sent_at": held.sent_at,
        "last_error": held.error,
        "retry_at": held.retry_at,
    }


def add_contact_form(router: APIRouter, server: PageServer) -> None:
    """Adding and removing an address on the page of stock alerts."""

    @router.post("/stock-alerts/contacts")
    async def change(request: Request) -> Response:
        length = number_in(request.headers.get("content-length"))
        if length is None or length > FORM_BYTES_MAX:
            return PlainTextResponse("the form is too large to be read at all", 413)
        try:
            return await changed(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


async def changed(request: Request, server: PageServer) -> Response:
    """Do what the form asks, and go back to the page."""
    async with request.form(max_files=0, max_fields=FIELDS_MAX) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        topics = [each for each in form.getlist("topics") if isinstance(each, str)]
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    email, language = fields.get("email", ""), fields.get("language", "")
    if fields.get("action") == "remove":
        await run_in_threadpool(remove, server.desk, seller_id, email)
    else:
        contact = contact_from("", email, language, topics)
        await run_in_threadpool(add, server.desk, seller_id, contact)
    return RedirectResponse("/stock-alerts#contacts", 303)


def add(desk: Desk, seller_id: UUID, contact: Contact) -> None:
    """One contact more; an address that is there already gets the new language and topics."""
    others = others_than(desk, seller_id, contact.email)
    desk.replace_contacts(seller_id, [*others, contact])


def remove(desk: Desk, seller_id: UUID, email: str) -> None:
    desk.replace_contacts(seller_id, others_than(desk, seller_id, email))


def others_than(desk: Desk, seller_id: UUID, email: str) -> list[Contact]:
    held = [each.contact for each in desk.contacts(seller_id)]
    return [each for each in held if each.email.casefold() != email.strip().casefold()]
