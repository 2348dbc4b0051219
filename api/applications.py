"""JSON routes of admission: apply, file what is asked for, and review (SPEC §2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from importlib import resources
from typing import Any, NamedTuple, cast, get_args
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.application_answers import application_answer, queue_answer, sees_persons
from api.auth import OWN_SELLER_ROLES, REVIEWER_ROLES, RoleForbids
from api.desk import Desk
from api.ids import public_id
from api.openapi_extras import form_body
from api.requests import Reception, correlation_of
from api.sellers import acting, staff_work, visit_of
from domain import admission, seller
from domain.admission import (
    Admission,
    Item,
    Standing,
)
from domain.admissions import apply_as_seller, asins_of, change_admission
from domain.application import acting_for
from domain.business_days import JST
from domain.error_codes import Language
from domain.errors import DocumentRefused, NotFound, TooManyRequests
from domain.evidence import SIZE_BYTES_MAX
from domain.seller import Role
from domain.sellers import change_seller
from domain.stamps import Work
from projections import applications

APPLICANT = "applicant"
FIGURES_SINCE = timedelta(days=90)
TEMPLATE_FILE = "undertaking-2026-11.html"
STAFF_ROLES: Collection[Role] = ("reviewer", "support", "auditor", "admin")
DOCUMENT = form_body("document.pdf", item="company_register")
ASIN_LIST = form_body("asins.csv")
UNDERTAKING = form_body(
    "undertaking.pdf",
    signatory_name="Li Hua",
    template_version="2026-11",
    has_seal="yes",
    has_signature="yes",
)


class CompanyBody(BaseModel):
    """The company and its people. `entity`: cn_company or jp_kabushiki_gaisha; nobody else (E-418).

    `registration_number` is the unified social credit code, or the 法人番号. The persons named are
    stored encrypted and can be erased.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    entity: str = Field(max_length=40)
    company_name: str = Field(max_length=200)
    registration_number: str = Field(max_length=40)
    sells_brands: bool = Field(strict=True)
    representative_name: str = Field(max_length=100)
    contact_name: str = Field(max_length=100)
    contact_email: str = Field(max_length=254)
    language: Language = "zh"

    @field_validator("*", mode="after")
    @classmethod
    def refuse_unseen(cls, text: object) -> object:
        """Marks that nobody sees can make one name look like another."""
        if isinstance(text, str) and any(
            unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co") for each in text
        ):
            raise PydanticCustomError("unseen", "holds characters that can't be seen")
        return text


class ApplicationBody(CompanyBody):
    """Who applies: the company, its account at Amazon.co.jp, and the name of its shop."""

    amazon_seller_id: str = Field(pattern=r"^[A-Z0-9]{6,20}$")
    shop_name: str = Field(min_length=1, max_length=100)


class AsinListBody(BaseModel):
    """The ASINs that are to be synced, with the columns of an upload."""

    rows: list[dict[str, Any]] = Field(min_length=1, max_length=500)


class Sent(NamedTuple):
    """A form's fields and its file."""

    fields: Mapping[str, str]
    content: bytes


def build_applications(reception: Reception) -> APIRouter:
    """Routes under /sellers, /applications and the undertaking's template."""
    router = APIRouter(tags=["onboarding"])
    add_applying(router, reception)
    add_filing(router, reception)
    add_queue(router, reception)
    return router


def add_applying(router: APIRouter, reception: Reception) -> None:
    """The one route that is open to everybody, and what came of it."""

    @router.post("/sellers", status_code=201)
    def apply(request: Request, response: Response, body: ApplicationBody) -> Any:
        """Apply as a Pro Seller. Open to all, five times an hour from one address.

        The key in the answer is shown only now; it opens this application and nothing else.
        """
        made = applied(reception.desk, client_of(request), body, correlation_of(request))
        response.headers["Location"] = f"/v1/sellers/{made['id']}/application"
        return made

    @router.get("/sellers/{seller_id}/application")
    def show(request: Request, seller_id: str) -> Any:
        """How far it has come, what is missing, who acts next and until when."""
        visit = visit_of(reception, request, seller_id)
        return application_answer(visit.desk, visit.caller, visit.seller_id, visit.l10n)

    @router.put("/sellers/{seller_id}/application", status_code=202)
    def amend(request: Request, seller_id: str, body: CompanyBody) -> Any:
        """Correct the application, before its review begins or after it came back."""
        inner, work = acting(reception, request, seller_id)
        command = admission.Apply(stamp=work.stamp(), **body.model_dump())
        decide = partial(admission.amend, command=command)
        position = change_admission(reception.desk.app, inner, decide)
        return {"id": public_id("sel", inner), "position": position or reception.desk.position()}

    @router.get("/undertaking-template")
    def template() -> Response:
        """The compliance undertaking to print, seal and sign; its version is in the file's name."""
        content = resources.files("api").joinpath("forms", TEMPLATE_FILE).read_bytes()
        headers = {"Content-Disposition": f'attachment; filename="{TEMPLATE_FILE}"'}
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)


