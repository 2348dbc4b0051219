"""Whether a checkpoint was seen by enough witnesses: a trust policy as c2sp.org/tlog-policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .formats import DECIMAL, Key, Refused, read_key


def read_policy(
    text: str,
) -> tuple[dict[str, Key], Callable[[set[str]], bool], str]:
    """c2sp.org/tlog-policy: witnesses by name, whether some of them are enough, the quorum."""
    witnesses: dict[str, Key] = {}
    groups: dict[str, tuple[int, list[str]]] = {}
    quorum = ""
    for line in text.splitlines():
        match line.split():
            case ["witness", name, key, *_]:
                add_witness(witnesses, name, read_key(key))
            case ["group", name, count, *members] if members:
                known = {"any": "1", "all": str(len(members))}.get(count, count)
                if not DECIMAL.fullmatch(known) or not 1 <= int(known) <= len(members):
                    raise Refused(f"policy: group {name} can't need {count} of {len(members)}")
                groups[name] = int(known), members
            case ["quorum", name] if not quorum:
                quorum = name
            case ["log", *_] | []:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case _:
                raise Refused(f"policy: {line[:60]!r} is not understood")
    ensure_defined(quorum, witnesses, groups)
    return witnesses, lambda seen: reached(quorum, seen, groups), quorum


def add_witness(witnesses: dict[str, Key], name: str, key: Key) -> None:
    """No name and no key stands twice, so that nobody counts for two."""
    if name in witnesses or any(key.public == each.public for each in witnesses.values()):
        raise Refused(f"policy: the name or the key of witness {name} stands in it twice")
    witnesses[name] = key


def ensure_defined(
    quorum: str, witnesses: Mapping[str, Key], groups: Mapping[str, tuple[int, list[str]]]
) -> None:
    """Every name stands on a line before it is used, and is a member of one group at most."""
    known, free = set(witnesses), set(witnesses)
    for name, (_, members) in groups.items():
        if name in known or not free.issuperset(members) or len(set(members)) < len(members):
            raise Refused(f"policy: group {name} names what is not defined before, or twice")
        known.add(name)
        free = free.difference(members) | {name}
    if quorum not in known | {"none"}:
        raise Refused("policy: it has no `quorum` line that names a witness, a group or none")


def reached(name: str, seen: set[str], groups: Mapping[str, tuple[int, list[str]]]) -> bool:
    if name not in groups:
        return name in seen or name == "none"
    count, members = groups[name]
    return sum(reached(member, seen, groups) for member in members) >= count
