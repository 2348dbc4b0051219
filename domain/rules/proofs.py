"""Evidence that a seller files for one binding: certificates, a brand, shipping time, a label.

The file itself is kept elsewhere under its hash; who filed it and when is in the fact that adds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from domain.values import Value

ProofKind = Literal["certificate", "brand", "shipping_time", "label"]
CertificateKind = Literal[
    "pse_diamond", "pse_circle", "telec", "cosmetics_licence", "jis_s_5001", "psc"
]


class Statement(Value):
    """What a piece of evidence says; which fields count depends on the kind.

    certificate: kind and, by kind, number, notifier, inspection body, rating, notification date.
    brand: the registration number at the Japan Patent Office. shipping_time: days. label: none.
    """

    kind: ProofKind
    certificate_kind: CertificateKind | None = None
    number: str = ""
    notifier: str = ""
    inspection_body: str = ""
    rating: str = ""
    notified_on: date | None = None
    shipping_days: int | None = None


class Proof(Statement):
    """A statement, and the file that shows it."""

    file_sha256: str | None = None
    media_type: str | None = None


def proofs_of_kind(proofs: Iterable[Proof], kind: ProofKind) -> Iterator[Proof]:
    """Those of one kind, oldest first."""
    return (proof for proof in proofs if proof.kind == kind)
