"""The pages of review: the queue, one application, and the form that decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast, get_args
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import REVIEWER_ROLES, STAFF_READER_ROLES, RoleForbids, poster_of, seller_read_by
from api.desk import Caller
from api.ids import inner_id
from api.look_book import Asked
from api.pages.page_frame import Build, Visit
from api.pages.page_server import PageServer, Refused, says_why
from api.pages.review_view import case_page_of, queue_page
from api.sellers import ReviewBody, reviewed
from domain.admission import Fault, Item, Rejection, Stage
from domain.application import acting_for
from domain.errors import BrandRefused, DocumentRefused, WrongState
from domain.rules.brands import BrandAuthorisation
from domain.seller import AuthoriseBrands, Seller, authorise_brands
from domain.sellers import change_seller
from domain.stamps import Work

PATH = "/review"
REASON = "review of the application"
"""What a reviewer looks at an applicant for; it is recorded like any stated reason."""


def add_review(router: APIRouter, server: PageServer) -> None:
    """What waits, and each case of it."""

    @router.get(PATH)
    async def queue(request: Request) -> Response:
        return await server.show_staff(request, queue_page)

    @router.get(f"{PATH}/{{seller_id}}")
    async def case(request: Request, seller_id: str) -> Response:
        try:
            visit = await case_visit(request, server, inner_id("sel", seller_id))
        except Refused as refused:
            return server.refusal(request, refused)
        if says_why(visit):
            return RedirectResponse(visit.here(reason=None, ticket=None, seller_id=None), 303)
        return await server.show_to(visit, case_page_of())

    @router.post(f"{PATH}/{{seller_id}}")
    async def decide(request: Request, seller_id: str) -> Response:
        try:
            return await decided(request, server, seller_id)
        except Refused as refused:
            return server.refusal(request, refused)

    @router.post(f"{PATH}/{{seller_id}}/brands")
    async def authorise(request: Request, seller_id: str) -> Response:
        try:
            return await authorised(request, server, seller_id)
        except Refused as refused:
            return server.refusal(request, refused)


async def case_visit(request: Request, server: PageServer, seller_id: UUID) -> Visit:
    """A look at an applicant: a review is a reviewer's reason, whoever else looks states one."""
    caller = await server.caller(request)
    if caller.role not in STAFF_READER_ROLES:
        raise RoleForbids(STAFF_READER_ROLES)
    inner = seller_read_by(caller, seller_id)
    await run_in_threadpool(ensure_look, request, server, caller, inner)
    return await server.visit_to(request, caller, inner)


def ensure_look(request: Request, server: PageServer, caller: Caller, seller_id: UUID) -> None:
    """Raises ReasonRequired, NotFound."""
    with acting_for(seller_id):
        reviews = server.desk.app.seller(seller_id).admission.reviews.values()
    is_waiting = any(review.progress == "in_review" for review in reviews)
    if is_waiting and caller.role in REVIEWER_ROLES and not server.looks.is_open(caller, seller_id):
        server.looks.open(caller, seller_id, Asked(REASON))
    else:
        server.looks.ensure(request, caller, seller_id)


async def authorised(request: Request, server: PageServer, seller_id: str) -> Response:
    """Authorise a brand that the filed chain covers."""
    fields, inner, work = await sent(request, server, seller_id)
    brand = BrandAuthorisation(
        brand=fields.get("brand", "").strip()[:100],
        registration_number=fields.get("registration_number", "").strip()[:40],
    )
    command = AuthoriseBrands(stamp=work.stamp(), authorisations=(brand,))
    decide = partial(authorise_brands, command=command)
    try:
        position = await run_in_threadpool(change_seller, server.desk.app, inner, decide)
    except BrandRefused as refused:
        return await shown_again(request, server, inner, case_page_of(refused, fields, status=422))
    await server.projected(position)
    return RedirectResponse(f"{PATH}/{seller_id}", 303)


async def decided(request: Request, server: PageServer, seller_id: str) -> Response:
    """Decide what the reviewer saw; whoever comes second is shown who was first."""
    fields, inner, work = await sent(request, server, seller_id)
    decide = partial(decision_of, fields=fields, work=work)
    try:
        position = await run_in_threadpool(change_seller, server.desk.app, inner, decide)
    except WrongState:
        page = case_page_of(is_too_late=True, status=409)
        return await shown_again(request, server, inner, page)
    except DocumentRefused as refused:
        return await shown_again(request, server, inner, case_page_of(refused, fields, status=422))
    await server.projected(position)
    return RedirectResponse(f"{PATH}/{seller_id}", 303)


async def shown_again(
    request: Request, server: PageServer, seller_id: UUID, page: Build
) -> Response:
    return await server.show_to(await case_visit(request, server, seller_id), page)


async def sent(
    request: Request, server: PageServer, seller_id: str
) -> tuple[dict[str, str], UUID, Work]:
    """A reviewer's form, whom it is about, and the work. Raises RoleForbids, NotFound."""
    async with request.form(max_files=0, max_fields=30) as form:
        fields = {name: str(value) for name, value in form.items()}
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    if caller.role not in REVIEWER_ROLES:
        raise RoleForbids(REVIEWER_ROLES)
    inner = seller_read_by(caller, inner_id("sel", seller_id))
    return fields, inner, Work(server.desk.clock, caller.actor, uuid4())


def decision_of(known: Seller, fields: Mapping[str, str], work: Work) -> Sequence[Any]:
    """Raises WrongState unless this is still the review that the page showed."""
    stage = cast(Stage, fields.get("stage"))
    review = known.admission.review(stage)
    is_seen = stage in get_args(Stage) and str(review.round) == fields.get("round")
    if not is_seen or review.progress != "in_review":
        raise WrongState("this review was decided in between")
    rejections = rejections_in(fields)
    if fields.get("decision") == "return":
        return reviewed(known, ReviewBody(decision="return", rejections=rejections), work)
    if rejections:
        rules = {each.item: "approved_with_faults" for each in rejections}
        raise DocumentRefused(f"mend: {', '.join(rules)}", rules=rules)
    return reviewed(known, ReviewBody(decision="approve"), work)


def rejections_in(fields: Mapping[str, str]) -> list[Rejection]:
    """What the selects say; one that is left alone says that the thing is in order."""
    return [
        Rejection(item=item, fault=cast(Fault, fields[item]))
        for item in get_args(Item)
        if fields.get(item) in get_args(Fault)
    ]
