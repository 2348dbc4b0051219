"""Browsers without JavaScript, and what they find in a page."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx

WHY = {"access-reason": "the seller asked by telephone"}
"""What staff state when they look at a seller."""
Visitor = Callable[..., httpx.Client]


def csrf_in(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found
    return found[1]
