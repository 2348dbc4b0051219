"""The pre-check of one product: gates, category, compliance, image and warranty, joined (SPEC §3).

The same function judges a dry run, the first step of a binding and every later re-check.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from domain.policy import CertificateRule, Policy, UnsupportedRule
from domain.product import Product
from domain.rules.categories import CategoryMatch, match_category
from domain.rules.pricing import bounds_of, float_rate_of, listed_price_jpy
from domain.rules.warranty import Warranty, faults_in
from domain.values import Value

Verdict = Literal["pass", "fail", "review", "unknown"]


class Finding(Value):
    """One thing found wrong or worth a warning: the value seen and the rule it was held against."""

    code: str
    field: str
    seen: str
    rule: str
    source: str


class Check(Value):
    """One check's verdict; a check that passes has no finding unless it is a warning.

    An advisory check is shown but decides nothing: the image where no inspector is installed.
    """

    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    is_advisory: bool = False


class Terms(Value):
    """What the seller asked for in the row."""

    mercari_category_id: str
    suggested_price_jpy: int | None = None
    stock_threshold: int = 0


class Judgement(Value):
    """Everything the pre-check has to say about one product."""

    verdict: Verdict
    checks: tuple[Check, ...]
    category: CategoryMatch | None = None
    category_path: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for check in self.checks for finding in check.findings)


class Surroundings(Value):
    """What a judgement needs beside the product: the seller's defaults and the shop's tree.

    `category_paths` maps the id of each leaf of the shop to its path.
    """

    warranty: Warranty
    default_float_rate: Decimal
    category_paths: Mapping[str, tuple[str, ...]]


def judge(policy: Policy, product: Product, terms: Terms | None, around: Surroundings) -> Judgement:
    """Judge one product; without terms (a dry run with no category) the category is not judged."""
    checks = [check_state(product), check_supported(policy, product)]
    category: CategoryMatch | None = None
    path: tuple[str, ...] = ()
    if terms is not None:
        check, category, path = check_category(policy, product, terms, around.category_paths)
        checks.append(check)
        checks.append(check_price(policy, product, terms, around.default_float_rate))
    checks.append(check_certificates(policy, product, path or mapped_or_empty(category)))
    checks.append(check_image(product))
    checks.append(check_warranty(around.warranty))
    return Judgement(
        verdict=worst_of(checks), checks=tuple(checks), category=category, category_path=path
    )


def worst_of(checks: list[Check]) -> Verdict:
    """fail beats unknown beats review beats pass."""
    verdicts = {check.verdict for check in checks if not check.is_advisory}
    order: tuple[Verdict, ...] = ("fail", "unknown", "review", "pass")
    return next(verdict for verdict in order if verdict in verdicts)


def mapped_or_empty(category: CategoryMatch | None) -> tuple[str, ...]:
    return category.mapped_path if category else ()


def check_state(product: Product) -> Check:
    """Active on Amazon.co.jp. Not buyable only because the stock is 0 passes: it lists at 0."""
    if product.status == "unknown":
        return Check(name="asin_state", verdict="unknown")
    is_only_out_of_stock = product.status == "inactive" and product.status_reason == "stock_zero"
    if product.status == "active" or is_only_out_of_stock:
        return Check(name="asin_state", verdict="pass")
    seen = (
        f"{product.status} ({product.status_reason})" if product.status_reason else product.status
    )
    return failed("asin_state", "E-404", "status", seen, "Active on Amazon.co.jp")


def check_supported(policy: Policy, product: Product) -> Check:
    """Food, medicine and adult goods can't be synced."""
    for rule in policy.unsupported:
        if is_unsupported(rule, product):
            seen = " > ".join(product.browse_path) or (product.title or "")
            return failed("supported", "E-406", "browse_path", seen, rule.reason, rule.source)
    return Check(name="supported", verdict="pass")


def is_unsupported(rule: UnsupportedRule, product: Product) -> bool:
    prefix, path = rule.amazon_prefix, product.browse_path
    if prefix and path[: len(prefix)] == prefix:
        return True
    return any(word in (product.title or "") for word in rule.words)


