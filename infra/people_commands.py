"""Operators' commands on people: each leaves a fact, as what administrators do on the page."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from domain.errors import NotFound
from domain.ports import Clock
from domain.stamps import Work
from infra.installation import Installation

ACTOR = "operator"


def invite(
    installation: Installation, email: str, role: str, seller_id: UUID | None, clock: Clock
) -> dict[str, Any]:
    """The person, invited. Raises PersonRefused, NotFound."""
    work = Work(clock, ACTOR, uuid4())
    person, _ = installation.people(clock).invite(email, role, seller_id, work)
    return person.model_dump(mode="json")


def revoke(
    installation: Installation, person_id: str, clock: Clock, *, is_forgotten: bool
) -> dict[str, Any]:
    """Revoke where that is still to be done, and erase where that is wished. Raises NotFound."""
    people, work = installation.people(clock), Work(clock, ACTOR, uuid4())
    try:
        inner = UUID(person_id.removeprefix("person:"))
    except ValueError:
        raise NotFound("no such person") from None
    is_open = any(each.person_id == inner and each.revoked_at is None for each in people.all())
    if is_open or not is_forgotten:
        people.revoke(inner, work, may_be_last=True)
    if is_forgotten:
        people.forget(inner, work)
    return {"person_id": str(inner), "is_forgotten": is_forgotten}
