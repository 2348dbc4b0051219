"""A stream's history as a page reads it: many events, few of them looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import overload
from uuid import UUID

from domain.facts import Recorded
from infra.event_codec import decode

Row = tuple[int, datetime, UUID, UUID, int, str, bytes]
"""Position, time, seller, stream, version, topic and state."""


class History(Sequence[Recorded]):
    """Oldest first; an event is decoded whenever it is looked at, and not kept.

    Most of a page's time with a long history went into facts that it did not show, and into
    memory for all of them at once.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Recorded: ...
    @overload
    def __getitem__(self, at: slice) -> History: ...
    def __getitem__(self, at: int | slice) -> Recorded | History:
        if isinstance(at, slice):
            return History(self._rows[at])
        position, recorded_at, seller_id, stream, version, topic, state = self._rows[at]
        return Recorded(position, recorded_at, seller_id, stream, version, decode(topic, state))
