"""Certificates: what the category's law asks for, what Amazon has on file, what the seller proves.

On file, not exposed and unknown are three different things: only what a complete answer shows to be
absent or different counts against a listing. Sources: facts/mercari-shops §3.3-3.6, policy data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stdnum import ean
from stdnum.exceptions import ValidationError

from domain.policy import CertificateRule, Policy
from domain.product import Certificate, Product
from domain.rules.findings import COMPLIANCE_PAPER, Check, Finding, failed, passed
from domain.rules.gates import starts_with
from domain.rules.proofs import Proof, proofs_of_kind
from domain.values import folded

TELEC = (
    re.compile(r"(?:\[?R\]?:?)?\d{3}-?[0-9A-Z]{6}"),
    re.compile(r"(?:\[?T\]?:?)?[A-Z]{1,3}\d{9}"),
    re.compile(r"\d{3}[A-Z]{2}[A-Z0-9]{2}\d{3,7}"),
)
COSMETICS_LICENCE = (re.compile(r"(?:0[1-9]|[1-3]\d|4[0-7])C0X\d{5,6}"),)
USUAL_FORMS = {"telec": TELEC, "cosmetics_licence": COSMETICS_LICENCE}


def check_certificates(
    policy: Policy, product: Product, mercari_path: tuple[str, ...], proofs: Sequence[Proof]
) -> Check:
    """Every certificate the category needs, on file at Amazon or proved by the seller.

    One that is missing at the first check can be mended (E-501); a number that contradicts the
    seller's certificate can't (E-502).
    """
    rules = [rule for rule in policy.certificates if applies(rule, product, mercari_path)]
    filed = tuple(proofs_of_kind(proofs, "certificate"))
    faults = [fault for rule in rules for fault in faults_under(rule, product, filed)]
    faults += contradictions(rules, product.certificates or (), filed)
    warnings = unusual_numbers(product) + wrong_jan(product)
    if faults and product.is_compliance_unknown and not has_contradiction(faults):
        return Check(name="compliance", verdict="unknown")
    if faults:
        return failed("compliance", *faults, *warnings)
    return passed("compliance", *warnings)


def applies(rule: CertificateRule, product: Product, mercari_path: tuple[str, ...]) -> bool:
    """The goods are of the rule's categories, are not exempt, and have its words where it asks."""
    in_category = any(starts_with(mercari_path, prefix) for prefix in rule.mercari_prefixes)
    if rule.mercari_prefixes and not in_category:
        return False
    leaf = folded(mercari_path[-1]) if mercari_path else ""
    if any(folded(word) in leaf for word in rule.exempt_words):
        return False
    title = folded(product.title or "")
    return not rule.title_words or any(folded(word) in title for word in rule.title_words)


def faults_under(rule: CertificateRule, product: Product, filed: Iterable[Proof]) -> list[Finding]:
    """E-501 where there is no certificate of the rule's kinds, or the seller's lacks a part."""
    if any(held.kind in rule.kinds for held in product.certificates or ()):
        return []
    proofs = [proof for proof in filed if proof.certificate_kind in rule.kinds]
    if not proofs:
        return [missing(rule, f"certificate_{rule.key}", seen_certificates(product))]
    return [missing(rule, part.rule, part.seen) for part in parts_missing(proofs[-1])]


def missing(rule: CertificateRule, text: str, seen: str) -> Finding:
    return Finding(code="E-501", field="certificates", seen=seen, rule=text, source=rule.source)


class MissingPart(NamedTuple):
    """A field of a proof that says too little, the rule it breaks, and what it says."""

    field: str
    rule: str
    seen: str = "-"


def parts_missing(proof: Proof) -> Iterator[MissingPart]:
    """What the seller's own certificate must say, by its kind."""
    kind = proof.certificate_kind
    if kind in ("pse_diamond", "pse_circle", "psc") and not proof.notifier.strip():
        yield MissingPart("notifier", "notifier_named")
    if kind == "pse_diamond" and not proof.inspection_body.strip():
        yield MissingPart("inspection_body", "inspection_body_named")
    if kind == "telec" and not has_form(proof.number, TELEC):
        yield MissingPart("number", "telec_number_form", proof.number or "-")
    if kind == "cosmetics_licence" and not proof.number.strip():
        yield MissingPart("number", "cosmetics_licence_number")
    if kind == "cosmetics_licence" and proof.notified_on is None:
        yield MissingPart("notified_on", "cosmetics_notified_on")


