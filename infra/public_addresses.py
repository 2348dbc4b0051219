"""Only public addresses: what a name stands for is checked where the connection is made.

The connection then goes to the very address that was checked, so a name that changes in between
leads nowhere else.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Thread

import httpcore

from domain.rules.webhook_address import LOOPBACK_NAMES

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_REFUSED = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; some of it counts as global
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("2001::/23"),  # Teredo and other protocol assignments
)


class NotPublic(Exception):
    """The name stands for an address that must not be spoken to. Which one is not told."""


class NameUnknown(Exception):
    """The name stands for nothing."""


def is_public(address: Address) -> bool:
    """A unicast address of the public internet, also where an IPv4 address is hidden in it.

    `is_global` alone holds for 64:ff9b::7f00:1, 2002:7f00:1::, ::7f00:1, 224.0.0.1, 192.0.0.8.
    """
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None:
            return is_public(address.sixtofour)
        if address not in _GLOBAL_UNICAST:
            return False
    is_refused = any(address in each for each in _REFUSED if each.version == address.version)
    return address.is_global and not address.is_multicast and not is_refused


def looked_up(host: str, port: int) -> Sequence[str]:
    """What the system's resolver knows. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


class PublicOnly:
    """Chooses the address to connect to; in the sandbox this computer's own names are fine."""

    def __init__(self, *, may_be_loopback: bool, resolve: Resolve = looked_up) -> None:
        self._may_be_loopback = may_be_loopback
        self._resolve = resolve

    def address_of(self, host: str, port: int, seconds: float | None) -> str:
        """One address, if every one is allowed. Raises NotPublic, NameUnknown, ConnectTimeout."""
        addresses = [
            ip_address(text.partition("%")[0]) for text in self._asked(host, port, seconds)
        ]
        if not addresses:
            raise NameUnknown(host)
        if self._may_be_loopback and host in LOOPBACK_NAMES:
            is_allowed = all(address.is_loopback for address in addresses)
        else:
            is_allowed = all(is_public(address) for address in addresses)
        if not is_allowed:
            raise NotPublic(host)
        return str(addresses[0])

    def _asked(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """The resolver knows no deadline, so it is asked in a thread that may be left behind."""
        found: list[str] = []
        thread = Thread(target=self._ask, args=(host, port, found), daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            raise httpcore.ConnectTimeout("the name server did not answer in time")
        return found

    def _ask(self, host: str, port: int, found: list[str]) -> None:
        try:
            found.extend(self._resolve(host, port))
        except (OSError, UnicodeError):
            found.clear()
