"""What the web application shows of a seller's transparency log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.transparency.bundle import Bundle
from domain.transparency.trust_policy import TrustPolicy
from infra.database import Database
from infra.transparency.log_keys import LogKeys
from infra.transparency.log_tables import signed_at
from infra.transparency.proving import prove, served_checkpoint


class TransparencyDesk:
    """Reads as the seller; holds the keys only to sign where a history ends."""

    def __init__(self, database: Database, keys: LogKeys, policy: TrustPolicy | None) -> None:
        self._database = database
        self._keys = keys
        self._policy = policy

    def checkpoint(self, seller_id: UUID) -> str:
        with self._database.reading_for(seller_id) as connection:
            return str(served_checkpoint(connection, seller_id, self._policy))

    def signed_at(self, seller_id: UUID, size: int) -> datetime | None:
        with self._database.reading_for(seller_id) as connection:
            return signed_at(connection, seller_id, size)

    def vkeys(self, seller_id: UUID) -> Sequence[str]:
        return [verifier.vkey for verifier in self._keys.verifiers(seller_id)]

    def prove(self, seller_id: UUID, stream: UUID, old_size: int | None) -> Bundle:
        with self._database.reading_for(seller_id) as connection:
            return prove(connection, self._keys, self._policy, seller_id, stream, old_size)
