"""Whose cosignatures make a checkpoint trusted: a policy as c2sp.org/tlog-policy, read strictly.

Its `log` lines are checked and not used: which logs are meant is known here from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlsplit

from domain.transparency.signed_note import (
    COSIGNATURE,
    NOTE,
    NoteRefused,
    Verifier,
    is_decimal,
    read_vkey,
)

LINES_MAX = 1_000
NONE = "none"
SPACES = re.compile(r"[ \t]+")
STRANGE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class PolicyRefused(ValueError):
    """The file is no clear policy; the message names the line."""


class Witness(NamedTuple):
    """Who cosigns; `url` is the submission prefix, None for one that is never asked."""

    name: str
    verifier: Verifier
    url: str | None


class Group(NamedTuple):
    """So many of these members, which are witnesses or groups."""

    needed: int
    members: Sequence[str]


class TrustPolicy(NamedTuple):
    """The witnesses in the file's order, and the name that must have witnessed a checkpoint."""

    witnesses: Sequence[Witness]
    groups: Mapping[str, Group]
    quorum: str

    def is_reached(self, vkeys: Collection[str]) -> bool:
        """Whether cosignatures by these keys are enough; keys that are not in the file are none."""
        seen = {each.name for each in self.witnesses if each.verifier.vkey in vkeys}
        return self._has_witnessed(self.quorum, seen)

    def _has_witnessed(self, name: str, seen: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name == NONE or name in seen
        return sum(self._has_witnessed(each, seen) for each in group.members) >= group.needed


def read_policy(content: bytes) -> TrustPolicy:
    """Names are bytes that mean nothing here. Raises PolicyRefused."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    if len(lines) > LINES_MAX:
        raise PolicyRefused(f"line {LINES_MAX}: a policy has no more lines than this")
    reading = Reading()
    for number, line in enumerate(lines, 1):
        try:
            reading.read(line)
        except (PolicyRefused, NoteRefused) as error:
            raise PolicyRefused(f"line {number}: {error}") from None
    if reading.quorum is None:
        raise PolicyRefused(f"line {len(lines)}: the file ends without a `quorum` line")
    return TrustPolicy(list(reading.witnesses.values()), reading.groups, reading.quorum)


class Reading:
    """What the lines so far have defined. Each step raises PolicyRefused or NoteRefused."""

    def __init__(self) -> None:
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._keys: set[tuple[int, bytes]] = set()
        self._members: set[str] = set()

    def read(self, line: str) -> None:
        if strange := STRANGE.search(line):
            raise PolicyRefused(f"it has the control character {strange[0]!r}: end lines with \\n")
        words = SPACES.split(line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            return
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self._ensure_new(key_of(vkey, NOTE))
            case ["witness", name, vkey, *url] if len(url) < 2:
                self._name(name)
                verifier = self._ensure_new(key_of(vkey, COSIGNATURE))
                self.witnesses[name] = Witness(name, verifier, prefix(url[0]) if url else None)
            case ["group", name, count, *members] if members:
                self.groups[name] = self._group(name, count, members)
            case ["quorum", name]:
                self._set_quorum(name)
            case _:
                raise PolicyRefused(
                    f"{shown(line)} is not understood: write `log VKEY [URL]`,"
                    " `witness NAME VKEY [URL]`, `group NAME all|any|NUMBER MEMBER…` or"
                    " `quorum NAME`"
                )

    def _group(self, name: str, count: str, members: Sequence[str]) -> Group:
        self._name(name)
        for member in members:
            self._ensure_defined(member)
        if twice := [name for name, each in groupby(sorted(members)) if len(list(each)) > 1]:
            raise PolicyRefused(f"{shown(twice[0])} stands in the group twice")
        if again := self._members.intersection(members):
            raise PolicyRefused(f"{shown(min(again))} is in a group already: one group a name")
        known = {"any": "1", "all": str(len(members))}.get(count, count)
        if not is_decimal(known) or not 1 <= int(known) <= len(members):
            raise PolicyRefused(f"{shown(count)} of {len(members)} can't be: write all, any or 1 …")
        self._members.update(members)
        return Group(int(known), members)

    def _set_quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyRefused("the quorum is set already: keep one `quorum` line")
        if name != NONE:
            self._ensure_defined(name)
        self.quorum = name

    def _name(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise PolicyRefused(f"the name {shown(name)} is taken")

    def _ensure_defined(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise PolicyRefused(f"{shown(name)} is not defined on a line before")

    def _ensure_new(self, verifier: Verifier) -> Verifier:
        key = verifier.kind, verifier.public_key
        if key in self._keys:
            raise PolicyRefused(f"the key of {shown(verifier.name)} stands on a line before")
        self._keys.add(key)
        return verifier


def key_of(vkey: str, kind: int) -> Verifier:
    try:
        verifier = read_vkey(vkey)
    except UnicodeError:
        raise PolicyRefused(f"the key's name is not UTF-8: {shown(vkey)}") from None
    if verifier.kind != kind:
        raise PolicyRefused(
            f"{shown(verifier.name)} has a key of kind {verifier.kind}; a log's is {NOTE} and a"
            f" witness's {COSIGNATURE}"
        )
    return verifier


def prefix(url: str) -> str:
    """A witness's address, without a slash at its end."""
    try:
        parts = urlsplit(url.encode().decode())
        is_plain = parts.port != 0 and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        is_plain = False
    if not is_plain or not parts.hostname or parts.scheme not in ("http", "https"):
        raise PolicyRefused(
            f"{shown(url)} is no witness's address: begin it with https:// and a host's name"
        )
    return url.rstrip("/")


def shown(text: str) -> str:
    return ascii(text[:80])
