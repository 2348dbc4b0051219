"""The form of contacts on the page of stock alerts."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Desk
from api.form_length import ensure_length
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.sellers import ensure_may_link
from domain.contacts import Contact, contact_from

FORM_BYTES_MAX = 16 * 1024
FIELDS_MAX = 20


def add_contact_form(router: APIRouter, server: PageServer) -> None:
    """Adding and removing an address on the page of stock alerts."""

    @router.post("/stock-alerts/contacts")
    async def change(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
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
    await run_in_threadpool(ensure_may_link, server.desk, seller_id)
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
