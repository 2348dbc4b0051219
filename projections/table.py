"""What every projection is made of: tables of rows, and the fold of a batch of facts into them.

A projection names its tables and folds one fact at a time into `Rows`; the engine loads the rows
that a batch touches, and writes them back with the position in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from domain.facts import Recorded

Key = tuple[Any, ...]
RowType = TypeVar("RowType")

_SQL_TYPES: Mapping[object, str] = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    float: "double precision",
    bool: "boolean",
    datetime: "timestamptz",
    Decimal: "numeric",
}


@dataclass(frozen=True, eq=False)
class Table:
    """A view table: one dataclass field a column, in order; `key` identifies a row.

    A log table only grows: its key holds the position, so no row is ever read back to be changed.
    Columns of any type but the plain ones are jsonb.
    """

    name: str
    row: type[Any]
    key: tuple[str, ...]
    is_log: bool = False

    @cached_property
    def columns(self) -> dict[str, str]:
        """The SQL type of each column, by name."""
        hints = get_type_hints(self.row)
        return {field.name: sql_type(hints[field.name]) for field in fields(self.row)}

    @cached_property
    def key_of(self) -> Callable[[Any], Key]:
        """The key of a row."""
        get: Callable[[Any], Any] = attrgetter(*self.key)
        return get if len(self.key) > 1 else lambda row: (get(row),)


def sql_type(hint: Any) -> str:
    """`int | None` is bigint; a list or mapping is jsonb."""
    if get_origin(hint) in (list, dict):
        return "jsonb"
    options = [option for option in get_args(hint) or (hint,) if option is not type(None)]
    return _SQL_TYPES.get(options[0], "jsonb")


class Rows:
    """The rows of a batch: those that were loaded, and those that the fold put."""

    def __init__(self, loaded: Mapping[tuple[str, Key], Any]) -> None:
        self._loaded = loaded
        self.put_rows: dict[tuple[str, Key], Any] = {}

    def get(self, table: Table, *key: Any) -> Any | None:
        """The row of that key as of the fact before; None where there is none."""
        place = (table.name, key)
        row = self.put_rows.get(place)
        return row if row is not None else self._loaded.get(place)

    def changing(self, table: Table, *key: Any) -> Any | None:
        """Like `get`, for a row that the fold changes in place: it counts as put."""
        place = (table.name, key)
        row = self.put_rows.get(place)
        if row is None and (row := self._loaded.get(place)) is not None:
            self.put_rows[place] = row
        return row

    def put(self, table: Table, row: Any) -> None:
        """The row's new content."""
        self.put_rows[table.name, table.key_of(row)] = row


class Projection(Protocol):
    """One question. `version` rises with the meaning of its rows, which asks for a rebuild."""

    name: ClassVar[str]
    version: ClassVar[int]
    tables: ClassVar[tuple[Table, ...]]

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        """The rows that folding this fact reads."""

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        """Put the rows that this fact changes."""
