"""A seller's secrets at rest: AES-256-GCM under the installation's key, bound to seller and kind.

Kinds are the tokens for the marketplaces (`SecretKind`) and `webhook:<id>`, one an endpoint.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.database import Database

_NONCE_BYTES = 12


class SellerSecrets:
    """Stores and opens tokens; a ciphertext moved to another seller does not open."""

    def __init__(self, database: Database, kek: bytes) -> None:
        self._database = database
        self._cipher = AESGCM(kek)

    def store(self, seller_id: UUID, kind: str, token: str) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, token.encode(), place(seller_id, kind))
        with self._database.pool("keystore").connection() as connection:
            connection.execute(
                "INSERT INTO asin_sync.seller_secret (seller_id, kind, nonce, ciphertext)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT (seller_id, kind) DO UPDATE SET"
                " nonce = excluded.nonce, ciphertext = excluded.ciphertext, stored_at = now()",
                (seller_id, kind, nonce, ciphertext),
            )

    def forget(self, seller_id: UUID, kind: str) -> None:
        with self._database.pool("keystore").connection() as connection:
            connection.execute(
                "DELETE FROM asin_sync.seller_secret WHERE seller_id = %s AND kind = %s",
                (seller_id, kind),
            )

    def find(self, seller_id: UUID, kind: str) -> str | None:
        """The token, or None where the seller has linked none."""
        with self._database.pool("keystore").connection() as connection:
            row = connection.execute(
                "SELECT nonce, ciphertext FROM asin_sync.seller_secret"
                " WHERE seller_id = %s AND kind = %s",
                (seller_id, kind),
            ).fetchone()
        if row is None:
            return None
        return self._cipher.decrypt(row[0], row[1], place(seller_id, kind)).decode()


def place(seller_id: UUID, kind: str) -> bytes:
    """What the ciphertext is bound to."""
    return f"{seller_id}|{kind}".encode()
