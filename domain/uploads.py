"""Use cases of an upload: receive the file, then check its rows page by page against Amazon.

A page's bindings and the fates of its rows are recorded together or not at all, so a page that is
run again after a crash finds its work either done or untouched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from domain import asin_binding, submission
from domain.application import AsinSync, Change, until_settled
from domain.asin_binding import AsinBinding, BindingFact, decisions, judging
from domain.asin_binding.facts import (
    Blocked,
    MappingBroken,
    Rejected,
    Requested,
    ReviewRequested,
    Suspended,
    TermsChanged,
    Withdrawn,
)
from domain.checking import Setting, setting_of, with_images
from domain.errors import Refusal
from domain.images import ImageReading
from domain.ports import Sources
from domain.product import Product
from domain.reading import read_products
from domain.rules.findings import Finding
from domain.rules.precheck import NO_IMAGE
from domain.seller import Seller, ensure_may_bind
from domain.stamps import Work
from domain.submission import Fault, Row, RowFate
from domain.upload_file import read_sheet
from domain.values import binding_id_of, submission_id_of

PAGE_SIZE = 100
ON_THE_WAY = ("requested", "validated", "mapped")
"""A binding that stands here has not been listed yet since it was asked for."""


class Receipt(NamedTuple):
    """What came of sending a file; `position` is None when it was known already."""

    submission_id: UUID
    faults: tuple[Fault, ...]
    position: int | None


def receive_file(
    app: AsinSync, seller: Seller, filename: str, content: bytes, key: str, work: Work
) -> Receipt:
    """Record the upload under its key. Raises SyncNotEnabled; a faulty file is a refused one."""
    ensure_may_bind(seller)
    sheet = read_sheet(content)
    return receive(app, seller, key, submission.Receive(
        stamp=work.stamp(), filename=filename[:200], content_sha256=sha256(content).hexdigest(),
        rows=sheet.rows, faults=sheet.faults,
    ))  # fmt: skip


def receive(app: AsinSync, seller: Seller, key: str, command: submission.Receive) -> Receipt:
    """Record an upload whose rows were read already."""
    submission_id = submission_id_of(seller.seller_id, key)

    def decide() -> Receipt:
        known = app.submission(submission_id)
        facts = submission.receive(known, command)
        position = app.record(Change(submission_id, 0, facts))
        faults = known.faults if known else command.faults
        return Receipt(submission_id, faults, position)

    return until_settled(decide)


def check_page(
    app: AsinSync,
    seller: Seller,
    sources: Sources,
    submission_id: UUID,
    numbers: Sequence[int],
    work: Work,
) -> list[int]:
    """Check these rows, each recorded soon after its image was looked at.

    Returns the numbers of those that stayed UNKNOWN. Raises UpstreamError.
    """
    upload = app.submission(submission_id)
    if upload is None:
        return []
    rows = [row for row in upload.open_rows if row.number in numbers and row.terms]
    reading = read_products(sources.amazon, [row.asin for row in rows], work.clock())
    setting = setting_of(app, seller, sources, work)
    unread = [RowCheck(row) for row in rows if row.asin not in reading.products]
    left = record_page(app, setting, submission_id, unread, work)
    by_asin = {row.asin: row for row in rows}
    for group in with_images(sources.images, list(reading.products.values()), work):
        checks = [RowCheck(by_asin[product.asin], product, image) for product, image in group]
        record = partial(record_page, app, setting, submission_id, checks, work)
        left += until_settled(record)
    return left


class RowCheck(NamedTuple):
    """A row, and what was read for it; without a product nothing usable was."""

    row: Row
    product: Product | None = None
    image: ImageReading = NO_IMAGE


def record_page(
    app: AsinSync,
    setting: Setting,
    submission_id: UUID,
    checks: Sequence[RowCheck],
    work: Work,
) -> list[int]:
    """Decide every row and record them together; return the rows left open as UNKNOWN."""
    changes: list[Change] = []
    fates: dict[UUID, list[RowFate]] = defaultdict(list)
    unknown: list[int] = []
    for check in checks:
        outcome = decide_row(app, setting, submission_id, check, work)
        changes.extend(outcome.changes)
        for upload_id, fate in outcome.fates:
            fates[upload_id].append(fate)
        if outcome.is_unknown:
            unknown.append(check.row.number)
    settled = [
        each for upload_id in fates for each in settling(app, upload_id, fates[upload_id], work)
    ]
    app.record(*changes, *settled)
    return unknown


class RowOutcome(NamedTuple):
    """What is to be recorded for one row; `fates` of this upload's row and of one it replaces."""

    changes: Sequence[Change] = ()
    fates: Sequence[tuple[UUID, RowFate]] = ()
    is_unknown: bool = False


def decide_row(
    app: AsinSync, setting: Setting, submission_id: UUID, check: RowCheck, work: Work
) -> RowOutcome:
    """Request the row's binding and check it; a row already under way is left to its listing."""
    row, product = check.row, check.product
    binding_id = binding_id_of(setting.seller.seller_id, row.asin)
    binding = app.binding(binding_id)
    if is_under_way(binding, submission_id):
        return RowOutcome()
    if product is None or row.terms is None:
        return RowOutcome(is_unknown=True)
    around = setting.for_product(product, check.image, work.clock())
    command = decisions.RequestBinding(
        stamp=work.stamp(), asin=row.asin, terms=row.terms, submission_id=submission_id,
        row=row.number, product=product, default_float_rate=around.default_float_rate,
        pricing=around.pricing,
        last_units=around.last_units,
    )  # fmt: skip
    try:
        facts = decisions.request(binding, command)
    except Refusal as refusal:
        findings = (refusal.finding,) if refusal.finding else ()
        refused = fate_of(row, Ending("refused", (refusal.code,), findings), binding_id)
        return RowOutcome(fates=[(submission_id, refused)])
    if binding is not None and not facts and row.terms != binding.terms:
        return RowOutcome(is_unknown=True)
    requested = asin_binding.fold(binding, binding_id, facts)
    if requested is not None and requested.status == "requested":
        checked = judging.check(
            requested,
            judging.CheckBinding(
                stamp=work.stamp(), product=product, around=around, tree=setting.tree
            ),
        )
        if not checked:
            return RowOutcome(is_unknown=True)
        facts = [*facts, *checked]
    changes = [Change(binding_id, binding.version if binding else 0, facts)] if facts else []
    fates = [(submission_id, fate) for fate in fates_by(row, binding_id, facts)]
    return RowOutcome(changes, [*fates, *(replaced_row(binding, submission_id) if facts else [])])


