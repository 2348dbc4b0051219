"""JSON routes of bindings: list, show (now or then), history, diff, and changes by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.answers import binding_answer, differences_between, history_answer
from api.ids import inner_id
from api.instants import Instant
from api.openapi_extras import IF_MATCH, form_body
from api.paging import cursor_after, place_after
from api.proofs import prove
from api.requests import Reception, Visit, page_answer, tagged
from domain import bindings as cases
from domain.application import acting_for
from domain.asin_binding import AsinBinding, BindingFact, Status, decisions, judging
from domain.asin_binding.facts import Requested
from domain.errors import InstantRefused, NotFound
from domain.evidence import SIZE_BYTES_MAX
from projections import bindings

CLOCKS_DIFFER_MAX = timedelta(minutes=1)
PROOF = {**IF_MATCH, **form_body("proof.pdf", kind="brand", number="1234567")}
VERSION_MAX = 2**63 - 1
"""What a bigint holds."""


class RemapBody(BaseModel):
    """The Mercari category to use from now on."""

    mercari_category_id: str = Field(min_length=1)


class ReviewBody(BaseModel):
    """What the reviewer sees in the picture."""

    verdict: Literal["pass", "fail"]
    note: str = Field("", max_length=500)


def build_bindings(reception: Reception) -> APIRouter:
    """Routes under /bindings."""
    router = APIRouter(prefix="/bindings", tags=["bindings"])

    @router.get("")
    def search(
        request: Request,
        response: Response,
        status: Status | None = None,
        asin: str | None = None,
        error_code: str | None = None,
        in_review: bool = False,
        cursor: str | None = None,  # noqa: ARG001
        limit: int = Query(50, ge=1, le=200),
    ) -> Any:
        """Bindings, newest change first."""
        visit = reception.reading(request)
        place = place_after(request, visit.seller_id, 1)
        before = place[0] if place else None
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = bindings.page(
                connection, status=status, asin=asin, error_code=error_code,
                is_in_review=in_review, before=before, limit=limit,
            )  # fmt: skip
        following = None
        if len(rows) == limit:
            following = cursor_after(request, visit.seller_id, rows[-1].position)
        items = [binding_answer(row, visit.l10n) for row in rows]
        return page_answer(request, response, items, following, visit.desk.position())

    @router.get("/{binding_id}")
    def show(
        request: Request,
        response: Response,
        binding_id: str,
        as_of: Instant | None = None,
        at_version: int | None = Query(None, ge=1, le=VERSION_MAX),
    ) -> Any:
        """One binding: now, as of an instant (RFC 3339), or at a version."""
        visit = reception.reading(request)
        row = found(visit, inner_id("bnd", binding_id), as_of, at_version)
        shown = {**binding_answer(row, visit.l10n), "as_of": as_of}
        return tagged(request, response, row.version, shown)

    @router.get("/{binding_id}/history")
    def history(request: Request, binding_id: str, as_of: Instant | None = None) -> Any:
        """Every event of the binding, oldest first."""
        visit = reception.reading(request)
        ensure_past(visit, as_of)
        events = visit.desk.history(visit.seller_id, inner_id("bnd", binding_id), until=as_of)
        if not events or not isinstance(events[0].fact, Requested):
            raise NotFound("no such binding")
        items = [history_answer(event) for event in events]
        return {"items": items, "next_cursor": None, "position": events[-1].position}

    @router.get("/{binding_id}/diff")
    def diff(
        request: Request,
        binding_id: str,
        from_version: int = Query(alias="from", ge=1, le=VERSION_MAX),
        to_version: int = Query(alias="to", ge=1, le=VERSION_MAX),
    ) -> Any:
        """What differs between two versions, field by field."""
        visit = reception.reading(request)
        inner = inner_id("bnd", binding_id)
        before = found(visit, inner, None, from_version)
        after = found(visit, inner, None, to_version)
        changes = differences_between(before, after, visit.l10n)
        position = visit.desk.position()
        return {"from": from_version, "to": to_version, "changes": changes, "position": position}

    @router.post("/{binding_id}/remap", status_code=202, openapi_extra=IF_MATCH)
    def remap(request: Request, response: Response, binding_id: str, body: RemapBody) -> Any:
        """Choose another Mercari category; off sale until checked again. Needs If-Match."""
        visit = reception.writing(request)
        command = decisions.AskAgain(
            stamp=visit.work().stamp(), mercari_category_id=body.mercari_category_id
        )
        return changed(visit, response, binding_id, lambda it: decisions.ask_again(it, command))

    @router.post("/{binding_id}/resubmit", status_code=202, openapi_extra=IF_MATCH)
    def resubmit(request: Request, response: Response, binding_id: str) -> Any:
        """Check again, after the cause was mended; off sale until it passed. Needs If-Match."""
        visit = reception.writing(request)
        command = decisions.AskAgain(stamp=visit.work().stamp())
        return changed(visit, response, binding_id, lambda it: decisions.ask_again(it, command))

    @router.post("/{binding_id}/withdraw", status_code=202, openapi_extra=IF_MATCH)
    def withdraw(request: Request, response: Response, binding_id: str) -> Any:
        """Take the ASIN back; its listing is closed. Needs If-Match."""
        visit = reception.writing(request)
        command = decisions.Withdraw(stamp=visit.work().stamp())
        return changed(visit, response, binding_id, lambda it: decisions.withdraw(it, command))

    @router.post("/{binding_id}/image-review", status_code=202, openapi_extra=IF_MATCH)
    def review(request: Request, response: Response, binding_id: str, body: ReviewBody) -> Any:
        """A reviewer's decision on a main image in between. Needs If-Match and seller_id."""
        visit = reception.reviewing(request)
        command = judging.ReviewImage(
            stamp=visit.work().stamp(), verdict=body.verdict, note=body.note
        )
        return changed(visit, response, binding_id, lambda it: judging.review_image(it, command))

    add_proofs(router, reception)
    return router


