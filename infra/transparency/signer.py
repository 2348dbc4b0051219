"""The signer: a new checkpoint for each log that grew, never one in conflict with what it signed.

It reads leaves and signs, under a role of its own. What it signed last it keeps in a file, and it
refuses a tree that is smaller or does not begin with that one: a rewritten log gets no signature.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event
from typing import NamedTuple
from uuid import UUID

import psycopg

from domain.transparency import merkle
from domain.transparency.merkle import ProofRefused, consistency_proof, verify_consistency
from domain.transparency.signed_note import Checkpoint, Note, read_checkpoint, read_note
from infra.database import Connection, Database
from infra.leading import leading_connection
from infra.transparency.log_keys import LogKeys
from infra.transparency.log_tables import ALONE, Hashes, HashesMissing, newest_note
from infra.transparency.seen_checkpoints import SeenCheckpoints

SIGN_SECONDS = 0.5
log = logging.getLogger(__name__)

GROWN = """
    SELECT seller_id, max(number) + 1, max(position) FROM tlog_leaves
    WHERE position > %s GROUP BY seller_id
"""
ADD = "INSERT INTO tlog_checkpoints (seller_id, size, note) VALUES (%s, %s, %s)"

# Of an hour the last checkpoint stays, and the last of each witness's cosignatures.
THIN = """
    DELETE FROM tlog_checkpoints old
    USING tlog_checkpoints newer
    WHERE newer.seller_id = old.seller_id AND newer.size > old.size
      AND date_trunc('hour', newer.signed_at) = date_trunc('hour', old.signed_at)
      AND old.seller_id = ANY(%s) AND old.signed_at >= date_trunc('hour', now())
      AND NOT EXISTS (
          SELECT witness FROM tlog_cosignatures c
          WHERE c.seller_id = old.seller_id AND c.size = old.size
          EXCEPT SELECT witness FROM tlog_cosignatures c
          WHERE c.seller_id = newer.seller_id AND c.size = newer.size)
"""


class SigningRefused(Exception):
    """The log is not what was signed before."""


class Signed(NamedTuple):
    """A checkpoint to be kept."""

    seller_id: UUID
    size: int
    note: Note


class CheckpointSigner:
    """Signs for the logs of one cell; only one signer does at a time, by a session lock."""

    def __init__(self, database: Database, keys: LogKeys, seen: SeenCheckpoints) -> None:
        self._database = database
        self._keys = keys
        self._seen = seen
        self._connection: Connection | None = None
        self._position = 0
        self.refused: dict[UUID, str] = {}

    def run(self, stop: Event) -> None:
        """Sign until told to stop; a lost connection is made again."""
        while not stop.is_set():
            try:
                if self.lead():
                    self.sign_grown()
                stop.wait(SIGN_SECONDS)
            except psycopg.OperationalError as error:
                log.warning("the signer lost its connection: %s", error)
                self.close()
                stop.wait(0.5)
        self.close()

    def lead(self) -> bool:
        """Take the cell's lock; False while another process holds it."""
        if self._connection is None:
            self._connection = leading_connection(self._database, "signer", "signer")
            self._position = 0
        return self._connection is not None

    def sign_grown(self) -> int:
        """Sign a checkpoint for each log that grew since the last round; return how many."""
        if self._connection is None:
            raise RuntimeError("the signer does not lead its cell")
        grown = self._connection.execute(GROWN, (self._position,), prepare=True).fetchall()
        signed = [
            made
            for seller_id, size, _ in grown
            if (made := self.signed(self._connection, seller_id, size)) is not None
        ]
        if signed:
            self._seen.remember(each.note for each in signed)
            keep(self._connection, signed)
        self._position = max((position for *_, position in grown), default=self._position)
        return len(signed)

    def signed(self, connection: Connection, seller_id: UUID, size: int) -> Signed | None:
        """The checkpoint for this size; None where it is kept already or must not be signed."""
        kept = self.kept(connection, seller_id)
        if kept and kept.size == size:
            return None
        try:
            note = self.checked(connection, seller_id, size, kept)
        except (SigningRefused, HashesMissing) as error:
            self.refused[seller_id] = str(error)
            log.error("no checkpoint for the log of %s: %s", seller_id, error)  # noqa: TRY400
            return None
        self.refused.pop(seller_id, None)
        return Signed(seller_id, size, note)

    def checked(
        self, connection: Connection, seller_id: UUID, size: int, kept: Checkpoint | None
    ) -> Note:
        """The signed note. Raises SigningRefused, HashesMissing."""
        hashes = Hashes(connection, seller_id)
        origin = self._keys.origin(seller_id)
        new = Checkpoint(origin, size, merkle.root(size, hashes))
        for known in (self._seen.last(origin), kept):
            if known is not None:
                ensure_grown(known, new, hashes)
        return self._keys.sign(seller_id, new.text)

    def kept(self, connection: Connection, seller_id: UUID) -> Checkpoint | None:
        """The newest checkpoint that the database has."""
        note = newest_note(connection, seller_id)
        return read_checkpoint(read_note(note).text) if note else None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def ensure_grown(old: Checkpoint, new: Checkpoint, hashes: merkle.Read) -> None:
    """Raises SigningRefused unless the new tree begins with the old."""
    if new.size < old.size:
        raise SigningRefused(f"it has {new.size} leaves, and a checkpoint has {old.size}")
    proof = consistency_proof(old.size, new.size, hashes)
    try:
        verify_consistency(old.size, new.size, old.root, new.root, proof)
    except ProofRefused as error:
        raise SigningRefused(str(error)) from None


def keep(connection: Connection, signed: Sequence[Signed]) -> None:
    """Add the checkpoints, and let go those of the same hour that they replace."""
    with connection.transaction():
        connection.execute(ALONE, prepare=True)
        rows = [(each.seller_id, each.size, str(each.note)) for each in signed]
        connection.cursor().executemany(ADD, rows)
        connection.execute(THIN, ([each.seller_id for each in signed],))