def replaced_row(binding: AsinBinding | None, submission_id: UUID) -> list[tuple[UUID, RowFate]]:
    """The row of an earlier upload that still waited for this binding's first listing."""
    if binding is None or binding.status not in ON_THE_WAY:
        return []
    if binding.submission_id in (None, submission_id) or binding.row is None:
        return []
    superseded = RowFate(
        number=binding.row, asin=binding.asin, fate="superseded", binding_id=binding.binding_id
    )
    return [(binding.submission_id, superseded)]


def is_under_way(binding: AsinBinding | None, submission_id: UUID) -> bool:
    """This very upload has taken the binding past its check; listing it settles the row."""
    return (
        binding is not None
        and binding.submission_id == submission_id
        and binding.status in ("validated", "mapped")
    )


def fates_by(row: Row, binding_id: UUID, facts: Sequence[BindingFact]) -> list[RowFate]:
    """The fate that these facts give the row; none while it still has to be listed."""
    if not facts:
        return [fate_of(row, Ending("unchanged"), binding_id)]
    if isinstance(facts[-1], TermsChanged):
        return [fate_of(row, Ending("changed"), binding_id)]
    ending = row_ended_by(facts[-1])
    return [fate_of(row, ending, binding_id)] if ending else []


def fate_of(row: Row, ending: Ending, binding_id: UUID) -> RowFate:
    return RowFate(number=row.number, asin=row.asin, binding_id=binding_id, **ending._asdict())


def settling(
    app: AsinSync, submission_id: UUID | None, fates: Sequence[RowFate], work: Work
) -> list[Change]:
    """The change that settles these rows of their upload, to be recorded beside its causes."""
    upload = app.submission(submission_id) if submission_id and fates else None
    if upload is None:
        return []
    facts = submission.settle(upload, submission.Settle(stamp=work.stamp(), fates=tuple(fates)))
    return [Change(upload.submission_id, upload.version, facts)] if facts else []


def changes_of(
    app: AsinSync, binding: AsinBinding, facts: Sequence[BindingFact], work: Work
) -> list[Change]:
    """The binding's facts, and the fate they give the row that was still to be listed."""
    if not facts:
        return []
    change = Change(binding.binding_id, binding.version, facts)
    ending = row_ended_by(facts[-1]) if binding.status in ON_THE_WAY else None
    return [change, *(settling_row(app, binding, ending, work) if ending else [])]


class Ending(NamedTuple):
    """How a row ends, and why where it was not listed."""

    fate: submission.Fate
    codes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def ending_by(fate: submission.Fate, *findings: Finding) -> Ending:
    return Ending(fate, tuple(dict.fromkeys(found.code for found in findings)), findings)


def row_ended_by(fact: BindingFact) -> Ending | None:
    """What becomes of an upload's row when this happens to its binding before the first listing."""
    match fact:
        case Rejected():
            return ending_by("rejected", *fact.findings)
        case MappingBroken() | Blocked():
            return ending_by("rejected", fact.finding)
        case ReviewRequested():
            return ending_by("in_review", *fact.findings)
        case Suspended():
            return Ending("suspended", (fact.code,))
        case Withdrawn():
            return Ending("withdrawn")
        case Requested():
            return Ending("superseded")
        case _:
            return None


def settling_row(app: AsinSync, binding: AsinBinding, ending: Ending, work: Work) -> list[Change]:
    """The change that settles the row which asked for this binding, where one is open."""
    if binding.submission_id is None or binding.row is None:
        return []
    settled = RowFate(
        number=binding.row, asin=binding.asin, binding_id=binding.binding_id, **ending._asdict()
    )
    return settling(app, binding.submission_id, [settled], work)


def postpone_rows(
    app: AsinSync,
    submission_id: UUID,
    numbers: Sequence[int],
    code: str,
    detail: str,
    retry_at: datetime,
    work: Work,
) -> None:
    """Record that these rows could not be checked, why, and when they will be tried again."""

    def decide() -> None:
        upload = app.submission(submission_id)
        open_numbers = {row.number for row in upload.open_rows} if upload else set()
        left = tuple(number for number in numbers if number in open_numbers)
        if upload is None or not left:
            return
        fact = submission.CheckPostponed(
            stamp=work.stamp(), numbers=left, code=code, detail=detail, retry_at=retry_at
        )
        app.record(Change(submission_id, upload.version, [fact]))

    until_settled(decide)


def give_up_rows(
    app: AsinSync, submission_id: UUID, numbers: Sequence[int], code: str, work: Work
) -> None:
    """Rows that stayed UNKNOWN through every attempt end as failed; nothing was bound for them."""

    def decide() -> None:
        upload = app.submission(submission_id)
        rows = [row for row in upload.open_rows if row.number in numbers] if upload else []
        fates = [
            RowFate(number=row.number, asin=row.asin, fate="failed", codes=(code,)) for row in rows
        ]
        app.record(*settling(app, submission_id, fates, work))

    until_settled(decide)
