"""JSON routes of sellers: review, settings, brands, a sweep now, leaving."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, field_validator
from pydantic_core import PydanticCustomError

from api.auth import OWN_SELLER_ROLES, REVIEWER_ROLES, RoleForbids, caller_of
from api.desk import Desk
from api.idempotency import ensure_new
from api.ids import inner_id, public_id
from api.instants import Instant
from api.openapi_extras import MAY_MATCH
from api.requests import Reception, Visit, correlation_of, tagged, version_named
from domain import admission, seller
from domain.admission import Rejection
from domain.application import acting_for
from domain.errors import NotFound
from domain.facts import Recorded
from domain.rules.brands import BrandAuthorisation
from domain.rules.warranty import Warranty
from domain.seller import BRAKE_RATE_MIN, LAST_UNITS_MAX, HandEditedPrice, Reinstatement, Role
from domain.sellers import Decide, change_seller
from domain.stamps import Work
from domain.sync_sweep import SweepKind
from projections import sellers

LINKS_MAX = 10_000
OWN = "me"
"""In a path: the seller that the caller's key is bound to."""
SETTINGS = (
    "default_float_pct", "reinstatement", "brake_pct", "hand_edited_price", "last_units", "version",
    "position",
)  # fmt: skip


class ReviewBody(BaseModel):
    """Approve what waits, send some of it back, or switch sync off with a reason.

    Approving what is approved already switches sync on again.
    """

    decision: Literal["approve", "return", "reject"]
    rejections: list[Rejection] = Field(default=[], max_length=20)
    reason: str = Field("", max_length=500)


