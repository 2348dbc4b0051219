"""Lines of the sync log as a page or a live stream shows them: in words, with product and link."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from api.ids import public_id
from api.l10n import JST, L10n
from api.log_text import title_of, what_happened
from api.pages.page_frame import Visit
from api.query_values import place_in
from api.words import OUTCOMES
from domain.values import Value
from projections.sync_log import LogRow

NUMBER_MAX = 999_999
"""No fact has more lines than this."""

# The titles of these ASINs, as Amazon last showed them.
TITLES = "SELECT asin, title FROM live_bindings WHERE asin = ANY(%s)"


class LogLine(Value):
    """One line, ready to be shown. `place` is position and number: where to resume after it.

    `ask` is where a seller opens a ticket about it; empty where all is well.
    """

    place: str
    iso: str
    time: str
    kind: str
    label: str
    asin: str
    href: str
    title: str
    said: str
    code: str
    code_title: str
    ask: str


def lines_of(connection: Connection[Any], visit: Visit, rows: Sequence[LogRow]) -> list[LogLine]:
    """These rows in the reader's language."""
    titles = titles_of(connection, {row.asin for row in rows if row.asin})
    return [line_of(visit, row, titles.get(row.asin or "") or "") for row in rows]


def titles_of(connection: Connection[Any], asins: Collection[str]) -> Mapping[str, str | None]:
    return dict(connection.execute(TITLES, (list(asins),)).fetchall()) if asins else {}


def line_of(visit: Visit, row: LogRow, title: str) -> LogLine:
    l10n: L10n = visit.l10n
    word = OUTCOMES[row.outcome]
    return LogLine(
        place=f"{row.position}.{row.number}",
        iso=row.time.isoformat(),
        time=time_of(visit, row.time),
        kind=word.kind,
        label=l10n.text(word.message),
        asin=row.asin or "",
        href=visit.url(f"/bindings/{public_id('bnd', row.binding_id)}") if row.binding_id else "",
        title=title,
        said=what_happened(row, l10n),
        code=row.error_code or "",
        code_title=title_of(row.error_code, l10n.language),
        ask=visit.asking(row.outcome != "ok", log=f"{row.position}.{row.number}"),
    )


def time_of(visit: Visit, moment: datetime) -> str:
    """The time of day; with the day before it where that is not today's."""
    l10n = visit.l10n
    is_today = moment.astimezone(JST).date() == visit.now.astimezone(JST).date()
    return l10n.clock(moment) if is_today else f"{l10n.day(moment)} {l10n.clock(moment)}"


def resume_place(visit: Visit, lines: Sequence[LogLine]) -> str:
    """The place after which a live stream continues this page without a gap or a repetition."""
    newest = place_in(lines[0].place) if lines else None
    position, number = max(newest or (0, 0), (visit.position, NUMBER_MAX))
    return f"{position}.{number}"
