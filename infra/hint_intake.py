"""Takes the marketplaces' notifications in: each once, with the job that reads again.

The notification and its job are one transaction. Rows, jobs and counts are written in one order, so
that requests which carry the same notifications can't lock each other out.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from domain.errors import NotFound
from domain.hints import Hint, HintKind, Taken
from domain.policies import StartSweep
from domain.ports import Clock
from domain.values import AMAZON_JP_MARKETPLACE_ID, PLATFORM_ID, binding_id_of, seller_id_of
from infra.amazon.notifications import SHAPES, content_of, read_notifications
from infra.database import Connection, Database
from infra.job_queue import put
from infra.policies_follower import job_of
from projections import sellers

SETTLING_SECONDS = 2.0
KEPT_FOR = timedelta(days=14)
QUEUE = "hints"
ORDER_CREATED = "ORDER_CREATED"
OTHER = "OTHER"
TEXTS_MAX = 200

_TOKEN = re.compile(r"([0-9a-f]{32})-([0-9a-f]{64})")
_SKU_CODE = re.compile(r"([0-9A-Z]{10})-[0-9a-f]{12}")

# Keep a notification; no row back where it is here already.
KEEP = """
    INSERT INTO asin_sync.notification
        (seller_id, notification_id, type, subject, event_time, outcome)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1
"""

# Say what came of it.
NOTE = """
    UPDATE asin_sync.notification SET outcome = %s WHERE seller_id = %s AND notification_id = %s
"""

COUNT = """
    INSERT INTO asin_sync.notification_count AS c (seller_id, type, accepted, duplicates, ignored)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT (seller_id, type) DO UPDATE SET
        accepted = c.accepted + excluded.accepted, ignored = c.ignored + excluded.ignored,
        duplicates = c.duplicates + excluded.duplicates
"""

FORGET = "DELETE FROM asin_sync.notification WHERE received_at < %s"

TOTALS = """
    SELECT type, sum(accepted)::bigint, sum(duplicates)::bigint, sum(ignored)::bigint
    FROM asin_sync.notification_count GROUP BY type ORDER BY type
"""

# Whose ASIN it is, by the ids that the bindings of these sellers would have.
HOLDERS = "SELECT seller_id FROM live_bindings WHERE binding_id = ANY(%s) ORDER BY seller_id"

# The ASINs of listings, by the ids that Mercari gave them.
ASINS_LISTED = "SELECT asin FROM live_bindings WHERE listing_id = ANY(%s) ORDER BY asin"


class Letter(NamedTuple):
    """A hint and whom it concerns; `ignored` says why nothing is done about it."""

    seller_id: UUID
    hint: Hint
    ignored: str | None = None

    @property
    def subject(self) -> str | None:
        return self.hint.sku or self.hint.asin


class HintIntake:
    """What the ways in ask for."""

    def __init__(self, database: Database, secret: bytes, clock: Clock) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock

    def take_amazon(self, body: bytes, only_seller: UUID | None) -> Taken:
        """Take a request of Amazon's. Raises NotificationRefused; then nothing of it was taken.

        From the holder of one seller's key, only that seller's notifications count.
        """
        hints = read_notifications(body)
        return self._take([each for hint in hints for each in self._addressed(hint, only_seller)])

    def take_mercari(self, token: str, body: bytes) -> Taken:
        """Take an order webhook. Raises NotFound for a path that is nobody's, NotificationRefused.

        Its shape is not published, so any SKU code or listing id of ours in it is what was sold,
        and no id in it is sure to be one: sent twice it is looked up twice.
        """
        seller_id = self._seller_in(token)
        texts = list(texts_in(content_of(body)))[:TEXTS_MAX]
        asins = {found[1] for text in texts if (found := _SKU_CODE.fullmatch(text))}
        with self._database.reading_for(seller_id) as connection:
            asins |= {row[0] for row in connection.execute(ASINS_LISTED, (texts,))}
        hints = [
            Hint(notification_id=str(uuid4()), type=ORDER_CREATED, kind="sale", asin=asin)
            for asin in sorted(asins)
        ] or [Hint(notification_id=str(uuid4()), type=ORDER_CREATED, kind=None)]
        return self._take([self._for_seller(seller_id, hint) for hint in hints])

    def mercari_token(self, seller_id: UUID) -> str:
        """The secret part of the address that a shop's order webhook is sent to."""
        return f"{seller_id.hex}-{self._signature(seller_id)}"

    def totals(self) -> dict[str, tuple[int, int, int]]:
        """Accepted, duplicates and ignored of all sellers, by type."""
        with self._database.pool("jobs").connection() as connection:
            rows = connection.execute(TOTALS).fetchall()
        return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}

    def _signature(self, seller_id: UUID) -> str:
        message = b"mercari webhook of " + seller_id.bytes
        return hmac.digest(self._secret, message, hashlib.sha256).hex()

    def _seller_in(self, token: str) -> UUID:
        form = _TOKEN.fullmatch(token)
        seller_id = UUID(form[1]) if form else PLATFORM_ID
        if form is None or not hmac.compare_digest(form[2], self._signature(seller_id)):
            raise NotFound("no such webhook")
        return seller_id

    def _addressed(self, hint: Hint, only_seller: UUID | None) -> Iterator[Letter]:
        """Whom it concerns; one that names no seller, all who bind its ASIN."""
        if hint.amazon_seller_id is not None:
            seller_id = seller_id_of(hint.amazon_seller_id)
            if only_seller not in (None, seller_id):
                yield Letter(only_seller or PLATFORM_ID, hint, "ignored_seller")
                return
            yield self._for_seller(seller_id, hint)
        elif only_seller is not None:
            yield self._for_seller(only_seller, hint)
        else:
            holders = self._holders(hint.asin) if hint.kind == "catalogue" else []
            yield from (self._for_seller(each, hint) for each in holders)
            if not holders:
                reason = "ignored_type" if hint.kind is None else "ignored_seller"
                yield Letter(PLATFORM_ID, hint, reason)

    def _for_seller(self, seller_id: UUID, hint: Hint) -> Letter:
        with self._database.reading_for(seller_id) as connection:
            row = sellers.one(connection, seller_id)
        if row is None:
            return Letter(PLATFORM_ID, hint, "ignored_seller")
        if hint.kind is None:
            return Letter(seller_id, hint, "ignored_type")
        if hint.marketplace_id not in (None, AMAZON_JP_MARKETPLACE_ID):
            return Letter(seller_id, hint, "ignored_marketplace")
        return Letter(seller_id, hint, None if row.is_sync_enabled else "ignored_seller")

    def _holders(self, asin: str | None) -> list[UUID]:
        """The sellers with ASIN Sync on who have bound it."""
        with self._database.pool("projector").connection() as connection:
            ids = [binding_id_of(each, asin or "") for each in sellers.enabled(connection)]
            return [row[0] for row in connection.execute(HOLDERS, (ids,))]

    def _take(self, letters: Iterable[Letter]) -> Taken:
        ordered = sorted(letters, key=lambda each: (each.seller_id, each.hint.notification_id))
        counts: Counter[tuple[UUID, str, str]] = Counter()
        with self._database.pool("jobs").connection() as connection, connection.transaction():
            new = [each for each in ordered if is_kept(connection, each, counts)]
            now = self._clock()
            jobs = [(job_for(each, now), each) for each in new if each.ignored is None]
            for (name, options, arguments), letter in sorted(jobs, key=lambda it: str(it[0][1])):
                if not put(connection, name, options, arguments):
                    note(connection, letter.seller_id, letter.hint.notification_id, "joined")
            store_counts(connection, counts)
        return Taken(*(sum(counts[key] for key in counts if key[2] == name)
                       for name in Taken._fields))  # fmt: skip


