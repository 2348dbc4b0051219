"""Seals what is kept at rest: AES-256-GCM under the newest key-encryption key, bound to its place.

Each key is a file of the keys' folder and has an epoch: `kek` is the first, `kek.2` the next. A new
epoch is found by every process without a restart; an old one is destroyed once nothing needs it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.roles import write_private

KEY_BYTES = 32
NONCE_BYTES = 12
FIRST = "kek"


class KeysMissing(Exception):
    """The database was used before, but the keys that open it are not here."""


class Sealed(NamedTuple):
    """A ciphertext, and which key opens it."""

    epoch: int
    nonce: bytes
    ciphertext: bytes


class Vault:
    """The key-encryption keys of one installation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: Mapping[int, bytes] = read_epochs(folder)

    def seal(self, content: bytes, place: bytes) -> Sealed:
        """Under the newest key that any process has made."""
        epoch = self.newest_epoch()
        nonce = secrets.token_bytes(NONCE_BYTES)
        return Sealed(epoch, nonce, AESGCM(self._keys[epoch]).encrypt(nonce, content, place))

    def unseal(self, sealed: Sealed, place: bytes) -> bytes:
        """Raises KeysMissing; InvalidTag for what was sealed elsewhere."""
        if sealed.epoch not in self._keys:
            self._keys = read_epochs(self._folder)
        if sealed.epoch not in self._keys:
            raise KeysMissing(f"{self._folder} lacks the key of epoch {sealed.epoch}: put it back")
        return AESGCM(self._keys[sealed.epoch]).decrypt(sealed.nonce, sealed.ciphertext, place)

    def newest_epoch(self) -> int:
        self._keys = read_epochs(self._folder)
        return max(self._keys)

    def begin_epoch(self) -> int:
        """Make a new key; from now on everything is sealed under it."""
        epoch = self.newest_epoch() + 1
        write_private(epoch_file(self._folder, epoch), secrets.token_bytes(KEY_BYTES))
        return self.newest_epoch()

    def destroy_before(self, epoch: int) -> list[int]:
        """Delete the older keys for good; what they had sealed can't be had back. Returns them."""
        older = [each for each in read_epochs(self._folder) if each < epoch]
        for each in older:
            overwrite(epoch_file(self._folder, each))
        self._keys = read_epochs(self._folder)
        return older


def epoch_file(folder: Path, epoch: int, first: str = FIRST) -> Path:
    return folder / (first if epoch == 1 else f"{first}.{epoch}")


def read_epochs(folder: Path, first: str = FIRST) -> Mapping[int, bytes]:
    """The keys in files `first`, `first.2` and so on, by epoch."""
    files = {1: folder / first} | {
        int(file.suffix[1:]): file
        for file in folder.glob(f"{first}.*")
        if file.suffix[1:].isdigit()
    }
    return {epoch: file.read_bytes() for epoch, file in files.items() if file.exists()}


def overwrite(file: Path) -> None:
    """Zeros first: where the file system writes in place, nothing is left to find."""
    file.write_bytes(bytes(KEY_BYTES))
    file.unlink()
