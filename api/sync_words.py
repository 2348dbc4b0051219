"""The state of the sync in words: what is paused, held or late, what that means, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.ids import public_id
from api.l10n import JST, L10n, mark
from api.log_text import suggested_action, sweep_name, title_of
from api.words import AMAZON_STATUSES, MARKETPLACES, Kind
from domain.sync_sweep import INTERVAL_SECONDS, PROMISE_SECONDS, SweepKind
from domain.values import Value
from projections.conditions import ConditionRow, UnderWayRow

LINK_AGAIN: Mapping[str, str] = {
    "amazon": "asin-sync seller link-amazon --seller {seller} --wait",
    "mercari": "asin-sync seller link-mercari --seller {seller} --token-file - --shop-id SHOP_ID",
}
"""Where only the seller's permission is missing: how it is given again."""
MEANINGS: Mapping[str, str] = {
    "amazon": mark(
        "Nothing was changed: your listings stay as they are, and are read again once it answers."
    ),
    "mercari": mark(
        "Nothing was changed: your listings stay as they are, and what waits for Mercari is done "
        "once it answers."
    ),
    "brake": mark(
        "Nothing was changed on the listings that are held; the next sweep reads them again."
    ),
    "delay": mark(
        "Nothing was changed on listings not read yet; failing and lately changed ones come first."
    ),
}
MARKS: Mapping[str, Kind] = {"breaker": "fail", "brake": "warn", "delay": "wait"}


class Told(Value):
    """An open condition: one sentence, what it means for the listings, and the next step."""

    mark: Kind
    said: str
    meaning: str
    advice: str
    command: str | None = None


def told(row: ConditionRow, running: UnderWayRow | None, now: datetime, l10n: L10n) -> Told:
    """The condition in the reader's language; `running` is the sweep it is about, if any."""
    command = command_of(row)
    advice = suggested_action(row.code, l10n.language)
    if command is not None:
        advice = l10n.text("Give the permission again; it is tried at once:")
    elif row.kind == "brake":
        advice = l10n.text("If Amazon is right, follow it: the sweep is then done once more, "
                           "however much it changes.")  # fmt: skip
    concerned = row.subject if row.kind == "breaker" else row.kind
    said = {"breaker": paused, "brake": braked, "delay": delayed}[row.kind]
    return Told(
        mark=MARKS[row.kind], said=said(row, running, now, l10n),
        meaning=l10n.text(MEANINGS[concerned]), advice=advice, command=command,
    )  # fmt: skip


def command_of(row: ConditionRow) -> str | None:
    """How the seller links the marketplace again, where that is what it needs."""
    if row.kind != "breaker" or row.code != "E-401":
        return None
    return LINK_AGAIN[row.subject].format(seller=public_id("sel", row.seller_id))


def paused(row: ConditionRow, _: UnderWayRow | None, now: datetime, l10n: L10n) -> str:
    return l10n.text(
        "%(marketplace)s has been left alone since %(since)s JST: %(why)s",
        marketplace=l10n.text(MARKETPLACES[row.subject]),
        since=moment(row.since, now, l10n),
        why=title_of(row.code, l10n.language),
    )


def braked(row: ConditionRow, _: UnderWayRow | None, now: datetime, l10n: L10n) -> str:
    counts = {
        name: l10n.number(row.detail[key])
        for name, key in (
            ("drastic", "drastic"), ("listings", "listings"), ("limit", "limit"),
            ("confirmed", "confirmed"), ("held", "held_count"),
        )
    }  # fmt: skip
    return l10n.text(
        "%(name)s of %(since)s JST would suspend or re-price %(drastic)s of %(listings)s listings, "
        "more than its limit of %(limit)s: a second reading confirmed %(confirmed)s, and %(held)s "
        "are held",
        name=sweep_name(row.subject, l10n),
        since=moment(row.since, now, l10n),
        **counts,
    )


def delayed(row: ConditionRow, running: UnderWayRow | None, now: datetime, l10n: L10n) -> str:
    done, listings = read_so_far(row, running)
    return l10n.text(
        "%(name)s, due at %(due)s JST, will end later than promised: %(done)s of %(listings)s "
        "listings are read",
        name=sweep_name(row.subject, l10n),
        due=moment(row.since, now, l10n),
        done=l10n.number(done),
        listings=l10n.number(listings),
    )


def read_so_far(row: ConditionRow, running: UnderWayRow | None) -> tuple[int, int]:
    """Listings read, of how many: now, or when the delay was foreseen."""
    if running is not None and running.due_at == row.since:
        return running.done, running.listings
    return row.detail["done"], row.detail["listings"]


def projected(row: ConditionRow, running: UnderWayRow | None) -> datetime:
    """When a late sweep will end, as far as is known."""
    if running is not None and running.due_at == row.since:
        return running.projected_at
    return datetime.fromisoformat(row.detail["projected_at"])


def reading(held: Mapping[str, Any], l10n: L10n) -> tuple[str, str]:
    """Both readings of a held change; where their words are equal, with what tells them apart."""
    first, second = (in_words(held[name], l10n) for name in ("first", "second"))
    if first != second:
        return first, second
    return held["first"], held["second"]


def in_words(read: str, l10n: L10n) -> str:
    """What a reading said: a price, a status of Amazon, or nothing."""
    status = read.partition(":")[0]
    if read.startswith("¥") and read[1:].isdigit():
        return l10n.text("Amazon price %(price)s", price=l10n.yen(int(read[1:])))
    if status in AMAZON_STATUSES:
        return l10n.text(AMAZON_STATUSES[status])
    return l10n.text(READINGS[read]) if read in READINGS else read


READINGS: Mapping[str, str] = {
    "no change": mark("as before"),
    "no answer": mark("no answer"),
}


def moment(at: datetime, now: datetime, l10n: L10n) -> str:
    """The minute in Japan; with its day where that is not today."""
    if at.astimezone(JST).date() == now.astimezone(JST).date():
        return l10n.hour(at)
    return f"{l10n.day(at)} {l10n.hour(at)}"


def duration(seconds: int, l10n: L10n) -> str:
    """Hours and minutes, rounded up to a minute."""
    hours, minutes = divmod(-(-seconds // 60), 60)
    if hours and minutes:
        return l10n.text("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    if hours:
        return l10n.text("%(hours)s h", hours=hours)
    return l10n.text("%(minutes)s min", minutes=minutes)


def promise(kind: SweepKind, l10n: L10n) -> str:
    """How often a sweep is due, and how long after that it has ended."""
    return l10n.text(
        "every %(interval)s, ends within %(limit)s of its due time",
        interval=duration(INTERVAL_SECONDS[kind], l10n),
        limit=duration(PROMISE_SECONDS[kind], l10n),
    )