def add_filing(router: APIRouter, reception: Reception) -> None:
    """What the seller files, each a PDF, JPEG or PNG up to 10 MB."""

    @router.post("/sellers/{seller_id}/documents", status_code=202, openapi_extra=DOCUMENT)
    async def document(request: Request, seller_id: str) -> Any:
        """File one document (multipart: `item` and `file`). Only what is missing is taken."""
        sent = await sent_form(request)
        return await run_in_threadpool(filed_by, file_document, reception, request, seller_id, sent)

    @router.post("/sellers/{seller_id}/undertaking", status_code=202, openapi_extra=UNDERTAKING)
    async def undertaking(request: Request, seller_id: str) -> Any:
        """File the signed undertaking (multipart: `file`, `signatory_name`, `template_version`,
        `has_seal`, `has_signature`).
        """
        sent = await sent_form(request)
        return await run_in_threadpool(
            filed_by, file_undertaking, reception, request, seller_id, sent
        )

    @router.post("/sellers/{seller_id}/asin-list", status_code=202, openapi_extra=ASIN_LIST)
    async def asin_list(request: Request, seller_id: str) -> Any:
        """File the ASINs to be synced: multipart `file`, a CSV with the columns of an upload."""
        sent = await sent_form(request)
        return await run_in_threadpool(
            filed_by, file_asin_list, reception, request, seller_id, sent
        )

    @router.get("/sellers/{seller_id}/documents/{sha256}")
    def read_document(request: Request, seller_id: str, sha256: str) -> Response:
        """A file that this seller filed; its own and the reviewers' to open."""
        visit = visit_of(reception, request, seller_id)
        if not sees_persons(visit.caller):
            raise RoleForbids((*OWN_SELLER_ROLES, *REVIEWER_ROLES))
        kept = visit.desk.evidence(visit.seller_id, sha256)
        if kept is None:
            raise NotFound("no such file")
        name = f"{sha256[:12]}.{kept[0].partition('/')[2]}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        }
        return Response(kept[1], media_type=kept[0], headers=headers)


def add_queue(router: APIRouter, reception: Reception) -> None:
    """What reviewers work by. It goes across sellers and shows only what waits, and until when."""

    @router.get("/applications")
    def queue(request: Request) -> Any:
        """Applications that wait for a decision, the first due first."""
        staff_work(reception, request, STAFF_ROLES)
        reception.wait_for(request)
        with reception.desk.reading_for_staff() as connection:
            waiting = applications.queue(connection)
        today = reception.desk.clock().astimezone(JST).date().isoformat()
        items = [queue_answer(row, today) for row in waiting]
        return {"items": items, "next_cursor": None, "position": reception.desk.position()}

    @router.get("/applications/figures")
    def figures(request: Request) -> Any:
        """First-pass rate and review time of the last 90 days; what waits, what is overdue."""
        staff_work(reception, request, STAFF_ROLES)
        now = reception.desk.clock()
        with reception.desk.reading_for_staff() as connection:
            found = applications.figures(
                connection, now - FIGURES_SINCE, now.astimezone(JST).date()
            )
        return {"since": now - FIGURES_SINCE, "stages": [each._asdict() for each in found]}


# --- applying -------------------------------------------------------------------------------------


def client_of(request: Request) -> str:
    return request.client.host if request.client else ""


