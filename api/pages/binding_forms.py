"""What a seller sends from a binding's page: check again, other category, withdraw, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.ids import inner_id
from api.l10n import mark
from api.languages import l10n_of
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.proofs import prove
from api.query_values import number_in
from domain.application import acting_for
from domain.asin_binding import AsinBinding, BindingFact, decisions
from domain.bindings import change_binding
from domain.errors import VersionConflict, WrongState
from domain.evidence import SIZE_BYTES_MAX
from domain.stamps import Work

FORM_BYTES_MAX = SIZE_BYTES_MAX + 64 * 1024


def add_binding_forms(router: APIRouter, server: PageServer) -> None:
    """One address for every form of the page; `action` says which."""

    @router.post("/bindings/{binding_id}")
    async def change(request: Request, binding_id: str) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await changed(request, server, binding_id)
        except VersionConflict as conflict:
            return overtaken(request, server, binding_id, conflict)
        except Refused as refused:
            return server.refusal(request, refused)


async def changed(request: Request, server: PageServer, binding_id: str) -> Response:
    """Do what the form asks, and go back to the page once the views have it."""
    async with request.form(max_files=1, max_fields=20) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        content = await file.read(SIZE_BYTES_MAX + 1) if isinstance(file, UploadFile) else None
    csrf = fields.get("csrf", "")
    request.state.version = number_in(fields.get("version")) or 0
    caller = await run_in_threadpool(poster_of, request, csrf, server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    position = await run_in_threadpool(
        acted, server.desk, caller, seller_id, inner_id("bnd", binding_id), fields, content
    )
    await server.projected(position)
    return RedirectResponse(f"/bindings/{binding_id}", 303)


def overtaken(
    request: Request, server: PageServer, binding_id: str, conflict: VersionConflict
) -> Response:
    """The binding was changed in the meantime: nothing was done; what changed is one link away."""
    l10n, now = l10n_of(request), conflict.fields["version"]
    differences = {"view": "diff", "from": max(1, request.state.version), "to": now}
    return server.problem(
        request, 409, title=mark("This binding was changed after you opened it"),
        told=[l10n.text("You saw version %(seen)s; it is at version %(now)s now. Nothing was done.",
                        seen=request.state.version, now=now)],
        onward=f"/bindings/{binding_id}?{urlencode(differences)}",
        onward_text=l10n.text("See what changed"),
    )  # fmt: skip


def acted(
    desk: Desk,
    caller: Caller,
    seller_id: UUID,
    binding_id: UUID,
    fields: Mapping[str, str],
    content: bytes | None,
) -> int | None:
    """Record what was asked for; return its position. Raises the refusals."""
    work = Work(desk.clock, caller.actor, uuid4())
    version = number_in(fields.get("version")) or 0
    if fields.get("action") == "prove":
        return prove(desk, seller_id, binding_id, version, fields, content, work)
    with acting_for(seller_id):
        _, position = change_binding(
            desk.app, binding_id, version, lambda it: decided(it, fields, work), work
        )
    return position


def decided(binding: AsinBinding, fields: Mapping[str, str], work: Work) -> list[BindingFact]:
    """The decision that the form's action asks for. Raises WrongState for one that is none."""
    match fields.get("action"):
        case "resubmit":
            return decisions.ask_again(binding, decisions.AskAgain(stamp=work.stamp()))
        case "remap":
            category_id = fields.get("mercari_category_id", "").strip() or None
            command = decisions.AskAgain(stamp=work.stamp(), mercari_category_id=category_id)
            return decisions.ask_again(binding, command)
        case "withdraw":
            return decisions.withdraw(binding, decisions.Withdraw(stamp=work.stamp()))
        case _:
            raise WrongState("the form asks for nothing that is known")
