"""What sellers are to be told by mail: noted once a key, told to each contact once, in batches.

`notify` notes a message on the caller's connection, so that it commits with the caller's work.
At least once: a worker that dies between the server's answer and the note of it sends that mail
again, under the same Message-ID.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.contacts import Topic
from domain.error_codes import Language
from domain.mails import KEPT, Waiting, ensure_values, is_due, mail_of, retry_delay_seconds
from domain.operations import MailState
from infra.database import Connection, Database
from infra.mail_server import MailFailed, MailServer, deliver, message_to

FORGOTTEN = timedelta(days=30)
log = logging.getLogger(__name__)

NOTE = """
    INSERT INTO asin_sync.message (seller_id, topic, key, values) VALUES (%s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""

# What waits for each contact on each topic: noted since the contact is there, young enough to be
# told, and not told yet.
WAITING = """
    SELECT c.seller_id, c.contact_id, c.email, c.language, m.topic,
           min(m.created_at) AS oldest_at, max(m.created_at) AS newest_at,
           array_agg(m.key ORDER BY m.created_at, m.key) AS keys,
           array_agg(m.values ORDER BY m.created_at, m.key) AS values,
           min(g.sent_at) AS sent_at, min(g.retry_at) AS retry_at,
           coalesce(min(g.attempts), 0) AS attempts
    FROM asin_sync.contact c
    JOIN asin_sync.message m ON m.seller_id = c.seller_id AND m.topic = ANY (c.topics)
        AND m.created_at >= c.created_at AND m.created_at > %(since)s
    LEFT JOIN asin_sync.message_sent s
        ON s.contact_id = c.contact_id AND s.topic = m.topic AND s.key = m.key
    LEFT JOIN asin_sync.mailing g ON g.contact_id = c.contact_id AND g.topic = m.topic
    WHERE s.key IS NULL AND (%(seller_id)s::uuid IS NULL OR c.seller_id = %(seller_id)s)
    GROUP BY c.seller_id, c.contact_id, c.email, c.language, m.topic
    ORDER BY oldest_at
"""

WAITING_COUNT = f"SELECT count(*), min(oldest_at) FROM ({WAITING}) AS waiting"  # noqa: S608

# Told: these messages, at this moment. A contact that was deleted meanwhile is left out.
TOLD = """
    INSERT INTO asin_sync.message_sent (contact_id, seller_id, topic, key, sent_at)
    SELECT c.contact_id, c.seller_id, %(topic)s, key, %(now)s
    FROM asin_sync.contact c, unnest(%(keys)s::text[]) AS key WHERE c.contact_id = %(contact_id)s
    ON CONFLICT DO NOTHING
"""
SENT = """
    INSERT INTO asin_sync.mailing (contact_id, seller_id, topic, sent_at)
    SELECT contact_id, seller_id, %(topic)s, %(now)s
    FROM asin_sync.contact WHERE contact_id = %(contact_id)s
    ON CONFLICT (contact_id, topic) DO UPDATE
    SET sent_at = excluded.sent_at, attempts = 0, retry_at = NULL, error = NULL
"""
FAILED = """
    INSERT INTO asin_sync.mailing (contact_id, seller_id, topic, attempts, retry_at, error)
    SELECT contact_id, seller_id, %(topic)s, %(attempts)s, %(retry_at)s, %(error)s
    FROM asin_sync.contact WHERE contact_id = %(contact_id)s
    ON CONFLICT (contact_id, topic) DO UPDATE
    SET attempts = excluded.attempts, retry_at = excluded.retry_at, error = excluded.error
"""
FORGET = (
    "DELETE FROM asin_sync.message WHERE seller_id = %s AND created_at < %s",
    "DELETE FROM asin_sync.message_sent WHERE seller_id = %s AND sent_at < %s",
)

# Contacts whose last mail failed, and one of the reasons.
FAILING = "SELECT count(*), min(error) FROM asin_sync.mailing WHERE error IS NOT NULL"


def notify(
    connection: Connection, seller_id: UUID, topic: Topic, key: str, values: Mapping[str, str]
) -> None:
    """Note what the seller's contacts are to be told; the same key once more is the same message.

    The connection is one of role `jobs`. Raises ValueError for values that a topic lacks.
    """
    ensure_values(topic, values)
    connection.execute(NOTE, (seller_id, topic, key, Jsonb(dict(values))))


class WaitingRow(NamedTuple):
    """What waits for one contact on one topic."""

    seller_id: UUID
    contact_id: UUID
    email: str
    language: Language
    topic: Topic
    oldest_at: datetime
    newest_at: datetime
    keys: list[str]
    values: list[Mapping[str, str]]
    sent_at: datetime | None
    retry_at: datetime | None
    attempts: int

    @property
    def message_id(self) -> str:
        """The same for the same messages to the same contact, so that a repeat can be told."""
        plain = "\n".join((str(self.contact_id), self.topic, *self.keys))
        return hashlib.sha256(plain.encode()).hexdigest()[:32]


class Mailing:
    """Sends what is due, and remembers what was sent."""

    def __init__(self, database: Database, server: MailServer | None, base_url: str) -> None:
        self._database = database
        self._server = server
        self._base_url = base_url

    @property
    def is_on(self) -> bool:
        """False where no mail server is set: messages are noted and told on the pages only."""
        return self._server is not None

    def sellers_due(self, now: datetime) -> set[UUID]:
        """Sellers with a mail to be sent now."""
        return {row.seller_id for row in self._due(now, None)}

    def send_due(self, seller_id: UUID, shop_name: str, now: datetime) -> int:
        """Send what is due to the seller's contacts; return how many mails were taken."""
        if self._server is None:
            return 0
        sent = sum(
            self._send(self._server, row, shop_name, now) for row in self._due(now, seller_id)
        )
        with self._database.pool("jobs").connection() as connection:
            for statement in FORGET:
                connection.execute(statement, (seller_id, now - FORGOTTEN))
        return sent

    def _due(self, now: datetime, seller_id: UUID | None) -> Sequence[WaitingRow]:
        parameters = {"since": now - KEPT, "seller_id": seller_id}
        with self._database.pool("jobs").connection() as connection:
            cursor = connection.cursor(row_factory=class_row(WaitingRow))
            rows = cursor.execute(WAITING, parameters).fetchall()
        return [
            row for row in rows
            if is_due(Waiting(row.oldest_at, row.newest_at, row.sent_at, row.retry_at), now)
        ]  # fmt: skip

    def _send(self, server: MailServer, row: WaitingRow, shop_name: str, now: datetime) -> bool:
        """One mail with all that waits for one contact on one topic."""
        mail = mail_of(
            row.topic, row.values, row.language, shop_name=shop_name, base_url=self._base_url
        )
        place = {"contact_id": row.contact_id, "topic": row.topic, "now": now}
        try:
            message = message_to(server, row.email, mail.subject, mail.text, row.message_id, now)
            deliver(server, message)
        except MailFailed as error:
            self._note_failure(row, place, error, now)
            return False
        with self._database.pool("jobs").connection() as connection, connection.transaction():
            connection.execute(TOLD, {**place, "keys": row.keys})
            connection.execute(SENT, place)
        return True

    def _note_failure(
        self, row: WaitingRow, place: Mapping[str, object], error: MailFailed, now: datetime
    ) -> None:
        """The address is not logged: it is personal data."""
        attempts = row.attempts + 1
        retry_at = now + timedelta(seconds=retry_delay_seconds(attempts))
        log.warning("mail on %s to contact %s failed, attempt %s", row.topic, row.contact_id,
                    attempts)  # fmt: skip
        values = {**place, "attempts": attempts, "retry_at": retry_at, "error": str(error)}
        with self._database.pool("jobs").connection() as connection:
            connection.execute(FAILED, values)


def mail_state(connection: Connection, now: datetime) -> MailState:
    """Mails of every seller that wait, and contacts that can't be reached now."""
    wanted = {"since": now - KEPT, "seller_id": None}
    row = connection.execute(WAITING_COUNT, wanted).fetchone()
    waiting, oldest_at = row or (0, None)
    count, error = failing(connection)
    return MailState(waiting=waiting, oldest_at=oldest_at, failing=count, error=error)


def failing(connection: Connection) -> tuple[int, str | None]:
    """How many contacts can't be reached now, and why one of them can't."""
    row = connection.execute(FAILING).fetchone()
    return (int(row[0]), row[1]) if row else (0, None)
