"""Notes what sellers are to be told by mail, and asks for the mails that are due.

Its place in the log stands in the jobs schema, beside that of the policies; it begins at the head,
so that what happened before it was there is not told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Event

import psycopg

from domain.breaker import Marketplace, Paused
from domain.facts import Recorded
from domain.mails import moment_in_words
from domain.ports import Clock
from domain.sync_sweep import BrakeApplied
from infra.database import Connection, Database
from infra.event_codec import decode
from infra.job_queue import put
from infra.messages import Mailing, notify
from projections import stock_alerts
from projections.stock_alerts import WatchedRow

NAME = "stock_alerts"
TICK_SECONDS = 2.0
log = logging.getLogger(__name__)

POSITION = "SELECT position FROM follower WHERE name = %s FOR UPDATE"
BEGIN = "INSERT INTO follower (name, position) VALUES (%s, %s) ON CONFLICT DO NOTHING"
MOVE = "UPDATE follower SET position = %s WHERE name = %s"
UPSTREAMS: Mapping[Marketplace, str] = {"amazon": "Amazon.co.jp", "mercari": "Mercari"}
HEAD = "SELECT coalesce(max(notification_id), 0) FROM asin_sync_events"

# Facts of these topics in (after, until], in order.
GUARDS = """
    SELECT notification_id, recorded_at, seller_id, originator_id, originator_version, topic, state
    FROM asin_sync_events
    WHERE notification_id > %(after)s AND notification_id <= %(until)s AND topic = ANY(%(topics)s)
    ORDER BY notification_id
"""


class MessagesFollower:
    """One tick every two seconds; several workers note each alert once."""

    def __init__(self, database: Database, mailing: Mailing, clock: Clock) -> None:
        self._database = database
        self._mailing = mailing
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Tick until told to stop."""
        while not stop.wait(TICK_SECONDS):
            try:
                self.tick()
            except psycopg.Error as error:
                log.warning("messages wait for the next tick: %s", error)

    def tick(self) -> None:
        """Note new alerts; ask for the mails of each seller that has one due."""
        pool = self._database.pool
        with pool("projector").connection() as log_, pool("jobs").connection() as jobs:
            note_news(log_, jobs)
        if not self._mailing.is_on:
            return
        for seller_id in self._mailing.sellers_due(self._clock()):
            lock = f"messages:{seller_id}"
            options = {"lock": lock, "queueing_lock": lock}
            with pool("jobs").connection() as jobs:
                put(jobs, "send_messages", options, {"seller": str(seller_id)})


def note_news(log_: Connection, jobs: Connection) -> None:
    """Note what happened since the last time; place and notes together.

    Of the alerts raised only those that are open still; each breaker that opened, each brake that
    held changes.
    """
    with jobs.transaction():
        row = jobs.execute(POSITION, (NAME,)).fetchone()
        if row is None:
            head = log_.execute(HEAD).fetchone()
            jobs.execute(BEGIN, (NAME, head[0] if head else 0))
            return
        until = stock_alerts.committed_position(log_)
        for alert in stock_alerts.raised_between(log_, row[0], until):
            key = f"{alert.binding_id}:{alert.raised_position}"
            notify(jobs, alert.seller_id, "stock", key, values_of(alert))
        for recorded in guards_between(log_, row[0], until):
            note_guard(jobs, recorded)
        if until > row[0]:
            jobs.execute(MOVE, (until, NAME))


def guards_between(log_: Connection, after: int, until: int) -> list[Recorded]:
    """What breakers and brakes of every seller did in (after, until], in order."""
    parameters = {"after": after, "until": until, "topics": [Paused.TOPIC, BrakeApplied.TOPIC]}
    rows = log_.cursor(binary=True).execute(GUARDS, parameters).fetchall()
    return [
        Recorded(position, recorded_at, seller_id, originator_id, version, decode(topic, state))
        for position, recorded_at, seller_id, originator_id, version, topic, state in rows
    ]


def note_guard(jobs: Connection, recorded: Recorded) -> None:
    """A breaker that opened, not its failed tries since; a brake that held something."""
    key = f"{recorded.originator_id}:{recorded.version}"
    match recorded.fact:
        case Paused(tries=0) as fact:
            values = {"upstream": UPSTREAMS[fact.marketplace],
                      "since": moment_in_words(fact.since)}  # fmt: skip
            notify(jobs, recorded.seller_id, "breaker", key, values)
        case BrakeApplied() as fact if fact.held_count:
            values = {
                "changes": str(fact.held_count), "listings": str(fact.listings),
                "since": moment_in_words(fact.stamp.decided_at),
            }  # fmt: skip
            notify(jobs, recorded.seller_id, "brake", key, values)
        case _:
            return


def values_of(alert: WatchedRow) -> Mapping[str, str]:
    """What a mail says of an alert."""
    return {
        "asin": alert.asin,
        "title": alert.title or "",
        "amazon_quantity": str(alert.amazon_quantity),
        "stock_threshold": str(alert.stock_threshold),
        "since": moment_in_words(alert.raised_at) if alert.raised_at else "",
    }
