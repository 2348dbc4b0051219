"""The web pages: which address shows what. Each one reads, then renders; only the upload writes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import PlainTextResponse, RedirectResponse, StreamingResponse

from api.auth import poster_of, seller_written_by
from api.form_length import ensure_length
from api.ids import inner_id, public_id
from api.pages.alerts_view import alerts_page
from api.pages.apply_pages import add_apply
from api.pages.arbitrage_pages import add_arbitrage_review
from api.pages.audit_pages import add_audit
from api.pages.binding_bulk import add_bulk
from api.pages.binding_forms import add_binding_forms
from api.pages.binding_view import binding_page_of, bindings_page
from api.pages.contact_form import add_contact_form
from api.pages.docs_pages import add_docs
from api.pages.failure_report_view import failure_report_page
from api.pages.health_view import health_page
from api.pages.integration import add_integration
from api.pages.keys_view import add_key_pages
from api.pages.live import LogTail, Tail, UploadTail, follow
from api.pages.log_view import filter_of, log_page
from api.pages.onboarding_pages import add_onboarding
from api.pages.operations_view import add_operations
from api.pages.page_frame import STATIC, STATIC_TYPES, Visit, asset, respond
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.pages.people_pages import add_people
from api.pages.pricing_pages import add_pricing
from api.pages.review_pages import add_review
from api.pages.sign_in import add_sign_in
from api.pages.sign_in_provider import add_provider_sign_in
from api.pages.sweep_form import add_sweep_form
from api.pages.ticket_pages import add_ticket_pages
from api.pages.unsent import route_keeping_text
from api.pages.upload_view import send_file, submission_page_of, upload_page
from api.pages.validator_view import add_validator
from api.pages.webhook_view import add_webhook_page
from api.query_values import number_in, place_in
from domain.errors import NotFound

FOR_EVER = "public, max-age=31536000, immutable"
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
UPLOAD_BYTES_MAX = 4 * 1024 * 1024
"""What is read at all; a file over the limit of an upload is refused with its size in words."""
KEY_LENGTH_MAX = 64


def build_pages(server: PageServer) -> APIRouter:
    """All pages of one desk."""
    router = APIRouter(include_in_schema=False, route_class=route_keeping_text(server))
    add_bulk(router, server)
    add_reading(router, server)
    add_upload(router, server)
    add_validator(router, server)
    add_binding_forms(router, server)
    add_audit(router, server)
    add_pricing(router, server)
    add_contact_form(router, server)
    add_sweep_form(router, server)
    add_webhook_page(router, server)
    add_key_pages(router, server)
    add_ticket_pages(router, server)
    add_arbitrage_review(router, server)
    add_integration(router, server)
    add_operations(router, server)
    add_streams(router, server)
    add_sign_in(router, server)
    add_provider_sign_in(router, server)
    add_people(router, server)
    add_apply(router, server)
    add_docs(router, server)
    add_onboarding(router, server)
    add_review(router, server)

    @router.get("/static/{digest}/{name}")
    async def static(request: Request, digest: str, name: str) -> Response:
        if name not in STATIC or asset(name) != f"/static/{digest}/{name}":
            return PlainTextResponse("no such file", 404)
        headers = {"Content-Type": STATIC_TYPES[name], "Cache-Control": FOR_EVER}
        return respond(request, STATIC[name], headers | {"Vary": "Accept-Encoding"})

    return router


def add_reading(router: APIRouter, server: PageServer) -> None:
    """Pages that only show."""

    @router.get("/")
    async def health(request: Request) -> Response:
        return await server.show(request, health_page)

    @router.get("/sync-log")
    async def sync_log(request: Request) -> Response:
        return await server.show(request, log_page)

    @router.get("/failure-report")
    async def failure_report(request: Request) -> Response:
        return await server.show(request, failure_report_page)

    @router.get("/stock-alerts")
    async def stock_alerts(request: Request) -> Response:
        return await server.show(request, alerts_page)

    @router.get("/bindings")
    async def bindings(request: Request) -> Response:
        return await server.show(request, bindings_page)

    @router.get("/bindings/{binding_id}")
    async def binding(request: Request, binding_id: str) -> Response:
        try:
            make = binding_page_of(inner_id("bnd", binding_id))
        except NotFound as refused:
            return server.refusal(request, refused)
        return await server.show(request, make)


def add_upload(router: APIRouter, server: PageServer) -> None:
    """Sending a CSV, and looking at what came of it."""

    @router.get("/upload")
    async def form(request: Request) -> Response:
        return await server.show(request, upload_page)

    @router.post("/upload")
    async def upload(request: Request) -> Response:
        try:
            return await received(request, server)
        except Refused as refused:
            return server.refusal(request, refused)

    @router.get("/upload/{submission_id}")
    async def submission(request: Request, submission_id: str) -> Response:
        try:
            make = submission_page_of(inner_id("sub", submission_id))
        except NotFound as refused:
            return server.refusal(request, refused)
        return await server.show(request, make)


async def received(request: Request, server: PageServer) -> Response:
    """Record the file and go to its page, once the views have it."""
    ensure_length(request, UPLOAD_BYTES_MAX)
    async with request.form() as form:
        csrf, key = str(form.get("csrf", "")), str(form.get("key", ""))[:KEY_LENGTH_MAX]
        file = form.get("file")
        name, content = "", b""
        if isinstance(file, UploadFile):
            name, content = file.filename or "", await file.read()
    caller = await run_in_threadpool(poster_of, request, csrf, server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    receipt = await run_in_threadpool(
        send_file, server.desk, seller_id, caller.actor, name, content,
        key,
    )  # fmt: skip
    await server.projected(receipt.position)
    return RedirectResponse(f"/upload/{public_id('sub', receipt.submission_id)}", 303)


def add_streams(router: APIRouter, server: PageServer) -> None:
    """What the open pages listen to."""

    @router.get("/sync-log/stream")
    async def log_stream(request: Request) -> Response:
        try:
            visit = await server.visit(request)
            wanted = filter_of(visit)
            resumed = request.headers.get("last-event-id") or visit.query("after")
            place = place_in(resumed) or (visit.position, 0)
        except Refused:
            return PlainTextResponse("not for you", 403)
        with_figures = visit.query("figures") == "1"
        tail = LogTail(server.desk, visit, wanted, place, with_figures=with_figures)
        return stream(server, visit, tail)

    @router.get("/upload/{submission_id}/stream")
    async def upload_stream(request: Request, submission_id: str) -> Response:
        try:
            visit = await server.visit(request)
            resumed = request.headers.get("last-event-id") or visit.query("after")
            position = number_in(resumed) or 0
            tail = UploadTail(server.desk, visit, inner_id("sub", submission_id), position)
            await run_in_threadpool(tail.ensure_there)
        except NotFound as refused:
            return server.refusal(request, refused)
        except Refused:
            return PlainTextResponse("not for you", 403)
        return stream(server, visit, tail)


def stream(server: PageServer, visit: Visit, tail: Tail) -> Response:
    events = follow(server.desk, tail, server.is_still_allowed(visit))
    return StreamingResponse(events, media_type="text/event-stream", headers=STREAM_HEADERS)
