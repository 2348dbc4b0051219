"""Answers gone wrong in ways nobody thought of: a good one with some part replaced or taken out."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

NUMBERS = (0, 1, -1, 2**62, 1.5)
TEXTS = ("", "0", "-1", "NaN", "1e9", "x" * 70_000, "出品")
HOLDERS = ([], {}, [[]], [None], [{}], {"a": []}, {"errors": []}, {"code": "NOT_FOUND"})
ODD_VALUES = st.sampled_from([None, True, False, *NUMBERS, *TEXTS, *HOLDERS])


@st.composite
def mutated(draw: st.DrawFn, good: Any) -> Any:
    """Up to three places changed, anywhere in the content."""
    content = copy.deepcopy({"root": good})
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, content)
    return content.get("root")


def _change(draw: st.DrawFn, content: dict[str, Any]) -> None:
    """Go down some way, then replace or take out what is there."""
    holder: Any = content
    key: Any = "root"
    while (inner := _inside(holder, key)) and draw(st.integers(0, 4)):
        holder = inner
        key = draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else [0]))
    if isinstance(holder, dict) and draw(st.booleans()):
        holder.pop(key, None)
    else:
        holder[key] = copy.deepcopy(draw(ODD_VALUES))


def _inside(holder: Any, key: Any) -> Any:
    """The object or list at that place; None for anything else."""
    inner = holder.get(key) if isinstance(holder, dict) else holder[key]
    return inner if isinstance(inner, dict | list) else None


@st.composite
def bodies(draw: st.DrawFn, *goods: Any) -> bytes:
    """Such an answer's bytes, sometimes cut short."""
    body = json.dumps(draw(mutated(draw(st.sampled_from(goods))))).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 5)) == 0 else body
