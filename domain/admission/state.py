"""What the facts of an admission amount to: what is there, what is missing, who has to act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from operator import itemgetter
from typing import Literal, assert_never

from domain.admission.facts import (
    AdmissionFact,
    ApplicationApproved,
    ApplicationReturned,
    Applied,
    AsinListFiled,
    DocumentFiled,
    Entity,
    Fault,
    Item,
    ListedAsin,
    ReviewRequested,
    Stage,
    UndertakingFiled,
)
from domain.values import Value

REQUIRED: Mapping[Entity, tuple[Item, ...]] = {
    "cn_company": (
        "business_registration", "business_registration_translation", "bank_account",
        "tax_agent_authority",
    ),
    "jp_kabushiki_gaisha": ("company_register", "bank_account"),
}  # fmt: skip
"""SPEC §2.2: a Japanese company files its register extract, and needs no tax agent."""
PERMISSION: tuple[Item, ...] = ("undertaking", "asin_list")
Progress = Literal["open", "in_review", "returned", "approved"]


class Filed(Value):
    """One thing that was filed; `fault` says why it is asked for again."""

    sha256: str | None = None
    fault: Fault | None = None


class Review(Value):
    """One of the two reviews."""

    progress: Progress = "open"
    round: int = 0
    due_on: date | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


class Admission(Value):
    """How far the seller has come; `entity` is None until it has applied."""

    entity: Entity | None = None
    company_name: str = ""
    registration_number: str = ""
    sells_brands: bool = False
    representative_name: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    items: Mapping[Item, Filed] = {}
    asins: tuple[ListedAsin, ...] = ()
    template_version: str | None = None
    reviews: Mapping[Stage, Review] = {}

    def review(self, stage: Stage) -> Review:
        return self.reviews.get(stage, Review())

    def required(self, stage: Stage) -> tuple[Item, ...]:
        """What this review needs, in the order in which it is asked for."""
        if stage == "asin_sync":
            return PERMISSION
        if self.entity is None:
            return ()
        brands: tuple[Item, ...] = ("brand_authorisation",) if self.sells_brands else ()
        return (*REQUIRED[self.entity], *brands)

    def missing(self, stage: Stage) -> list[Item]:
        """What was never filed or was sent back."""
        return [item for item in self.required(stage) if not self.is_in_order(item)]

    @property
    def last_decided(self) -> Review | None:
        """The review that was decided last; None before the first decision."""
        found = [(each.decided_at, each) for each in self.reviews.values() if each.decided_at]
        return max(found, key=itemgetter(0))[1] if found else None

    def is_in_order(self, item: Item) -> bool:
        return item in self.items and self.items[item].fault is None


class Standing(Value):
    """Where an admission stands, and the links without which ASIN Sync is not reviewed."""

    admission: Admission
    is_linked: bool


def stage_of(item: Item) -> Stage:
    return "asin_sync" if item in PERMISSION else "pro_seller"


def after(admission: Admission, fact: AdmissionFact) -> Admission:
    """The state once this has happened too."""
    match fact:
        case Applied():
            names = set(Admission.model_fields) & set(Applied.model_fields)
            return admission.model_copy(update={name: getattr(fact, name) for name in names})
        case DocumentFiled():
            return with_item(admission, fact.item, Filed(sha256=fact.file.sha256))
        case UndertakingFiled():
            signed = admission.model_copy(update={"template_version": fact.template_version})
            return with_item(signed, "undertaking", Filed(sha256=fact.file.sha256))
        case AsinListFiled():
            listed = admission.model_copy(update={"asins": fact.asins})
            return with_item(listed, "asin_list", Filed())
        case ReviewRequested():
            begun = Review(progress="in_review", round=fact.round, due_on=fact.due_on)
            return with_review(admission, fact.stage, begun)
        case ApplicationApproved():
            return with_review(admission, fact.stage, decided("approved", fact))
        case ApplicationReturned():
            for each in fact.rejections:
                filed = admission.items.get(each.item, Filed())
                sent_back = filed.model_copy(update={"fault": each.fault})
                admission = with_item(admission, each.item, sent_back)
            return with_review(admission, fact.stage, decided("returned", fact))
        case _:
            assert_never(fact)


def decided(progress: Progress, fact: ApplicationApproved | ApplicationReturned) -> Review:
    by, at = fact.stamp.actor, fact.stamp.decided_at
    return Review(progress=progress, round=fact.round, decided_by=by, decided_at=at)


def with_item(admission: Admission, item: Item, filed: Filed) -> Admission:
    return admission.model_copy(update={"items": {**admission.items, item: filed}})


def with_review(admission: Admission, stage: Stage, review: Review) -> Admission:
    return admission.model_copy(update={"reviews": {**admission.reviews, stage: review}})
