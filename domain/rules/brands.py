"""Brands: registered in Japan (E-407), and covered by the seller's authorisation chain (E-416)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import AwareDatetime

from domain.policy import Policy
from domain.product import Product
from domain.rules.findings import INTEGRATION_POLICY, Check, Finding, failed, passed
from domain.rules.proofs import Proof, proofs_of_kind
from domain.values import Value, folded

REGISTRATION = re.compile(r"(?:登録|商標登録)?第?(?:\d{7}|国際登録第?\d{6,7})(?:号)?")


class BrandAuthorisation(Value):
    """A brand that a reviewer found the seller entitled to sell, by an unbroken chain of papers.

    `chain` names the links from the owner of the brand to the seller. Held by its document's hash.
    """

    brand: str
    registration_number: str
    chain: tuple[str, ...] = ()
    document_sha256: str | None = None
    valid_until: AwareDatetime | None = None


def check_brand(
    policy: Policy,
    product: Product,
    authorisations: Iterable[BrandAuthorisation],
    proofs: Iterable[Proof],
) -> list[Check]:
    """Goods without a brand need neither; an authorisation carries the brand's registration."""
    if is_unbranded(policy, product.brand):
        return [passed("brand_registered"), passed("brand_authorised")]
    brand = product.brand or ""
    own = authorisation_for(brand, authorisations)
    is_registered = (
        folded(brand) in policy.registered_brands
        or (own is not None and is_registration(own.registration_number))
        or any(is_registration(proof.number) for proof in proofs_of_kind(proofs, "brand"))
    )
    source = "商標法; " + INTEGRATION_POLICY
    registered = (
        passed("brand_registered")
        if is_registered
        else failed(
            "brand_registered",
            Finding(
                code="E-407", field="brand", seen=brand, rule="brand_registered", source=source
            ),
        )
    )
    authorised = (
        passed("brand_authorised")
        if own is not None
        else failed(
            "brand_authorised",
            Finding(
                code="E-416", field="brand", seen=brand, rule="brand_in_chain",
                source=INTEGRATION_POLICY,
            ),
        )
    )  # fmt: skip
    return [registered, authorised]


def is_unbranded(policy: Policy, brand: str | None) -> bool:
    return not brand or not brand.strip() or folded(brand) in policy.unbranded


def authorisation_for(
    brand: str, authorisations: Iterable[BrandAuthorisation]
) -> BrandAuthorisation | None:
    wanted = folded(brand)
    return next((each for each in authorisations if folded(each.brand) == wanted), None)


def is_registration(number: str) -> bool:
    """The form of a registration at the Japan Patent Office: seven digits, or an international."""
    return bool(REGISTRATION.fullmatch(folded(number)))
