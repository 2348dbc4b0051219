"""A seller's whole log as files (c2sp.org/tlog-tiles): for monitors, and to archive elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from domain.transparency.leaf import StoredEvent, leaf_of
from domain.transparency.merkle import TILE_HEIGHT, TILE_WIDTH, leaf_hash
from domain.transparency.signed_note import read_checkpoint
from infra.database import Connection, Database
from infra.transparency.log_tables import Hashes, HashesMissing
from infra.transparency.proving import served_checkpoint

PAGE_SIZE = 5_000

# The events of one log, leaf by leaf.
ENTRIES = """
    SELECT e.notification_id, e.recorded_at, e.seller_id, e.originator_id, e.originator_version,
           e.topic, e.state, l.hash
    FROM tlog_leaves l LEFT JOIN asin_sync_events e ON e.notification_id = l.position
    WHERE l.seller_id = %s AND l.number < %s ORDER BY l.number
"""


def export_tiles(database: Database, seller_id: UUID, folder: Path) -> int:
    """Write checkpoint, tiles and entries into an empty or new folder; return the log's size.

    Raises NothingSigned, and HashesMissing where an event is not the one that was logged.
    """
    with database.connect("auditor_sql") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        note = served_checkpoint(connection, seller_id, None)
        size = read_checkpoint(note.text).size
        for place, content in tiles(Hashes(connection, seller_id), size):
            write(folder / "tile" / place, content)
        for number, bundle in enumerate(entry_bundles(connection, seller_id, size)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            write(folder / "tile" / "entries" / tile_name(number, width), bundle)
    write(folder / "checkpoint", str(note).encode())
    return size


def tiles(hashes: Hashes, size: int) -> Iterator[tuple[str, bytes]]:
    """Place and content of each tile of a tree."""
    level, count = 0, size
    while count:
        for number in range(-(-count // TILE_WIDTH)):
            width = min(TILE_WIDTH, count - number * TILE_WIDTH)
            content = b"".join(hashes(level, number * TILE_WIDTH, width))
            yield f"{level}/{tile_name(number, width)}", content
        level, count = level + 1, count >> TILE_HEIGHT


def entry_bundles(connection: Connection, seller_id: UUID, size: int) -> Iterator[bytes]:
    """The leaves themselves, 256 a bundle, each after its length. Raises HashesMissing."""
    last: dict[UUID, bytes] = {}
    bundle: list[bytes] = []
    with connection.cursor("entries", binary=True) as cursor:
        cursor.itersize = PAGE_SIZE
        cursor.execute(ENTRIES, (seller_id, size))
        for *stored, logged in cursor:
            event = StoredEvent._make(stored)
            leaf = leaf_of(event, last.get(event.stream)) if event.state is not None else b""
            last[event.stream] = leaf_hash(leaf)
            if last[event.stream] != logged:
                raise HashesMissing(f"an event before {event.position} is not as it was logged")
            bundle.append(len(leaf).to_bytes(2) + leaf)
            if len(bundle) == TILE_WIDTH:
                yield b"".join(bundle)
                bundle = []
    if bundle:
        yield b"".join(bundle)


def tile_name(number: int, width: int) -> str:
    """`x001/x234/067`, and for a tile that is not full its width."""
    parts = [f"{number % 1_000:03}"]
    while number := number // 1_000:
        parts.append(f"x{number % 1_000:03}")
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return "/".join(reversed(parts)) + partial


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
