"""The button under changes that are held: follow Amazon all the same."""

from __future__ import annotations

from typing import get_args
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.pages.sync_view import requests_since
from domain import seller
from domain.errors import WrongState
from domain.sellers import change_seller
from domain.stamps import Work
from domain.sync_sweep import SweepKind
from projections import conditions

FORM_BYTES_MAX = 4_096


def add_sweep_form(router: APIRouter, server: PageServer) -> None:
    """The button under changes that are held."""

    @router.post("/sweeps")
    async def follow_amazon(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await asked(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


async def asked(request: Request, server: PageServer) -> Response:
    """Ask for the sweep, and go back to the page once the views have it."""
    async with request.form(max_files=0, max_fields=4) as form:
        csrf, kind = str(form.get("csrf", "")), str(form.get("kind", ""))
    caller = await run_in_threadpool(poster_of, request, csrf, server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    position = await run_in_threadpool(ask_to_follow, server.desk, caller, seller_id, kind)
    await server.projected(position)
    return RedirectResponse("/#sync", 303)


def ask_to_follow(desk: Desk, caller: Caller, seller_id: UUID, kind: str) -> int | None:
    """Ask for a sweep without its brake; nothing where that is asked for, or no change held, now.

    Raises WrongState for a sweep that is none, SyncNotEnabled.
    """
    wanted = next((each for each in get_args(SweepKind) if each == kind), None)
    if wanted is None:
        raise WrongState("the form names no sweep that is known")
    position = desk.position()
    with desk.reading_for(seller_id) as connection:
        state = conditions.state(connection, desk.clock())
    is_held = any((row.kind, row.subject) == ("brake", wanted) for row in state.conditions)
    if not is_held or wanted in requests_since(desk, seller_id, position, state):
        return None
    work = Work(desk.clock, caller.actor, uuid4())
    command = seller.RequestSweep(stamp=work.stamp(), kind=wanted, is_brake_off=True)
    return change_seller(desk.app, seller_id, lambda it: seller.request_sweep(it, command))
