"""Opening a ticket: from a line of the log or an ASIN, with what support needs to see attached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from fastapi.encoders import jsonable_encoder
from psycopg import Connection

from api.answers import log_answer
from api.desk import Desk
from api.failure_report import failures_in, report_of
from api.l10n import L10n
from api.log_text import what_happened
from domain.application import acting_for
from domain.errors import EvidenceRefused, TicketRefused
from domain.evidence import EvidenceFile, media_type_of
from domain.stamps import Work
from domain.ticket import Attachment, decisions
from domain.ticket.decisions import OPEN_TICKETS_MAX, SUBJECT_LENGTH_MAX, Open
from domain.ticket.facts import AttachmentKind, LogLine
from domain.ticket.state import ticket_id_of
from domain.tickets import Changed, start_ticket
from domain.values import NotAnAsin, asin_from, binding_id_of
from projections import bindings, sync_log, tickets
from projections.sync_log import Filter, LogRow

LINES_BEFORE = 20
PICTURES = ("image/png", "image/jpeg")


@dataclass(frozen=True)
class Asking:
    """What the seller sends: words, the line or the ASIN they are about, and a screenshot.

    Words that are not given are those of the log.
    """

    subject: str
    text: str
    log_position: int | None = None
    log_number: int | None = None
    asin: str | None = None
    screenshot: bytes | None = None


@dataclass(frozen=True)
class Subject:
    """What a ticket is about: the line, and lines of the same ASIN before it, newest first."""

    line: LogRow | None = None
    asin: str | None = None
    binding_id: UUID | None = None
    lines: Sequence[LogRow] = ()

    @property
    def log_line(self) -> LogLine | None:
        if (line := self.line) is None:
            return None
        return LogLine(
            position=line.position, number=line.number, operation=line.operation,
            error_code=line.error_code,
        )  # fmt: skip


def open_from(
    desk: Desk, seller_id: UUID, asking: Asking, key: str, work: Work, l10n: L10n
) -> Changed:
    """Open the ticket of this key, once, with its attachments.

    Raises TicketRefused, EvidenceRefused, WrongState; then nothing was kept.
    """
    with desk.reading_for(seller_id) as connection:
        subject = subject_of(connection, seller_id, asking)
        open_count = tickets.counts(connection, desk.clock())["due"]
        files = made_files(connection, subject, l10n)
    subject_line, text = words_for(subject, asking, l10n)
    command = Open(
        stamp=work.stamp(), subject=subject_line, text=text, log_line=subject.log_line,
        asin=subject.asin, binding_id=subject.binding_id,
    )  # fmt: skip
    with acting_for(seller_id):
        is_known = bool(desk.app.facts_of(ticket_id_of(seller_id, key)))
    if is_known:
        return start_ticket(desk.app, seller_id, key, command)
    decisions.open_ticket(None, command)
    if open_count >= OPEN_TICKETS_MAX:
        raise TicketRefused(f"{open_count} open", rules={"ticket": "ticket_too_many"})
    if asking.screenshot is not None:
        ensure_picture(asking.screenshot)
    kept = [
        attached("log_excerpt" if made_as == "application/json" else "failure_report",
                 desk.store_evidence(seller_id, content, made_as))
        for made_as, content in files.items()
    ]  # fmt: skip
    if asking.screenshot is not None:
        kept.append(attached("screenshot", desk.store_evidence(seller_id, asking.screenshot)))
    whole = command.model_copy(update={"attachments": tuple(kept)})
    return start_ticket(desk.app, seller_id, key, whole)


def subject_of(connection: Connection[Any], seller_id: UUID, asking: Asking) -> Subject:
    """The line that is meant, or the ASIN alone. Raises TicketRefused."""
    if asking.log_position is None:
        asin = asin_asked_for(asking.asin)
        if asin is None:
            return Subject()
        known = bindings.one(connection, binding_id_of(seller_id, asin))
        lines = sync_log.page(connection, Filter(asin=asin), limit=LINES_BEFORE + 1)
        return Subject(None, asin, known.binding_id if known else None, lines)
    line = line_meant(sync_log.at(connection, asking.log_position), asking)
    wanted = Filter(asin=line.asin) if line.asin else Filter()
    before = (line.position, line.number)
    earlier = sync_log.page(connection, wanted, before=before, limit=LINES_BEFORE)
    return Subject(line, line.asin, line.binding_id, [line, *earlier])


def words_for(subject: Subject, asking: Asking, l10n: L10n) -> tuple[str, str]:
    """Subject and text: the seller's own, else what the log says of the failure."""
    failed = next((line for line in subject.lines if line.outcome != "ok"), None)
    if failed is None:
        return asking.subject, asking.text
    title = " ".join(filter(None, (failed.error_code, failed.asin)))
    said = what_happened(failed, l10n)
    return asking.subject.strip() or f"{title} {said}"[:SUBJECT_LENGTH_MAX], asking.text or said


def asin_asked_for(text: str | None) -> str | None:
    """Blank is none. Raises TicketRefused."""
    try:
        return asin_from(text) if text and text.strip() else None
    except NotAnAsin:
        raise TicketRefused(f"asin {text!r:.40}", rules={"asin": "ticket_asin"}) from None


def line_meant(lines: Sequence[LogRow], asking: Asking) -> LogRow:
    """The line of that number or ASIN, else the first that is no success. Raises TicketRefused."""
    asin = asin_asked_for(asking.asin)
    found = [
        line for line in lines
        if (asking.log_number is None or line.number == asking.log_number)
        and (asin is None or line.asin in (None, asin))
    ]  # fmt: skip
    if not found:
        rules = {"log_position": "ticket_log_line"}
        raise TicketRefused(f"log position {asking.log_position}", rules=rules)
    return next((line for line in found if line.outcome != "ok"), found[0])


def made_files(connection: Connection[Any], subject: Subject, l10n: L10n) -> dict[Any, bytes]:
    """By media type: the log excerpt, and the failure report where one of its lines failed."""
    if not subject.lines:
        return {}
    excerpt = {"items": [log_answer(line, l10n) for line in subject.lines]}
    files = {"application/json": orjson.dumps(jsonable_encoder(excerpt))}
    failures = [line for line in subject.lines if line.outcome != "ok"]
    if failures:
        report = report_of(failures_in(connection, failures, l10n), l10n)
        files["text/csv"] = report.encode()
    return files


def ensure_picture(content: bytes) -> None:
    """Raises EvidenceRefused for what is no PNG or JPEG, whatever it is called."""
    if media_type_of(content) not in PICTURES:
        raise EvidenceRefused("screenshot", rules={"screenshot": "ticket_screenshot"})


def attached(kind: AttachmentKind, file: EvidenceFile) -> Attachment:
    return Attachment(kind=kind, **file.model_dump())
