"""The facts of a seller's admission, on the seller's own stream (SPEC §2)."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from domain.error_codes import Language
from domain.evidence import EvidenceFile
from domain.facts import Fact
from domain.values import Value

Entity = Literal["cn_company", "jp_kabushiki_gaisha"]
Stage = Literal["pro_seller", "asin_sync"]
"""Two reviews: to become a Pro Seller, then to be let into ASIN Sync."""
Item = Literal[
    "business_registration", "business_registration_translation", "company_register",
    "bank_account", "tax_agent_authority", "brand_authorisation", "undertaking", "asin_list",
]  # fmt: skip
"""What is asked for; the first six are documents of the company, the last two are of ASIN Sync."""
Fault = Literal[
    "unreadable", "incomplete", "wrong_document", "out_of_date", "other_company",
    "not_notarised", "account_not_in_yen", "agent_not_registered", "chain_broken",
    "seal_missing", "signature_missing", "template_outdated", "asins_not_allowed",
]  # fmt: skip


class Rejection(Value):
    """One thing that a reviewer sends back, and why."""

    item: Item
    fault: Fault


class ListedAsin(Value):
    """One ASIN that the seller means to sync."""

    asin: str
    mercari_category_id: str
    suggested_price_jpy: int | None = None


class Applied(Fact):
    """A company asked to become a Pro Seller. The people named are its own, not buyers."""

    TOPIC: ClassVar[str] = "seller.applied"
    PERSONAL: ClassVar[frozenset[str]] = frozenset(
        {"representative_name", "contact_name", "contact_email"}
    )
    entity: Entity
    company_name: str
    registration_number: str
    sells_brands: bool
    language: Language
    representative_name: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None


class DocumentFiled(Fact):
    """A document came in, first or in place of one that was sent back."""

    TOPIC: ClassVar[str] = "seller.document_filed"
    item: Item
    file: EvidenceFile


class UndertakingFiled(Fact):
    """The compliance undertaking came in, on this version of Mercari's template.

    The seller states that the company's seal and its representative's signature are on it.
    """

    TOPIC: ClassVar[str] = "seller.undertaking_filed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"signatory_name"})
    template_version: str
    file: EvidenceFile
    signatory_name: str | None = None


class AsinListFiled(Fact):
    """The ASINs that the seller means to sync, in place of any list before."""

    TOPIC: ClassVar[str] = "seller.asin_list_filed"
    asins: tuple[ListedAsin, ...] = Field(repr=False)


class ReviewRequested(Fact):
    """All that this review needs is there: its clock runs, by the Japanese business calendar."""

    TOPIC: ClassVar[str] = "seller.review_requested"
    stage: Stage
    round: int
    due_on: date


class ApplicationApproved(Fact):
    """A reviewer found everything in order; `round` 1 is a first pass."""

    TOPIC: ClassVar[str] = "seller.application_approved"
    stage: Stage
    round: int


class ApplicationReturned(Fact):
    """A reviewer sent some of it back; only that is asked for again."""

    TOPIC: ClassVar[str] = "seller.application_returned"
    stage: Stage
    round: int
    rejections: tuple[Rejection, ...]


AdmissionFact = (
    Applied | DocumentFiled | UndertakingFiled | AsinListFiled | ReviewRequested
    | ApplicationApproved | ApplicationReturned
)  # fmt: skip
