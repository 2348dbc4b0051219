"""Strict JSON: what two readers could understand differently, or we could not store, is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

DEPTH_MAX = 64
INTEGER_BITS_MAX = 63

Container = dict[str, Any] | list[Any]

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NotStrictJson(ValueError):
    """The bytes are not JSON, or not JSON of one meaning."""


def parse(body: bytes) -> Any:
    """Dictionaries, lists, strings, numbers. Raises NotStrictJson.

    orjson refuses what is not UTF-8, half a surrogate pair, NaN, infinity and a byte order mark;
    the standard library's reader then shows each object, so that a key given twice is seen.
    """
    try:
        orjson.loads(body)
        text = body.decode()
        content = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError as error:
        raise NotStrictJson("nested too deep") from error
    except ValueError as error:
        raise NotStrictJson(str(error)) from error
    if _NUL.search(text):
        raise NotStrictJson("a string holds a NUL character")
    if _is_deeper_than(DEPTH_MAX, content):
        raise NotStrictJson("nested too deep")
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise NotStrictJson("a key is given twice")
    return content


def _integer(digits: str) -> int:
    number = int(digits)
    if number.bit_length() > INTEGER_BITS_MAX:
        raise NotStrictJson("a whole number is beyond 64 bits")
    return number


def _is_deeper_than(levels: int, content: object) -> bool:
    level = list(_containers([content]))
    for _ in range(levels):
        if not level:
            return False
        level = [inner for container in level for inner in _containers(_children(container))]
    return bool(level)


def _containers(values: Iterable[object]) -> list[Container]:
    return [value for value in values if isinstance(value, dict | list)]


def _children(container: Container) -> Iterable[object]:
    return container.values() if isinstance(container, dict) else container
