"""Lists of plain values as PostgreSQL's binary arrays, a whole column in a few calls.

psycopg dumps a list value by value through its adapters; for an append that took three times as
long as this. The query casts each parameter (`$1::uuid[]`), so no type is sent along.
Source: PostgreSQL, src/backend/utils/adt/arrayfuncs.c, array_recv.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from uuid import UUID

_UUID_OID, _TEXT_OID, _BYTEA_OID, _BIGINT_OID = 2950, 25, 17, 20
_HEAD = Struct("!iiiii")  # dimensions, has nulls, element type, length, lower bound
_LENGTH = Struct("!i").pack
_SIXTEEN = _LENGTH(16)
_BIGINT = Struct("!iq").pack


def uuids(values: Sequence[UUID]) -> bytes:
    return array(_UUID_OID, len(values), (_SIXTEEN + value.bytes for value in values))


def bigints(values: Sequence[int]) -> bytes:
    return array(_BIGINT_OID, len(values), (_BIGINT(8, value) for value in values))


def texts(values: Sequence[str]) -> bytes:
    return array(_TEXT_OID, len(values), map(sized, map(str.encode, values)))


def byteas(values: Sequence[bytes]) -> bytes:
    return array(_BYTEA_OID, len(values), map(sized, values))


def sized(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def array(oid: int, length: int, items: Iterable[bytes]) -> bytes:
    """One dimension, counted from 1, without nulls; `length` is at least 1."""
    return _HEAD.pack(1, 0, oid, length, 1) + b"".join(items)
