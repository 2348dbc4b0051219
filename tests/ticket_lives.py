"""Tickets to write examples with, and any life that a ticket can have."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import strategies as st

from domain.errors import Refusal
from domain.ticket import Ticket, TicketFact, decisions, facts, fold
from domain.ticket.state import ticket_id_of
from tests.examples import ASIN, BINDING_ID, SELLER_ID, at, stamp

HOUR = 3600.0
DAY = 24 * HOUR
TICKET_ID = ticket_id_of(SELLER_ID, "k")
LINE = facts.LogLine(position=40, number=0, operation="update", error_code="E-901")


def folded(history: Any) -> Ticket | None:
    return fold(TICKET_ID, cast(list[TicketFact], history))


def opening(seconds: float = 0, **changes: Any) -> decisions.Open:
    fields: dict[str, Any] = {
        "stamp": stamp(seconds), "subject": "Timed out", "text": "It failed again.",
        "log_line": LINE, "asin": ASIN, "binding_id": BINDING_ID,
    }  # fmt: skip
    return decisions.Open(**fields | changes)


def opened(**changes: Any) -> facts.Opened:
    fields: dict[str, Any] = {
        "stamp": stamp(), "subject": "Timed out", "text": "It failed again.", "log_line": LINE,
        "asin": ASIN, "binding_id": BINDING_ID, "answer_due_at": at(72 * HOUR),
    }  # fmt: skip
    return facts.Opened(**fields | changes)


def replied(seconds: float = HOUR, *, is_from_staff: bool = True, **changes: Any) -> facts.Replied:
    fields: dict[str, Any] = {"text": "Said.", "is_first_answer": is_from_staff}
    return facts.Replied(stamp=stamp(seconds), is_from_staff=is_from_staff, **fields | changes)


def resolved(seconds: float = 2 * HOUR, **changes: Any) -> facts.Resolved:
    fields: dict[str, Any] = {"cause": "amazon", "text": "Amazon answers again."}
    return facts.Resolved(stamp=stamp(seconds), **fields | changes)


STEPS: dict[str, Any] = {
    "seller": lambda s: (decisions.reply, decisions.Reply(stamp=s, text="a", is_from_staff=False)),
    "staff": lambda s: (decisions.reply, decisions.Reply(stamp=s, text="b", is_from_staff=True)),
    "note": lambda s: (decisions.add_note, decisions.AddNote(stamp=s, text="c")),
    "hand over": lambda s: (
        decisions.hand_over, decisions.HandOver(stamp=s, to="engineering", reason="d"),
    ),
    "resolve": lambda s: (
        decisions.resolve, decisions.Resolve(stamp=s, cause="unclear", text="e"),
    ),
}  # fmt: skip


@st.composite
def ticket_lives(draw: st.DrawFn) -> list[TicketFact]:
    """A history in which every step was decided, at times that only go on."""
    history = decisions.open_ticket(None, opening())
    seconds = 0.0
    for _ in range(draw(st.integers(0, 10))):
        seconds += draw(st.sampled_from((60.0, 30 * HOUR, 10 * DAY)))
        decide, command = STEPS[draw(st.sampled_from(sorted(STEPS)))](stamp(seconds))
        try:
            history = [*history, *decide(folded(history), command)]
        except Refusal:
            continue
    return history
