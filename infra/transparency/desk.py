"""What the web application shows of a seller's transparency log."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.transparency.bundle import Bundle
from infra.database import Database
from infra.transparency.log_keys import LogKeys
from infra.transparency.proving import newest_checkpoint, prove


class TransparencyDesk:
    """Reads as the seller; holds the keys only to sign where a history ends."""

    def __init__(self, database: Database, keys: LogKeys) -> None:
        self._database = database
        self._keys = keys

    def checkpoint(self, seller_id: UUID) -> str:
        with self._database.reading_for(seller_id) as connection:
            return str(newest_checkpoint(connection, seller_id))

    def vkeys(self, seller_id: UUID) -> Sequence[str]:
        return [verifier.vkey for verifier in self._keys.verifiers(seller_id)]

    def prove(self, seller_id: UUID, stream: UUID, old_size: int | None) -> Bundle:
        with self._database.reading_for(seller_id) as connection:
            return prove(connection, self._keys, seller_id, stream, old_size)