def applied(desk: Desk, client: str, body: ApplicationBody, correlation_id: UUID) -> dict[str, Any]:
    """Record the application and make its key. Raises TooManyRequests and the refusals.

    What is refused for its own sake, whoever has applied before, counts as no application.
    """
    work = Work(desk.clock, APPLICANT, correlation_id)
    fields = body.model_dump(exclude={"amazon_seller_id", "shop_name"})
    command = admission.Apply(stamp=work.stamp(), **fields)
    admission.apply(Admission(), command)
    if wait_seconds := desk.application_delay(client):
        raise TooManyRequests("too many applications from this address", wait_seconds)
    seller_id = apply_as_seller(desk.app, body.amazon_seller_id, body.shop_name, command, work)
    key_id, key = desk.keys.create("seller", seller_id, "application")
    issued = seller.IssueKey(stamp=work.stamp(), key_id=key_id, role="seller", label="application")
    position = change_seller(desk.app, seller_id, lambda it: seller.issue_key(it, issued))
    with acting_for(seller_id):
        missing = desk.app.seller(seller_id).admission.missing("pro_seller")
    return {
        "id": public_id("sel", seller_id), "position": position, "key": key, "key_id": key_id,
        "missing": missing,
    }  # fmt: skip


# --- filing ---------------------------------------------------------------------------------------

File = Callable[[Desk, UUID, Sent, Work], Callable[[Standing], Sequence[Any]]]


async def sent_form(request: Request) -> Sent:
    """One file and a few short fields; names of files are not read, they may name persons."""
    async with request.form(max_files=1, max_fields=10) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        content = await file.read(SIZE_BYTES_MAX + 1) if isinstance(file, UploadFile) else b""
    return Sent(fields, content)


def filed_by(
    file: File, reception: Reception, request: Request, seller_id: str, sent: Sent
) -> dict[str, Any]:
    inner, work = acting(reception, request, seller_id)
    position = filed(reception.desk, file, inner, sent, work)
    return {"id": public_id("sel", inner), "position": position or reception.desk.position()}


def filed(desk: Desk, file: File, seller_id: UUID, sent: Sent, work: Work) -> int | None:
    """Keep the file and record it; a file that nobody asked for is refused before it is kept."""
    decide = file(desk, seller_id, sent, work)
    return change_admission(desk.app, seller_id, decide)


def file_document(
    desk: Desk, seller_id: UUID, sent: Sent, work: Work
) -> Callable[[Standing], Sequence[Any]]:
    item = cast(Item, sent.fields.get("item", ""))
    ensure_asked(desk, seller_id, item)
    kept = desk.store_evidence(seller_id, sent.content)
    command = admission.FileDocument(stamp=work.stamp(), item=item, file=kept)
    return partial(admission.file_document, command=command)


def file_undertaking(
    desk: Desk, seller_id: UUID, sent: Sent, work: Work
) -> Callable[[Standing], Sequence[Any]]:
    ensure_asked(desk, seller_id, "undertaking")
    kept = desk.store_evidence(seller_id, sent.content)
    command = admission.FileUndertaking(
        stamp=work.stamp(), file=kept,
        template_version=sent.fields.get("template_version", ""),
        signatory_name=sent.fields.get("signatory_name", "")[:100],
        has_seal=is_yes(sent.fields.get("has_seal")),
        has_signature=is_yes(sent.fields.get("has_signature")),
    )  # fmt: skip
    return partial(admission.file_undertaking, command=command)


def file_asin_list(
    _: Desk, __: UUID, sent: Sent, work: Work
) -> Callable[[Standing], Sequence[Any]]:
    command = admission.FileAsinList(stamp=work.stamp(), asins=asins_of(sent.content))
    return partial(admission.file_asin_list, command=command)


def ensure_asked(desk: Desk, seller_id: UUID, item: Item) -> None:
    """Raises DocumentRefused, WrongState, NotFound."""
    if item not in get_args(Item):
        raise DocumentRefused("mend: item", rules={"item": "item_unknown"})
    with acting_for(seller_id):
        known = desk.app.seller(seller_id)
    if not known.is_registered:
        raise NotFound("no such seller")
    admission.ensure_asked(known.admission, item)


def is_yes(text: str | None) -> bool:
    return (text or "").lower() in ("true", "yes", "on", "1")
