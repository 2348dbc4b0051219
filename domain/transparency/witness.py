"""What a witness decides of a checkpoint brought to it: c2sp.org/tlog-witness, add-checkpoint.

It trusts single logs by their keys, and installations: the same key signs for all of one's logs,
each of which is named by the installation's name, a slash and what tells it from the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from domain.transparency.merkle import ProofRefused, verify_consistency
from domain.transparency.signed_note import (
    Checkpoint,
    Note,
    NoteRefused,
    Verifier,
    read_checkpoint,
    read_consistency_file,
    read_note,
)

EMPTY_ROOT = hashlib.sha256().digest()


class Malformed(Exception):
    """It is no add-checkpoint request, or its old size is above the checkpoint's."""


class UnknownLog(Exception):
    """No key is trusted for this origin."""


class NotSignedByLog(Exception):
    """None of the keys trusted for this origin has signed it."""


class AnotherSize(Exception):
    """The last checkpoint cosigned is of another size than the request thinks."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the last checkpoint cosigned has {size} leaves")
        self.size = size


class Forked(Exception):
    """A second tree of the size that was cosigned, signed by the log: it has two histories."""


class NotGrown(Exception):
    """Nothing shows that the tree begins with the one that was cosigned."""


class Brought(NamedTuple):
    """A request: the size it goes on from, what proves it, and the checkpoint as signed."""

    old_size: int
    proof: Sequence[bytes]
    note: Note
    checkpoint: Checkpoint


class Trust(NamedTuple):
    """The logs that a witness watches: by name, and by an installation's name and key."""

    logs: Sequence[Verifier]
    installations: Sequence[Verifier]

    def keys_of(self, origin: str) -> list[Verifier]:
        """Who may sign this log's checkpoints; nobody for a log that is not watched."""
        own = [each for each in self.logs if each.name == origin]
        shared = [
            each._replace(name=origin)
            for each in self.installations
            if origin.startswith(f"{each.name}/")
        ]
        return own + shared


def read_request(body: bytes) -> Brought:
    """Raises Malformed."""
    try:
        old_size, proof, signed = read_consistency_file(body.decode())
        note = read_note(signed)
        checkpoint = read_checkpoint(note.text)
    except (NoteRefused, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None
    return Brought(old_size, proof, note, checkpoint)


def ensure_trusted(brought: Brought, trust: Trust) -> None:
    """Raises UnknownLog, NotSignedByLog; Malformed for an old size above the checkpoint's."""
    keys = trust.keys_of(brought.checkpoint.origin)
    if not keys:
        raise UnknownLog(f"the log {brought.checkpoint.origin!r} is not watched here")
    if not brought.note.signed_by(keys):
        raise NotSignedByLog(f"no key trusted for {brought.checkpoint.origin!r} has signed it")
    if brought.old_size > brought.checkpoint.size:
        raise Malformed(f"old {brought.old_size} is above the size {brought.checkpoint.size}")


def ensure_grown(brought: Brought, last: Checkpoint | None) -> None:
    """It goes on from what was cosigned last. Raises AnotherSize, Forked, NotGrown."""
    new = brought.checkpoint
    last = last or Checkpoint(new.origin, 0, EMPTY_ROOT)
    if brought.old_size != last.size:
        raise AnotherSize(last.size)
    if new.size == last.size and new.root != last.root:
        raise Forked(f"two trees of {new.size} leaves")
    try:
        verify_consistency(last.size, new.size, last.root, new.root, brought.proof)
    except ProofRefused as error:
        raise NotGrown(str(error)) from None
