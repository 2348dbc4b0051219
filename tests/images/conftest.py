"""Fixtures: measuring processes that tests share, and a client as the service opens it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from infra.http_deadline import open_client
from infra.images.workers import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    opened = Workers()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with open_client() as opened:
        yield opened
