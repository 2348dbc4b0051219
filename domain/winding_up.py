"""Use case: end a seller's bindings with the seller, page by page, each exactly once.

A page's bindings, the rows of uploads that waited for them and the count of it are recorded
together or not at all, so a page that is run again after a crash finds it done or untouched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from domain.application import AsinSync, Change, until_settled
from domain.arbitrage import BindingsWoundUp, WindUp
from domain.asin_binding import AsinBinding, BindingFact, decisions
from domain.errors import VersionConflict
from domain.seller import Seller
from domain.stamps import Work, event_id_of
from domain.submission import RowFate
from domain.uploads import ON_THE_WAY, row_ended_by, settling

PAGE_SIZE = 500


class WoundUp(NamedTuple):
    """How many bindings ended, and the position of the last fact; None where none did."""

    bindings: int
    position: int | None


def wind_up(
    app: AsinSync, seller_id: UUID, binding_ids: Sequence[UUID], ending: WindUp, work: Work
) -> int:
    """End those of these bindings that have not ended; how many that were.

    A page that somebody else keeps changing is ended one binding after the other.
    """
    end = partial(end_together, app, seller_id, ending=ending, work=work)
    try:
        return until_settled(partial(end, binding_ids)).bindings
    except VersionConflict:
        return sum(until_settled(partial(end, [key])).bindings for key in binding_ids)


def ending_of(seller: Seller) -> WindUp | None:
    """How this seller's bindings are to end; None where they go on."""
    if seller.is_terminated:
        return "block"
    return "withdraw" if seller.is_leaving else None


def end_together(
    app: AsinSync, seller_id: UUID, binding_ids: Sequence[UUID], ending: WindUp, work: Work
) -> WoundUp:
    """Record at once the end of all of these that had not ended before. Raises VersionConflict.

    Nothing ends for a seller that is not to end so.
    """
    seller = app.seller(seller_id)
    if ending != ending_of(seller):
        return WoundUp(0, None)
    caused = caused_by(seller, work)
    command = command_for(seller, ending, caused)
    ended: dict[UUID, Sequence[BindingFact]] = {}
    bindings = app.bindings(binding_ids)
    for key, binding in bindings.items():
        if facts := decisions.end_with_seller(binding, command):
            ended[key] = facts
    if not ended:
        return WoundUp(0, None)
    counted = BindingsWoundUp(stamp=caused.stamp(), ending=ending, bindings=len(ended))
    position = app.record(
        Change(seller_id, seller.version, [counted]),
        *(Change(key, bindings[key].version, facts) for key, facts in ended.items()),
        *rows_settled(app, bindings, ended, caused),
    )
    return WoundUp(len(ended), position)


def command_for(seller: Seller, ending: WindUp, work: Work) -> decisions.EndWithSeller:
    termination = seller.arbitrage.termination
    cause = termination.cause if termination else None
    return decisions.EndWithSeller(stamp=work.stamp(), ending=ending, cause=cause)


def caused_by(seller: Seller, work: Work) -> Work:
    """The termination is the cause of all that ends with it."""
    termination = seller.arbitrage.termination
    if termination is None:
        return work
    cause = event_id_of(seller.seller_id, termination.version)
    return Work(work.clock, work.actor, work.correlation_id, cause)


def rows_settled(
    app: AsinSync,
    bindings: Mapping[UUID, AsinBinding],
    ended: Mapping[UUID, Sequence[BindingFact]],
    work: Work,
) -> list[Change]:
    """Rows of uploads that waited for these bindings' first listing, by upload."""
    fates: dict[UUID, list[RowFate]] = defaultdict(list)
    for key, facts in ended.items():
        binding, ending = bindings[key], row_ended_by(facts[-1])
        if ending is None or binding.status not in ON_THE_WAY:
            continue
        if binding.submission_id is not None and binding.row is not None:
            fate = RowFate(
                number=binding.row, asin=binding.asin, binding_id=key, **ending._asdict()
            )
            fates[binding.submission_id].append(fate)
    return [
        change for upload, each in fates.items() for change in settling(app, upload, each, work)
    ]
