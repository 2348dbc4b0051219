"""Files of evidence: what may be filed, told by the content and never by its name (SPEC §2)."""

from __future__ import annotations

from typing import Literal

from domain.errors import EvidenceRefused
from domain.values import Value

SIZE_BYTES_MAX = 10 * 1024 * 1024
_BEGINNINGS = {
    "application/pdf": (b"%PDF-",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
}
_ENDINGS = {
    "application/pdf": b"%%EOF",
    "image/jpeg": b"\xff\xd9",
    "image/png": b"IEND\xaeB`\x82",
}
_TAIL_BYTES = 1024


OwnKind = Literal["text/csv", "application/json"]
"""What we make ourselves and keep beside what is filed; no upload is ever taken as one of these."""


class EvidenceFile(Value):
    """A file that is kept, by the hash of its content."""

    sha256: str
    media_type: str
    size_bytes: int


def media_type_of(content: bytes, made_as: OwnKind | None = None) -> str:
    """PDF, JPEG or PNG; `made_as` is for our own. Raises EvidenceRefused, saying what to send."""
    if not content:
        raise unfit("file_empty")
    if len(content) > SIZE_BYTES_MAX:
        raise unfit("file_too_large")
    if made_as is not None:
        return made_as
    for media_type, beginnings in _BEGINNINGS.items():
        if content.startswith(beginnings):
            if _ENDINGS[media_type] not in content[-_TAIL_BYTES:]:
                raise unfit("file_cut_off")
            return media_type
    raise unfit("file_of_other_type")


def unfit(rule: str) -> EvidenceRefused:
    return EvidenceRefused("mend: file", rules={"file": rule})
