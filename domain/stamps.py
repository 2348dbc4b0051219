"""Making stamps: who acts, why, and when, for the commands of one piece of work."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from domain.facts import Cause, Stamp
from domain.policy import CURRENT_VERSION
from domain.ports import Clock


def event_id_of(originator_id: UUID, version: int) -> UUID:
    """The id of one event, so that what it caused can name it."""
    return uuid5(originator_id, str(version))


@dataclass(frozen=True)
class Work:
    """One piece of work, by one actor, for one reason."""

    clock: Clock
    actor: str
    correlation_id: UUID
    causation_id: UUID | None = None

    def stamp(self) -> Stamp:
        """A stamp of this moment, under the current policy."""
        return Stamp(
            decided_at=self.clock(),
            actor=self.actor,
            cause=Cause(correlation_id=self.correlation_id, causation_id=self.causation_id),
            policy=CURRENT_VERSION,
        )
