"""Files that sellers file as evidence: encrypted, found by the hash of their content, once each."""

from __future__ import annotations

import secrets
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.evidence import EvidenceFile, media_type_of
from infra.database import Database

_NONCE_BYTES = 12


class EvidenceStore:
    """AES-256-GCM under the installation's key, bound to seller and hash."""

    def __init__(self, database: Database, kek: bytes) -> None:
        self._database = database
        self._cipher = AESGCM(kek)

    def store(self, seller_id: UUID, content: bytes) -> EvidenceFile:
        """Keep the file. Raises EvidenceRefused for what is no PDF, JPEG or PNG of a fair size."""
        media_type = media_type_of(content)
        digest = sha256(content).hexdigest()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, content, place(seller_id, digest))
        with self._database.pool("writer").connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.seller', %s, true)", (str(seller_id),))
            connection.execute(
                "INSERT INTO evidence_files (sha256, media_type, size_bytes, content)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (digest, media_type, len(content), sealed),
            )
        return EvidenceFile(sha256=digest, media_type=media_type, size_bytes=len(content))

    def find(self, seller_id: UUID, digest: str) -> tuple[str, bytes] | None:
        """Media type and content; None where this seller filed no such file."""
        with self._database.reading_for(seller_id) as connection:
            row = connection.execute(
                "SELECT media_type, content FROM evidence_files WHERE sha256 = %s", (digest,)
            ).fetchone()
        if row is None:
            return None
        sealed = bytes(row[1])
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return row[0], self._cipher.decrypt(nonce, ciphertext, place(seller_id, digest))


def place(seller_id: UUID, digest: str) -> bytes:
    """What the ciphertext is bound to."""
    return f"{seller_id}|evidence|{digest}".encode()
