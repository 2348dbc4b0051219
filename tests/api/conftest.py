"""Fixtures of the web tests: the whole application behind a real server, a client with a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from api.desk import Desk
from domain.stamps import Work
from infra.installation import Installation
from tests.api.visiting import WHY, Visitor
from tests.api.web_server import serving
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """Where the application of this desk is served."""
    with serving(desk) as url:
        yield url


@pytest.fixture
def client(address: str, seller_key: str) -> Iterator[httpx.Client]:
    """A client that holds the seller's key and reads English; with staff's keys it says why."""
    headers = {"Authorization": f"Bearer {seller_key}", "Accept-Language": "en", **WHY}
    with httpx.Client(base_url=address, headers=headers, timeout=10) as opened:
        yield opened


@pytest.fixture
def neighbour(installation: Installation, sandbox: SandboxServer, work: Work) -> LinkedSeller:
    """Another seller of the same installation."""
    return linked_seller(installation, sandbox, work, product_count=1)


@pytest.fixture
def neighbour_bearer(installation: Installation, neighbour: LinkedSeller) -> dict[str, str]:
    """Headers that make a request the neighbour's."""
    key = installation.api_keys.create("seller", neighbour.seller_id, "test")[1]
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def head(installation: Installation) -> Callable[[], int]:
    """Tells the last position of the log, whatever the views have reached."""

    def position() -> int:
        with installation.database.pool("projector").connection() as connection:
            row = connection.execute("SELECT max(notification_id) FROM asin_sync_events").fetchone()
        return int(row[0]) if row else 0

    return position


@pytest.fixture
def visitor(desk: Desk) -> Iterator[Visitor]:
    """Makes browsers without JavaScript, signed in where a key is given."""
    clients: list[httpx.Client] = []
    with serving(desk) as address:

        def visit(key: str | None = None) -> httpx.Client:
            client = httpx.Client(base_url=address, headers={"accept-language": "en", **WHY})
            clients.append(client)
            if key is not None:
                assert client.post("/sign-in", data={"key": key, "next": "/"}).status_code == 303
            return client

        yield visit
        for client in clients:
            client.close()
