"""The last checkpoint that was signed (or cosigned) of each log, in a file outside the database.

Whoever rewrites the database, and the checkpoints in it, does not reach this memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.transparency.signed_note import Checkpoint, Note, read_checkpoint, read_note

TABLE = "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, note TEXT NOT NULL)"


class SeenCheckpoints:
    """One SQLite file; everything remembered is on disk before it is told to anybody."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(TABLE)

    def last(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint of a log; None for a log never seen."""
        note = self.note(origin)
        return read_checkpoint(read_note(note).text) if note else None

    def note(self, origin: str) -> str | None:
        """The same as it was signed."""
        row = self._connection.execute("SELECT note FROM seen WHERE origin = ?", (origin,))
        found = row.fetchone()
        return str(found[0]) if found else None

    def all(self) -> list[Checkpoint]:
        """The newest of every log."""
        rows = self._connection.execute("SELECT note FROM seen ORDER BY origin")
        return [read_checkpoint(read_note(note).text) for (note,) in rows]

    def remember(self, notes: Iterable[Note]) -> None:
        """In one transaction."""
        rows = [(read_checkpoint(note.text).origin, str(note)) for note in notes]
        with self.alone():
            self._connection.executemany("REPLACE INTO seen VALUES (?, ?)", rows)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A transaction that no other process writes beside; within one, nothing is begun."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
