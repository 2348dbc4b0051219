"""Applications: how far each seller has come, what waits for a reviewer until when, how reviews go.

One row a seller and review, and one a thing that was asked for. What tells of persons isn't here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, NamedTuple, cast, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.admission import (
    AdmissionFact,
    ApplicationApproved,
    ApplicationReturned,
    Applied,
    AsinListFiled,
    DocumentFiled,
    ReviewRequested,
    Stage,
    UndertakingFiled,
    stage_of,
)
from domain.business_days import business_days_between
from domain.facts import Recorded
from domain.seller import PersonalDataErased
from projections.table import Key, Rows, Table

_FACTS = (*get_args(AdmissionFact), PersonalDataErased)
_STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """One review of one seller. `first_outcome` is that of its first round."""

    seller_id: UUID
    stage: str
    applied_at: datetime
    moved_at: datetime
    progress: str = "open"
    round: int = 0
    company_name: str = ""
    entity: str = ""
    requested_at: datetime | None = None
    due_on: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    review_days: int | None = None
    first_outcome: str | None = None
    first_decided_at: datetime | None = None
    version: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One thing that was filed; `fault` says why it is asked for again. A list has no file."""

    seller_id: UUID
    item: str
    filed_at: datetime
    sha256: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    asins: int | None = None
    template_version: str | None = None
    fault: str | None = None


APPLICATIONS = Table("applications", ApplicationRow, ("seller_id", "stage"))
ITEMS = Table("application_items", ItemRow, ("seller_id", "item"))


class Applications:
    """Folds each seller's admission into its rows."""

    name: ClassVar[str] = "applications"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (APPLICATIONS, ITEMS)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        fact, seller_id = recorded.fact, recorded.originator_id
        if not isinstance(fact, _FACTS):
            return
        for stage in _STAGES:
            yield APPLICATIONS, (seller_id, stage)
        if isinstance(fact, ApplicationReturned):
            for each in fact.rejections:
                yield ITEMS, (seller_id, each.item)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        fact = recorded.fact
        if not isinstance(fact, _FACTS):
            return
        if isinstance(fact, DocumentFiled | UndertakingFiled | AsinListFiled):
            rows.put(ITEMS, filed(recorded, fact))
        if isinstance(fact, ApplicationReturned):
            send_back(rows, recorded.originator_id, fact)
        seller_id, at = recorded.originator_id, fact.stamp.decided_at
        place: dict[str, Any] = {
            "version": recorded.version, "position": recorded.position, "moved_at": at,
        }  # fmt: skip
        for stage in stages_of(fact):
            found = rows.get(APPLICATIONS, seller_id, stage)
            row = found or ApplicationRow(seller_id, stage, at, at)
            if found or not isinstance(fact, PersonalDataErased):
                rows.put(APPLICATIONS, replace(row, **place, **changes_by(row, fact)))


def stages_of(fact: AdmissionFact | PersonalDataErased) -> Iterable[str]:
    """The reviews that a fact has to do with."""
    match fact:
        case Applied() | PersonalDataErased():
            return _STAGES
        case DocumentFiled():
            return (stage_of(fact.item),)
        case UndertakingFiled() | AsinListFiled():
            return ("asin_sync",)
        case _:
            return (fact.stage,)


def filed(recorded: Recorded, fact: DocumentFiled | UndertakingFiled | AsinListFiled) -> ItemRow:
    seller_id, at = recorded.originator_id, fact.stamp.decided_at
    if isinstance(fact, AsinListFiled):
        return ItemRow(seller_id, "asin_list", at, asins=len(fact.asins))
    is_document = isinstance(fact, DocumentFiled)
    return ItemRow(
        seller_id, fact.item if isinstance(fact, DocumentFiled) else "undertaking", at,
        sha256=fact.file.sha256, media_type=fact.file.media_type, size_bytes=fact.file.size_bytes,
        template_version=None if is_document else cast(UndertakingFiled, fact).template_version,
    )  # fmt: skip


def send_back(rows: Rows, seller_id: UUID, fact: ApplicationReturned) -> None:
    for each in fact.rejections:
        row = rows.get(ITEMS, seller_id, each.item)
        row = row or ItemRow(seller_id, each.item, fact.stamp.decided_at)
        rows.put(ITEMS, replace(row, fault=each.fault))


