"""The addresses of the audit page: the trail, its export, and the way into a binding's past."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api.audit_export import Form, answered
from api.ids import public_id
from api.pages.audit_view import audit_page, filter_of, subject_in
from api.pages.page_frame import Visit
from api.pages.page_server import PageServer, Refused
from api.query_values import moment_in, number_in
from domain.errors import NotFound


def add_audit(router: APIRouter, server: PageServer) -> None:
    """For the seller itself and for staff who say why."""

    @router.get("/audit")
    async def audit(request: Request) -> Response:
        return await server.show(request, audit_page)

    @router.get("/audit/reconstruct")
    async def reconstruct(request: Request) -> Response:
        try:
            return RedirectResponse(past_of(await server.visit(request)), 303)
        except Refused as refused:
            return server.refusal(request, refused)

    @router.get("/audit/export.csv")
    async def as_csv(request: Request) -> Response:
        return await export(request, server, "csv")

    @router.get("/audit/export.jsonl")
    async def as_jsonl(request: Request) -> Response:
        return await export(request, server, "jsonl")

    @router.get("/audit/export.parquet")
    async def as_parquet(request: Request) -> Response:
        return await export(request, server, "parquet")


def past_of(visit: Visit) -> str:
    """Where the binding is shown as it was. Raises NotFound, Unreadable."""
    subject = visit.query("subject")
    if subject is None:
        raise NotFound("no binding is named")
    moment, position = moment_in(visit.query("as_of")), number_in(visit.query("at_position"))
    instant: dict[str, object] = {"as_of": moment.isoformat()} if moment else {}
    if position is not None:
        instant["at_position"] = position
    name = public_id("bnd", subject_in(subject, visit.seller_id))
    return visit.url(f"/bindings/{name}", **instant)


async def export(request: Request, server: PageServer, form: Form) -> Response:
    """The whole filtered trail as a file."""
    try:
        visit = await server.visit(request)
        return answered(server.desk, visit.seller_id, filter_of(visit), visit.position, form)
    except Refused as refused:
        return server.refusal(request, refused)
