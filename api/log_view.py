"""The sync log: every attempt that failed, was retried or changed something, newest first."""

from __future__ import annotations

from datetime import datetime

from api.binding_view import plain_asin
from api.desk import Desk
from api.log_lines import lines_of, resume_place
from api.log_text import suggested_action, title_of
from api.page_frame import Page, Visit
from api.query_values import moment_in, place_in
from api.words import OUTCOMES
from projections import sync_log

PAGE_LENGTH = 50


def filter_of(visit: Visit) -> sync_log.Filter:
    """What the address asks for. Raises Unreadable."""
    return sync_log.Filter(
        asin=plain_asin(visit.query("asin")),
        code=visit.query("code"),
        outcome=visit.query("outcome"),
        since=moment_in(visit.query("from")),
        until=moment_in(visit.query("to")),
    )


def log_page(desk: Desk, visit: Visit) -> Page:
    """A page of the log; its newest page goes on living."""
    wanted, before = filter_of(visit), place_in(visit.query("before"))
    with desk.reading_for(visit.seller_id) as connection:
        rows = sync_log.page(connection, wanted, before=before, limit=PAGE_LENGTH + 1)
        lines = lines_of(connection, visit, rows[:PAGE_LENGTH])
    language = visit.l10n.language
    context = {
        "lines": lines,
        "after": resume_place(visit, lines),
        "wanted": wanted,
        "outcomes": OUTCOMES,
        "code_title": title_of(wanted.code, language),
        "code_action": suggested_action(wanted.code, language),
        "span": span(visit, wanted.since, wanted.until),
        "older": lines[-1].place if len(rows) > PAGE_LENGTH else None,
        "is_live": before is None and wanted.since is None and wanted.until is None,
    }
    return Page("sync_log.html", context)


def span(visit: Visit, since: datetime | None, until: datetime | None) -> str:
    """The time asked for, in words; empty where none was."""
    if since is None and until is None:
        return ""
    ends = ["" if end is None else visit.l10n.stamp(end) for end in (since, until)]
    return " – ".join(ends).strip()
