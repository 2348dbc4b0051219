"""JSON routes of arbitrage: what a seller is suspected of, a reviewer's decision, termination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.auth import REVIEWER_ROLES, caller_of
from api.desk import Desk
from api.ids import inner_id, public_id
from api.log_text import suggested_action
from api.requests import Reception, Visit
from api.sellers import changed, deciding_on, visit_of
from domain import arbitrage
from domain.application import acting_for
from domain.arbitrage import Evidence, Suspicion, Termination
from domain.errors import NotFound, ReviewRefused
from domain.seller import Seller
from domain.sellers import Decide
from domain.stamps import Work
from projections import suspicions

REASON_LENGTH_MAX = 2_000
TEXT_LENGTH_MAX = 4_000


class DecisionBody(BaseModel):
    """Confirm, which terminates the seller for good, or dismiss; `cause` is `other` by default."""

    suspicion_id: str
    decision: str = Field(max_length=20)
    cause: str = Field("other", max_length=40)
    reason: str = Field(max_length=TEXT_LENGTH_MAX)


class TerminationBody(BaseModel):
    """Why the seller's status ends for good: arbitrage, fraud or request_of_mercari."""

    cause: str = Field(max_length=40)
    reason: str = Field(max_length=TEXT_LENGTH_MAX)


def build_arbitrage(reception: Reception) -> APIRouter:
    """Routes under /sellers/{seller_id}."""
    router = APIRouter(tags=["sellers"])

    @router.get("/sellers/{seller_id}/arbitrage")
    def show(request: Request, seller_id: str) -> Any:
        """Suspicions with their evidence, the termination, and how far the wind-up has come."""
        return arbitrage_answer(visit_of(reception, request, seller_id))

    @router.post("/sellers/{seller_id}/arbitrage-review", status_code=202)
    def review(request: Request, seller_id: str, body: DecisionBody) -> Any:
        """A reviewer's decision on a suspicion; whoever comes second is told by whom it was."""
        inner, work = deciding_on(reception, request, seller_id)
        suspicion_id = inner_id("sus", body.suspicion_id)
        decide = deciding(suspicion_id, body.decision, body.cause, body.reason, work)
        return changed(reception, inner, decide)

    @router.post("/sellers/{seller_id}/termination", status_code=202)
    def terminate(request: Request, seller_id: str, body: TerminationBody) -> Any:
        """End the seller's status for good; a reviewer only after a confirmed suspicion."""
        inner, work = deciding_on(reception, request, seller_id)
        caller = caller_of(request, reception.desk, reception.sessions)
        causes = get_args(arbitrage.TerminationCause)
        command = arbitrage.Terminate(
            stamp=work.stamp(), cause=cause_among(causes, body.cause),
            reason=reason_in(body.reason), is_admin=caller.role == "admin",
        )  # fmt: skip
        return changed(reception, inner, lambda it: arbitrage.terminate(it.arbitrage, command))

    return router


def deciding(suspicion_id: UUID, decision: str, cause: str, reason: str, work: Work) -> Decide:
    """The decision that was asked for. Raises ReviewRefused for a cause that is none of its own."""
    stamp, said = work.stamp(), reason_in(reason)
    if decision == "confirm":
        confirming = arbitrage.ConfirmSuspicion(
            stamp=stamp, suspicion_id=suspicion_id, reason=said,
            cause=cause_among(get_args(arbitrage.ConfirmationCause), cause),
        )  # fmt: skip
        return lambda it: arbitrage.confirm(it.arbitrage, confirming)
    if decision == "dismiss":
        dismissing = arbitrage.DismissSuspicion(
            stamp=stamp, suspicion_id=suspicion_id, reason=said,
            cause=cause_among(get_args(arbitrage.DismissalCause), cause),
        )  # fmt: skip
        return lambda it: arbitrage.dismiss(it.arbitrage, dismissing)
    raise ReviewRefused(f"decision {decision!r}", rules={"decision": "review_decision"})


def reason_in(text: str) -> str:
    """The reviewer's words without spaces around them. Raises ReviewRefused."""
    said = text.strip()
    if not 1 <= len(said) <= REASON_LENGTH_MAX:
        raise ReviewRefused(f"{len(said)} characters", rules={"reason": "review_reason"})
    return said


def cause_among(causes: tuple[str, ...], cause: str) -> Any:
    """The cause, where it is one of these. Raises ReviewRefused."""
    if cause not in causes:
        raise ReviewRefused(
            f"cause {cause!r} is none of {', '.join(causes)}", rules={"cause": "review_cause"}
        )
    return cause


def arbitrage_answer(visit: Visit) -> dict[str, Any]:
    """A seller is told what it is about; only reviewers, by whom and why it was decided."""
    known = seller_of(visit.desk, visit.seller_id)
    with visit.desk.reading_for(visit.seller_id) as connection:
        left, on_sale = suspicions.progress(connection)
    is_reviewer = visit.caller.role in REVIEWER_ROLES
    held, language = known.arbitrage, visit.l10n.language
    return {
        "seller_id": public_id("sel", visit.seller_id),
        "is_terminated": known.is_terminated,
        "termination": termination_answer(held.termination, is_reviewer=is_reviewer),
        "bindings_ended": held.wound_up_count,
        "bindings_left": left,
        "listings_on_sale": on_sale,
        "suspicions": [suspicion_answer(each, is_reviewer=is_reviewer) for each in held.suspicions],
        "suggested_action": suggested_action(arbitrage.CODE, language)
        if held.open or known.is_terminated
        else None,
        "position": visit.desk.position(),
    }


def seller_of(desk: Desk, seller_id: UUID) -> Seller:
    """Raises NotFound."""
    with acting_for(seller_id):
        known = desk.app.seller(seller_id)
    if not known.is_registered:
        raise NotFound("no such seller")
    return known


def termination_answer(
    termination: Termination | None, *, is_reviewer: bool
) -> dict[str, Any] | None:
    if termination is None:
        return None
    shown: dict[str, Any] = {
        "error_code": arbitrage.CODE, "cause": termination.cause, "at": termination.at,
        "suspicion_id": public_id("sus", termination.suspicion_id)
        if termination.suspicion_id
        else None,
    }  # fmt: skip
    return shown | ({"by": termination.by, "reason": termination.reason} if is_reviewer else {})


def suspicion_answer(suspicion: Suspicion, *, is_reviewer: bool) -> dict[str, Any]:
    verdict = suspicion.verdict
    shown: dict[str, Any] = {
        "id": public_id("sus", suspicion.suspicion_id),
        "rule": suspicion.rule,
        "state": verdict.decision if verdict else "open",
        "raised_at": suspicion.raised_at,
        "decided_at": verdict.at if verdict else None,
        "evidence": [evidence_answer(each, is_reviewer=is_reviewer) for each in suspicion.evidence],
    }
    if is_reviewer and verdict:
        shown |= {"cause": verdict.cause, "reason": verdict.reason, "decided_by": verdict.by}
    return shown


def evidence_answer(evidence: Evidence, *, is_reviewer: bool) -> Mapping[str, Any]:
    shown = {
        "binding_id": public_id("bnd", evidence.binding_id),
        "asin": evidence.asin,
        "since": evidence.since,
        "amazon_price_jpy": evidence.amazon_price_jpy,
        "shown_price_jpy": evidence.shown_price_jpy,
    }
    return shown | ({"positions": evidence.positions} if is_reviewer else {})
