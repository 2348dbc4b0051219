"""A seller's secrets at rest: sealed under the installation's key, bound to seller and kind.

Kinds are the tokens for the marketplaces (`SecretKind`) and `webhook:<id>`, one an endpoint.
"""

from __future__ import annotations

from uuid import UUID

from infra.database import Database
from infra.vault import Sealed, Vault


class SellerSecrets:
    """Stores and opens tokens; a ciphertext moved to another seller does not open."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def store(self, seller_id: UUID, kind: str, token: str) -> None:
        sealed = self._vault.seal(token.encode(), place(seller_id, kind))
        with self._database.pool("keystore").connection() as connection:
            connection.execute(
                "INSERT INTO asin_sync.seller_secret (seller_id, kind, epoch, nonce, ciphertext)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (seller_id, kind) DO UPDATE SET"
                " epoch = excluded.epoch, nonce = excluded.nonce,"
                " ciphertext = excluded.ciphertext, stored_at = now()",
                (seller_id, kind, *sealed),
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
                "SELECT epoch, nonce, ciphertext FROM asin_sync.seller_secret"
                " WHERE seller_id = %s AND kind = %s",
                (seller_id, kind),
            ).fetchone()
        return self._vault.unseal(Sealed(*row), place(seller_id, kind)).decode() if row else None


def place(seller_id: UUID, kind: str) -> bytes:
    """What the ciphertext is bound to."""
    return f"{seller_id}|{kind}".encode()