def check_category(
    policy: Policy, product: Product, terms: Terms, paths: Mapping[str, tuple[str, ...]]
) -> tuple[Check, CategoryMatch | None, tuple[str, ...]]:
    """The chosen id is a leaf of the shop's tree and fits with at least 92 %."""
    rule = f"match rate ≥ {policy.match_rate_pct_min:g} %"
    chosen = paths.get(terms.mercari_category_id)
    leaves = {path: category_id for category_id, path in paths.items()}
    match = match_category(policy, product.browse_path, product.title, chosen or (), leaves)
    if chosen is None:
        seen = terms.mercari_category_id
        unknown = failed(
            "category", "E-403", "mercari_category_id", seen, "a leaf of the shop's tree"
        )
        return unknown, match, ()
    if match.match_rate < policy.match_rate_pct_min:
        seen = f"{' > '.join(chosen)} ({match.match_rate:g} %): {match.reason}"
        return failed("category", "E-403", "mercari_category_id", seen, rule), match, chosen
    return Check(name="category", verdict="pass"), match, chosen


def check_price(
    policy: Policy, product: Product, terms: Terms, default_float_rate: Decimal
) -> Check:
    """The listed price lies within ±15 % of Amazon's; its lower bound warns of dumping (W-101)."""
    if product.price_jpy is None:
        return Check(name="price", verdict="unknown")
    maximum = Decimal(policy.float_rate_max)
    bounds = bounds_of(product.price_jpy, maximum)
    rule = f"¥{bounds.price_jpy_min:,} – ¥{bounds.price_jpy_max:,}"
    suggested = terms.suggested_price_jpy
    if bounds.price_jpy_min > bounds.price_jpy_max:
        return failed("price", "E-409", "amazon_price_jpy", f"¥{product.price_jpy:,}", rule)
    if suggested is not None and not bounds.hold(suggested):
        return failed("price", "E-409", "suggested_price_jpy", f"¥{suggested:,}", rule)
    rate = default_float_rate if suggested is None else float_rate_of(suggested, product.price_jpy)
    listed = listed_price_jpy(product.price_jpy, rate, maximum)
    if rate <= -maximum or (rate < 0 and listed == bounds.price_jpy_min):
        warning = finding("W-101", "suggested_price_jpy", f"{rate:.2%}", f"> −{maximum:.0%}")
        return Check(name="price", verdict="pass", findings=(warning,))
    return Check(name="price", verdict="pass")


def check_certificates(policy: Policy, product: Product, mercari_path: tuple[str, ...]) -> Check:
    """The certificates that the category needs are on file; not exposed counts as missing here.

    A certificate missing at the first check can be mended (E-501); it never blocks.
    """
    findings = tuple(
        finding("E-501", "certificates", seen_certificates(product), rule.name, rule.source)
        for rule in policy.certificates
        if mercari_path[: len(rule.mercari_prefix)] == rule.mercari_prefix
        and not has_certificate(product, rule)
    )
    return Check(name="compliance", verdict="fail" if findings else "pass", findings=findings)


def hard_fault(policy: Policy, product: Product, mercari_path: tuple[str, ...]) -> Finding | None:
    """E-502 on a live listing: a required certificate, seen to be absent in a complete answer.

    What Amazon does not expose is neither present nor absent, and never blocks.
    """
    if product.certificates is None:
        return None
    missing = check_certificates(policy, product, mercari_path).findings
    return missing[0].model_copy(update={"code": "E-502"}) if missing else None


def has_certificate(product: Product, rule: CertificateRule) -> bool:
    return any(held.kind in rule.kinds for held in product.certificates or ())


def seen_certificates(product: Product) -> str:
    if product.certificates is None:
        return "not exposed by Amazon"
    return ", ".join(held.kind for held in product.certificates) or "none on file"


def check_image(product: Product) -> Check:
    """A main image exists. Its content is not inspected here: unknown, and never called passed."""
    if product.image_url is None:
        return failed("image", "E-410", "image_url", "no main image", "a main image on white")
    return Check(name="image", verdict="unknown", is_advisory=True)


def check_warranty(warranty: Warranty) -> Check:
    """The warranty terms are complete and in Japanese."""
    if faults := faults_in(warranty):
        return failed("warranty", "E-414", "warranty", ", ".join(faults), "SPEC §7, in Japanese")
    return Check(name="warranty", verdict="pass")


def finding(
    code: str, field: str, seen: str, rule: str, source: str = "ASIN Integration Policy v2.1"
) -> Finding:
    return Finding(code=code, field=field, seen=seen, rule=rule, source=source)


def failed(
    name: str,
    code: str,
    field: str,
    seen: str,
    rule: str,
    source: str = "ASIN Integration Policy v2.1",
) -> Check:
    return Check(name=name, verdict="fail", findings=(finding(code, field, seen, rule, source),))
