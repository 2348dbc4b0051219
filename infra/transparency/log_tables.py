"""What the transparency log's tables hold of one seller: hashes to compute proofs from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.transparency.merkle import TILE_WIDTH
from domain.transparency.trust_policy import TrustPolicy
from infra.database import Connection

# A tile's hashes in one value.
LEAVES = """
    SELECT string_agg(hash, '' ORDER BY number) FROM tlog_leaves
    WHERE seller_id = %(seller)s AND number >= %(first)s AND number < %(end)s
"""
SUBTREES = """
    SELECT string_agg(hash, '' ORDER BY number) FROM tlog_subtrees
    WHERE seller_id = %(seller)s AND level = %(level)s
      AND number >= %(first)s AND number < %(end)s
"""
HASH_BYTES = 32
NEWEST = """
    SELECT size, note FROM tlog_checkpoints WHERE seller_id = %s ORDER BY size DESC LIMIT 1
"""
SIGNED_AT = "SELECT signed_at FROM tlog_checkpoints WHERE seller_id = %s AND size = %s"
NOTE = "SELECT note FROM tlog_checkpoints WHERE seller_id = %s AND size = %s"
COSIGNATURES = """
    SELECT size, witness, line FROM tlog_cosignatures
    WHERE seller_id = %s AND size >= %s ORDER BY size DESC, witness LIMIT 500
"""

# Whoever adds a cosignature or thins the checkpoints out does so alone, for a few milliseconds.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('checkpoints ' || current_schema(), 0))"


class HashesMissing(Exception):
    """The log's tables do not hold what was signed: somebody took rows out of them."""


class Hashes:
    """Reads whole tiles, each once; true for as long as nothing but this is made from it."""

    def __init__(self, connection: Connection, seller_id: UUID) -> None:
        self._connection = connection
        self._seller_id = seller_id
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def __call__(self, level: int, first: int, count: int) -> Sequence[bytes]:
        """A run of hashes within one tile. Raises HashesMissing."""
        tile, begins = divmod(first, TILE_WIDTH)
        known = self._tiles.get((level, tile), ())
        if len(known) < begins + count:
            known = self._tiles[level, tile] = self._read(level, tile * TILE_WIDTH)
        found = known[begins : begins + count]
        if len(found) < count:
            raise HashesMissing(f"level {level} has no hash {first + len(found)}")
        return found

    def _read(self, level: int, first: int) -> Sequence[bytes]:
        parameters = {
            "seller": self._seller_id, "level": level, "first": first, "end": first + TILE_WIDTH,
        }  # fmt: skip
        cursor = self._connection.cursor(binary=True)
        cursor.execute(SUBTREES if level else LEAVES, parameters, prepare=True)
        row = cursor.fetchone()
        tile = row[0] if row and row[0] else b""
        return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]


def newest_note(connection: Connection, seller_id: UUID) -> str | None:
    """The seller's newest checkpoint as signed; None before the first."""
    row = connection.execute(NEWEST, (seller_id,), prepare=True).fetchone()
    return str(row[1]) if row else None


def served_note(
    connection: Connection, seller_id: UUID, policy: TrustPolicy | None, size_min: int = 0
) -> str | None:
    """What an auditor gets, with its cosignatures; None before the first checkpoint.

    The newest of at least this size that reaches the policy's quorum; where none does, or none is
    wanted, the newest of all.
    """
    newest = connection.execute(NEWEST, (seller_id,), prepare=True).fetchone()
    if newest is None:
        return None
    size, note = newest
    lines = {size: {}, **cosignatures(connection, seller_id, size_min)}
    if policy is not None:
        size = next((each for each in lines if policy.is_reached(lines[each])), size)
        note = note_of(connection, seller_id, size)
    return "".join([note, *lines[size].values()])


def note_of(connection: Connection, seller_id: UUID, size: int) -> str:
    """A checkpoint that is kept."""
    row = connection.execute(NOTE, (seller_id, size), prepare=True).fetchone()
    if row is None:
        raise LookupError(f"the log of {seller_id} has no checkpoint of {size} leaves")
    return str(row[0])


def cosignatures(
    connection: Connection, seller_id: UUID, size_min: int
) -> Mapping[int, Mapping[str, str]]:
    """Lines by the vkey of their witness, by the size of their checkpoint, the newest first."""
    found: dict[int, dict[str, str]] = {}
    rows = connection.execute(COSIGNATURES, (seller_id, size_min), prepare=True)
    for size, vkey, line in rows:
        found.setdefault(size, {})[vkey] = line
    return found


def signed_at(connection: Connection, seller_id: UUID, size: int) -> datetime | None:
    """When the seller's checkpoint of this size was signed; None where there is none."""
    row = connection.execute(SIGNED_AT, (seller_id, size), prepare=True).fetchone()
    return row[0] if row else None
