"""Browsers without JavaScript, and what they find in a page."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx

Visitor = Callable[..., httpx.Client]


def csrf_in(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found
    return found[1]
