"""The page of the failure report: a period or an upload, what failed in it, and the CSV of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from api.desk import Desk
from api.failure_report import ROWS_MAX, Failure, failures_of_log, failures_of_upload
from api.ids import inner_id, public_id
from api.l10n import JST, L10n
from api.log_text import actions_for, title_of, who_acts, who_in_words
from api.pages.page_frame import Page, Visit
from api.words import WHO_ACTS
from domain.upload_file import COLUMNS
from projections import submissions, sync_log

DAYS_SHOWN = 7
DAYS_MAX = 366
FIRST_DAY = date(2020, 1, 1)
ROWS_SHOWN = 50
UPLOADS_SHOWN = 20


class Period(NamedTuple):
    """Whole days in Japan, the last one included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), JST)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), JST)


class Found(NamedTuple):
    """What failed: the first rows, and how many have each code; None is no code."""

    failures: list[Failure]
    counts: Mapping[str | None, int]
    upload: submissions.SubmissionRow | None = None


NOTHING = Found([], {})


def failure_report_page(desk: Desk, visit: Visit) -> Page:
    """What failed in the period or upload asked for. Raises NotFound for a foreign upload."""
    named = visit.query("submission_id")
    upload_id = inner_id("sub", named) if named else None
    today = visit.now.astimezone(JST).date()
    period, faults = period_asked_for(visit, today)
    with desk.reading_for(visit.seller_id) as connection:
        recent = submissions.latest(connection, UPLOADS_SHOWN)
        if upload_id:
            found, faults = found_in_upload(connection, upload_id, visit.l10n), []
        else:
            found = NOTHING if faults else found_in_log(connection, period, visit.l10n)
    count = sum(found.counts.values())
    context = {
        "period": period,
        "entered": {name: day_shown(visit.query(name)) for name in ("from", "to")},
        "is_upload": upload_id is not None,
        "upload": found.upload,
        "is_refused": found.upload is not None and found.upload.status == "refused",
        "upload_id": named or "",
        "uploads": recent,
        "faults": faults,
        "today": today,
        "first_day": FIRST_DAY,
        "count": count,
        "is_cut": count >= ROWS_MAX,
        "rows": [row_line(visit, each) for each in found.failures[:ROWS_SHOWN]],
        "by_code": code_lines(visit, found.counts),
        "by_who": who_lines(found.counts),
        "columns": COLUMNS,
        "csv": csv_address(visit, period, named, is_refused=bool(faults)),
    }
    return Page("failure_report.html", context, 422 if faults else 200)


def period_asked_for(visit: Visit, today: date) -> tuple[Period, list[str]]:
    """The period, the last seven days where none is named; and what to mend about it."""
    l10n, faults = visit.l10n, list[str]()
    last = day_in(visit.query("to"), today, l10n, faults)
    week_ends = max(min(last, today), FIRST_DAY + timedelta(days=DAYS_SHOWN))
    week_begins = week_ends - timedelta(days=DAYS_SHOWN - 1)
    first = day_in(visit.query("from"), week_begins, l10n, faults)
    period = Period(first, last)
    if not faults:
        faults += faults_of(period, today, l10n)
    return period, faults


def day_shown(text: str | None) -> str:
    """The day as a date field takes it; empty for what is none."""
    try:
        return date.fromisoformat((text or "")[:10]).isoformat()
    except ValueError:
        return ""


def day_in(text: str | None, default: date, l10n: L10n, faults: list[str]) -> date:
    """A day, or the day of a moment; what is neither is told in `faults`."""
    try:
        return date.fromisoformat(text[:10]) if text else default
    except ValueError:
        said = (text or "")[:40]
        faults.append(l10n.text("“%(text)s” is no day: write it as 2026-11-26.", text=said))
        return default


def faults_of(period: Period, today: date, l10n: L10n) -> list[str]:
    if period.last > today:
        day = today.isoformat()
        return [l10n.text("The last day lies ahead: choose %(day)s at the latest.", day=day)]
    if min(period) < FIRST_DAY:
        day = FIRST_DAY.isoformat()
        return [l10n.text("Nothing was synced then: choose %(day)s at the earliest.", day=day)]
    if period.first > period.last:
        return [l10n.text("The first day comes after the last one: exchange the two.")]
    if period.last - period.first >= timedelta(days=DAYS_MAX):
        return [l10n.text("Choose at most %(days)s days at once.", days=DAYS_MAX)]
    return []


def found_in_log(connection: Connection[Any], period: Period, l10n: L10n) -> Found:
    counts = sync_log.failure_counts(connection, period.since, period.until, ROWS_MAX)
    shown = failures_of_log(connection, period.since, period.until, l10n, ROWS_SHOWN)
    return Found(shown, counts)


def found_in_upload(connection: Connection[Any], upload_id: UUID, l10n: L10n) -> Found:
    """Each row counts once, by its first code. Raises NotFound."""
    failures = failures_of_upload(connection, upload_id, l10n)
    counts = Counter(each.codes[0] if each.codes else None for each in failures)
    return Found(failures, counts, submissions.one(connection, upload_id))


def csv_address(visit: Visit, period: Period, upload: str | None, *, is_refused: bool) -> str:
    """The same as a CSV; blank where the period has to be mended first."""
    if is_refused:
        return ""
    if upload:
        return visit.url("/v1/failure-report.csv", submission_id=upload, lang=visit.l10n.language)
    ends = {"from": period.since.isoformat(), "to": period.until.isoformat()}
    return visit.url("/v1/failure-report.csv", **ends, lang=visit.l10n.language)


def row_line(visit: Visit, failure: Failure) -> dict[str, Any]:
    """One failure in the reader's language."""
    language, binding = visit.l10n.language, failure.binding_id
    return {
        "time": failure.time,
        "own": failure.own,
        "href": visit.url(f"/bindings/{public_id('bnd', binding)}") if binding else "",
        "codes": [(code, title_of(code, language)) for code in failure.codes],
        "who": who_in_words(failure.codes[0] if failure.codes else None),
        "said": failure.said,
        "action": actions_for(failure.codes, language),
    }


def code_lines(visit: Visit, counts: Mapping[str | None, int]) -> list[dict[str, Any]]:
    """Each code with its number, the most frequent first; `width` is in percent of that one."""
    most = max(counts.values(), default=1)
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0] or ""))
    return [
        {
            "code": code or "",
            "title": title_of(code, visit.l10n.language),
            "who": who_in_words(code),
            "is_yours": who_acts(code) == "seller",
            "count": count,
            "width": round(100 * count / most, 1),
        }
        for code, count in ranked
    ]


def who_lines(counts: Mapping[str | None, int]) -> list[tuple[str, int]]:
    """Who has to act, with the number of failures; those whom nothing waits for are left out."""
    totals: Counter[str] = Counter()
    for code, count in counts.items():
        totals[who_in_words(code)] += count
    return [(word, totals[word]) for word in WHO_ACTS.values() if totals[word]]
