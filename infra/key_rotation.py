"""Rotating the key that seals all others: a new one, everything sealed anew, the old one destroyed.

A destroyed key is what makes an erasure true for backups and the write-ahead log too: what they
still hold of a wrapped key opens with nothing.
"""

from __future__ import annotations

import time
from hashlib import sha256
from typing import NamedTuple

from domain.application import acting_for
from infra import evidence_store, seller_secrets
from infra.installation import Installation
from infra.personal_data import wrapping
from infra.vault import Sealed

OTHERS_SECONDS = 2.0
"""So long another process may be between choosing a key and writing what it sealed."""

OLD_KEYS = """
    SELECT key_id, epoch, nonce, wrapped FROM asin_sync.personal_key
    WHERE epoch < %s AND wrapped IS NOT NULL
"""
OLD_SECRETS = """
    SELECT seller_id, kind, epoch, nonce, ciphertext FROM asin_sync.seller_secret WHERE epoch < %s
"""

# Files that were sealed before sellers had keys of their own.
OLD_FILES = "SELECT seller_id, sha256, content FROM evidence_files WHERE key_id IS NULL"


class Rotated(NamedTuple):
    """What a rotation has sealed anew, and the epochs whose keys are no more."""

    epoch: int
    personal_keys: int
    secrets: int
    files: int
    destroyed: list[int]


def rotate(installation: Installation) -> Rotated:
    """Interrupted, it can be run again: an old key goes last, once nothing needs it."""
    vault = installation.keys.vault
    epoch = vault.begin_epoch()
    first = resealed(installation, epoch)
    time.sleep(OTHERS_SECONDS)
    late = resealed(installation, epoch)
    keys, secrets, files = (one + more for one, more in zip(first, late, strict=True))
    return Rotated(epoch, keys, secrets, files, vault.destroy_before(epoch))


def resealed(installation: Installation, epoch: int) -> tuple[int, int, int]:
    """How many personal keys, secrets and files were still sealed under an older key."""
    return (
        reseal_personal_keys(installation, epoch),
        reseal_secrets(installation, epoch),
        reseal_files(installation),
    )


def reseal_personal_keys(installation: Installation, epoch: int) -> int:
    vault = installation.keys.vault
    with installation.database.pool("keystore").connection() as connection:
        old = connection.execute(OLD_KEYS, (epoch,)).fetchall()
        for key_id, *sealed in old:
            place = wrapping(key_id)
            anew = vault.seal(vault.unseal(Sealed(*sealed), place), place)
            connection.execute(
                "UPDATE asin_sync.personal_key SET epoch = %s, nonce = %s, wrapped = %s"
                " WHERE key_id = %s AND wrapped IS NOT NULL",
                (*anew, key_id),
            )
    return len(old)


def reseal_secrets(installation: Installation, epoch: int) -> int:
    vault = installation.keys.vault
    with installation.database.pool("keystore").connection() as connection:
        old = connection.execute(OLD_SECRETS, (epoch,)).fetchall()
        for seller_id, kind, *sealed in old:
            place = seller_secrets.place(seller_id, kind)
            anew = vault.seal(vault.unseal(Sealed(*sealed), place), place)
            connection.execute(
                "UPDATE asin_sync.seller_secret SET epoch = %s, nonce = %s, ciphertext = %s"
                " WHERE seller_id = %s AND kind = %s AND nonce = %s",
                (*anew, seller_id, kind, sealed[1]),
            )
    return len(old)


def reseal_files(installation: Installation) -> int:
    """Under the seller's own key. Raises ValueError for a file that is not what its hash says."""
    with installation.database.pool("keystore").connection() as connection:
        old = connection.execute(OLD_FILES).fetchall()
        for seller_id, digest, box in old:
            content = installation.evidence.opened(seller_id, digest, bytes(box), None) or b""
            if sha256(content).hexdigest() != digest:
                raise ValueError(f"the file {digest} of {seller_id} is not what its hash says")
            with acting_for(seller_id):
                where = evidence_store.place(seller_id, digest)
                key_id, sealed = installation.personal_data.seal_bytes(content, where)
            connection.execute(
                "UPDATE evidence_files SET content = %s, key_id = %s"
                " WHERE seller_id = %s AND sha256 = %s AND key_id IS NULL",
                (sealed, key_id, seller_id, digest),
            )
    return len(old)
