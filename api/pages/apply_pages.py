"""The page of applying, open to all: what is needed, the form, and the key that is shown once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.admission_words import ENTITIES, FIELDS, INELIGIBLE, ITEMS
from api.applications import ApplicationBody, applied, client_of
from api.l10n import mark
from api.languages import l10n_of
from api.log_text import suggested_action, title_of
from api.pages.page_frame import Page
from api.pages.page_server import PageServer
from api.pages.sign_in import fault_of_way, signed_in
from domain.admission.state import PERMISSION, REQUIRED
from domain.errors import (
    ApplicationRefused,
    EntityNotEligible,
    Refusal,
    SellerExists,
    TooManyRequests,
)
from domain.texts import rule_text

YES_OR_NO = {"yes": True, "no": False}
OWN_RULES = ("amazon_seller_id", "shop_name", "entity", "sells_brands")
REVIEW_DAYS = (5, 7)
"""Business days that a review is said to take (SPEC §2.3)."""


def add_apply(router: APIRouter, server: PageServer) -> None:
    """The route `/apply`."""

    @router.get("/apply")
    async def form(request: Request) -> Response:
        return apply_page(request, server, {})

    @router.post("/apply")
    async def apply(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=20) as form:
            fields = {name: str(value).strip() for name, value in form.items()}
        if fault := fault_of_way(request):
            said = l10n_of(request).text(fault)
            return apply_page(request, server, fields, said=said, status=403)
        try:
            return await received(request, server, fields)
        except TooManyRequests as refused:
            minutes = int(refused.retry_after_seconds // 60) + 1
            said = l10n_of(request).plural(
                "Too many applications came from this address. Try again in %(n)s minute.",
                "Too many applications came from this address. Try again in %(n)s minutes.",
                minutes,
            )
            page = apply_page(request, server, fields, said=said, status=429)
            page.headers["Retry-After"] = str(int(refused.retry_after_seconds) + 1)
            return page
        except SellerExists as refused:
            rules = {"amazon_seller_id": "application_exists"}
            return apply_page(request, server, fields, refused, rules, status=409)
        except (EntityNotEligible, ApplicationRefused) as refused:
            return apply_page(request, server, fields, refused, refused.fields["rules"], status=422)


async def received(request: Request, server: PageServer, fields: Mapping[str, str]) -> Response:
    """Record the application; the key stands in the answer itself, and so nowhere else."""
    body = application_in(fields, l10n_of(request).language)
    made = await run_in_threadpool(applied, server.desk, client_of(request), body, uuid4())
    caller = await run_in_threadpool(server.desk.keys.caller, made["key"])
    page = server.plain(request, Page("applied.html", {"made": made, "items": ITEMS}, 201))
    await server.projected(made["position"])
    return await signed_in(request, server, page, caller) if caller else page


def application_in(fields: Mapping[str, str], language: str) -> ApplicationBody:
    """The application that a form holds. Raises ApplicationRefused naming each field at fault."""
    given: dict[str, Any] = {name: fields.get(name, "") for name in FIELDS}
    given["amazon_seller_id"] = given["amazon_seller_id"].upper()
    given["sells_brands"] = YES_OR_NO.get(given["sells_brands"], "")
    names = [] if given["entity"] else ["entity"]
    try:
        body = ApplicationBody.model_validate({**given, "language": language})
    except ValidationError as error:
        names += [str(each["loc"][0]) for each in error.errors()]
    if not names:
        return body
    rules = {
        name: f"application_{name}" if name in OWN_RULES else "application_too_long"
        for name in names
    }
    raise ApplicationRefused(f"mend: {', '.join(rules)}", rules=rules)


def apply_page(
    request: Request,
    server: PageServer,
    fields: Mapping[str, str],
    refused: Refusal | None = None,
    rules: Mapping[str, str] | None = None,
    said: str | None = None,
    status: int = 200,
) -> Response:
    """The form as it was sent, with what is wrong beside each field and `said` above them all."""
    language = l10n_of(request).language
    code = refused.code if isinstance(refused, EntityNotEligible) else ""
    context = {
        "fields": fields,
        "labels": FIELDS,
        "faults": {name: rule_text(key, {}, language) for name, key in (rules or {}).items()},
        "said": said or (mended(request) if rules else None),
        "code": code,
        "code_title": title_of(code, language),
        "code_action": suggested_action(code, language),
        "entities": {**ENTITIES, **INELIGIBLE},
        "needed": REQUIRED,
        "permission": PERMISSION,
        "entity_names": ENTITIES,
        "items": ITEMS,
        "needs": {item: rule_text(f"document_{item}", {}, language) for item in ITEMS},
        "days": REVIEW_DAYS,
    }
    return server.plain(request, Page("apply.html", context, status))


def mended(request: Request) -> str:
    return l10n_of(request).text(mark("Nothing was sent in yet. Mend what is marked below."))
