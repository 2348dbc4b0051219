"""The health page's section on the state of the sync: what is open first, then the sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from api.auth import OWN_SELLER_ROLES
from api.desk import Desk
from api.ids import public_id
from api.l10n import L10n
from api.log_text import sweep_name
from api.pages.page_frame import Visit
from api.sync_words import Told, duration, moment, projected, promise, reading, told
from api.words import Word
from domain.seller import SweepRequested
from domain.sync_sweep import SweepKind
from domain.values import Value, binding_id_of
from projections.conditions import ConditionRow, SyncState, UnderWayRow

HELD_LENGTH = 5
REQUESTS_MAX = 50
KINDS: tuple[SweepKind, ...] = get_args(SweepKind)


class HeldRow(Value):
    """A change that was held, with both readings in words."""

    asin: str
    href: str
    first: str
    second: str


class OpenCondition(Value):
    """What is paused, held or late. `times` are named places that change while the page is open."""

    kind: str
    subject: str
    code: str
    told: Told
    times: Sequence[tuple[str, str, str]]
    held: Sequence[HeldRow] = ()
    held_left: int = 0
    asked_at: str | None = None


class SweepLine(Value):
    """One kind of sweep in the table; `word` says whether its last run ended in time."""

    kind: SweepKind
    name: str
    word: Word
    promise: str


class Section(Value):
    """Everything that the section shows but its figures."""

    conditions: Sequence[OpenCondition]
    sweeps: Sequence[SweepLine]
    is_well: bool
    read_at: str | None
    may_act: bool

    @property
    def needs_a_look(self) -> bool:
        """A person has to do or decide something."""
        return any(
            each.kind == "brake" or each.told.command is not None for each in self.conditions
        )


def section_of(desk: Desk, visit: Visit, state: SyncState) -> Section:
    """The section; asks the log who asked for a sweep only where changes are held."""
    asked = requests_since(desk, visit.seller_id, visit.position, state)
    sweeps = [sweep_line(visit.l10n, kind, state.ended.get(kind)) for kind in KINDS]
    return Section(
        conditions=sorted(
            (open_condition(visit, row, state, asked) for row in state.conditions), key=urgency
        ),
        sweeps=sweeps,
        is_well=not state.conditions and all(each.word.kind != "warn" for each in sweeps),
        read_at=last_read(visit, state),
        may_act=visit.caller.role in OWN_SELLER_ROLES,
    )


def urgency(condition: OpenCondition) -> int:
    """What only a person can mend comes first, then what a person may decide."""
    if condition.told.command is not None:
        return 0
    return {"brake": 1, "breaker": 2, "delay": 3}[condition.kind]


def last_read(visit: Visit, state: SyncState) -> str | None:
    """When Amazon's status was last read: a stock and price sweep reads it too."""
    ends = [
        row.until for kind, row in state.ended.items()
        if kind in ("status", "stock_price") and row.until and not row.detail["stopped_by"]
    ]  # fmt: skip
    return moment(max(ends), visit.now, visit.l10n) if ends else None


def open_condition(
    visit: Visit, row: ConditionRow, state: SyncState, asked: Mapping[str, datetime]
) -> OpenCondition:
    l10n, running = visit.l10n, state.under_way.get(row.subject)
    held = row.detail.get("held", [])[:HELD_LENGTH]
    asked_at = asked.get(row.subject) if row.kind == "brake" else None
    return OpenCondition(
        kind=row.kind,
        subject=row.subject,
        code=row.code or "",
        told=told(row, running, visit.now, l10n),
        times=times_of(l10n, row, running, visit.now),
        held=[held_row(visit, row.seller_id, each) for each in held],
        held_left=row.detail.get("held_count", 0) - len(held),
        asked_at=moment(asked_at, visit.now, l10n) if asked_at else None,
    )


def times_of(
    l10n: L10n, row: ConditionRow, running: UnderWayRow | None, now: datetime
) -> list[tuple[str, str, str]]:
    """What comes when: the name of its place, its label, its time."""
    if row.until is None:
        return []
    until = moment(row.until, now, l10n)
    if row.kind == "breaker":
        text = l10n.text("next try %(time)s", time=until)
        if row.until <= now:
            text = l10n.text("tried again by itself with the next call")
        return [(f"retry-{row.subject}", "", text)]
    ends = moment(max(now, projected(row, running)), now, l10n)
    return [
        (f"promised-{row.subject}", l10n.text("Promised by"), until),
        (f"ends-{row.subject}", l10n.text("Ends about"), ends),
    ]


