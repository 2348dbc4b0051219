"""One event of a binding: what caused it, what it led to, and the ten events before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.desk import Desk
from api.l10n import mark
from api.pages.event_lines import EventLine, event_lines_of, hidden_from
from api.pages.page_frame import Visit
from domain.errors import NotFound
from domain.facts import Recorded
from domain.stamps import event_id_of
from projections import audit_trail
from projections.audit_trail import AuditRow

EVENTS_BEFORE = 10
CAUSED_THIS = mark("caused this")
CAUSED_BY_THIS = mark("caused by this")
SAME_REQUEST = mark("same piece of work")


class Story(NamedTuple):
    """An event among those of the same piece of work, oldest first, and what came before it."""

    event: Recorded
    causes: Sequence[EventLine]
    effects: Sequence[EventLine]
    before: Sequence[EventLine]
    reach: int


def story_of(desk: Desk, visit: Visit, history: Sequence[Recorded], version: int) -> Story:
    """The story of one version. Raises NotFound where there is none such."""
    if not 1 <= version <= len(history):
        raise NotFound("no such event")
    event = history[version - 1]
    hidden = hidden_from(visit)
    with desk.reading_for(visit.seller_id) as connection:
        related = audit_trail.of_work(
            connection, event.fact.stamp.cause.correlation_id, event.position, hidden
        )
        before = audit_trail.page(
            connection, audit_trail.Filter(hidden=hidden), before=event.position,
            limit=EVENTS_BEFORE,
        )  # fmt: skip
        others = [row for row in related if row.position != event.position]
        lines = event_lines_of(connection, visit, [*others, *before])
    told = [
        line.model_copy(update={"relation": relation_of(row, event)})
        for row, line in zip(others, lines[: len(others)], strict=True)
    ]
    return Story(
        event=event,
        causes=[each for each in told if each.position < event.position],
        effects=[each for each in told if each.position > event.position],
        before=lines[len(others) :],
        reach=audit_trail.WORK_REACH,
    )


def relation_of(row: AuditRow, event: Recorded) -> str:
    """How another event of the same piece of work stands to this one, as a message."""
    if event_id_of(row.subject, row.version) == event.fact.stamp.cause.causation_id:
        return CAUSED_THIS
    if row.causation_id == event_id_of(event.originator_id, event.version):
        return CAUSED_BY_THIS
    return SAME_REQUEST
