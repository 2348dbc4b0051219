"""Who signs for the transparency logs: a permanent name, and Ed25519 keys that can be rotated.

The keys' folder has `log-name`, made at the first start and never changed, and `signer`,
`signer.2`, …. Every checkpoint is signed by each key that is there, so that whoever trusts the
older one goes on until it is retired.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from domain.transparency.signed_note import Note, Signer, Verifier
from infra.roles import write_private
from infra.vault import KEY_BYTES, KeysMissing, epoch_file, overwrite, read_epochs

FIRST, NAME = "signer", "log-name"


class LogKeys(NamedTuple):
    """The name all logs of this installation begin with, and the seeds of its keys by epoch."""

    name: str
    seeds: Mapping[int, bytes]

    def origin(self, seller_id: UUID) -> str:
        """The permanent name of a seller's log."""
        return f"{self.name}/{seller_id}"

    def verifiers(self, seller_id: UUID) -> Sequence[Verifier]:
        """Public keys of a seller's log, oldest first."""
        return [signer.verifier for signer in self._signers(seller_id)]

    @property
    def installation_vkeys(self) -> Sequence[str]:
        """The keys under the installation's own name: for witnesses and replays."""
        return [signer.verifier.vkey for signer in self._named(self.name)]

    def sign(self, seller_id: UUID, text: str) -> Note:
        """The text signed by each key, in the name of the seller's log."""
        return Note(text, [signer.sign(text) for signer in self._signers(seller_id)])

    def sign_for_all(self, text: str) -> Note:
        """The text signed by each key in the name of the installation, of no seller's log."""
        return Note(text, [signer.sign(text) for signer in self._named(self.name)])

    def _signers(self, seller_id: UUID) -> list[Signer]:
        return self._named(self.origin(seller_id))

    def _named(self, name: str) -> list[Signer]:
        return [Signer(name, self.seeds[each]) for each in sorted(self.seeds)]


def load_log_keys(folder: Path, name: str, *, may_create: bool) -> LogKeys:
    """Read the keys, making them where nothing was signed yet. Raises KeysMissing."""
    if not read_epochs(folder, FIRST) or not (folder / NAME).exists():
        if not may_create:
            raise KeysMissing(
                f"{folder} lacks {FIRST} or {NAME}: put back what checkpoints were signed with"
            )
        seed = secrets.token_bytes(KEY_BYTES)
        write_private(folder / NAME, (name or f"asin-sync.invalid/{seed_mark(seed)}").encode())
        write_private(folder / FIRST, seed)
    return LogKeys((folder / NAME).read_text("utf-8"), read_epochs(folder, FIRST))


def seed_mark(seed: bytes) -> str:
    """Tells installations apart that nobody has named."""
    return Signer("mark", seed).verifier.key_id.hex()


def add_signer(folder: Path) -> int:
    """Make a further key; checkpoints are signed by it too from the next start. Its epoch."""
    epoch = max(read_epochs(folder, FIRST)) + 1
    write_private(epoch_file(folder, epoch, FIRST), secrets.token_bytes(KEY_BYTES))
    return epoch


def retire_signers(folder: Path) -> list[int]:
    """Delete all keys but the newest; return their epochs."""
    *older, _ = sorted(read_epochs(folder, FIRST))
    for epoch in older:
        overwrite(epoch_file(folder, epoch, FIRST))
    return older
