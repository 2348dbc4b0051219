"""Before a server starts anything: it is alone on its data, and its port is free."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from infra.serving import AlreadyServed, PortTaken, alone_in, ensure_port_free


def test_a_folder_is_served_by_one_server_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with alone_in(folder):
        assert folder.stat().st_mode & 0o077 == 0
        with pytest.raises(AlreadyServed, match="ASIN_SYNC_DATA"), alone_in(folder):
            pass
        with alone_in(tmp_path / "other"):
            pass
    with alone_in(folder):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_named_with_the_next_step(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listening:
        port = listening.getsockname()[1]
        with pytest.raises(PortTaken, match="ASIN_SYNC_PORT"):
            ensure_port_free(host, port)
    ensure_port_free(host, port)
