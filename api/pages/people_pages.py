"""The page of people: who may come in without a key, for administrators alone."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import ADMIN_ROLES, RoleForbids, poster_of
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.ids import inner_id, public_id
from api.log_text import broken_rules
from api.pages.page_frame import Page, StaffBuild, StaffVisit
from api.pages.page_server import PageServer, Refused
from domain.errors import NotFound, PersonRefused, WrongState
from domain.people import INVITATION_LIFETIME, PERSON_ROLES, Person
from domain.stamps import Work
from domain.values import PLATFORM_ID

PATH = "/people"
FORM_BYTES_MAX = 16 * 1024
REVOKED_SHOWN = 50
ASKED = ("email", "role", "seller")


def add_people(router: APIRouter, server: PageServer) -> None:
    """The list, and the forms that invite, revoke and erase."""

    @router.get(PATH)
    async def people(request: Request) -> Response:
        return await server.show_staff(request, people_page())

    @router.post(PATH)
    async def change(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await changed(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


def people_page(
    refused: PersonRefused | None = None, asked: Mapping[str, str] | None = None
) -> StaffBuild:
    """Everybody; with what was wrong with what was asked for. Raises RoleForbids."""

    def build(desk: Desk, visit: StaffVisit) -> Page:
        ensure_admin(visit.caller)
        everybody = desk.people.all()
        is_open = [each for each in everybody if each.revoked_at is None]
        rules = refused.fields["rules"] if refused else {}
        context = {
            "joined": [each for each in is_open if each.joined_at],
            "invited": [(each, each.is_invitation_over(visit.now)) for each in is_open
                        if each.joined_at is None],
            "revoked": [each for each in everybody if each.revoked_at][:REVOKED_SHOWN],
            "asked": {"email": "", "role": "support", "seller": "", **(asked or {})},
            "faults": broken_rules(rules, visit.l10n.language),
            "roles_offered": PERSON_ROLES,
            "days": INVITATION_LIFETIME.days,
            "provider": desk.sign_ins.provider,
            "platform": public_id("sel", PLATFORM_ID),
        }  # fmt: skip
        return Page("people.html", context, 422 if refused else 200)

    return build


def ensure_admin(caller: Caller) -> None:
    """Raises RoleForbids."""
    if caller.role not in ADMIN_ROLES:
        raise RoleForbids(ADMIN_ROLES)


async def changed(request: Request, server: PageServer) -> Response:
    """Do what the form asks. Raises NotSignedIn, RoleForbids, NotFound, WrongState."""
    async with request.form(max_files=0, max_fields=10) as form:
        fields = {name: str(value).strip() for name, value in form.items()}
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    ensure_admin(caller)
    work = Work(server.desk.clock, caller.actor, uuid4())
    try:
        await run_in_threadpool(acted, server.desk, fields, work)
    except PersonRefused as refused:
        asked = {name: text for name, text in fields.items() if name in ASKED}
        return await server.show_staff_to(request, caller, people_page(refused, asked))
    return RedirectResponse(PATH, 303)


def acted(desk: Desk, fields: Mapping[str, str], work: Work) -> Person | int | None:
    """Raises PersonRefused, NotFound, WrongState."""
    match fields.get("action"):
        case "invite":
            seller_id = inner_id("sel", fields["seller"]) if fields.get("seller") else None
            return desk.people.invite(
                fields.get("email", ""), fields.get("role", ""), seller_id, work
            )[0]
        case "revoke":
            return desk.people.revoke(person_in(fields), work)
        case "forget":
            return desk.people.forget(person_in(fields), work)
        case _:
            raise WrongState("the form names no action")


def person_in(fields: Mapping[str, str]) -> UUID:
    """Raises NotFound."""
    try:
        return UUID(fields.get("person", ""))
    except ValueError:
        raise NotFound("no such person") from None
