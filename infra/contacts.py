"""The contacts of sellers: a table that can be deleted from, and never a fact."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.contacts import Contact, ContactState, ensure_few
from infra.database import Database

# A seller's contacts, each with its last mail and the error that is the newest.
ALL = """
    SELECT c.email, c.language, c.topics, max(g.sent_at), max(g.retry_at),
           (array_agg(g.error ORDER BY g.retry_at DESC) FILTER (WHERE g.error IS NOT NULL))[1]
    FROM asin_sync.contact c LEFT JOIN asin_sync.mailing g USING (contact_id)
    GROUP BY c.contact_id ORDER BY c.created_at, c.email
"""

DELETE_OTHERS = "DELETE FROM asin_sync.contact WHERE seller_id = %s AND email <> ALL (%s)"

# What was told to an address stays told when its language or topics change.
KEEP = """
    INSERT INTO asin_sync.contact (seller_id, email, language, topics) VALUES (%s, %s, %s, %s)
    ON CONFLICT (seller_id, email) DO UPDATE
    SET language = excluded.language, topics = excluded.topics
"""


class Contacts:
    """Reads and replaces a seller's contacts, as that seller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, seller_id: UUID) -> list[ContactState]:
        with self._database.reading_for(seller_id) as connection:
            rows = connection.execute(ALL).fetchall()
        return [
            ContactState(
                contact=Contact(email=email, language=language, topics=topics),
                sent_at=sent_at, retry_at=retry_at, error=error,
            )
            for email, language, topics, sent_at, retry_at, error in rows
        ]  # fmt: skip

    def replace(self, seller_id: UUID, contacts: Sequence[Contact]) -> None:
        """Keep these and no other. Raises ContactRefused for too many, or one address twice."""
        ensure_few(contacts)
        with self._database.pool("writer").connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.seller', %s, true)", (str(seller_id),))
            connection.execute(DELETE_OTHERS, (seller_id, [each.email for each in contacts]))
            for each in contacts:
                values = (seller_id, each.email, each.language, list(each.topics))
                connection.execute(KEEP, values)
