"""JSON of one meaning is read, and nothing else, whichever way is taken to be sure of it."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import strict_json
from infra.strict_json import DEPTH_MAX, NotStrictJson, parse

TEXTS = st.text(st.sampled_from('ab"\\\\/[]{}:, \u0000é時0123456789'), max_size=12)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXTS
)


def written(value: Any) -> str:
    """JSON text; a list of pairs called an object may hold a key twice."""
    if isinstance(value, tuple):
        pairs = (f"{json.dumps(key)}: {written(inner)}" for key, inner in value)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.tuples(TEXTS, inner), max_size=4).map(tuple),
    ),
    max_leaves=20,
)


@settings(max_examples=500, deadline=None)
@given(document=DOCUMENTS)
def test_whatever_is_written_both_ways_to_read_it_agree(document: Any) -> None:
    body = written(document).encode("utf-8")
    try:
        orjson.loads(body)
        closely = strict_json._read_closely(body)
    except ValueError:
        with pytest.raises(NotStrictJson):
            parse(body)
        return
    assert parse(body) == closely


@pytest.mark.parametrize("depth", [1, DEPTH_MAX, DEPTH_MAX + 1, 500])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_refused(depth: int, opening: str, closing: str) -> None:
    inner = "[]" if opening == "[" else "{}"
    body = (opening * (depth - 1) + inner + closing * (depth - 1)).encode()
    if depth > DEPTH_MAX:
        with pytest.raises(NotStrictJson, match="deep"):
            parse(body)
    else:
        assert orjson.dumps(parse(body)) == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"price": 100, "price": 1}',
        b'{"a": {"b": 1, "\\u0062": 2}}',
        b'[{"a": 1, "a": "x", "b": "y"}]',
        b'{"price": NaN}',
        b'{"price": 1e999}',
        b'{"price": 9223372036854775808}',
        b'["\\u0000"]',
        b'["\xff"]',
        b'["\\ud800"]',
        b"\xef\xbb\xbf{}",
        b"",
    ],
)
def test_json_of_two_meanings_is_refused(body: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse(body)


def test_what_looks_odd_but_has_one_meaning_is_read() -> None:
    body = b'{"a\\"[{": "\\\\u0000 [", "sku": "1234567890123456789012"}'
    assert parse(body) == {'a"[{': "\\u0000 [", "sku": "1234567890123456789012"}
