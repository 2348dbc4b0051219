"""What the transparency log's tables hold of one seller: hashes to compute proofs from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.transparency.merkle import TILE_WIDTH
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
    SELECT note FROM tlog_checkpoints WHERE seller_id = %s ORDER BY size DESC LIMIT 1
"""


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
    return str(row[0]) if row else None
