"""Gates: what an ASIN must be before anything else of it counts (SPEC §3)."""

from __future__ import annotations

from collections.abc import Iterable

from domain.policy import Policy, UnsupportedRule
from domain.product import Product
from domain.rules.findings import (
    COMPLIANCE_PAPER,
    INTEGRATION_POLICY,
    Check,
    Finding,
    failed,
    passed,
)
from domain.rules.proofs import Proof, proofs_of_kind
from domain.values import folded
from domain.writing import has_japanese

JAPANESE = ("ja", "ja_jp", "japanese", "日本語")


def check_state(product: Product) -> Check:
    """Active on Amazon.co.jp. Not buyable only because the stock is 0 passes: it lists at 0."""
    if product.status == "unknown":
        return Check(name="asin_state", verdict="unknown")
    is_only_out_of_stock = product.status == "inactive" and product.status_reason == "stock_zero"
    if product.status == "active" or is_only_out_of_stock:
        return passed("asin_state")
    reason = f" ({product.status_reason})" if product.status_reason else ""
    return failed(
        "asin_state",
        Finding(
            code="E-404", field="status", seen=f"{product.status}{reason}",
            rule=STATE_RULES.get(product.status_reason or product.status, "asin_active"),
            source=INTEGRATION_POLICY,
        ),
    )  # fmt: skip


STATE_RULES = {
    "no_offer": "asin_has_offer", "not_found": "asin_has_offer", "deleted": "asin_has_offer",
    "error_issue": "asin_without_error", "LISTING_SUPPRESSED": "asin_not_suppressed",
    "SEARCH_SUPPRESSED": "asin_not_suppressed",
}  # fmt: skip
"""What to look for on Amazon, by the reason that it gave."""


def check_fulfilment(policy: Policy, product: Product, proofs: Iterable[Proof]) -> Check:
    """Fulfilled by Amazon, or by the seller who proves that it ships in time."""
    if product.channel == "fba":
        return passed("fulfilment")
    if product.channel is None:
        verdict = "unknown" if product.status == "active" else "pass"
        return Check(name="fulfilment", verdict=verdict)
    days = shipping_days(product, proofs)
    if days is not None and days <= policy.shipping_days_max:
        return passed("fulfilment")
    return failed(
        "fulfilment",
        Finding(
            code="E-405", field="shipping_days", seen="-" if days is None else str(days),
            rule="shipping_time_proved" if days is None else "shipping_time_short",
            source=INTEGRATION_POLICY,
            values={"days": str(policy.shipping_days_max)},
        ),
    )  # fmt: skip


def shipping_days(product: Product, proofs: Iterable[Proof]) -> int | None:
    """Days to ship, as Amazon states them or as the seller's newest proof does."""
    proved = [proof.shipping_days for proof in proofs_of_kind(proofs, "shipping_time")]
    return next((days for days in reversed(proved) if days is not None), product.shipping_days)


def check_supported(policy: Policy, product: Product) -> Check:
    """Food, medicine, adult goods and what Mercari bans can't be synced."""
    for rule in policy.unsupported:
        if seen := unsupported_because(rule, product):
            return failed(
                "supported",
                Finding(
                    code="E-406", field=seen[0], seen=seen[1], rule=f"unsupported_{rule.key}",
                    source=rule.source,
                ),
            )  # fmt: skip
    return passed("supported")


def unsupported_because(rule: UnsupportedRule, product: Product) -> tuple[str, str] | None:
    """The field and the value by which the rule holds; None where it does not."""
    path, title = product.browse_path, folded(product.title or "")
    if any(starts_with(path, prefix) for prefix in rule.except_prefixes):
        return None
    if any(folded(word) in title for word in rule.except_words):
        return None
    if any(starts_with(path, prefix) for prefix in rule.amazon_prefixes):
        return "browse_path", " > ".join(path)
    if (product.product_type or "").upper() in rule.product_types:
        return "product_type", product.product_type or ""
    word = next((word for word in rule.title_words if folded(word) in title), None)
    return ("title", word) if word else None


def starts_with(path: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """The path begins with these names, whatever their width and case."""
    return [folded(name) for name in path[: len(prefix)]] == [folded(name) for name in prefix]


def check_localisation(product: Product, proofs: Iterable[Proof]) -> Check:
    """A Japanese label and manual: nothing Amazon shows, or a proof, may say otherwise."""
    if any(proofs_of_kind(proofs, "label")):
        return passed("localisation")
    languages = product.manual_languages
    if languages is not None and not any(each.casefold() in JAPANESE for each in languages):
        seen, field, rule = ", ".join(languages) or "-", "manual_languages", "manual_in_japanese"
    elif product.title is not None and not has_japanese(product.title):
        seen, field, rule = product.title, "title", "label_in_japanese"
    else:
        return passed("localisation")
    return failed(
        "localisation",
        Finding(code="E-413", field=field, seen=seen, rule=rule, source=COMPLIANCE_PAPER),
    )
