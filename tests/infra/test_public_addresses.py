"""Which addresses may be spoken to, and that the one checked is the one connected to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from ipaddress import ip_address

import httpcore
import pytest

from infra.http_deadline import open_client
from infra.public_addresses import NameUnknown, NotPublic, PublicOnly, is_public
from tests.infra.scripted_server import ScriptedServer, json_reply

INWARD = [
    "127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.0.171", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "192.88.99.1",
    "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "100::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "5f00::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::200e", "64:ff9b::808:808",
    "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("text", INWARD)
def test_an_address_that_leads_inwards_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


def answering(*addresses: str) -> PublicOnly:
    return PublicOnly(may_be_loopback=False, resolve=lambda _host, _port: addresses)


@pytest.mark.parametrize("text", INWARD)
def test_one_inward_address_among_public_ones_is_enough_to_refuse(text: str) -> None:
    with pytest.raises(NotPublic):
        answering("8.8.8.8", text).address_of("hooks.example.com", 443, 1)


def test_a_name_without_an_address_is_unknown() -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    for guard in (answering(), PublicOnly(may_be_loopback=False, resolve=resolve)):
        with pytest.raises(NameUnknown):
            guard.address_of("hooks.example.com", 443, 1)


def test_a_name_server_that_does_not_answer_is_left_behind_in_time() -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        time.sleep(1)
        return ["8.8.8.8"]

    began = time.monotonic()
    with pytest.raises(httpcore.ConnectTimeout):
        PublicOnly(may_be_loopback=False, resolve=resolve).address_of("a.example", 443, 0.1)
    assert time.monotonic() - began < 0.8


def test_in_the_sandbox_only_this_computers_own_names_may_lead_to_it() -> None:
    guard = PublicOnly(may_be_loopback=True, resolve=lambda _host, _port: ["127.0.0.1"])
    assert guard.address_of("localhost", 9000, 1) == "127.0.0.1"
    with pytest.raises(NotPublic):
        guard.address_of("hooks.example.com", 443, 1)
    moved = PublicOnly(may_be_loopback=True, resolve=lambda _host, _port: ["10.0.0.1"])
    with pytest.raises(NotPublic):
        moved.address_of("localhost", 9000, 1)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    with ScriptedServer(json_reply({})) as server:
        port = int(server.url.rpartition(":")[2])
        asked: list[str] = []

        def address_of(host: str, _port: int, _seconds: float | None) -> str:
            asked.append(host)
            return "127.0.0.1"

        with open_client(address_of) as client:
            assert client.get(f"http://nowhere.invalid:{port}/a").status_code == 200
        assert asked == ["nowhere.invalid"]
        assert server.received[0].headers["host"] == f"nowhere.invalid:{port}"
