"""Erasing what tells of persons: the key first, then files, tokens, contacts; the fact last.

The log is not touched: what the key sealed in it opens no more, and everything else stands. Each
step can be done again, so that a crash anywhere is mended by running the job again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from domain import seller
from domain.application import AsinSync
from domain.seller import Seller
from domain.sellers import change_seller
from domain.stamps import Work
from infra.database import Database
from infra.personal_data import PersonalData
from projections import applications, bindings

ANYWAY_AFTER = timedelta(days=30)
"""A shop that can't be reached holds an erasure up for no longer than the law allows."""
ABANDONED_AFTER = timedelta(days=180)
"""An application on which nobody moved for so long is given up, and its persons forgotten."""

DELETIONS: tuple[LiteralString, ...] = (
    "DELETE FROM evidence_files WHERE seller_id = %s",
    "DELETE FROM asin_sync.seller_secret WHERE seller_id = %s",
    "DELETE FROM asin_sync.contact WHERE seller_id = %s",
)
"""Files, tokens, contacts: in this order they are counted in the fact."""
CLOSE_KEYS = """
    UPDATE asin_sync.api_key SET label = '', revoked_at = coalesce(revoked_at, now())
    WHERE seller_id = %s
"""

FORGET_PEOPLE: tuple[LiteralString, ...] = (
    """
    DELETE FROM asin_sync.person_session
    WHERE person_id IN (SELECT person_id FROM asin_sync.person WHERE seller_id = %s)
    """,
    """
    UPDATE asin_sync.person
    SET email = NULL, name = NULL, issuer = NULL, subject = NULL,
        revoked_at = coalesce(revoked_at, now())
    WHERE seller_id = %s
    """,
)
"""Who signed in for the seller opens nothing any more, and is no longer known by name."""


class Erasure:
    """Ends what is kept of the persons of one seller."""

    def __init__(self, database: Database, app: AsinSync, personal_data: PersonalData) -> None:
        self._database = database
        self._app = app
        self._personal_data = personal_data

    def is_due(self, owner: Seller, now: datetime) -> bool:
        """True once nothing of a leaving seller is on sale, or it has held up for too long."""
        if owner.is_erased or owner.leaving_since is None:
            return False
        with self._database.reading_for(owner.seller_id) as connection:
            is_off_sale = not bindings.is_any_on_sale(connection)
        return is_off_sale or now - owner.leaving_since > ANYWAY_AFTER

    def erase(self, seller_id: UUID, work: Work) -> None:
        """Destroy the key, delete the rest, say so in the log."""
        self._personal_data.destroy(seller_id)
        with self._database.pool("keystore").connection() as connection:
            counts = [connection.execute(each, (seller_id,)).rowcount for each in DELETIONS]
            for each in (CLOSE_KEYS, *FORGET_PEOPLE):
                connection.execute(each, (seller_id,))
        command = seller.NoteErasure(
            stamp=work.stamp(), **dict(zip(("files", "secrets", "contacts"), counts, strict=True))
        )
        change_seller(self._app, seller_id, lambda it: seller.note_erasure(it, command))

    def give_up_abandoned(self, work: Work) -> list[UUID]:
        """Let the applications that nobody moved for half a year be erased; whose they were."""
        since = work.clock() - ABANDONED_AFTER
        with self._database.reading_for_staff() as connection:
            abandoned = applications.unmoved(connection, since)
        command = seller.RequestErasure(stamp=work.stamp(), ground="abandoned_application")
        for seller_id in abandoned:
            change_seller(self._app, seller_id, lambda it: seller.request_erasure(it, command))
        return abandoned
