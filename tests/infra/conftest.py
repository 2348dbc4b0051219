"""One client and one scripted server for each file of tests that asks for them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from infra.http_deadline import open_client
from tests.infra.scripted_server import ScriptedServer, json_reply


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client() as client:
        yield client


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(json_reply({})) as server:
        yield server
