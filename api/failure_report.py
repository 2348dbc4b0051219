"""The sync failure report: a CSV that Excel opens with the right characters and never executes.

The seller's own columns come first, so that a corrected report can be sent again as an upload.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.l10n import L10n
from api.log_text import actions_for, row_in_words, title_of, what_happened
from domain.errors import NotFound
from domain.upload_file import COLUMNS
from projections import bindings, submissions, sync_log

ADDED_COLUMNS = ("timestamp", "error_code", "error_type", "detail", "suggested_action")
ROWS_MAX = 10_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def report_of_log(
    connection: Connection[Any], since: datetime | None, until: datetime | None, l10n: L10n
) -> str:
    """The log's failures, newest first, with what the binding was asked for."""
    lines: list[sync_log.LogRow] = []
    for outcome in ("failed", "retrying"):
        wanted = sync_log.Filter(outcome=outcome, since=since, until=until)
        lines += sync_log.page(connection, wanted, limit=ROWS_MAX)
    lines.sort(key=lambda line: (line.position, line.number), reverse=True)
    return written(log_line(connection, line, l10n) for line in lines[:ROWS_MAX])


def log_line(connection: Connection[Any], line: sync_log.LogRow, l10n: L10n) -> list[str]:
    row = bindings.one(connection, line.binding_id) if line.binding_id else None
    codes = [line.error_code] if line.error_code else []
    return [*own_columns(line, row), *said(line.time, codes, what_happened(line, l10n), l10n)]


def own_columns(line: sync_log.LogRow, row: bindings.BindingRow | None) -> list[str]:
    """What the seller last asked for, in the columns of an upload."""
    if row is None:
        return [line.asin or "", "", "", ""]
    price = "" if row.suggested_price_jpy is None else str(row.suggested_price_jpy)
    return [line.asin or "", row.mercari_category_id, price, str(row.stock_threshold)]


def report_of_upload(connection: Connection[Any], submission_id: UUID, l10n: L10n) -> str:
    """The rows of one upload that were not listed. Raises NotFound."""
    head = submissions.one(connection, submission_id)
    if head is None:
        raise NotFound("no such submission")
    rows = submissions.rows_of(connection, submission_id)
    return written(
        upload_line(head.received_at, row, l10n)
        for row in rows
        if row.fate in ("rejected", "refused", "failed", "suspended")
    )


def upload_line(moment: datetime, row: submissions.RowRow, l10n: L10n) -> list[str]:
    own = [row.own.get(name) or "" for name in COLUMNS]
    return [*own, *said(moment, row.codes or [], row_in_words(row, l10n), l10n)]


def said(moment: datetime, codes: Sequence[str], detail: str, l10n: L10n) -> list[str]:
    """The columns we add, in the reader's language; the time in RFC 3339."""
    titles = l10n.listed([title_of(code, l10n.language) for code in codes])
    action = actions_for(codes, l10n.language)
    return [moment.isoformat(), " ".join(codes), titles, detail, action]


def written(lines: Iterable[Sequence[str]]) -> str:
    """UTF-8 with a byte-order mark, CRLF, every cell quoted and defused."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow((*COLUMNS, *ADDED_COLUMNS))
    writer.writerows([defused(cell) for cell in line] for line in lines)
    return buffer.getvalue()


def defused(cell: str) -> str:
    """Put `'` before what a spreadsheet would run, whatever hides its first character."""
    plain = "".join(
        each for each in unicodedata.normalize("NFKC", cell)
        if unicodedata.category(each) not in ("Cf", "Zs") or each == " "
    )  # fmt: skip
    bare = plain.lstrip(" ")
    if bare.removeprefix("-").replace(",", "").isdigit():
        return cell
    return f"'{cell}" if bare.startswith(FORMULA_STARTS) or plain.startswith(("\t", "\r")) else cell
