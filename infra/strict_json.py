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

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_QUOTE = b'"'
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_NUL_ESCAPE = b"\\u0000"
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NotStrictJson(ValueError):
    """The bytes are not JSON, or not JSON of one meaning."""


def parse(body: bytes) -> Any:
    """Dictionaries, lists, strings, numbers. Raises NotStrictJson.

    orjson refuses what is not UTF-8, half a surrogate pair, NaN, infinity and a byte order mark.
    What is then not evidently sound is read by the standard library too, which is several times
    slower but shows every key and number as written.
    """
    try:
        content = orjson.loads(body)
        return content if _is_evidently_sound(body, content) else _read_closely(body)
    except orjson.JSONDecodeError as error:
        raise NotStrictJson(str(error)) from error


def _is_evidently_sound(body: bytes, content: Any) -> bool:
    """True only if no key is lost, no string holds a NUL, and nothing is deep or beyond 64 bits.

    orjson keeps the last of a key given twice: written out again, there are fewer strings.
    """
    if _NUL_ESCAPE in body:
        return False
    bare = _without_strings(body)
    if _LONG_NUMBER.search(bare) or _depth(bare) > DEPTH_MAX:
        return False
    return bare.count(_QUOTE) == _without_strings(orjson.dumps(content)).count(_QUOTE)


def _without_strings(body: bytes) -> bytes:
    """The same text with one quotation mark in the place of each string."""
    if b"\\" in body:
        return _STRING.sub(_QUOTE, body)
    return _QUOTE.join(body.split(_QUOTE)[::2])


def _depth(bare: bytes) -> int:
    """How deep the brackets of a text without strings are nested: each round takes the innermost.

    Past DEPTH_MAX it is not counted any further.
    """
    brackets = bare.translate(_ONE_KIND, _NO_BRACKETS)
    depth = 0
    while brackets and depth <= DEPTH_MAX:
        brackets = brackets.replace(b"[]", b"")
        depth += 1
    return depth


def _read_closely(body: bytes) -> Any:
    """Raises NotStrictJson with what is wrong."""
    try:
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
