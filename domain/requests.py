"""Idempotency keys: that a request was done is itself a fact, recorded with what it did.

One stream for each (seller, route, key), so that a key can be used once: whoever comes second,
however soon, meets the first one's fact. What was sent is kept as a fingerprint alone.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import ClassVar
from uuid import UUID, uuid5

from domain.errors import Refusal
from domain.facts import Fact, Stamp
from domain.values import Value


class KeyUsed(Fact):
    """The request was done: `subject` then stood at `subject_version`, of the type's family."""

    TOPIC: ClassVar[str] = "request.key_used"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"fingerprint"})
    fingerprint: str | None = None
    family: str
    subject: UUID
    subject_version: int


class KeyUsedBefore(Refusal):
    """The request was done under this key; it is answered as it was."""

    code = "conflict"


class KeyOfAnother(Refusal):
    """The key was used for another request: nothing was done."""

    code = "key-reused"


class KeyInHand(Value):
    """A key that a request came with: it is spent by what the request records first."""

    stream: UUID
    fingerprint: str

    def use(self, stamp: Stamp, family: str, subject: UUID, version: int) -> KeyUsed:
        return KeyUsed(
            stamp=stamp, fingerprint=self.fingerprint, family=family, subject=subject,
            subject_version=version,
        )  # fmt: skip


def request_id_of(seller_id: UUID, route: str, key: str) -> UUID:
    """The stream of a key; `route` is the method and the path's form."""
    return uuid5(seller_id, f"request:{route}:{key}")


_in_hand: ContextVar[KeyInHand | None] = ContextVar("key_in_hand", default=None)


def take(key: KeyInHand | None) -> None:
    """From here on, in this thread or task, the request holds this key."""
    _in_hand.set(key)


def held() -> KeyInHand | None:
    return _in_hand.get()
