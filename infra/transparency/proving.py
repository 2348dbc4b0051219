"""Makes the evidence of one stream's history, from one instant of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from domain.errors import EvidenceBroken, NeverSigned, NotFound, NothingSigned
from domain.transparency.bundle import Bundle, ProvenEvent
from domain.transparency.leaf import StoredEvent, leaf_of
from domain.transparency.merkle import (
    ProofRefused,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from domain.transparency.signed_note import (
    Checkpoint,
    Note,
    consistency_file,
    head_text,
    read_checkpoint,
    read_note,
)
from domain.transparency.trust_policy import TrustPolicy
from infra.database import Connection
from infra.transparency.log_keys import LogKeys
from infra.transparency.log_tables import Hashes, HashesMissing, served_note

HISTORY = """
    SELECT e.notification_id, e.recorded_at, e.seller_id, e.originator_id, e.originator_version,
           e.topic, e.state, l.number, l.hash
    FROM asin_sync_events e LEFT JOIN tlog_leaves l ON l.position = e.notification_id
    WHERE e.originator_id = %s ORDER BY e.originator_version
"""


def served_checkpoint(
    connection: Connection, seller_id: UUID, policy: TrustPolicy | None, size_min: int = 0
) -> Note:
    """As `served_note` chooses. Raises NothingSigned."""
    found = served_note(connection, seller_id, policy, size_min)
    if found is None:
        raise NothingSigned("nothing of this seller is signed yet: ask again in two seconds")
    return read_note(found)


def prove(
    connection: Connection,
    keys: LogKeys,
    policy: TrustPolicy | None,
    seller_id: UUID,
    stream: UUID,
    old_size: int | None,
) -> Bundle:
    """The evidence of all the stream's events, under the newest checkpoint.

    Or under the newest that reaches the policy's quorum, where that covers all of them and the old
    size too. Raises NotFound for an empty stream, NeverSigned for an old size that never was,
    NothingSigned, and EvidenceBroken where a stored event is not the one that was logged.
    """
    rows = connection.cursor(binary=True).execute(HISTORY, (stream,), prepare=True).fetchall()
    if not rows:
        raise NotFound("no such history")
    last_number = rows[-1][-2]
    if last_number is None:
        note = served_checkpoint(connection, seller_id, None)
    else:
        size_min = max(last_number + 1, old_size or 0)
        note = served_checkpoint(connection, seller_id, policy, size_min)
    checkpoint = read_checkpoint(note.text)
    hashes = Hashes(connection, seller_id)
    events = list(proven_events(rows, checkpoint, hashes))
    if not events:
        raise NothingSigned("this history is not signed yet: ask again in two seconds")
    return Bundle(
        vkeys=[verifier.vkey for verifier in keys.verifiers(seller_id)],
        checkpoint=checkpoint,
        note=note,
        head=signed_head(keys, seller_id, stream, events[-1].event.version, checkpoint),
        events=events,
        consistency=consistency_since(old_size, checkpoint, note, hashes),
        newer=len(rows) - len(events),
    )


def proven_events(
    rows: Sequence[tuple[object, ...]], checkpoint: Checkpoint, hashes: Hashes
) -> Iterator[ProvenEvent]:
    """Each event that the signed tree holds, with its proof. Raises EvidenceBroken."""
    previous = None
    for *stored, number, logged in rows:
        event = StoredEvent._make(stored)
        if not isinstance(number, int) or number >= checkpoint.size:
            return
        leaf = leaf_of(event, previous)
        previous = leaf_hash(leaf)
        if previous != logged:
            raise EvidenceBroken(
                f"the event at position {event.position} is not the one that was logged"
            )
        yield ProvenEvent(event, leaf, number, proof_of(previous, number, checkpoint, hashes))


def proof_of(leaf: bytes, number: int, checkpoint: Checkpoint, hashes: Hashes) -> list[bytes]:
    """An audit path that leads to what was signed. Raises EvidenceBroken where none does."""
    with proving():
        proof = inclusion_proof(number, checkpoint.size, hashes)
        verify_inclusion(leaf, number, checkpoint.size, proof, checkpoint.root)
        return proof


@contextmanager
def proving() -> Iterator[None]:
    """Nothing is handed out that its reader would have to refuse. Raises EvidenceBroken."""
    try:
        yield
    except (HashesMissing, ProofRefused) as error:
        raise EvidenceBroken(f"the log's tables do not lead to what was signed: {error}") from error


def signed_head(
    keys: LogKeys, seller_id: UUID, stream: UUID, version: int, checkpoint: Checkpoint
) -> Note:
    """That the stream ends with this version, as far as the checkpoint reaches."""
    text = head_text(checkpoint.origin, str(stream), version, checkpoint.size, checkpoint.root)
    return keys.sign(seller_id, text)


def consistency_since(
    old_size: int | None, checkpoint: Checkpoint, note: Note, hashes: Hashes
) -> str | None:
    """That the log grew from a tree of the old size; None where nobody asks.

    Raises NeverSigned, EvidenceBroken.
    """
    if old_size is None:
        return None
    if not 0 < old_size <= checkpoint.size:
        told = f"no checkpoint of {old_size} leaves: the log has {checkpoint.size}"
        raise NeverSigned(told, rules={"since": "since_beyond_log"})
    with proving():
        proof = consistency_proof(old_size, checkpoint.size, hashes)
        older = root(old_size, hashes)
        verify_consistency(old_size, checkpoint.size, older, checkpoint.root, proof)
    return consistency_file(old_size, proof, str(note))
