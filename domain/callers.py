"""Who may come in: the holder of an API key, or a person, and their role (SPEC §1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, get_args
from uuid import UUID

from pydantic import AwareDatetime

from domain.errors import KeyRefused
from domain.seller import Role
from domain.values import Value


class Caller(Value):
    """Who came in. `seller_id` is None for staff, who name the seller they look at."""

    key_id: str
    role: Role
    seller_id: UUID | None
    label: str

    @property
    def actor(self) -> str:
        """How the log names whoever this is."""
        return f"key:{self.key_id}"


class PersonCaller(Caller):
    """A person, who came in without a key: `key_id` is the person's own, and means nothing else."""

    @property
    def actor(self) -> str:
        return f"person:{self.key_id}"


class KeyInfo(Caller):
    """An API key as it may be shown: never the secret."""

    created_at: AwareDatetime
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = None
    """Exact to the hour."""


class Allowance(NamedTuple):
    """How many requests a key may still send; `retry_after_seconds` of 0: this one may be."""

    limit: int
    window_seconds: int
    remaining: int
    full_after_seconds: float
    retry_after_seconds: float


SELLER_MADE_ROLES: tuple[Role, ...] = ("seller", "service")
"""Keys that a seller makes itself; keys of staff are made by operators."""
PERSON_TOKEN = "person."  # noqa: S105
"""How a person's session token begins; a key's begins otherwise."""
LABEL_LENGTH_MAX = 60
OPEN_KEYS_MAX = 20


def role_a_seller_makes(role: str, label: str, known: Iterable[KeyInfo]) -> Role:
    """The role of a key that a seller who has these keys may make. Raises KeyRefused."""
    rules: dict[str, str] = {}
    if not 1 <= len(label) <= LABEL_LENGTH_MAX or not label.isprintable():
        rules["label"] = "key_label"
    if role not in SELLER_MADE_ROLES:
        rules["role"] = "key_role"
    if sum(key.revoked_at is None for key in known) >= OPEN_KEYS_MAX:
        rules["keys"] = "key_too_many"
    if rules:
        raise KeyRefused(f"role {role[:20]!r}, label {label[:60]!r}", rules=rules)
    return next(each for each in get_args(Role) if each == role)


def is_last_seller_key(key_id: str, known: Iterable[KeyInfo]) -> bool:
    """Nobody could sign in for the shop without this key."""
    return {key.key_id for key in known if key.role == "seller" and key.revoked_at is None} == {
        key_id
    }
