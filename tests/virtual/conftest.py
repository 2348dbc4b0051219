"""Fixtures in virtual time: a clock that tests move, the sandbox on it, the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.installation import Installation
from tests.sandbox_server import SandboxServer
from tests.virtual.service import VirtualClock, VirtualService


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def sandbox(
    tmp_path_factory: pytest.TempPathFactory, clock: VirtualClock
) -> Iterator[SandboxServer]:
    """Both upstreams on the virtual clock."""
    with SandboxServer(Path(tmp_path_factory.mktemp("virtual")), clock=clock) as server:
        yield server


@pytest.fixture
def service(
    installation: Installation, sandbox: SandboxServer, clock: VirtualClock
) -> Iterator[VirtualService]:
    made = VirtualService(installation, sandbox, clock)
    yield made
    made.close()