class SettingsBody(BaseModel):
    """Float in percent (−15 to 15), how suspended listings come back, and the guards.

    What is not given stays as it is. `brake_pct` of the listings may be suspended or re-priced by
    one sweep before each is read again; of `last_units` or fewer, Mercari shows none.
    """

    default_float_pct: Decimal | None = Field(None, ge=-15, le=15)
    reinstatement: Reinstatement | None = None
    brake_pct: Decimal | None = Field(None, ge=100 * BRAKE_RATE_MIN, le=100)
    hand_edited_price: HandEditedPrice | None = None
    last_units: int | None = Field(None, ge=0, le=LAST_UNITS_MAX, strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def refuse_null(cls, value: object) -> object:
        """Null is no setting: one that stays is left out."""
        if value is None:
            raise PydanticCustomError("no_null", "give a value, or leave it out")
        return value


class WarrantyBody(BaseModel):
    """The initial-defect warranty, in Japanese; the seller attests that it is no machine's."""

    is_attested: bool = Field(False, strict=True)
    days: int = Field(ge=1, le=365, strict=True)
    conditions: str = Field(max_length=500)
    remedy: str = Field(max_length=500)
    exclusions: str = Field(max_length=500)


class BrandBody(BaseModel):
    """A brand the seller may sell: its registration in Japan, the chain from owner to seller."""

    brand: str = Field(min_length=1, max_length=100)
    registration_number: str = Field(min_length=1, max_length=40)
    chain: list[str] = Field(default=[], max_length=10)
    valid_until: Instant | None = None


class BrandsBody(BaseModel):
    """Brands that a reviewer found the seller entitled to."""

    brands: list[BrandBody] = Field(min_length=1, max_length=500)


class SweepBody(BaseModel):
    """Which sweep to run now; without the brake it follows Amazon, however much that changes."""

    kind: SweepKind = "status"
    is_brake_off: bool = Field(False, strict=True)


def build_sellers(reception: Reception) -> APIRouter:
    """Routes under /sellers and /sweeps."""
    router = APIRouter(tags=["sellers"])

    @router.get("/sellers/{seller_id}")
    def show(request: Request, response: Response, seller_id: str) -> Any:
        """The seller as it stands."""
        answer = seller_answer(visit_of(reception, request, seller_id))
        return tagged(request, response, answer["version"], answer)

    @router.post("/sellers/{seller_id}/review", status_code=202)
    def review(request: Request, seller_id: str, body: ReviewBody) -> Any:
        """Decide on an application. Reviewers; of two at once the second is told who was first."""
        inner, work = deciding_on(reception, request, seller_id)
        return changed(reception, inner, lambda it: reviewed(it, body, work))

    @router.post("/sellers/{seller_id}/erasure", status_code=202)
    def erase(request: Request, seller_id: str) -> Any:
        """Leave for good: everything is taken off sale, then all that tells of persons is erased.

        The history stays, without the persons; it can't be undone, and the keys close at the end.
        """
        inner, work = acting(reception, request, seller_id)
        command = seller.RequestErasure(stamp=work.stamp(), ground="request")
        return changed(reception, inner, lambda it: seller.request_erasure(it, command))

    @router.get("/sellers/{seller_id}/settings")
    def settings(request: Request, response: Response, seller_id: str) -> Any:
        """The seller's defaults and guards."""
        answer = seller_answer(visit_of(reception, request, seller_id))
        shown = {name: answer[name] for name in SETTINGS}
        return tagged(request, response, answer["version"], shown)

    @router.put("/sellers/{seller_id}/settings", status_code=202, openapi_extra=MAY_MATCH)
    def change_settings(request: Request, seller_id: str, body: SettingsBody) -> Any:
        """Change what is given; live bindings keep their own float."""
        inner, work = acting(reception, request, seller_id)
        command = seller.ChangeSettings(
            stamp=work.stamp(),
            default_float_rate=rate_of(body.default_float_pct),
            brake_rate=rate_of(body.brake_pct),
            **body.model_dump(include={"reinstatement", "hand_edited_price", "last_units"}),
        )
        return changed(
            reception, inner, lambda it: seller.change_settings(it, command),
            version_named(request),
        )  # fmt: skip

    @router.get("/sellers/{seller_id}/warranty")
    def warranty(request: Request, response: Response, seller_id: str) -> Any:
        """The terms that new listings show, and the block as it is shown."""
        visit = visit_of(reception, request, seller_id)
        with acting_for(visit.seller_id):
            known = visit.seller()
        shown = {
            **known.warranty.model_dump(), "text": known.warranty.text(),
            "version": known.version, "position": visit.desk.position(),
        }  # fmt: skip
        return tagged(request, response, known.version, shown)

    @router.put("/sellers/{seller_id}/warranty", status_code=202, openapi_extra=MAY_MATCH)
    def change_warranty(request: Request, seller_id: str, body: WarrantyBody) -> Any:
        """Change the terms of new listings. Refused (E-414) where a part is not Japanese."""
        inner, work = acting(reception, request, seller_id)
        terms = Warranty(**body.model_dump(exclude={"is_attested"}))
        command = seller.ChangeWarranty(
            stamp=work.stamp(), warranty=terms, is_attested=body.is_attested
        )
        return changed(
            reception, inner, lambda it: seller.change_warranty(it, command),
            version_named(request),
        )  # fmt: skip

    add_brands(router, reception)

    @router.post("/sweeps", status_code=202)
    def sweep(request: Request, body: SweepBody) -> Any:
        """Sweep now, beside the regular sweeps; the log tells how it went."""
        visit = reception.writing(request)
        command = seller.RequestSweep(
            stamp=visit.work().stamp(), kind=body.kind, is_brake_off=body.is_brake_off
        )
        return changed(reception, visit.seller_id, lambda it: seller.request_sweep(it, command))

    @router.get("/upstream-calls")
    def calls(request: Request) -> Any:
        """How many calls the seller's upstreams got, by operation, in all."""
        visit = reception.reading(request)
        with visit.desk.reading_for(visit.seller_id) as connection:
            rows = connection.execute(
                "SELECT operation, sum(calls)::bigint FROM asin_sync.upstream_calls GROUP BY 1"
            ).fetchall()
        total = sum(number for _, number in rows)
        return {"calls": dict(rows), "total": total, "position": visit.desk.position()}

    return router


def add_brands(router: APIRouter, reception: Reception) -> None:
    """The brands a seller may sell (SPEC §2.2d)."""

    @router.get("/sellers/{seller_id}/brands")
    def brands(request: Request, seller_id: str) -> Any:
        """The brands that the seller's authorisation chains cover."""
        visit = visit_of(reception, request, seller_id)
        with acting_for(visit.seller_id):
            held = visit.seller().authorisations
        items = [each.model_dump(mode="json") for each in held]
        return {"items": items, "position": visit.desk.position()}

    @router.post("/sellers/{seller_id}/brands", status_code=202)
    def authorise(request: Request, seller_id: str, body: BrandsBody) -> Any:
        """Authorise brands. Reviewers only; refused (E-416) for a malformed registration."""
        inner, work = deciding_on(reception, request, seller_id)
        found = tuple(BrandAuthorisation(**each.model_dump()) for each in body.brands)
        command = seller.AuthoriseBrands(stamp=work.stamp(), authorisations=found)
        return changed(reception, inner, lambda it: seller.authorise_brands(it, command))

    @router.delete("/sellers/{seller_id}/brands/{brand}", status_code=202)
    def end(request: Request, seller_id: str, brand: str, reason: str) -> Any:
        """End a brand's authorisation; live listings are not taken off sale by it."""
        work = staff_work(reception, request, REVIEWER_ROLES)
        command = seller.EndBrandAuthorisation(stamp=work.stamp(), brand=brand, reason=reason)
        inner = inner_id("sel", seller_id)
        return changed(reception, inner, lambda it: seller.end_brand_authorisation(it, command))


def reviewed(known: seller.Seller, body: ReviewBody, work: Work) -> Sequence[seller.SellerFact]:
    """Raises WrongState, DocumentRefused, SyncNotEnabled."""
    if body.decision == "reject":
        stop = seller.DisableSync(stamp=work.stamp(), code="E-401", reason=body.reason)
        return seller.disable_sync(known, stop)
    seller.ensure_active(known)
    if body.decision == "return":
        back = admission.Return(stamp=work.stamp(), rejections=tuple(body.rejections))
        return admission.send_back(known.standing, back)
    if known.admission.review("asin_sync").progress == "approved":
        return seller.enable_sync(known, seller.EnableSync(stamp=work.stamp()))
    return seller.admit(known, admission.Approve(stamp=work.stamp()))


def staff_work(reception: Reception, request: Request, roles: Collection[Role]) -> Work:
    """The work of a caller who has one of these roles. Raises RoleForbids."""
    caller = caller_of(request, reception.desk, reception.sessions)
    if caller.role not in roles:
        raise RoleForbids(roles)
    return Work(reception.desk.clock, caller.actor, correlation_of(request))


def acting(reception: Reception, request: Request, seller_id: str) -> tuple[UUID, Work]:
    """A seller acts for itself, an admin for the seller it names. Raises RoleForbids, NotFound."""
    work = staff_work(reception, request, (*OWN_SELLER_ROLES, "admin"))
    visit = visit_of(reception, request, seller_id)
    ensure_new(request, reception.desk, visit.caller, visit.seller_id)
    return visit.seller_id, work


def deciding_on(reception: Reception, request: Request, seller_id: str) -> tuple[UUID, Work]:
    """A reviewer decides on the seller of the path. Raises RoleForbids, NotFound."""
    work = staff_work(reception, request, REVIEWER_ROLES)
    inner = inner_id("sel", seller_id)
    caller = caller_of(request, reception.desk, reception.sessions)
    ensure_new(request, reception.desk, caller, inner)
    return inner, work


def ensure_registered(desk: Desk, seller_id: UUID) -> None:
    """Raises NotFound before anything is stored for a seller that is not."""
    with acting_for(seller_id):
        if not desk.app.seller(seller_id).is_registered:
            raise NotFound("no such seller")


def ensure_may_link(desk: Desk, seller_id: UUID) -> None:
    """Raises NotFound, SellerTerminated, SellerLeft before anything of it is stored."""
    ensure_registered(desk, seller_id)
    with acting_for(seller_id):
        seller.ensure_active(desk.app.seller(seller_id))


def visit_of(reception: Reception, request: Request, seller_id: str) -> Visit:
    """A look at the seller named in the path; `me` is the caller's own. Raises NotFound."""
    caller = caller_of(request, reception.desk, reception.sessions)
    named = None if seller_id == OWN else inner_id("sel", seller_id)
    visit = reception.visit(request, caller, named)
    reception.wait_for(request)
    return visit


def seller_answer(visit: Visit) -> dict[str, Any]:
    with visit.desk.reading_for(visit.seller_id) as connection:
        row = sellers.one(connection, visit.seller_id)
    if row is None:
        raise NotFound("no such seller")
    links = last_links(visit.desk, visit.seller_id, row.position)
    return {
        "id": public_id("sel", row.seller_id),
        "shop_name": row.shop_name,
        "amazon_seller_id": row.amazon_seller_id,
        "is_amazon_linked": row.is_amazon_linked,
        "amazon_linked_at": links.amazon.recorded_at if links.amazon else None,
        "is_mercari_linked": row.is_mercari_linked,
        "mercari_linked_at": links.mercari.recorded_at if links.mercari else None,
        "is_sync_enabled": row.is_sync_enabled,
        "default_float_pct": row.default_float_pct,
        "reinstatement": row.reinstatement,
        "warranty_days": row.warranty_days,
        "brake_pct": row.brake_pct,
        "hand_edited_price": row.hand_edited_price,
        "last_units": row.last_units,
        "version": row.version,
        "position": row.position,
    }


class Links(NamedTuple):
    """The last time each marketplace was linked."""

    amazon: Recorded | None
    mercari: Recorded | None


def last_links(desk: Desk, seller_id: UUID, position: int) -> Links:
    """As the log has them up to this position."""
    topics = (seller.AmazonLinked.TOPIC, seller.MercariLinked.TOPIC)
    last: dict[type, Recorded] = {
        type(each.fact): each
        for each in desk.events_after(seller_id, 0, position, topics, LINKS_MAX)
    }
    return Links(last.get(seller.AmazonLinked), last.get(seller.MercariLinked))


def rate_of(percent: Decimal | None) -> Decimal | None:
    """Percent as a fraction."""
    return None if percent is None else percent / 100


def changed(
    reception: Reception, seller_id: UUID, decide: Decide, expected_version: int | None = None
) -> dict[str, Any]:
    position = change_seller(reception.desk.app, seller_id, decide, expected_version)
    return {
        "id": public_id("sel", seller_id),
        "position": position or reception.desk.position(),
    }
