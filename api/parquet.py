"""Rows of the audit trail as Parquet, written while they are read; needs the extra `parquet`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from projections.audit_trail import AuditRow

ROWS_IN_GROUP = 50_000
MOMENT = pa.timestamp("us", tz="UTC")
TYPES = {
    "position": pa.int64(), "version": pa.int64(), "recorded_at": MOMENT, "decided_at": MOMENT,
    "observed_at": MOMENT,
}  # fmt: skip
"""Every other column is text."""


class Drain(io.RawIOBase):
    """Takes what is written, and gives it on piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def write(self, content: Any) -> int:
        piece = bytes(content)
        self._pieces.append(piece)
        self._length += len(piece)
        return len(piece)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def taken(self) -> bytes:
        """All that was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def written(found: Iterator[Sequence[AuditRow]], columns: Sequence[str]) -> Iterator[bytes]:
    """The file in pieces; memory holds one group of rows."""
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in columns])
    drain, group = Drain(), list[AuditRow]()
    writer = ParquetWriter(drain, schema, compression="zstd")
    for rows in found:
        group += rows
        if len(group) >= ROWS_IN_GROUP:
            writer.write_table(table_of(group, schema))
            group.clear()
            yield drain.taken()
    if group:
        writer.write_table(table_of(group, schema))
    writer.close()
    yield drain.taken()


def table_of(rows: Sequence[AuditRow], schema: Any) -> Any:
    """The rows column by column; ids as text."""
    values = {name: [plain(getattr(row, name)) for row in rows] for name in schema.names}
    return pa.table(values, schema=schema)


def plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
