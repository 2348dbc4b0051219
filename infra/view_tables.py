"""The SQL of view tables: load rows by key, write them in one statement, all columns as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson

from infra.database import Connection
from projections.table import Key, Table


@cache
def load_sql(table: Table) -> str:
    """Rows of one generation whose keys are in the arrays given."""
    columns = table.columns
    arrays = ", ".join(f"%b::{columns[name]}[]" for name in table.key)
    return (
        f"SELECT {', '.join(columns)} FROM {table.name}"  # noqa: S608
        f" WHERE generation = %s AND ({', '.join(table.key)}) IN (SELECT * FROM unnest({arrays}))"
    )


@cache
def insert_sql(table: Table) -> str:
    """New rows of one generation, from one array a column; jsonb travels as text."""
    columns = table.columns
    names = ", ".join(columns)
    arrays = ", ".join(f"%b::{'text' if kind == 'jsonb' else kind}[]" for kind in columns.values())
    values = ", ".join(
        f"u.{name}::jsonb" if kind == "jsonb" else f"u.{name}" for name, kind in columns.items()
    )
    return (
        f"INSERT INTO {table.name} (generation, {names})"  # noqa: S608
        f" SELECT %s, {values} FROM unnest({arrays}) AS u ({names})"
    )


@cache
def upsert_sql(table: Table) -> str:
    """The same, replacing rows that are there already."""
    changed = [name for name in table.columns if name not in table.key]
    assignments = ", ".join(f"{name} = excluded.{name}" for name in changed)
    conflict = f" ON CONFLICT (generation, {', '.join(table.key)}) DO UPDATE SET {assignments}"
    return insert_sql(table) + conflict


def load(
    connection: Connection, table: Table, generation: int, keys: Sequence[Key]
) -> dict[Key, Any]:
    """The rows that exist among these keys."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    cursor = connection.execute(load_sql(table), (generation, *columns), prepare=True)
    rows = (table.row(*values) for values in cursor)
    return {table.key_of(row): row for row in rows}


def insert(connection: Connection, table: Table, generation: int, rows: Sequence[Any]) -> None:
    connection.execute(insert_sql(table), (generation, *arrays_of(table, rows)), prepare=True)


def upsert(connection: Connection, table: Table, generation: int, rows: Sequence[Any]) -> None:
    connection.execute(upsert_sql(table), (generation, *arrays_of(table, rows)), prepare=True)


def arrays_of(table: Table, rows: Sequence[Any]) -> list[list[Any]]:
    """One list a column; jsonb as text, null staying null."""
    return [
        [as_json(getattr(row, name)) for row in rows]
        if kind == "jsonb"
        else [getattr(row, name) for row in rows]
        for name, kind in table.columns.items()
    ]


def as_json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def load_all(connection: Connection, table: Table, generation: int) -> dict[Key, Any]:
    """Every row of a generation, by key."""
    return rows_where(connection, table, "generation = %s", (generation,))


def load_positions(
    connection: Connection, table: Table, generation: int, after: int, until: int
) -> dict[Key, Any]:
    """The rows of a log table whose position lies in (after, until]."""
    condition = "generation = %s AND position > %s AND position <= %s"
    return rows_where(connection, table, condition, (generation, after, until))


def rows_where(
    connection: Connection, table: Table, condition: str, values: tuple[int, ...]
) -> dict[Key, Any]:
    query = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {condition}"  # noqa: S608
    rows = (table.row(*row) for row in connection.execute(query, values))
    return {table.key_of(row): row for row in rows}
