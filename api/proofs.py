"""Evidence that comes in by form or API: its fields checked, its file kept, and decided on."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationError

from api.desk import Desk
from domain.application import acting_for
from domain.asin_binding import judging
from domain.bindings import change_binding
from domain.errors import EvidenceRefused, NotFound
from domain.rules.filing import lacking
from domain.rules.proofs import Proof, Statement
from domain.stamps import Work


class ProofFields(Statement):
    """A statement as a form sends it; what it has to say is `domain/rules/filing.py`."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, str_max_length=200)

    shipping_days: int | None = Field(None, ge=0, le=60)


def proof_of(fields: Mapping[str, str]) -> Proof:
    """The proof that these fields describe; blank ones are absent. Raises EvidenceRefused."""
    given = {name: value for name, value in fields.items() if value.strip()}
    try:
        return Proof.model_validate(ProofFields.model_validate(given).model_dump())
    except ValidationError as error:
        wrong = sorted({str(each["loc"][0]) for each in error.errors()})
        rules = {name: FORMS.get(name, "proof_text") for name in wrong}
        raise EvidenceRefused(f"mend: {', '.join(wrong)}", rules=rules) from error


FORMS = {
    "kind": "proof_kind", "certificate_kind": "proof_certificate_kind",
    "notified_on": "proof_date", "shipping_days": "proof_shipping_days",
}  # fmt: skip
"""What each field has to look like, as a key of the wording tables."""


def prove(
    desk: Desk,
    seller_id: UUID,
    binding_id: UUID,
    version: int,
    fields: Mapping[str, str],
    content: bytes | None,
    work: Work,
) -> int | None:
    """File the evidence; return its position, or None where it was filed already.

    Raises EvidenceRefused, NotFound, VersionConflict, WrongState.
    """
    proof = proof_of(fields)
    if faults := lacking(proof, has_file=bool(content)):
        raise EvidenceRefused(f"mend: {', '.join(faults)}", rules=faults)
    with acting_for(seller_id):
        if desk.app.binding(binding_id) is None:
            raise NotFound("no such binding")
        if content:
            kept = desk.store_evidence(seller_id, content)
            names = {"file_sha256": kept.sha256, "media_type": kept.media_type}
            proof = proof.model_copy(update=names)
        command = judging.AddProof(stamp=work.stamp(), proof=proof)
        _, position = change_binding(
            desk.app, binding_id, version, lambda it: judging.add_proof(it, command), work
        )
    return position
