"""What is decided about an admission: the seller and a command in, facts or a refusal out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast, get_args

from stdnum.cn import uscc
from stdnum.jp import cn as corporate_number

from domain.admission.facts import (
    AdmissionFact,
    ApplicationApproved,
    ApplicationReturned,
    Applied,
    AsinListFiled,
    DocumentFiled,
    Entity,
    Item,
    ListedAsin,
    Rejection,
    ReviewRequested,
    Stage,
    UndertakingFiled,
)
from domain.admission.state import Admission, Review, Standing, after, stage_of
from domain.business_days import business_day_after
from domain.contacts import is_address
from domain.error_codes import Language
from domain.errors import ApplicationRefused, DocumentRefused, EntityNotEligible, WrongState
from domain.evidence import EvidenceFile
from domain.facts import Command, Stamp
from domain.policy import policy_of

COMPANY_OF_MAINLAND_CHINA = "91"
SOLE_PROPRIETOR = "92"
"""How a unified social credit code begins (GB 32100-2015, table A.1)."""
TEMPLATE_VERSIONS = ("2026-11",)
"""Every version of the undertaking's template that counts, the newest last."""
INELIGIBLE = {"sole_proprietor": "entity_sole_proprietor", "hk_company": "entity_hong_kong"}
FAULTS: dict[Item, Collection[str]] = {
    "bank_account": ("account_not_in_yen",),
    "business_registration_translation": ("not_notarised",),
    "tax_agent_authority": ("agent_not_registered",),
    "brand_authorisation": ("chain_broken",),
    "undertaking": ("seal_missing", "signature_missing", "template_outdated"),
    "asin_list": ("asins_not_allowed",),
}
"""Faults that only one kind of thing can have; what is in no row, anything can have."""


class Apply(Command):
    """`entity` as the applicant puts it; who is not eligible is told so at once."""

    entity: str
    company_name: str
    registration_number: str
    sells_brands: bool
    representative_name: str
    contact_name: str
    contact_email: str
    language: Language


class FileDocument(Command):
    item: Item
    file: EvidenceFile


class FileUndertaking(Command):
    """`has_seal` and `has_signature` are what the seller states of the scan."""

    template_version: str
    file: EvidenceFile
    signatory_name: str
    has_seal: bool
    has_signature: bool


class FileAsinList(Command):
    asins: tuple[ListedAsin, ...]


class Approve(Command):
    """What is in review is in order."""


class Return(Command):
    rejections: tuple[Rejection, ...]


def apply(admission: Admission, command: Apply) -> list[AdmissionFact]:
    """Raises EntityNotEligible, ApplicationRefused, and WrongState where there is one already."""
    if admission.entity is not None:
        raise WrongState(
            "this seller has applied already: file what is still missing",
            rules={"application": "state_applied"},
        )
    ensure_eligible(command)
    rules = {
        name: f"application_{name}"
        for name in ("company_name", "representative_name", "contact_name")
        if not getattr(command, name).strip()
    }
    if not is_address(command.contact_email):
        rules["contact_email"] = "contact_email"
    if not is_registered_number(command):
        rules["registration_number"] = f"registration_number_{command.entity}"
    if rules:
        raise ApplicationRefused(f"mend: {', '.join(rules)}", rules=rules)
    fields = command.model_dump(exclude={"stamp", "entity"})
    return [Applied(stamp=command.stamp, entity=cast(Entity, command.entity), **fields)]


def amend(standing: Standing, command: Apply) -> list[AdmissionFact]:
    """The application as it should have been, until a review of it begins and after it came back.

    Raises WrongState, and like `apply`.
    """
    admission = standing.admission
    if admission.entity is None:
        raise WrongState("apply first", rules={"application": "apply_first"})
    progress = admission.review("pro_seller").progress
    if progress not in ("open", "returned"):
        rule = "application_settled" if progress == "approved" else "review_under_way"
        raise WrongState(f"the application is {progress}", rules={"application": rule})
    (applied,) = apply(Admission(), command)
    changed = after(admission, applied)
    return [] if changed == admission else followed(standing, [applied])


def ensure_eligible(command: Apply) -> None:
    """Raises EntityNotEligible saying why (SPEC §2.1)."""
    rule = INELIGIBLE.get(command.entity)
    number = command.registration_number.strip().upper()
    if command.entity == "cn_company" and number.startswith(SOLE_PROPRIETOR):
        rule = "entity_sole_proprietor"
    elif command.entity not in get_args(Entity):
        rule = rule or "entity_other"
    elif command.entity == "jp_kabushiki_gaisha" and "株式会社" not in command.company_name:
        rule = "entity_not_kabushiki_gaisha"
    if rule:
        raise EntityNotEligible(f"not eligible: {command.entity}", rules={"entity": rule})


def is_registered_number(command: Apply) -> bool:
    """The check digits are right, and the number is a company's."""
    number = command.registration_number.strip()
    if command.entity == "cn_company":
        return number.upper().startswith(COMPANY_OF_MAINLAND_CHINA) and bool(uscc.is_valid(number))
    return bool(corporate_number.is_valid(number))


def file_document(standing: Standing, command: FileDocument) -> list[AdmissionFact]:
    """Raises WrongState before an application, DocumentRefused for what is not asked for."""
    ensure_asked(standing.admission, command.item)
    filed = DocumentFiled(stamp=command.stamp, item=command.item, file=command.file)
    return followed(standing, [filed])


