"""Submission: one upload of up to 500 rows, until every row has its fate.

Facts, state, evolve, commands, decisions. A file with a fault is refused whole; a row with a fault
only settles that row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal, assert_never
from uuid import UUID

from pydantic import AwareDatetime

from domain.facts import Command, Fact
from domain.rules.findings import Finding
from domain.rules.precheck import Terms
from domain.values import Value

ROWS_MAX = 500
SAME_CONTENT_WINDOW = timedelta(hours=24)

Fate = Literal[
    "listed", "rejected", "refused", "changed", "unchanged", "failed", "suspended", "withdrawn",
    "superseded", "in_review",
]  # fmt: skip

# --- facts --------------------------------------------------------------------------------------


class Fault(Value):
    """What is wrong with a file or a row: its code, the key of its wording, and its values."""

    code: str = "E-400"
    key: str
    values: Mapping[str, Any] = {}


class Row(Value):
    """One data row (1 = the first below the header). Faulty rows keep their text in `asin`.

    `own` holds the seller's own columns as they were written, to be given back in a report.
    """

    number: int
    asin: str
    own: Mapping[str, str] = {}
    terms: Terms | None = None
    fault: Fault | None = None


class RowFate(Value):
    """What became of a row, for good; `codes` and `findings` say why where it was not listed."""

    number: int
    asin: str
    fate: Fate
    codes: tuple[str, ...] = ()
    detail: str = ""
    findings: tuple[Finding, ...] = ()
    binding_id: UUID | None = None


class Received(Fact):
    """A well-formed file arrived; rows with a fault are settled at once."""

    TOPIC: ClassVar[str] = "submission.received"
    filename: str
    content_sha256: str
    rows: tuple[Row, ...]


class Refused(Fact):
    """The file is refused whole: nothing in it was bound."""

    TOPIC: ClassVar[str] = "submission.refused"
    filename: str
    content_sha256: str
    faults: tuple[Fault, ...]


class RowsSettled(Fact):
    """These rows have their fate."""

    TOPIC: ClassVar[str] = "submission.rows_settled"
    fates: tuple[RowFate, ...]


class CheckPostponed(Fact):
    """Amazon gave no usable answer for these rows; nothing was decided, they are tried again."""

    TOPIC: ClassVar[str] = "submission.check_postponed"
    numbers: tuple[int, ...]
    code: str
    detail: str
    retry_at: AwareDatetime


class Finished(Fact):
    """Every row has its fate; counts by fate."""

    TOPIC: ClassVar[str] = "submission.finished"
    counts: Mapping[str, int]


SubmissionFact = Received | Refused | RowsSettled | CheckPostponed | Finished

# --- state --------------------------------------------------------------------------------------


class Submission(Value):
    """The fold of a submission's facts. `fates` by row number; a row without one is open."""

    submission_id: UUID
    version: int
    content_sha256: str
    rows: tuple[Row, ...] = ()
    fates: Mapping[int, RowFate] = {}
    faults: tuple[Fault, ...] = ()
    is_finished: bool = False

    @property
    def open_rows(self) -> list[Row]:
        return [row for row in self.rows if row.number not in self.fates]


# --- evolve -------------------------------------------------------------------------------------


def fold(submission_id: UUID, facts: Iterable[SubmissionFact]) -> Submission | None:
    """The state after these facts, in order."""
    submission: Submission | None = None
    for fact in facts:
        submission = evolve(submission, submission_id, fact)
    return submission


def evolve(submission: Submission | None, submission_id: UUID, fact: SubmissionFact) -> Submission:
    """The state after one more fact."""
    if isinstance(fact, Received | Refused):
        return Submission(
            submission_id=submission_id,
            version=1,
            content_sha256=fact.content_sha256,
            rows=fact.rows if isinstance(fact, Received) else (),
            faults=fact.faults if isinstance(fact, Refused) else (),
            is_finished=isinstance(fact, Refused),
        )
    if submission is None:
        raise TypeError(f"{fact.TOPIC} can't be the first fact of a submission")
    version = submission.version + 1
    match fact:
        case RowsSettled():
            fates = {**submission.fates, **{fate.number: fate for fate in fact.fates}}
            return submission.model_copy(update={"version": version, "fates": fates})
        case CheckPostponed():
            return submission.model_copy(update={"version": version})
        case Finished():
            return submission.model_copy(update={"version": version, "is_finished": True})
        case _:
            assert_never(fact)


# --- commands -----------------------------------------------------------------------------------


class Receive(Command):
    """A file was uploaded; `faults` concern the file, a row's own fault is in the row."""

    filename: str
    content_sha256: str
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()


class Settle(Command):
    """These rows have come to their fate."""

    fates: tuple[RowFate, ...]


# --- decisions ----------------------------------------------------------------------------------


def receive(submission: Submission | None, command: Receive) -> list[SubmissionFact]:
    """Received, or Refused whole; the same file under the same id again is nothing new."""
    if submission is not None:
        return []
    if command.faults:
        return [
            Refused(
                stamp=command.stamp,
                filename=command.filename,
                content_sha256=command.content_sha256,
                faults=command.faults,
            )
        ]
    rows = without_repeats(command.rows)
    received = Received(
        stamp=command.stamp,
        filename=command.filename,
        content_sha256=command.content_sha256,
        rows=tuple(rows),
    )
    refused = tuple(refused_fate(row, row.fault) for row in rows if row.fault)
    if not refused:
        return [received]
    settled = RowsSettled(stamp=command.stamp, fates=refused)
    if len(refused) < len(rows):
        return [received, settled]
    return [received, settled, Finished(stamp=command.stamp, counts={"refused": len(refused)})]


def without_repeats(rows: Sequence[Row]) -> list[Row]:
    """Mark the second and later rows of an ASIN (E-408); the first one goes on."""
    first_of: dict[str, int] = {}
    marked: list[Row] = []
    for row in rows:
        first = first_of.setdefault(row.asin, row.number) if row.fault is None else row.number
        fault = Fault(code="E-408", key="asin_repeated", values={"row": first})
        marked.append(row if first == row.number else row.model_copy(update={"fault": fault}))
    return marked


def refused_fate(row: Row, fault: Fault) -> RowFate:
    return RowFate(
        number=row.number, asin=row.asin, fate="refused", codes=(fault.code,), detail=fault.key
    )


def settle(submission: Submission, command: Settle) -> list[SubmissionFact]:
    """Settle the rows that are still open, and finish with the last of them."""
    open_numbers = {row.number for row in submission.open_rows}
    by_number = {fate.number: fate for fate in command.fates if fate.number in open_numbers}
    fates = tuple(by_number.values())
    if not fates:
        return []
    settled = RowsSettled(stamp=command.stamp, fates=fates)
    if len(fates) < len(open_numbers):
        return [settled]
    counts = Counter(fate.fate for fate in (*submission.fates.values(), *fates))
    return [settled, Finished(stamp=command.stamp, counts=dict(counts))]
