"""Looks: staff see a seller's data only for a stated reason or a ticket, and that is a fact.

One stream for each (seller, key). A look lasts for the policy's minutes; a reason that is looked
for already is not recorded again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid5

from pydantic import AwareDatetime

from domain.application import AsinSync, Change, acting_for, until_settled
from domain.errors import SellerLeft, TicketRefused
from domain.facts import Command, Fact
from domain.policy import policy_of
from domain.seller import Role
from domain.stamps import Work
from domain.ticket.decisions import plain
from domain.values import Value

REASON_LENGTH_MIN = 5
REASON_LENGTH_MAX = 500

# --- facts --------------------------------------------------------------------------------------


class Opened(Fact):
    """The holder of a key sees the seller's data until then, for this reason or this ticket."""

    TOPIC: ClassVar[str] = "seller_look.opened"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    key_id: str
    role: Role
    reason: str | None = None
    ticket_id: UUID | None = None
    until: AwareDatetime


# --- state --------------------------------------------------------------------------------------


class Looks(Value):
    """Every look of one key at one seller, in order."""

    opened: tuple[Opened, ...] = ()

    @property
    def version(self) -> int:
        return len(self.opened)

    def until(self) -> datetime | None:
        """When the last of them ends; None where there never was one."""
        return max((each.until for each in self.opened), default=None)


def looks_id_of(seller_id: UUID, key_id: str) -> UUID:
    return uuid5(seller_id, f"looks:{key_id}")


def fold(facts: Iterable[Opened]) -> Looks:
    return Looks(opened=tuple(facts))


# --- decisions ----------------------------------------------------------------------------------


class OpenLook(Command):
    """Exactly one of `reason` and `ticket_id` says what for."""

    key_id: str
    role: Role
    reason: str | None = None
    ticket_id: UUID | None = None


def open_look(looks: Looks, command: OpenLook) -> list[Opened]:
    """Nothing while a look for the same is open. Raises TicketRefused for a reason that is none."""
    reason = None
    if command.ticket_id is None:
        reason = plain(command.reason or "", "look_reason", REASON_LENGTH_MAX, is_one_line=True)
        if sum(each.isalnum() for each in reason) < REASON_LENGTH_MIN:
            raise TicketRefused(reason, rules={"reason": "ticket_look_reason"})
    now = command.stamp.decided_at.astimezone(UTC)
    asked = (reason, command.ticket_id)
    if any((each.reason, each.ticket_id) == asked and now < each.until for each in looks.opened):
        return []
    minutes = policy_of(command.stamp.policy).support.look_minutes
    return [
        Opened(
            stamp=command.stamp, key_id=command.key_id, role=command.role, reason=reason,
            ticket_id=command.ticket_id, until=now + timedelta(minutes=minutes),
        )
    ]  # fmt: skip


# --- use case -----------------------------------------------------------------------------------


def looks_of(app: AsinSync, seller_id: UUID, key_id: str) -> Looks:
    """What this key looked at this seller for, in full."""
    with acting_for(seller_id):
        facts = app.facts_of(looks_id_of(seller_id, key_id))
    return fold(each for each in facts if isinstance(each, Opened))


def look(
    app: AsinSync,
    seller_id: UUID,
    viewer: tuple[str, Role],
    what_for: tuple[str | None, UUID | None],
    work: Work,
) -> tuple[datetime, int | None]:
    """Open a look, or go on with the one for the same; return its end and position.

    `viewer` is key id and role, `what_for` a reason or a ticket. Where the seller's personal data
    was erased, the look is kept without its reason. Raises TicketRefused.
    """
    (key_id, role), (reason, ticket_id) = viewer, what_for
    stream = looks_id_of(seller_id, key_id)

    def attempt() -> tuple[datetime, int | None]:
        known = looks_of(app, seller_id, key_id)
        command = OpenLook(
            stamp=work.stamp(), key_id=key_id, role=role, reason=reason, ticket_id=ticket_id
        )
        facts = open_look(known, command)
        until = fold((*known.opened, *facts)).until() or command.stamp.decided_at
        with acting_for(seller_id):
            try:
                position = app.record(Change(stream, known.version, facts))
            except SellerLeft:
                bare = [each.model_copy(update={"reason": None}) for each in facts]
                position = app.record(Change(stream, known.version, bare))
        return until, position

    return until_settled(attempt)
