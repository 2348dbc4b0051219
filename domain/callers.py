"""Who may come in: the holder of an API key and its role (SPEC §1)."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from domain.seller import Role
from domain.values import Value


class Caller(Value):
    """Who holds a key. `seller_id` is None for staff, who name the seller they look at."""

    key_id: str
    role: Role
    seller_id: UUID | None
    label: str


class KeyInfo(Caller):
    """An API key as it may be shown: never the secret."""

    created_at: AwareDatetime
    revoked_at: AwareDatetime | None