def file_undertaking(standing: Standing, command: FileUndertaking) -> list[AdmissionFact]:
    """Raises DocumentRefused for an old template, or without seal, signature or signatory."""
    ensure_asked(standing.admission, "undertaking")
    is_stated = {
        "template_version": command.template_version == TEMPLATE_VERSIONS[-1],
        "has_seal": command.has_seal,
        "has_signature": command.has_signature,
        "signatory_name": bool(command.signatory_name.strip()),
    }
    if rules := {name: f"undertaking_{name}" for name, is_met in is_stated.items() if not is_met}:
        raise DocumentRefused(f"mend: {', '.join(rules)}", rules=rules)
    filed = UndertakingFiled(
        stamp=command.stamp, file=command.file, template_version=command.template_version,
        signatory_name=command.signatory_name.strip(),
    )  # fmt: skip
    return followed(standing, [filed])


def file_asin_list(standing: Standing, command: FileAsinList) -> list[AdmissionFact]:
    """The same list again is nothing new. Raises DocumentRefused for an empty one."""
    ensure_asked(standing.admission, "asin_list")
    if not command.asins:
        raise DocumentRefused("mend: asins", rules={"asins": "asin_list_empty"})
    if command.asins == standing.admission.asins and standing.admission.is_in_order("asin_list"):
        return []
    return followed(standing, [AsinListFiled(stamp=command.stamp, asins=command.asins)])


def ensure_asked(admission: Admission, item: Item) -> None:
    """Raises WrongState or DocumentRefused where this is not asked for now."""
    if admission.entity is None:
        raise WrongState("apply first", rules={"item": "apply_first"})
    stage = stage_of(item)
    review = admission.review(stage)
    if review.progress == "in_review":
        raise WrongState(f"in review until {review.due_on}", rules={"item": "review_under_way"})
    if not is_asked(admission, item):
        asked = admission.missing(stage)
        raise DocumentRefused(
            f"asked for: {', '.join(asked) or 'nothing'}",
            rules={"item": "item_not_asked"}, asked_for=list(asked),
        )  # fmt: skip


def is_asked(admission: Admission, item: Item) -> bool:
    """Whether this would be taken now; before the first review also in place of what was filed.

    A chain of authorisations may always follow: brands come later too (E-416).
    """
    review = admission.review(stage_of(item))
    if item == "brand_authorisation" and review.progress == "approved":
        return True
    is_wanted = item in admission.required(stage_of(item)) and review.progress != "in_review"
    return is_wanted and (review.progress == "open" or not admission.is_in_order(item))


def approve(standing: Standing, command: Approve) -> list[AdmissionFact]:
    """Raises WrongState where nothing is in review, naming who decided before."""
    stage, review = in_review(standing.admission)
    approved = ApplicationApproved(stamp=command.stamp, stage=stage, round=review.round)
    return followed(standing, [approved])


def send_back(standing: Standing, command: Return) -> list[AdmissionFact]:
    """Raises WrongState where nothing is in review, DocumentRefused for reasons that don't fit."""
    admission = standing.admission
    stage, review = in_review(admission)
    if not command.rejections:
        raise DocumentRefused("mend: rejections", rules={"rejections": "rejections_missing"})
    misfits = {
        each.item: "rejection_misfit"
        for each in command.rejections
        if each.item not in admission.required(stage) or not fits(each)
    }
    if misfits:
        raise DocumentRefused(f"mend: {', '.join(misfits)}", rules=misfits)
    return [
        ApplicationReturned(
            stamp=command.stamp, stage=stage, round=review.round, rejections=command.rejections
        )
    ]


def fits(rejection: Rejection) -> bool:
    """Whether this kind of thing can have that fault."""
    special = {fault for faults in FAULTS.values() for fault in faults}
    return rejection.fault not in special or rejection.fault in FAULTS.get(rejection.item, ())


def in_review(admission: Admission) -> tuple[Stage, Review]:
    """The review that waits for a decision; there is never more than one. Raises WrongState."""
    for stage in get_args(Stage):
        if admission.review(stage).progress == "in_review":
            return stage, admission.review(stage)
    last = admission.last_decided
    said = f": {last.progress} by {last.decided_by} at {last.decided_at}" if last else ""
    raise WrongState(f"nothing is in review{said}", rules={"decision": "nothing_in_review"})


def followed(standing: Standing, facts: Sequence[AdmissionFact]) -> list[AdmissionFact]:
    """These facts and, where they complete a set, the review that begins."""
    admission = standing.admission
    for fact in facts:
        admission = after(admission, fact)
    moved = standing.model_copy(update={"admission": admission})
    return [*facts, *review_begun(moved, facts[-1].stamp)]


def review_begun(standing: Standing, stamp: Stamp) -> list[AdmissionFact]:
    """The review whose last missing part has come in; nothing while one is lacking."""
    admission = standing.admission
    for stage in get_args(Stage):
        review = admission.review(stage)
        if review.progress == "approved":
            continue
        is_open = review.progress in ("open", "returned") and admission.entity is not None
        is_ready = stage == "pro_seller" or standing.is_linked
        if is_open and is_ready and not admission.missing(stage):
            days = policy_of(stamp.policy).onboarding.review_business_days
            due_on = business_day_after(stamp.decided_at, days)
            number = review.round + 1
            return [ReviewRequested(stamp=stamp, stage=stage, round=number, due_on=due_on)]
        return []
    return []
