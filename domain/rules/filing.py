"""What evidence has to say before it is filed, so that the check that needs it finds it whole."""

from __future__ import annotations

from collections.abc import Mapping

from domain.rules.brands import is_registration
from domain.rules.certificates import parts_missing
from domain.rules.proofs import Proof


def lacking(proof: Proof, *, has_file: bool) -> Mapping[str, str]:
    """The fields to be mended, each with the key of the rule it breaks; empty when all is there.

    A registration can be looked up by anyone; all else is shown by a scan or a photo.
    """
    faults = dict(fields_lacking(proof))
    if proof.kind != "brand" and not has_file:
        faults["file"] = "proof_file"
    return faults


def fields_lacking(proof: Proof) -> Mapping[str, str]:
    """The fields alone; which of them count depends on the kind."""
    match proof.kind:
        case "certificate" if proof.certificate_kind is None:
            return {"certificate_kind": "proof_certificate_kind"}
        case "certificate":
            return {part.field: part.rule for part in parts_missing(proof)}
        case "brand" if not is_registration(proof.number):
            return {"number": "proof_brand_number"}
        case "shipping_time" if proof.shipping_days is None:
            return {"shipping_days": "proof_shipping_days"}
        case _:
            return {}