def contradictions(
    rules: Iterable[CertificateRule], held: Sequence[Certificate], filed: Iterable[Proof]
) -> list[Finding]:
    """E-502: Amazon has another number on file than the seller's certificate of that kind."""
    kinds = {kind for rule in rules for kind in rule.kinds}
    return [
        hard("certificate_differs", f"{on_file[0]} / {proof.number}")
        for proof in filed
        if proof.certificate_kind in kinds and proof.number.strip()
        for on_file in [[each.number for each in held if each.kind == proof.certificate_kind]]
        if any(map(str.strip, on_file)) and number_of(proof.number) not in map(number_of, on_file)
    ]


def hard(rule: str, seen: str) -> Finding:
    """A fault that closes the binding for ever."""
    return Finding(
        code="E-502", field="certificates", seen=seen, rule=rule, source=COMPLIANCE_PAPER
    )


def has_contradiction(faults: Iterable[Finding]) -> bool:
    return any(fault.code == "E-502" for fault in faults)


def hard_fault(
    policy: Policy,
    product: Product,
    validated: Product | None,
    mercari_path: tuple[str, ...],
    proofs: Sequence[Proof],
) -> Finding | None:
    """E-502 on a live listing: a certificate gone from a complete answer, or another number.

    What Amazon does not expose, or could not be read, never blocks; nor does an absence that the
    seller's own certificate covers.
    """
    if product.certificates is None or product.is_compliance_unknown:
        return None
    filed = tuple(proofs_of_kind(proofs, "certificate"))
    rules = [rule for rule in policy.certificates if applies(rule, product, mercari_path)]
    for rule in rules:
        is_held = any(held.kind in rule.kinds for held in product.certificates)
        if not is_held and not any(proof.certificate_kind in rule.kinds for proof in filed):
            return hard("certificate_gone", rule.key)
    differing = contradictions(rules, product.certificates, filed)
    before = validated.certificates if validated else None
    changed = changed_numbers(before or (), product.certificates)
    return next(iter([*differing, *changed]), None)


def changed_numbers(before: Iterable[Certificate], now: Sequence[Certificate]) -> list[Finding]:
    """E-502 for each number that stood at the check and stands no more, another in its place."""
    return [
        hard("certificate_changed", f"{held.number} → {others[0]}")
        for held in before
        for others in [[each.number for each in now if each.kind == held.kind]]
        if held.number and any(others) and number_of(held.number) not in map(number_of, others)
    ]


def unusual_numbers(product: Product) -> tuple[Finding, ...]:
    """W-105: a number on file that does not look like one of its kind: a typing mistake?"""
    return tuple(
        Finding(
            code="W-105", field="certificates", seen=f"{held.kind}: {held.number}",
            rule=f"{held.kind}_usual_form", source=COMPLIANCE_PAPER,
        )
        for held in product.certificates or ()
        if held.number.strip() and held.kind in USUAL_FORMS
        and not has_form(held.number, USUAL_FORMS[held.kind])
    )  # fmt: skip


def wrong_jan(product: Product) -> tuple[Finding, ...]:
    """W-104: the JAN on file fails its own check digit."""
    if product.jan is None:
        return ()
    try:
        ean.validate(folded(product.jan))
    except ValidationError:
        return (
            Finding(
                code="W-104", field="jan", seen=product.jan, rule="jan_check_digit",
                source="JIS X 0501 / GS1",
            ),
        )  # fmt: skip
    return ()


def has_form(number: str, forms: Iterable[re.Pattern[str]]) -> bool:
    compact = folded(number).upper()
    return any(form.fullmatch(compact) for form in forms)


def number_of(text: str) -> str:
    """For comparing: full width, case, spaces and hyphens do not count."""
    return re.sub(r"[-‐–−ー.:\[\]]", "", folded(text)).upper()


def seen_certificates(product: Product) -> str:
    """The kinds on file; `not_exposed` and `none_on_file` have their own wording."""
    if product.certificates is None:
        return "not_exposed"
    return ", ".join(held.kind for held in product.certificates) or "none_on_file"