def add_proofs(router: APIRouter, reception: Reception) -> None:
    """Evidence for one binding."""

    @router.post("/{binding_id}/proofs", status_code=202, openapi_extra=PROOF)
    async def prove(request: Request, response: Response, binding_id: str) -> Any:
        """File evidence (multipart: the fields of a proof and `file`, a PDF, JPEG or PNG ≤ 10 MB).

        kind: certificate (certificate_kind, number, notifier, inspection_body, rating,
        notified_on), brand (number), shipping_time (shipping_days) or label. Then resubmit.
        """
        async with request.form(max_files=1, max_fields=20) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            file = form.get("file")
            content = await file.read(SIZE_BYTES_MAX + 1) if isinstance(file, UploadFile) else None
        return await run_in_threadpool(filed, reception, request, response, binding_id, fields,
                                       content)  # fmt: skip

    @router.get("/{binding_id}/proofs/{sha256}")
    def proof_file(request: Request, binding_id: str, sha256: str) -> Response:
        """A file that was filed as evidence."""
        visit = reception.reading(request)
        inner_id("bnd", binding_id)
        kept = visit.desk.evidence(visit.seller_id, sha256)
        if kept is None:
            raise NotFound("no such file")
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(kept[1], media_type=kept[0], headers=headers)


def filed(
    reception: Reception,
    request: Request,
    response: Response,
    binding_id: str,
    fields: dict[str, str],
    content: bytes | None,
) -> dict[str, Any]:
    """Check the fields, keep the file, record the proof. Raises EvidenceRefused."""
    visit = reception.writing(request)
    inner, version = inner_id("bnd", binding_id), visit.expected_version()
    position = prove(visit.desk, visit.seller_id, inner, version, fields, content, visit.work())
    version += 1 if position else 0
    response.headers["ETag"] = f'"v{version}"'
    return {"id": binding_id, "version": version, "position": position or visit.desk.position()}


def found(
    visit: Visit, inner: UUID, as_of: Instant | None, at_version: int | None
) -> bindings.BindingRow:
    """The row of now, or the fold of the history to an instant or version. Raises NotFound."""
    ensure_past(visit, as_of)
    if as_of is None and at_version is None:
        with visit.desk.reading_for(visit.seller_id) as connection:
            row = bindings.one(connection, inner)
    else:
        events = visit.desk.history(visit.seller_id, inner, until=as_of, at_version=at_version)
        row = bindings.fold_history(events)
    if row is None:
        raise NotFound("no such binding")
    return row


def ensure_past(visit: Visit, as_of: datetime | None) -> None:
    """Raises InstantRefused for what is still to come, but for clocks a minute ahead of ours."""
    if as_of is not None and as_of > visit.desk.clock() + CLOCKS_DIFFER_MAX:
        raise InstantRefused(f"as_of {as_of.isoformat()}", rules={"as_of": "instant_to_come"})


def changed(
    visit: Visit,
    response: Response,
    binding_id: str,
    decide: Callable[[AsinBinding], list[BindingFact]],
) -> dict[str, Any]:
    """Record the decision; the answer says from which position on it can be read."""
    expected = visit.expected_version()
    with acting_for(visit.seller_id):
        before, position = cases.change_binding(
            visit.desk.app, inner_id("bnd", binding_id), expected, decide, visit.work()
        )
    version = before.version + (1 if position else 0)
    response.headers["ETag"] = f'"v{version}"'
    return {"id": binding_id, "version": version, "position": position or visit.desk.position()}
