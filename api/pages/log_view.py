"""The sync log: every attempt that failed, was retried or changed something, newest first."""

from __future__ import annotations

import shlex
from datetime import datetime

from api.desk import Desk
from api.ids import public_id
from api.log_text import suggested_action, title_of
from api.pages.binding_view import plain_asin
from api.pages.log_lines import LogLine, lines_of, resume_place
from api.pages.page_frame import Page, Visit
from api.query_values import choice_in, cursor_after, moment_in, place_after
from api.words import OUTCOMES
from projections import sync_log

PAGE_LENGTH = 50
FILTERS = ("asin", "code", "outcome", "from", "to")


def filter_of(visit: Visit) -> sync_log.Filter:
    """What the address asks for. Raises Unreadable."""
    return sync_log.Filter(
        asin=plain_asin(visit.query("asin")),
        code=visit.query("code"),
        outcome=choice_in(visit.query("outcome"), ("", *OUTCOMES)) or None,
        since=moment_in(visit.query("from")),
        until=moment_in(visit.query("to")),
    )


def log_page(desk: Desk, visit: Visit) -> Page:
    """A page of the log; its newest page goes on living."""
    wanted, filtered = filter_of(visit), visit.filtered_by(*FILTERS)
    place = place_after(visit.query("before"), filtered, 2)
    before = (place[0], place[1]) if place else None
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
        "older": cursor_after(filtered, *place_of(lines[-1])) if len(rows) > PAGE_LENGTH else None,
        "filters": FILTERS,
        "command": command_of(visit, wanted),
        "is_live": before is None and wanted.since is None and wanted.until is None,
    }
    return Page("sync_log.html", context)


def place_of(line: LogLine) -> tuple[int, int]:
    """Where a line stands in the log."""
    position, _, number = line.place.partition(".")
    return int(position), int(number)


def command_of(visit: Visit, wanted: sync_log.Filter) -> str:
    """The command line that shows the same, ready to be pasted into a shell."""
    options = {
        "--asin": wanted.asin, "--code": wanted.code, "--outcome": wanted.outcome,
        "--from": wanted.since.isoformat() if wanted.since else None,
        "--to": wanted.until.isoformat() if wanted.until else None,
    }  # fmt: skip
    if visit.caller.seller_id is None:
        options["--seller"] = public_id("sel", visit.seller_id)
    words = [word for name, text in options.items() if text for word in (name, text)]
    return shlex.join(["asin-sync", "logs", "tail", "-n", str(PAGE_LENGTH), *words])


def span(visit: Visit, since: datetime | None, until: datetime | None) -> str:
    """The time asked for, in words; empty where none was."""
    if since is None and until is None:
        return ""
    ends = ["" if end is None else visit.l10n.stamp(end) for end in (since, until)]
    return " – ".join(ends).strip()
