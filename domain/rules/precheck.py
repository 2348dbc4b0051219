"""The pre-check of one product: gates, category, compliance, image, price and warranty (SPEC §3).

The same function judges a dry run, the first step of a binding and every later re-check.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.images import ImageReading
from domain.policy import Policy
from domain.product import Product
from domain.rules.brands import BrandAuthorisation, check_brand
from domain.rules.categories import CategoryMatch, match_category
from domain.rules.certificates import check_certificates
from domain.rules.findings import INTEGRATION_POLICY, Check, Finding, Verdict, failed, passed
from domain.rules.gates import check_fulfilment, check_localisation, check_state, check_supported
from domain.rules.images import judge_image
from domain.rules.price_check import check_price
from domain.rules.proofs import Proof
from domain.rules.repricing import RulesInForce
from domain.rules.warranty import Warranty, check_warranty
from domain.values import Value

Tree = Mapping[str, tuple[str, ...]]
"""The shop's leaves: each id's path."""

SEEN_ON_AMAZON = ("localisation", "category", "compliance", "image", "warranty")
"""Checks that look at what Amazon shows, or at what would stand beside it."""

NO_IMAGE = ImageReading(status="unusable", detail="no_image")


class Terms(Value):
    """What the seller asked for in the row."""

    mercari_category_id: str
    suggested_price_jpy: int | None = None
    stock_threshold: int = 0


class ImageReview(Value):
    """A person's decision on one image that the inspector left in between; `image` is its key."""

    image: str
    verdict: Literal["pass", "fail"]
    note: str = ""


class Circumstances(Value):
    """What a judgement stands on beside product and terms; recorded with every decision.

    `tree_id` names the stream that holds the shop's category tree as it was.
    """

    warranty: Warranty
    default_float_rate: Decimal
    authorisations: tuple[BrandAuthorisation, ...] = ()
    proofs: tuple[Proof, ...] = ()
    image: ImageReading = ImageReading(status="not_installed")
    image_review: ImageReview | None = None
    tree_id: UUID | None = None
    pricing: RulesInForce | None = None
    last_units: int = 0


class Judgement(Value):
    """Everything the pre-check has to say about one product."""

    verdict: Verdict
    checks: tuple[Check, ...]
    category: CategoryMatch | None = None
    category_path: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are no warnings, of checks that count."""
        counted = (check for check in self.checks if not check.is_advisory)
        every = (finding for check in counted for finding in check.findings)
        return tuple(finding for finding in every if not finding.code.startswith("W-"))

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.code.startswith("W-"))

    def check(self, name: str) -> Check:
        """The check of that name. Raises StopIteration for one that was not made."""
        return next(check for check in self.checks if check.name == name)


def judge(
    policy: Policy, product: Product, terms: Terms | None, around: Circumstances, tree: Tree
) -> Judgement:
    """Judge one product; without terms (a dry run with no category) the category is not judged.

    Of a product that Amazon shows nothing of, its state is all there is to say.
    """
    state = check_state(product)
    if state.verdict == "fail" and product.is_blank:
        rest = (Check(name=name, verdict="unknown") for name in SEEN_ON_AMAZON)
        return Judgement(verdict="fail", checks=(state, *rest))
    checks = [
        state,
        check_fulfilment(policy, product, around.proofs),
        check_supported(policy, product),
        *check_brand(policy, product, around.authorisations, around.proofs),
        check_localisation(product, around.proofs),
    ]
    category: CategoryMatch | None = None
    path: tuple[str, ...] = ()
    if terms is not None:
        check, category, path = check_category(policy, product, terms, tree)
        price = check_price(
            policy, product, terms.suggested_price_jpy, around.default_float_rate, around.pricing
        )
        checks += [check, price]
    compliance_path = path or (category.mapped_path if category else ())
    checks += [
        check_certificates(policy, product, compliance_path, around.proofs),
        check_image(policy, product, around),
        check_warranty(around.warranty),
    ]
    return Judgement(
        verdict=worst_of(checks), checks=tuple(checks), category=category, category_path=path
    )


def worst_of(checks: list[Check]) -> Verdict:
    """fail beats unknown beats review beats pass."""
    verdicts = {check.verdict for check in checks if not check.is_advisory}
    order: tuple[Verdict, ...] = ("fail", "unknown", "review", "pass")
    return next(verdict for verdict in order if verdict in verdicts)


def check_category(
    policy: Policy, product: Product, terms: Terms, tree: Tree
) -> tuple[Check, CategoryMatch, tuple[str, ...]]:
    """The chosen id is a leaf of the shop's tree and fits with at least 92 %."""
    chosen = tree.get(terms.mercari_category_id, ())
    leaves = {path: category_id for category_id, path in tree.items()}
    match = match_category(
        policy.categories, product.browse_path, product.product_type, product.title, chosen, leaves
    )
    if chosen and match.match_rate >= policy.categories.match_rate_pct_min:
        return passed("category"), match, chosen
    return failed("category", misfit(policy, terms, chosen, match, leaves)), match, chosen


def misfit(
    policy: Policy,
    terms: Terms,
    chosen: tuple[str, ...],
    match: CategoryMatch,
    leaves: Mapping[tuple[str, ...], str],
) -> Finding:
    """E-403 with the leaves that fit, or the nearest where none does."""
    line_pct = policy.categories.match_rate_pct_min
    fitting = [(path, rate) for path, rate in match.alternatives if rate >= line_pct]
    shown = fitting or match.alternatives
    how = "" if fitting else "_nearest" if shown else "_none"
    return Finding(
        code="E-403", field="mercari_category_id",
        seen=f"{' > '.join(chosen)} {match.match_rate:g} %"
        if chosen
        else terms.mercari_category_id,
        rule=f"category_fits{how}" if chosen else f"category_is_leaf{how}",
        source=INTEGRATION_POLICY,
        values={
            "rate": f"{line_pct:g}",
            "alternatives": ", ".join(
                f"{' > '.join(path)} [{leaves[path]}] {rate:g} %" for path, rate in shown
            ),
        },
    )  # fmt: skip


def check_image(policy: Policy, product: Product, around: Circumstances) -> Check:
    """The inspector's verdict; where it is in between, a person's, once there is one."""
    if product.image_url is None:
        return failed("image", no_image())
    check = judge_image(around.image, product.title or "", product.brand, policy.images)
    review = around.image_review
    if check.verdict != "review" or review is None or review.image != image_key(around, product):
        return check
    return passed("image") if review.verdict == "pass" else failed("image", *check.findings)


def no_image() -> Finding:
    """Amazon shows no main image; Mercari takes no listing without one."""
    return Finding(
        code="E-410",
        field="main_image",
        seen="-",
        rule="main_image_there",
        source=INTEGRATION_POLICY,
    )


def image_key(around: Circumstances, product: Product) -> str:
    """What tells one image from another: its bytes' hash, or its address where it can't be read."""
    facts = around.image.facts
    return facts.sha256 if facts else product.image_url or "-"
