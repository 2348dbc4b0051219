"""What goes wrong with a sync, recorded as the service would record it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from api.desk import Desk
from domain.breaker import Marketplace, Paused, Resumed, breaker_id_of
from domain.facts import Stamp
from domain.sync_sweep import (
    BrakeApplied,
    DelayForeseen,
    Finished,
    HeldChange,
    SweepKind,
    Tally,
    promised_at,
)
from domain.values import sweep_id_of
from infra.installation import Installation
from infra.sweep_runs import SweepRuns
from tests.api.page_data import record, stamp

MINUTE = timedelta(minutes=1)


class SyncScene:
    """One seller's breakers and sweeps; times are minutes before now."""

    def __init__(self, desk: Desk, seller_id: UUID) -> None:
        self.desk, self.seller_id = desk, seller_id
        self.now = datetime.now(UTC)

    def stamp(self, minutes_ago: float = 0) -> Stamp:
        return stamp().model_copy(update={"decided_at": self.now - minutes_ago * MINUTE})

    def pause(
        self, marketplace: Marketplace, code: str, minutes_ago: float = 12, tries: int = 0
    ) -> None:
        self.note(breaker_id_of(self.seller_id, marketplace), tries, Paused(
            stamp=self.stamp(minutes_ago), marketplace=marketplace, code=code,
            reason="HTTP 503 of <b>getItemOffers</b>", since=self.now - minutes_ago * MINUTE,
            tries=tries, retry_at=self.now + 3 * MINUTE,
        ))  # fmt: skip

    def resume(self, marketplace: Marketplace, code: str, version: int = 1) -> None:
        self.note(breaker_id_of(self.seller_id, marketplace), version, Resumed(
            stamp=self.stamp(), marketplace=marketplace, code=code, since=self.now - 12 * MINUTE,
        ))  # fmt: skip

    def due(self, minutes_ago: float) -> datetime:
        return self.now - minutes_ago * MINUTE

    def brake(self, kind: SweepKind, held: tuple[HeldChange, ...], minutes_ago: float = 30) -> UUID:
        """A sweep of a thousand listings that holds these; its stream's id."""
        sweep = sweep_id_of(self.seller_id, kind, self.due(minutes_ago))
        self.note(sweep, 0, BrakeApplied(
            stamp=self.stamp(minutes_ago), kind=kind, page=1, listings=1_000, limit=100,
            rate=Decimal("0.1"), drastic=200 + len(held), confirmed=200, held_count=len(held),
            held=held,
        ))  # fmt: skip
        self.end(kind, minutes_ago, version=1, held=len(held))
        return sweep

    def delay(self, kind: SweepKind, minutes_ago: float = 60) -> None:
        due_at = self.due(minutes_ago)
        sweep = sweep_id_of(self.seller_id, kind, due_at)
        self.note(sweep, 0, DelayForeseen(
            stamp=self.stamp(minutes_ago / 2), kind=kind, due_at=due_at,
            promised_at=promised_at(kind, due_at), projected_at=self.now + 45 * MINUTE, done=400,
            listings=1_000,
        ))  # fmt: skip

    def end(
        self,
        kind: SweepKind,
        due_minutes_ago: float,
        *,
        version: int = 0,
        held: int = 0,
        ended_minutes_ago: float = 1,
        stopped_by: str | None = None,
    ) -> None:
        due_at = self.due(due_minutes_ago)
        sweep = sweep_id_of(self.seller_id, kind, due_at)
        tally = Tally(bindings=1_000, changed=12, failed=held, held=held)
        self.note(sweep, version, Finished(
            stamp=self.stamp(ended_minutes_ago), kind=kind, due_at=due_at, started_at=due_at,
            tally=tally, stopped_by=stopped_by,
        ))  # fmt: skip

    def all_well(self) -> None:
        """Two sweeps that ended in time."""
        self.end("status", 20)
        self.end("stock_price", 15)

    def note(self, stream: UUID, version: int, fact: object) -> None:
        record(self.desk, self.seller_id, stream, version, [fact])  # type: ignore[list-item]


def under_way(
    installation: Installation, seller_id: UUID, kind: SweepKind, due_at: datetime, done: int
) -> None:
    """A sweep of a thousand listings that has read some of them."""
    now = datetime.now(UTC)
    SweepRuns(installation.database).begin(seller_id, kind, due_at, 1_000, now)
    with installation.database.pool("jobs").connection() as connection:
        connection.execute(
            "UPDATE asin_sync.sweep_run SET done = %s, projected_at = %s WHERE seller_id = %s",
            (done, now + 20 * MINUTE, seller_id),
        )


def held_changes(*asins: str) -> tuple[HeldChange, ...]:
    """Readings that contradict each other: a suspension, then nothing."""
    return tuple(
        HeldChange(asin=asin, first="suspended: hasSuspendedListings", second="no change")
        for asin in asins
    )


def new_asin() -> str:
    return f"B0{uuid4().hex[:8].upper()}"
