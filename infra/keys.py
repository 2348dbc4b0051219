"""The installation's own keys: made at the first start, private files, never in the database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from infra.roles import write_private
from infra.vault import FIRST, KEY_BYTES, KeysMissing, Vault, read_epochs

NAMES = ("pepper", "session")


@dataclass(frozen=True)
class InstallationKeys:
    """`vault` seals what is kept, `pepper` keys the digests of API keys, `session` cookies."""

    vault: Vault
    pepper: bytes
    session: bytes


def load_keys(folder: Path, *, may_create: bool) -> InstallationKeys:
    """Read the keys, making them where nothing was encrypted yet. Raises KeysMissing."""
    missing = [name for name in NAMES if not (folder / name).exists()]
    if not read_epochs(folder):
        missing.insert(0, FIRST)
    if missing and not may_create:
        raise KeysMissing(
            f"{folder} lacks {', '.join(missing)}: put back the keys this database was made with"
        )
    for name in missing:
        write_private(folder / name, secrets.token_bytes(KEY_BYTES))
    return InstallationKeys(Vault(folder), *((folder / name).read_bytes() for name in NAMES))