def is_kept(connection: Connection, letter: Letter, counts: Counter[tuple[UUID, str, str]]) -> bool:
    """Keep and count it; False where it is here already."""
    hint, outcome = letter.hint, letter.ignored or "queued"
    row = (letter.seller_id, hint.notification_id, hint.type, letter.subject, hint.event_time,
           outcome)  # fmt: skip
    kept = connection.execute(KEEP, row).fetchone()
    counted = "duplicates" if kept is None else "ignored" if letter.ignored else "accepted"
    known = hint.type in SHAPES or hint.type == ORDER_CREATED
    counts[letter.seller_id, hint.type if known else OTHER, counted] += 1
    return kept is not None


def store_counts(connection: Connection, counts: Counter[tuple[UUID, str, str]]) -> None:
    for seller_id, kind in sorted({(seller_id, kind) for seller_id, kind, _ in counts}):
        numbers = (counts[seller_id, kind, name] for name in Taken._fields)
        connection.execute(COUNT, (seller_id, kind, *numbers))


def note(connection: Connection, seller_id: UUID, notification_id: str, outcome: str) -> None:
    """Say what came of a notification."""
    connection.execute(NOTE, (outcome, seller_id, notification_id))


def forget_old(connection: Connection, now: datetime) -> int:
    """Delete what is older than anything that is still sent again; how many were."""
    return connection.execute(FORGET, (now - KEPT_FOR,)).rowcount


def job_for(letter: Letter, now: datetime) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Task, locks and arguments of what a letter asks for."""
    hint = letter.hint
    if hint.kind == "account":
        return job_of(StartSweep(letter.seller_id, "status", now, is_requested=True))
    arguments = {
        "seller": str(letter.seller_id), "kind": hint.kind, "sku": hint.sku, "asin": hint.asin,
        "notification": hint.notification_id, "attempt": 1,
    }  # fmt: skip
    options = options_of(letter.seller_id, hint.kind, hint.sku or hint.asin, SETTLING_SECONDS)
    return "follow_hint", options, arguments


def options_of(
    seller_id: UUID, kind: HintKind | None, goods: str | None, delay_seconds: float
) -> dict[str, Any]:
    """One re-read runs and at most one waits: a burst for the same goods is one re-read."""
    key = f"hint:{seller_id}:{kind}:{goods}"
    return {"queue": QUEUE, "lock": key, "queueing_lock": key,
            "schedule_in": {"seconds": delay_seconds}}  # fmt: skip


def texts_in(content: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for each in content.values() if isinstance(content, dict) else content:
            yield from texts_in(each)
