"""The page of onboarding and its forms: each files one thing, and is answered beside itself."""

from __future__ import annotations

from typing import cast, get_args
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.applications import (
    File,
    Sent,
    file_asin_list,
    file_document,
    file_undertaking,
    filed,
    sent_form,
)
from api.auth import poster_of, seller_written_by
from api.pages.onboarding_view import Unfit, onboarding_page_of
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.query_values import number_in
from domain.admission import TEMPLATE_VERSIONS, Item
from domain.errors import NotFound, Refusal
from domain.evidence import SIZE_BYTES_MAX, unfit
from domain.stamps import Work

PATH = "/onboarding"
FORM_BYTES_MAX = SIZE_BYTES_MAX + 1024 * 1024
FILES: dict[str, File] = {"undertaking": file_undertaking, "asin_list": file_asin_list}
"""How a thing is filed; whatever is not named is a document."""


def add_onboarding(router: APIRouter, server: PageServer) -> None:
    """One page, and one address for each thing that is filed."""

    @router.get(PATH)
    async def onboarding(request: Request) -> Response:
        return await server.show(request, onboarding_page_of())

    @router.post(f"{PATH}/{{item}}")
    async def file(request: Request, item: str) -> Response:
        try:
            return await received(request, server, item)
        except Refused as refused:
            return server.refusal(request, refused)


async def received(request: Request, server: PageServer, item: str) -> Response:
    """File what was sent, and go back to the page once it shows that."""
    if item not in get_args(Item):
        raise NotFound("no such document")
    length = number_in(request.headers.get("content-length"))
    if length is None or length > FORM_BYTES_MAX:
        too_large = Unfit(item, unfit("file_too_large"))
        return await server.show(request, onboarding_page_of(too_large, status=413))
    sent = await sent_form(request)
    csrf = sent.fields.get("csrf", "")
    caller = await run_in_threadpool(poster_of, request, csrf, server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    work = Work(server.desk.clock, caller.actor, uuid4())
    try:
        position = await run_in_threadpool(
            filed_as, server, cast(Item, item), seller_id, sent, work
        )
    except Refusal as refused:
        return await server.show(request, onboarding_page_of(Unfit(item, refused), status=422))
    await server.projected(position)
    return RedirectResponse(f"{PATH}?done={item}", 303)


def filed_as(server: PageServer, item: Item, seller_id: UUID, sent: Sent, work: Work) -> int | None:
    """The page says which template it offers, so a form of an old page is told so."""
    version = sent.fields.get("template_version", TEMPLATE_VERSIONS[-1])
    named = Sent({**sent.fields, "item": item, "template_version": version}, sent.content)
    return filed(server.desk, FILES.get(item, file_document), seller_id, named, work)
