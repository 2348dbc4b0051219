"""The sync failure report: a CSV that Excel opens with the right characters and never executes.

The seller's own columns come first, so that a corrected report can be sent again as an upload.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from api.l10n import L10n
from api.log_text import actions_for, row_in_words, title_of, what_happened
from domain.errors import NotFound
from domain.upload_file import COLUMNS
from projections import bindings, submissions, sync_log

ADDED_COLUMNS = ("timestamp", "error_code", "error_type", "detail", "suggested_action")
ROWS_MAX = 10_000
FAILED_FATES = ("rejected", "refused", "failed", "suspended")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Failure(NamedTuple):
    """One failure: what was asked for in the columns of an upload, when, the codes, and why."""

    time: datetime
    own: Sequence[str]
    codes: Sequence[str]
    said: str
    binding_id: UUID | None


def failures_of_log(
    connection: Connection[Any],
    since: datetime | None,
    until: datetime | None,
    l10n: L10n,
    limit: int = ROWS_MAX,
) -> list[Failure]:
    """The log's failures, newest first, with what the binding was asked for."""
    return failures_in(connection, sync_log.failures(connection, since, until, limit), l10n)


def failures_in(
    connection: Connection[Any], lines: Sequence[sync_log.LogRow], l10n: L10n
) -> list[Failure]:
    """These lines of the log."""
    asked = bindings.terms(connection, {line.binding_id for line in lines if line.binding_id})
    return [
        Failure(
            time=line.time,
            own=own_columns(line, asked.get(line.binding_id) if line.binding_id else None),
            codes=[line.error_code] if line.error_code else [],
            said=what_happened(line, l10n),
            binding_id=line.binding_id,
        )
        for line in lines
    ]


def own_columns(line: sync_log.LogRow, asked: bindings.TermsRow | None) -> list[str]:
    """What the seller last asked for, in the columns of an upload."""
    if asked is None:
        return [line.asin or "", "", "", ""]
    price = "" if asked.suggested_price_jpy is None else str(asked.suggested_price_jpy)
    return [line.asin or "", asked.mercari_category_id, price, str(asked.stock_threshold)]


def failures_of_upload(
    connection: Connection[Any], submission_id: UUID, l10n: L10n
) -> list[Failure]:
    """The rows of one upload that were not listed. Raises NotFound."""
    head = submissions.one(connection, submission_id)
    if head is None:
        raise NotFound("no such submission")
    return [
        Failure(
            time=head.received_at,
            own=[row.own.get(name) or "" for name in COLUMNS],
            codes=row.codes or [],
            said=row_in_words(row, l10n),
            binding_id=row.binding_id,
        )
        for row in submissions.rows_of(connection, submission_id)
        if row.fate in FAILED_FATES
    ]


def report_of(failures: Iterable[Failure], l10n: L10n) -> str:
    """The whole CSV, in the reader's language."""
    return written([*each.own, *said(each, l10n)] for each in failures)


def said(failure: Failure, l10n: L10n) -> list[str]:
    """The columns we add, in the reader's language; the time in RFC 3339."""
    codes, language = failure.codes, l10n.language
    titles = l10n.listed([title_of(code, language) for code in codes])
    action = actions_for(codes, language)
    return [failure.time.isoformat(), " ".join(codes), titles, failure.said, action]


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
