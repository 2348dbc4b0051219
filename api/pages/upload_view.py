"""Sending a CSV, and one upload whose rows fill in while they are checked and listed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from uuid import UUID, uuid4

from api.desk import Desk
from api.ids import public_id
from api.log_text import actions_for, fault_in_words, row_in_words
from api.pages.page_frame import Build, Page, Visit
from api.words import FATES
from domain import uploads
from domain.application import acting_for
from domain.errors import NotFound
from domain.stamps import Work
from domain.submission import ROWS_MAX, SAME_CONTENT_WINDOW
from domain.upload_file import BYTES_MAX, COLUMNS
from projections import submissions
from projections.submissions import RowRow

RECENT_LENGTH = 10


def upload_page(desk: Desk, visit: Visit) -> Page:
    """The form, and the uploads before."""
    with desk.reading_for(visit.seller_id) as connection:
        recent = submissions.latest(connection, RECENT_LENGTH)
    context = {
        "columns": COLUMNS,
        "rows_max": ROWS_MAX,
        "bytes_max": BYTES_MAX,
        "key": uuid4().hex,
        "recent": recent,
        "fates": FATES,
    }
    return Page("upload.html", context)


def submission_page_of(submission_id: UUID) -> Build:
    """The page of one upload. Raises NotFound."""

    def submission_page(desk: Desk, visit: Visit) -> Page:
        with desk.reading_for(visit.seller_id) as connection:
            head = submissions.one(connection, submission_id)
            rows = submissions.rows_of(connection, submission_id) if head else []
        if head is None:
            raise NotFound("no such upload")
        faults = [
            fault_in_words(each["key"], each["values"], visit.l10n.language) for each in head.faults
        ]
        context = {
            "head": head,
            "rows": [upload_line(visit, row) for row in rows],
            "faults": faults,
            "fates": FATES,
            "figures": counts_by_fate(visit, head.counts, head.row_count),
        }
        return Page("submission.html", context)

    return submission_page


def upload_line(visit: Visit, row: RowRow) -> dict[str, object]:
    """One row in the reader's language: its fate, and why it was not listed."""
    l10n, word, codes = visit.l10n, FATES[row.fate], row.codes or []
    return {
        "number": row.number,
        "asin": row.asin,
        "href": visit.url(f"/bindings/{public_id('bnd', row.binding_id)}")
        if row.binding_id
        else "",
        "category": row.own.get("mercari_category_id") or "—",
        "price": row.own.get("suggested_price_jpy") or "—",
        "threshold": row.own.get("stock_threshold") or "—",
        "kind": word.kind,
        "label": l10n.text(word.message),
        "code": codes[0] if codes else "",
        "why": row_in_words(row, l10n),
        "action": actions_for(codes, l10n.language),
        "ask": visit.asking(word.kind == "fail", asin=row.asin),
    }


def counts_by_fate(visit: Visit, counts: Mapping[str, int], row_count: int) -> dict[str, str]:
    """How many rows have each fate, by the name of the place that shows it."""
    waiting = row_count - sum(counts.values())
    held = {fate or "waiting": counts.get(fate or "", 0) for fate in FATES}
    return {
        f"fate-{name}": visit.l10n.number(number)
        for name, number in {**held, "waiting": waiting}.items()
    }


def send_file(
    desk: Desk, seller_id: UUID, actor: str, filename: str, content: bytes, key: str
) -> uploads.Receipt:
    """Record the upload; the same content still under way is that upload. Raises SyncNotEnabled."""
    digest = hashlib.sha256(content).hexdigest()
    with desk.reading_for(seller_id) as connection:
        since = desk.clock() - SAME_CONTENT_WINDOW
        known = submissions.open_with_content(connection, digest, since)
    if known is not None:
        return uploads.Receipt(known.submission_id, faults=(), position=None)
    work = Work(desk.clock, actor, uuid4())
    with acting_for(seller_id):
        seller = desk.app.seller(seller_id)
        # A page may be shown twice; another file sent from it is another upload.
        own_key = f"{key}:{digest}"
        return uploads.receive_file(desk.app, seller, filename, content, own_key, work)
