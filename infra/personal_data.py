"""Personal data at rest: sealed under a key of the seller's own, readable until that is destroyed.

The key lies wrapped in one row a seller. Destroying it leaves a tombstone, so that no key is ever
made for that seller again; the history that it sealed still folds and still verifies.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.application import current_seller
from domain.errors import SellerLeft
from infra.database import Database
from infra.vault import KEY_BYTES, NONCE_BYTES, Sealed, Vault

CACHE_SECONDS = 30.0
"""So long a process may still open what another has just erased."""

# A key for this seller, unless it has one or had one that was destroyed.
MINT = """
    INSERT INTO asin_sync.personal_key (key_id, seller_id, epoch, nonce, wrapped)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT (seller_id) DO NOTHING
"""
BY_SELLER = "SELECT key_id, epoch, nonce, wrapped FROM asin_sync.personal_key WHERE seller_id = %s"
BY_KEY = "SELECT key_id, epoch, nonce, wrapped FROM asin_sync.personal_key WHERE key_id = %s"
DESTROY = """
    UPDATE asin_sync.personal_key SET nonce = NULL, wrapped = NULL, destroyed_at = now()
    WHERE seller_id = %s AND destroyed_at IS NULL
"""

# A seller that never had a key gets its tombstone all the same.
BURY = """
    INSERT INTO asin_sync.personal_key (key_id, seller_id, epoch, destroyed_at)
    VALUES (%s, %s, 0, now()) ON CONFLICT (seller_id) DO NOTHING
"""


class PersonalData:
    """Seals and opens for the seller that `acting_for` names."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._of_seller: dict[UUID, UUID] = {}
        self._keys: dict[UUID, tuple[float, AESGCM | None]] = {}
        self._lock = Lock()

    def seal(self, content: bytes, place: str) -> dict[str, str]:
        """As JSON of an event. Raises SellerLeft."""
        key_id, box = self.seal_bytes(content, place)
        return {"key": str(key_id), "box": b64encode(box).decode()}

    def unseal(self, sealed: Mapping[str, str], place: str) -> bytes | None:
        return self.unseal_bytes(UUID(sealed["key"]), b64decode(sealed["box"]), place)

    def seal_bytes(self, content: bytes, place: str) -> tuple[UUID, bytes]:
        """The key's id, then nonce and ciphertext in one. Raises SellerLeft."""
        key_id, cipher = self._own_key(current_seller())
        nonce = secrets.token_bytes(NONCE_BYTES)
        return key_id, nonce + cipher.encrypt(nonce, content, bound_to(place, key_id))

    def unseal_bytes(self, key_id: UUID, box: bytes, place: str) -> bytes | None:
        """What was sealed; None where its key was destroyed. Raises InvalidTag."""
        cipher = self._key(key_id)
        if cipher is None:
            return None
        return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound_to(place, key_id))

    def destroy(self, seller_id: UUID) -> None:
        """Destroy the seller's key for good, and never make another. Doing it again is harmless."""
        with self._database.pool("keystore").connection() as connection:
            connection.execute(DESTROY, (seller_id,))
            connection.execute(BURY, (uuid4(), seller_id))
        with self._lock:
            self._keys.clear()
            self._of_seller.clear()

    def _own_key(self, seller_id: UUID) -> tuple[UUID, AESGCM]:
        """The seller's key, made where there never was one. Raises SellerLeft."""
        known = self._of_seller.get(seller_id)
        cipher = self._key(known) if known else None
        if known and cipher:
            return known, cipher
        key_id, *wrapped = self._found_or_minted(seller_id)
        cipher = self._kept(key_id, *wrapped)
        if cipher is None:
            raise SellerLeft("its personal data was erased", rules={"seller": "seller_left"})
        with self._lock:
            self._of_seller[seller_id] = key_id
        return key_id, cipher

    def _found_or_minted(self, seller_id: UUID) -> tuple[Any, ...]:
        with self._database.pool("keystore").connection() as connection:
            found: tuple[Any, ...] | None = connection.execute(BY_SELLER, (seller_id,)).fetchone()
            if found is not None:
                return found
            key_id = uuid4()
            sealed = self._vault.seal(secrets.token_bytes(KEY_BYTES), wrapping(key_id))
            connection.execute(MINT, (key_id, seller_id, *sealed))
            row: tuple[Any, ...]
            [row] = connection.execute(BY_SELLER, (seller_id,))
            return row

    def _key(self, key_id: UUID) -> AESGCM | None:
        with self._lock:
            kept = self._keys.get(key_id)
        if kept and time.monotonic() - kept[0] < CACHE_SECONDS:
            return kept[1]
        with self._database.pool("keystore").connection() as connection:
            found = connection.execute(BY_KEY, (key_id,)).fetchone()
        return self._kept(*found) if found else None

    def _kept(
        self, key_id: UUID, epoch: int, nonce: bytes | None, wrapped: bytes | None
    ) -> AESGCM | None:
        """The key, opened and remembered for a while; None for a destroyed one."""
        cipher = None
        if nonce is not None and wrapped is not None:
            cipher = AESGCM(self._vault.unseal(Sealed(epoch, nonce, wrapped), wrapping(key_id)))
        with self._lock:
            self._keys[key_id] = (time.monotonic(), cipher)
        return cipher


def bound_to(place: str, key_id: UUID) -> bytes:
    return f"{place}|{key_id}".encode()


def wrapping(key_id: UUID) -> bytes:
    return f"personal_key|{key_id}".encode()
