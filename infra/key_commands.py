"""Operators' commands on API keys: each leaves a fact in the seller's or the platform's log."""

from __future__ import annotations

from typing import cast, get_args
from uuid import UUID, uuid4

from domain import seller
from domain.application import AsinSync, Change, acting_for, until_settled
from domain.errors import Refusal
from domain.ports import Clock
from domain.seller import Role
from domain.sellers import Decide
from domain.stamps import Work
from domain.values import PLATFORM_ID
from infra.installation import Installation

ACTOR = "operator"


class BadKeyRequest(Refusal):
    """The role is unknown, or does not fit the seller."""

    code = "invalid-request"


def create(
    installation: Installation, role: str, seller_id: UUID | None, label: str, clock: Clock
) -> dict[str, str]:
    """Make a key and record that it was made. Raises BadKeyRequest."""
    if role not in get_args(Role):
        raise BadKeyRequest(f"roles are {', '.join(get_args(Role))}")
    if (role == "seller") != (seller_id is not None) and role != "service":
        raise BadKeyRequest("a seller's key names its seller; a staff key names none")
    if seller_id is not None:
        with acting_for(seller_id):
            seller.ensure_active(installation.app.seller(seller_id))
    key_id, key = installation.api_keys.create(cast(Role, role), seller_id, label)
    command = seller.IssueKey(
        stamp=Work(clock, ACTOR, uuid4()).stamp(), key_id=key_id, role=cast(Role, role), label=label
    )
    note(installation.app, seller_id, lambda it: seller.issue_key(it, command))
    return {"key_id": key_id, "key": key}


def revoke(
    installation: Installation, key_id: str, clock: Clock, *, may_be_last: bool = False
) -> bool:
    """Close the key and record it; False where no such key is open.

    Raises KeyRefused for a seller's last key that people sign in with, unless it may be that.
    """
    keys, holder = installation.api_keys, installation.api_keys.by_id(key_id)
    if holder is None or not keys.revoke(key_id, holder.seller_id, may_be_last=may_be_last):
        return False
    command = seller.RevokeKey(stamp=Work(clock, ACTOR, uuid4()).stamp(), key_id=key_id)
    note(installation.app, holder.seller_id, lambda it: seller.revoke_key(it, command))
    return True


def note(app: AsinSync, seller_id: UUID | None, decide: Decide) -> None:
    """Record in the seller's history, or in the platform's for staff keys."""
    subject = seller_id or PLATFORM_ID

    def attempt() -> None:
        known = app.seller(subject)
        app.record(Change(subject, known.version, decide(known)))

    with acting_for(subject):
        until_settled(attempt)
