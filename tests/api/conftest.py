"""Fixtures of the web tests: the whole application behind a real server, and a client with a key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.desk import Desk
from tests.api.web_server import serving


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """Where the application of this desk is served."""
    with serving(desk) as url:
        yield url


@pytest.fixture
def client(address: str, seller_key: str) -> Iterator[httpx.Client]:
    """A client that holds the seller's key and reads English."""
    headers = {"Authorization": f"Bearer {seller_key}", "Accept-Language": "en"}
    with httpx.Client(base_url=address, headers=headers, timeout=10) as opened:
        yield opened
