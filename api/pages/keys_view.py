"""The pages of API keys: the list, the form that makes one, and what is asked before one ends."""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Desk, KeyInfo
from api.form_length import ensure_length
from api.keys import KEY_HOLDERS, ensure_key_holder, issued, revoked
from api.log_text import broken_rules
from api.pages.page_frame import Build, Page, Visit
from api.pages.page_server import PageServer, Refused, seller_named_in
from domain.callers import LABEL_LENGTH_MAX, SELLER_MADE_ROLES, is_last_seller_key
from domain.errors import KeyRefused, NotFound
from domain.stamps import Work

PATH = "/api-keys"
FORM_BYTES_MAX = 16 * 1024
REVOKED_SHOWN = 50


class Asked(NamedTuple):
    """What the form that makes a key asks for."""

    role: str = "seller"
    label: str = ""


def add_key_pages(router: APIRouter, server: PageServer) -> None:
    """The list, the form that makes a key, and the page that asks before one is revoked."""

    @router.get(PATH)
    async def keys(request: Request) -> Response:
        return await server.show(request, keys_page())

    @router.post(PATH)
    async def create(request: Request) -> Response:
        try:
            return await created(request, server)
        except Refused as refused:
            return server.refusal(request, refused)

    @router.get(f"{PATH}/{{key_id}}/revoke")
    async def confirm(request: Request, key_id: str) -> Response:
        return await server.show(request, confirm_page(key_id))

    @router.post(f"{PATH}/{{key_id}}/revoke")
    async def revoke(request: Request, key_id: str) -> Response:
        try:
            return await ended(request, server, key_id)
        except Refused as refused:
            return server.refusal(request, refused)


def keys_page(
    *, made: str | None = None, refused: KeyRefused | None = None, asked: Asked | None = None
) -> Build:
    """The page; with the key just made, or with what was wrong with what was asked for."""

    def build(desk: Desk, visit: Visit) -> Page:
        known = desk.keys.all(visit.seller_id)
        rules = refused.fields["rules"] if refused else {}
        context = {
            "open": [each for each in known if each.revoked_at is None],
            "revoked": [each for each in known if each.revoked_at is not None][:REVOKED_SHOWN],
            "made": made,
            "asked": asked or Asked(),
            "faults": broken_rules(rules, visit.l10n.language),
            "may_act": visit.caller.role in KEY_HOLDERS,
            "roles_made": SELLER_MADE_ROLES,
            "label_length_max": LABEL_LENGTH_MAX,
        }
        status = 201 if made else 422 if refused else 200
        return Page("api_keys.html", context, status, is_kept=False)

    return build


def confirm_page(key_id: str, refused: KeyRefused | None = None) -> Build:
    """What revoking this key means. Raises NotFound for one that is not open, RoleForbids."""

    def build(desk: Desk, visit: Visit) -> Page:
        ensure_key_holder(visit.caller)
        known = desk.keys.all(visit.seller_id)
        rules = refused.fields["rules"] if refused else {}
        context = {
            "key": open_key(known, key_id),
            "is_last": is_last_seller_key(key_id, known),
            "is_yours": visit.caller.key_id == key_id,
            "faults": broken_rules(rules, visit.l10n.language),
        }
        return Page("revoke_key.html", context, 422 if refused else 200, is_kept=False)

    return build


def open_key(known: list[KeyInfo], key_id: str) -> KeyInfo:
    """Raises NotFound."""
    for each in known:
        if each.key_id == key_id and each.revoked_at is None:
            return each
    raise NotFound("no such open key")


async def sent(request: Request, server: PageServer) -> tuple[dict[str, str], Visit]:
    """The fields of a form of a seller. Raises NotSignedIn, RoleForbids."""
    async with request.form(max_files=0, max_fields=10) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    ensure_key_holder(caller)
    return fields, await server.visit_to(request, caller, seller_id)


def work_of(server: PageServer, visit: Visit) -> Work:
    return Work(server.desk.clock, visit.caller.actor, uuid4())


async def created(request: Request, server: PageServer) -> Response:
    """Make the key; it is shown in the answer itself, and so never again."""
    ensure_length(request, FORM_BYTES_MAX)
    fields, visit = await sent(request, server)
    asked = Asked(fields.get("role", ""), fields.get("label", ""))
    try:
        _, key, _ = await run_in_threadpool(
            issued, server.desk, visit.seller_id, asked.role, asked.label, work_of(server, visit)
        )
        answer = await server.show_to(visit, keys_page(made=key))
    except KeyRefused as refused:
        answer = await server.show_to(visit, keys_page(refused=refused, asked=asked))
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def ended(request: Request, server: PageServer, key_id: str) -> Response:
    """Revoke the key; whoever signed in with it has to sign in anew. Raises NotFound."""
    ensure_length(request, FORM_BYTES_MAX)
    fields, visit = await sent(request, server)
    is_said = fields.get("even_if_last") == "yes"
    try:
        await run_in_threadpool(end, server, visit, key_id, may_be_last=is_said)
    except KeyRefused as refused:
        return await server.show_to(visit, confirm_page(key_id, refused))
    return RedirectResponse("/sign-in" if visit.caller.key_id == key_id else PATH, 303)


def end(server: PageServer, visit: Visit, key_id: str, *, may_be_last: bool) -> None:
    work = work_of(server, visit)
    revoked(server.desk, visit.seller_id, key_id, work, may_be_last=may_be_last)
