"""What is decided about a product: checked, left to a person, proved; state and command in."""

from __future__ import annotations

from typing import Literal

from domain.asin_binding.facts import (
    BindingFact,
    Blocked,
    ImageReviewed,
    Mapped,
    ProofAdded,
    Rejected,
    ReviewRequested,
    Validated,
)
from domain.asin_binding.state import AsinBinding
from domain.errors import EvidenceRefused, WrongState
from domain.facts import Command, Stamp
from domain.policy import Policy, policy_of
from domain.product import Product
from domain.rules.filing import lacking
from domain.rules.findings import Finding
from domain.rules.precheck import Circumstances, ImageReview, Judgement, Tree, image_key, judge
from domain.rules.pricing import float_rate_of
from domain.rules.proofs import Proof
from domain.rules.repricing import priced
from domain.rules.stock import mercari_stock


class CheckBinding(Command):
    """Judge the product; proofs and a person's judgement of its image are the binding's own."""

    product: Product
    around: Circumstances
    tree: Tree


class ReviewImage(Command):
    """A reviewer's decision on the image that waits for one."""

    verdict: Literal["pass", "fail"]
    note: str = ""


class AddProof(Command):
    """Evidence for this binding."""

    proof: Proof


def check(binding: AsinBinding, command: CheckBinding) -> list[BindingFact]:
    """Validated and Mapped, Rejected, Blocked, or left to a person; nothing while UNKNOWN."""
    policy, product = policy_of(command.stamp.policy), command.product
    around = of_binding(binding, command.around)
    judgement = judge(policy, product, binding.terms, around, command.tree)
    stamp = command.stamp.model_copy(update={"observed_at": product.observed_at})
    faults = judgement.faults
    if contradiction := next((fault for fault in faults if fault.code == "E-502"), None):
        return [
            Blocked(
                stamp=stamp, code=contradiction.code, finding=contradiction, product=product,
                circumstances=around,
            )
        ]  # fmt: skip
    if judgement.verdict == "unknown":
        return []
    if judgement.verdict == "fail":
        failing = failed_findings(judgement)
        return [Rejected(stamp=stamp, product=product, findings=failing, circumstances=around)]
    if judgement.verdict == "review":
        image = image_key(around, product)
        if binding.image_in_review == image:
            return []
        return [
            ReviewRequested(
                stamp=stamp, product=product, findings=faults, image=image, circumstances=around
            )
        ]
    return passed(binding, stamp, product, around, judgement, policy)


def of_binding(binding: AsinBinding, around: Circumstances) -> Circumstances:
    """The circumstances with what belongs to this binding: its proofs and its image's review."""
    return around.model_copy(
        update={"proofs": binding.proofs, "image_review": binding.image_review}
    )


def failed_findings(judgement: Judgement) -> tuple[Finding, ...]:
    """What must be mended: of checks that failed, not of those that a person is to look at."""
    failing = (check for check in judgement.checks if check.verdict == "fail")
    every = (finding for check in failing for finding in check.findings)
    return tuple(finding for finding in every if not finding.code.startswith("W-"))


def passed(
    binding: AsinBinding,
    stamp: Stamp,
    product: Product,
    around: Circumstances,
    judgement: Judgement,
    policy: Policy,
) -> list[BindingFact]:
    """What a passed judgement leads to: the amounts to list at, and the category."""
    terms, price = binding.terms, product.price_jpy or 0
    rate = (
        float_rate_of(terms.suggested_price_jpy, price)
        if terms.suggested_price_jpy and price
        else around.default_float_rate
    )
    listed = priced(policy, price, rate, around.pricing, None)
    image, category = judgement.check("image"), judgement.category
    return [
        Validated(
            stamp=stamp, product=product, warnings=judgement.warnings, float_rate=rate,
            price_jpy=listed.price_jpy, reasons=listed.reasons,
            stock=mercari_stock(product.quantity or 0, terms.stock_threshold, around.last_units),
            image_verdict=None if image.is_advisory else image.verdict, circumstances=around,
        ),
        Mapped(
            stamp=stamp, mercari_category_id=terms.mercari_category_id,
            category_path=judgement.category_path,
            match_rate=category.match_rate if category else 0.0,
            reason=category.reason if category else "",
            reason_values=category.values if category else {},
        ),
    ]  # fmt: skip


def review_image(binding: AsinBinding, command: ReviewImage) -> list[BindingFact]:
    """A person's word on the image in between. Raises WrongState where none waits for it."""
    if not binding.is_in_review or binding.image_in_review is None:
        raise WrongState(
            f"no image of {binding.asin} waits for a review", rules={"status": "state_no_review"}
        )
    review = ImageReview(image=binding.image_in_review, verdict=command.verdict, note=command.note)
    return [ImageReviewed(stamp=command.stamp, review=review)]


def add_proof(binding: AsinBinding, command: AddProof) -> list[BindingFact]:
    """File evidence; the same once more is none. Raises EvidenceRefused for what says too little.

    Raises WrongState for a blocked binding, whose end no evidence can change.
    """
    if binding.status == "blocked":
        raise WrongState(
            f"{binding.asin} is blocked for ever: no evidence can change that",
            rules={"status": "state_blocked"},
        )
    if faults := lacking(command.proof, has_file=command.proof.file_sha256 is not None):
        raise EvidenceRefused(f"mend: {', '.join(faults)}", rules=faults)
    if command.proof in binding.proofs:
        return []
    return [ProofAdded(stamp=command.stamp, proof=command.proof)]
