"""The words for a ticket: its state, who goes on with it, why it was settled, how long is left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from api.l10n import L10n, mark
from api.words import Kind, Word
from domain.values import Value
from projections.tickets import AT_RISK

TICKET_STATUSES: Mapping[str, Word] = {
    "open": Word("wait", mark("Waits for an answer")),
    "answered": Word("ok", mark("Answered")),
    "resolved": Word("none", mark("Resolved")),
}
CAUSES: Mapping[str, str] = {
    "seller_data": mark("The seller's data"),
    "amazon": mark("Amazon"),
    "mercari": mark("Mercari"),
    "asin_sync": mark("ASIN Sync itself"),
    "unclear": mark("Not found out"),
    "duplicate": mark("The same as another ticket"),
}
TEAMS: Mapping[str, str] = {
    "support": mark("Support"),
    "reviewer": mark("Reviewer"),
    "engineering": mark("Engineering"),
}
ATTACHMENTS: Mapping[str, str] = {
    "log_excerpt": mark("Log excerpt"),
    "failure_report": mark("Failure report"),
    "screenshot": mark("Screenshot"),
}
ENTRIES: Mapping[str, str] = {
    "opened": mark("Opened"),
    "reply": mark("Reply"),
    "note": mark("Internal note"),
    "hand_over": mark("Handed over"),
    "resolution": mark("Resolved"),
    "reopened": mark("Opened anew"),
}
LISTS: Mapping[str, str] = {
    "due": mark("Unresolved"),
    "at_risk": mark("Less than 24 hours left"),
    "breached": mark("Overdue"),
    "all": mark("All"),
}


class Clock(Value):
    """The promise as it is shown: how much of its time is over, and what is left in words."""

    kind: Kind
    said: str
    used_pct: float
    due_at: datetime


def clock_of(
    l10n: L10n, opened_at: datetime, due_at: datetime, answered_at: datetime | None, now: datetime
) -> Clock:
    """It stops with the first answer."""
    until = answered_at or now
    used_pct = 100 * min(1.0, max(0.0, (until - opened_at) / (due_at - opened_at)))
    kind: Kind
    if answered_at is not None:
        is_kept = answered_at <= due_at
        kind = "ok" if is_kept else "fail"
        took = span_of(l10n, answered_at - opened_at)
        said = (
            l10n.text("Answered in time, after %(span)s", span=took)
            if is_kept
            else l10n.text("Answered late, after %(span)s", span=took)
        )
    elif now <= due_at:
        kind = "warn" if due_at - now < AT_RISK else "wait"
        said = l10n.text("%(span)s left", span=span_of(l10n, due_at - now))
    else:
        kind = "fail"
        said = l10n.text("Overdue by %(span)s", span=span_of(l10n, now - due_at))
    return Clock(kind=kind, said=said, used_pct=round(used_pct, 1), due_at=due_at)


def span_of(l10n: L10n, span: timedelta) -> str:
    """Hours and minutes; days would hide how the promise is counted."""
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    return l10n.text("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)


def hours_of(l10n: L10n, seconds: float | None) -> str:
    """A figure in hours with one decimal."""
    return "—" if seconds is None else l10n.decimal(seconds / 3600, 1)
