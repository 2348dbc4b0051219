"""Files that sellers file as evidence: encrypted, found by the hash of their content, once each."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from domain.application import acting_for
from domain.evidence import EvidenceFile, OwnKind, media_type_of
from infra.database import Database
from infra.personal_data import PersonalData
from infra.vault import NONCE_BYTES, Sealed, Vault

FIRST_EPOCH = 1
"""What was sealed before there were keys of the sellers' own."""


class EvidenceStore:
    """Sealed under the seller's own key, bound to seller and hash: an erasure ends every file."""

    def __init__(self, database: Database, personal_data: PersonalData, vault: Vault) -> None:
        self._database = database
        self._personal_data = personal_data
        self._vault = vault

    def store(
        self, seller_id: UUID, content: bytes, made_as: OwnKind | None = None
    ) -> EvidenceFile:
        """Keep the file; `made_as` only for what we made ourselves.

        Raises EvidenceRefused for what is no PDF, JPEG or PNG of a fair size.
        """
        media_type = media_type_of(content, made_as)
        digest = sha256(content).hexdigest()
        with acting_for(seller_id):
            key_id, box = self._personal_data.seal_bytes(content, place(seller_id, digest))
        with self._database.pool("writer").connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.seller', %s, true)", (str(seller_id),))
            connection.execute(
                "INSERT INTO evidence_files (sha256, media_type, size_bytes, content, key_id)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (digest, media_type, len(content), box, key_id),
            )
        return EvidenceFile(sha256=digest, media_type=media_type, size_bytes=len(content))

    def find(self, seller_id: UUID, digest: str) -> tuple[str, bytes] | None:
        """Media type and content; None where this seller filed no such file, or it was erased."""
        with self._database.reading_for(seller_id) as connection:
            row = connection.execute(
                "SELECT media_type, content, key_id FROM evidence_files WHERE sha256 = %s",
                (digest,),
            ).fetchone()
        if row is None:
            return None
        content = self.opened(seller_id, digest, bytes(row[1]), row[2])
        return (row[0], content) if content is not None else None

    def opened(self, seller_id: UUID, digest: str, box: bytes, key_id: UUID | None) -> bytes | None:
        where = place(seller_id, digest)
        if key_id is not None:
            return self._personal_data.unseal_bytes(key_id, box, where)
        sealed = Sealed(FIRST_EPOCH, box[:NONCE_BYTES], box[NONCE_BYTES:])
        return self._vault.unseal(sealed, where.encode())


def place(seller_id: UUID, digest: str) -> str:
    """What the ciphertext is bound to."""
    return f"{seller_id}|evidence|{digest}"
