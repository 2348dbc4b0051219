"""Pages of pricing rules: show, try, save what was tried, import the seller's channel prices."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.pages.pricing_view import is_proof_of, pricing_page, refused_page_of, trial_page_of
from api.pricing_bodies import json_in, rules_in
from domain import pricing
from domain.channel_prices import enter_prices
from domain.errors import PricingRefused
from domain.price_file import read_prices
from domain.sellers import change_seller
from domain.stamps import Work
from domain.upload_file import BYTES_MAX

FORM_BYTES_MAX = BYTES_MAX + 512 * 1024


def add_pricing(router: APIRouter, server: PageServer) -> None:
    """One page and its three forms."""

    @router.get("/pricing-rules")
    async def show(request: Request) -> Response:
        return await server.show(request, pricing_page)

    @router.post("/pricing-rules/{action}")
    async def act(request: Request, action: str) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await acted(request, server, action)
        except Refused as refused:
            return server.refusal(request, refused)


async def acted(request: Request, server: PageServer, action: str) -> Response:
    """Try, save or import; whatever is wrong is shown beside the form."""
    fields, content = await sent(request)
    csrf = fields.get("csrf", "")
    caller = await run_in_threadpool(poster_of, request, csrf, server.sessions)
    if action not in ("save", "import"):
        return await server.show(request, trial_page_of(fields))
    seller_id = seller_written_by(caller, seller_named_in(request))
    try:
        do = saved if action == "save" else imported
        position = await run_in_threadpool(do, server.desk, caller, seller_id, fields, content)
    except PricingRefused as refused:
        return await server.show(request, refused_page_of(refused.fields["rules"]))
    await server.projected(position)
    return RedirectResponse(f"/pricing-rules?done={action}", 303)


async def sent(request: Request) -> tuple[dict[str, str], bytes]:
    """The text fields of a form, and its file; a part as long as all may be is none too long."""
    limit = FORM_BYTES_MAX
    async with request.form(max_files=1, max_fields=20, max_part_size=limit) as form:
        file = form.get("file")
        content = await file.read(BYTES_MAX + 1) if isinstance(file, UploadFile) else b""
        return {name: text for name, text in form.items() if isinstance(text, str)}, content


def saved(
    desk: Desk, caller: Caller, seller_id: UUID, fields: Mapping[str, str], _: bytes
) -> int | None:
    """Save rules that a dry run showed. Raises PricingRefused for any others."""
    text = fields.get("rules", "")
    if not is_proof_of(desk, seller_id, text, fields.get("proof", "")):
        raise PricingRefused("mend: rules", rules={"rules": "pricing_not_tried"})
    rules = rules_in({"rules": json_in(text.encode())})
    command = pricing.ChangePricingRules(stamp=work_of(desk, caller).stamp(), rules=rules)
    return change_seller(desk.app, seller_id, lambda it: pricing.change_rules(it, command))


def imported(
    desk: Desk, caller: Caller, seller_id: UUID, _: Mapping[str, str], content: bytes
) -> int | None:
    """Enter the prices of the file. Raises PricingRefused."""
    prices = read_prices(content)
    return enter_prices(desk.app, seller_id, prices, work_of(desk, caller))


def work_of(desk: Desk, caller: Caller) -> Work:
    return Work(desk.clock, caller.actor, uuid4())
