"""What every fact carries, whatever it is about: who, why, when and under which policy.

A fact is the content of one event. Its place in a stream (id, version) and in the log (position,
recorded_at) belong to the store, so that a decision can be compared whole in a test.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from domain.values import Value


class Cause(Value):
    """Why something happened: the request it belongs to, and the event just before it."""

    correlation_id: UUID
    causation_id: UUID | None = None


class Stamp(Value):
    """Who decided, when, why, under which policy; `observed_at` is the upstream's own moment.

    `decided_at` comes from the injected clock. `recorded_at` is not here: the database gives it.
    """

    decided_at: AwareDatetime
    actor: str
    cause: Cause
    policy: str
    observed_at: AwareDatetime | None = None


class Fact(Value):
    """The content of one event. `TOPIC` is its permanent stored name, `VERSION` that of its shape.

    A new shape raises VERSION and says in `upcast` how an older one reads. `PERSONAL` fields tell
    of a person: they are stored encrypted under the seller's own key, and are None where that key
    was destroyed or, as for every projection, is not at hand.
    """

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    stamp: Stamp

    @classmethod
    def upcast(cls, content: dict[str, object], version: int) -> dict[str, object]:
        """Return `content`, stored as shape `version`, in the shape of today."""
        if version != cls.VERSION:
            raise ValueError(f"{cls.TOPIC} has no shape {version}")
        return content


class Recorded(NamedTuple):
    """A fact as the log holds it: its stream, its version there, and its position in the log."""

    position: int
    recorded_at: datetime
    seller_id: UUID
    originator_id: UUID
    version: int
    fact: Fact


class Command(Value):
    """What is asked of an aggregate; the stamp becomes that of the facts it leads to."""

    stamp: Stamp
