"""Evidence of one stream's history: its events, their leaves and proofs, and what was signed.

The files are those of docs/evidence.md: each can be checked by programs that are not ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.transparency.leaf import StoredEvent
from domain.transparency.signed_note import Checkpoint, Note, tlog_proof


class ProvenEvent(NamedTuple):
    """An event, its leaf and the leaf's number, and its audit path in the checkpoint's tree."""

    event: StoredEvent
    leaf: bytes
    number: int
    proof: Sequence[bytes]


class Bundle(NamedTuple):
    """All that proves a stream's history up to a checkpoint.

    `head` says that no later event of the stream is under the checkpoint; `consistency` that the
    log grew from an older checkpoint that somebody holds. `newer` counts events that are not under
    the checkpoint yet.
    """

    vkeys: Sequence[str]
    checkpoint: Checkpoint
    note: Note
    head: Note
    events: Sequence[ProvenEvent]
    consistency: str | None = None
    newer: int = 0


def proof_files(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file that a verifier reads."""
    yield "log.vkey", "".join(f"{vkey}\n" for vkey in bundle.vkeys).encode()
    yield "checkpoint", str(bundle.note).encode()
    yield "head", str(bundle.head).encode()
    if bundle.consistency is not None:
        yield "consistency", bundle.consistency.encode()
    for event, leaf, number, proof in bundle.events:
        yield f"events/{event.version}.json", event.state
        yield f"leaves/{number}", leaf
        proof_text = tlog_proof(number, proof, str(bundle.note))
        yield f"proofs/{number}.tlog-proof", proof_text.encode()
