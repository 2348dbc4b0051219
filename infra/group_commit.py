"""Group commit: appends that come while others are on their way to the disk go together next.

Whoever finds a free lane writes at once; the others wait, and the first of them takes them all
along. A lone writer pays nothing; eight in flight share round trips, commits and flushes. There are
two lanes, so that one batch is inserted while the batch before it is flushed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from eventsourcing.persistence import StoredEvent

LANES = 2
TOGETHER_MAX = 64


def closed_gate() -> Lock:
    gate = Lock()
    gate.acquire()
    return gate


@dataclass(eq=False, slots=True)
class Append:
    """Events of one seller to append all or nothing, and what came of it.

    Its thread waits at `gate`; behind it, the append is done or `batch` is its thread's to write.
    """

    seller_id: UUID
    events: Sequence[StoredEvent]
    positions: Sequence[int] = ()
    error: BaseException | None = None
    batch: Sequence[Append] = ()
    gate: Lock = field(default_factory=closed_gate)


class GroupCommit:
    """Hands batches of appends to `write`, which gives each its positions or its error."""

    def __init__(self, write: Callable[[Sequence[Append]], None]) -> None:
        self._write = write
        self._lock = Lock()
        self._free_lanes = LANES
        self._waiting: list[Append] = []

    def append(self, seller_id: UUID, events: Sequence[StoredEvent]) -> Sequence[int]:
        """Append durably; return the positions. Raises what `write` found against it."""
        mine = Append(seller_id, events)
        with self._lock:
            if self._free_lanes:
                self._free_lanes -= 1
                mine.batch = [mine]
            else:
                self._waiting.append(mine)
        if not mine.batch:
            mine.gate.acquire()
        if mine.batch:
            self._write_batch(mine.batch)
        if mine.error is not None:
            raise mine.error
        return mine.positions

    def _write_batch(self, batch: Sequence[Append]) -> None:
        """Write it, give the lane to those who wait, and let the others of the batch go."""
        try:
            self._write(batch)
        except BaseException as error:
            for each in batch:
                each.error = error
        finally:
            with self._lock:
                following = self._waiting[:TOGETHER_MAX]
                del self._waiting[:TOGETHER_MAX]
                self._free_lanes += not following
            if following:
                following[0].batch = following
                following[0].gate.release()
            for each in batch[1:]:
                each.gate.release()
