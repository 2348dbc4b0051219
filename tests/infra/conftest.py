"""One client and one scripted server for each file of tests that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import httpx
import pytest

from domain.application import acting_for
from domain.stamps import Work
from infra.http_deadline import open_client
from infra.installation import Installation
from tests.infra.scripted_server import ScriptedServer, json_reply
from tests.infra.upload_desk import UploadDesk
from tests.sellers import LinkedSeller


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client() as client:
        yield client


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(json_reply({})) as server:
        yield server


@pytest.fixture
def upload_desk(
    installation: Installation, seller: LinkedSeller, work: Work
) -> Iterator[UploadDesk]:
    shops = installation.shops(work.clock, Event(), 5.0)
    with acting_for(seller.seller_id):
        yield UploadDesk(installation, shops, seller, work)
    shops.close()