def changes_by(row: ApplicationRow, fact: AdmissionFact | PersonalDataErased) -> dict[str, Any]:
    """The columns that a fact changes."""
    match fact:
        case Applied():
            return {"company_name": fact.company_name, "entity": fact.entity}
        case ReviewRequested():
            return {
                "progress": "in_review", "round": fact.round, "due_on": fact.due_on.isoformat(),
                "requested_at": fact.stamp.decided_at, "decided_at": None, "decided_by": None,
                "review_days": None,
            }  # fmt: skip
        case ApplicationApproved():
            return {"progress": "approved", **decided(row, fact)}
        case ApplicationReturned():
            return {"progress": "returned", **decided(row, fact)}
        case PersonalDataErased():
            return {"progress": "erased"}
        case _:
            return {}


def decided(row: ApplicationRow, fact: ApplicationApproved | ApplicationReturned) -> dict[str, Any]:
    at = fact.stamp.decided_at
    days = business_days_between(row.requested_at, at) if row.requested_at else None
    changes = {"decided_at": at, "decided_by": fact.stamp.actor, "review_days": days}
    if row.first_outcome is None:
        outcome = "approved" if isinstance(fact, ApplicationApproved) else "returned"
        changes |= {"first_outcome": outcome, "first_decided_at": at}
    return {**changes, "due_on": None}


# --- queries ------------------------------------------------------------------------------------

OF_SELLER = "SELECT * FROM live_applications WHERE seller_id = %s ORDER BY stage DESC"
ITEMS_OF = "SELECT * FROM live_application_items WHERE seller_id = %s ORDER BY filed_at, item"

# What waits for a reviewer, the first due first.
QUEUE = """
    SELECT * FROM live_applications WHERE progress = 'in_review'
    ORDER BY due_on, requested_at, seller_id, stage LIMIT %s
"""

# Applications that wait for their own seller, and on which nothing has moved since then.
UNMOVED = """
    SELECT seller_id FROM live_applications
    WHERE stage = 'pro_seller' AND progress IN ('open', 'returned') AND moved_at < %s
    ORDER BY moved_at LIMIT 100
"""

# How reviews went since then: shares are null where nothing was decided.
FIGURES = """
    SELECT stage,
           count(*) FILTER (WHERE first_decided_at >= %(since)s) AS decided,
           avg((first_outcome = 'approved')::int) FILTER (WHERE first_decided_at >= %(since)s)
               AS first_pass_rate,
           avg(review_days) FILTER (WHERE decided_at >= %(since)s) AS review_days_mean,
           count(*) FILTER (WHERE progress = 'in_review') AS waiting,
           count(*) FILTER (WHERE progress = 'in_review' AND due_on < %(today)s) AS overdue
    FROM live_applications GROUP BY stage ORDER BY stage DESC
"""


class Figures(NamedTuple):
    """How the reviews of one stage went; rates are fractions."""

    stage: str
    decided: int
    first_pass_rate: float | None
    review_days_mean: float | None
    waiting: int
    overdue: int


def of_seller(connection: Connection[Any], seller_id: UUID) -> list[ApplicationRow]:
    """Its reviews, that of the Pro Seller first."""
    cursor = connection.cursor(row_factory=class_row(ApplicationRow))
    return cursor.execute(OF_SELLER, (seller_id,)).fetchall()


def items_of(connection: Connection[Any], seller_id: UUID) -> list[ItemRow]:
    """What it has filed, oldest first."""
    cursor = connection.cursor(row_factory=class_row(ItemRow))
    return cursor.execute(ITEMS_OF, (seller_id,)).fetchall()


def queue(connection: Connection[Any], limit: int = 200) -> list[ApplicationRow]:
    """For a connection that reads for staff."""
    cursor = connection.cursor(row_factory=class_row(ApplicationRow))
    return cursor.execute(QUEUE, (limit,)).fetchall()


def unmoved(connection: Connection[Any], since: datetime) -> list[UUID]:
    """For a connection that reads for staff."""
    return [seller_id for (seller_id,) in connection.execute(UNMOVED, (since,))]


def figures(connection: Connection[Any], since: datetime, today: date) -> list[Figures]:
    """For a connection that reads for staff."""
    rows = connection.execute(FIGURES, {"since": since, "today": today.isoformat()}).fetchall()
    return [
        Figures(stage, decided_count, rate_of(rate), rate_of(days), waiting, overdue)
        for stage, decided_count, rate, days, waiting, overdue in rows
    ]


def rate_of(number: Any) -> float | None:
    return None if number is None else round(float(number), 4)