def held_row(visit: Visit, seller_id: UUID, held: Mapping[str, Any]) -> HeldRow:
    first, second = reading(held, visit.l10n)
    binding = public_id("bnd", binding_id_of(seller_id, held["asin"]))
    return HeldRow(
        asin=held["asin"], href=visit.url(f"/bindings/{binding}"), first=first, second=second
    )


def requests_since(
    desk: Desk, seller_id: UUID, position: int, state: SyncState
) -> dict[str, datetime]:
    """By kind, when somebody asked to follow Amazon and the sweep has not ended since."""
    held = [row for row in state.conditions if row.kind == "brake"]
    if not held:
        return {}
    after = min(row.position for row in held)
    facts = desk.events_after(seller_id, after, position, (SweepRequested.TOPIC,), REQUESTS_MAX)
    asked: dict[str, datetime] = {}
    for recorded in facts:
        fact = recorded.fact
        if not isinstance(fact, SweepRequested) or not fact.is_brake_off:
            continue
        ended = state.ended.get(fact.kind)
        if ended is None or recorded.position > ended.position:
            asked[fact.kind] = recorded.recorded_at
    return asked


def sweep_line(l10n: L10n, kind: SweepKind, ended: ConditionRow | None) -> SweepLine:
    return SweepLine(
        kind=kind, name=sweep_name(kind, l10n), word=punctuality(l10n, ended),
        promise=promise(kind, l10n),
    )  # fmt: skip


def punctuality(l10n: L10n, ended: ConditionRow | None) -> Word:
    """How the last sweep of a kind ended, in the reader's language."""
    if ended is None:
        return Word("none", l10n.text("Not yet"))
    if ended.detail["stopped_by"] and ended.subject == "delta" and not ended.detail["failed"]:
        return Word("none", l10n.text("Left to the status sweep"))
    if ended.detail["stopped_by"]:
        return Word("warn", l10n.text("Stopped early"))
    late_seconds = ended.detail["late_seconds"]
    if late_seconds:
        return Word("warn", l10n.text("%(time)s late", time=duration(late_seconds, l10n)))
    return Word("ok", l10n.text("In time"))


# --- what changes while the page is open --------------------------------------------------------


def figures_of(l10n: L10n, state: SyncState, now: datetime) -> dict[str, str]:
    """Times and counts of the section, by the name of the place that shows them."""
    figures: dict[str, str] = {}
    for kind in KINDS:
        ended, running = state.ended.get(kind), state.under_way.get(kind)
        figures[f"run-{kind}"] = under_way(l10n, running, now)
        if ended is None or ended.until is None:
            figures |= {f"{name}-{kind}": "—" for name in ("ended", "changed", "failed")}
            continue
        figures[f"ended-{kind}"] = moment(ended.until, now, l10n)
        figures |= {
            f"{name}-{kind}": l10n.number(ended.detail[name]) for name in ("changed", "failed")
        }
    for row in state.conditions:
        times = times_of(l10n, row, state.under_way.get(row.subject), now)
        figures |= {name: text for name, _, text in times}
    return figures


def under_way(l10n: L10n, running: UnderWayRow | None, now: datetime) -> str:
    if running is None:
        return "—"
    return l10n.text(
        "%(done)s of %(listings)s, ends about %(time)s",
        done=l10n.number(running.done),
        listings=l10n.number(running.listings),
        time=moment(max(now, running.projected_at), now, l10n),
    )


def shape_of(l10n: L10n, state: SyncState) -> list[str]:
    """What an open page has to be loaded again for: a condition that opens, closes or grows."""
    held = [
        f"{row.kind}:{row.subject}:{row.code}:{row.detail.get('held_count', '')}"
        for row in state.conditions
    ]
    return [*held, *(punctuality(l10n, state.ended.get(kind)).message for kind in KINDS)]
