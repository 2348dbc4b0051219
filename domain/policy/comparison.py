"""What differs between two versions of the policy, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from domain.policy import Policy


class Difference(NamedTuple):
    """A value that was added (`before` is None), removed (`after` is None) or changed."""

    place: str
    before: str | None
    after: str | None


def differences(before: Policy, after: Policy) -> list[Difference]:
    """Every value that is not the same, by its place; rules of a list are found by their key."""
    old, new = dict(values_of(before)), dict(values_of(after))
    places = [place for place in {**old, **new} if old.get(place) != new.get(place)]
    return [Difference(place, old.get(place), new.get(place)) for place in places]


def values_of(policy: Policy) -> Iterator[tuple[str, str]]:
    """Each single value under the way that leads to it."""
    yield from flattened("", policy.model_dump(exclude={"version"}))


def flattened(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from flattened(joined(place, key), each)
    elif isinstance(value, set | frozenset):
        for each in sorted(value, key=str):
            yield joined(place, each), "yes"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, each in enumerate(value):
            yield from flattened(joined(place, name_of(each, number)), each)
    else:
        yield place, str(value)


def joined(place: str, key: object) -> str:
    name = " > ".join(map(str, key)) if isinstance(key, tuple) else str(key)
    return f"{place}.{name}" if place else name


def name_of(value: Any, number: int) -> str:
    """A rule is known by its key, a plain value by itself."""
    if isinstance(value, Mapping):
        return str(value.get("key", number))
    return str(number) if isinstance(value, list | tuple) else str(value)
