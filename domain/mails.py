"""Mails: when one is due, and its words in the reader's language; plain text, one a topic."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.contacts import Topic
from domain.error_codes import Language
from domain.texts import rule_text
from domain.values import Value

HOUR = timedelta(hours=1)
QUIET = timedelta(seconds=60)
PATIENCE = timedelta(minutes=10)
KEPT = timedelta(hours=24)
"""What could not be told within a day is not told by mail any more; the pages still show it."""
RETRY_SECONDS_MAX = 3600
LINES_MAX = 50
VALUE_LENGTH_MAX = 120
JST = ZoneInfo("Asia/Tokyo")

VALUES: Mapping[Topic, frozenset[str]] = {
    "stock": frozenset({"asin", "title", "amazon_quantity", "stock_threshold", "since"}),
    "breaker": frozenset({"upstream", "since"}),
    "brake": frozenset({"changes", "listings", "since"}),
}
"""What a message of each topic has to say."""
PATHS: Mapping[Topic, str] = {
    "stock": "/stock-alerts?state=open",
    "breaker": "/#sync",
    "brake": "/#sync",
}
"""The page where something can be done about it."""


class Mail(Value):
    """One mail's subject line and its text."""

    subject: str
    text: str


class Waiting(NamedTuple):
    """Messages that wait for one contact: the oldest, the newest; the last mail, the next try."""

    oldest_at: datetime
    newest_at: datetime
    sent_at: datetime | None = None
    retry_at: datetime | None = None


def is_due(waiting: Waiting, now: datetime) -> bool:
    """One mail an hour at most, once no more comes for a minute, or after ten minutes anyway."""
    if waiting.retry_at is not None and now < waiting.retry_at:
        return False
    if waiting.sent_at is not None and now < waiting.sent_at + HOUR:
        return False
    return now >= min(waiting.newest_at + QUIET, waiting.oldest_at + PATIENCE)


def retry_delay_seconds(attempts: int) -> int:
    """1, 2, 4 … minutes, at most an hour."""
    return int(min(RETRY_SECONDS_MAX, 60 * 2 ** min(attempts - 1, 10)))


def ensure_values(topic: Topic, values: Mapping[str, str]) -> None:
    """Raises ValueError for a message that does not say what its topic has to."""
    if missing := VALUES[topic] - values.keys():
        raise ValueError(f"a message on {topic} lacks {', '.join(sorted(missing))}")


def moment_in_words(moment: datetime) -> str:
    """Day and minute in Japan, as every language reads it."""
    return moment.astimezone(JST).strftime("%m/%d %H:%M")


def mail_of(
    topic: Topic,
    messages: Sequence[Mapping[str, str]],
    language: Language,
    *,
    shop_name: str,
    base_url: str,
) -> Mail:
    """One mail that tells all these messages, what to do, and where."""
    shared = {
        "n": str(len(messages)), "shop": in_one_line(shop_name), "url": base_url + PATHS[topic],
        "left": str(max(0, len(messages) - LINES_MAX)),
    }  # fmt: skip

    def said(key: str, **values: str) -> str:
        return rule_text(f"mail_{key}", {**shared, **values}, language)

    lines = [
        said(f"{topic}_line", **{name: in_one_line(value) for name, value in message.items()})
        for message in messages[:LINES_MAX]
    ]
    if len(messages) > LINES_MAX:
        lines.append(said("more"))
    parts = (said(f"{topic}_intro"), "\n\n".join(lines), said(f"{topic}_action"), said("page"))
    text = "\n\n".join((*parts, f"-- \n{said('footer')}"))
    return Mail(subject=in_one_line(said(f"{topic}_subject")), text=f"{text}\n")


def in_one_line(text: str) -> str:
    """Without line ends and other control characters, and not longer than a line may be."""
    plain = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    short = " ".join(plain.split())
    return short if len(short) <= VALUE_LENGTH_MAX else f"{short[:VALUE_LENGTH_MAX]}…"
