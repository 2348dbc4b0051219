"""Reading values out of an address: texts, times, and places in a list, bound to its filter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from api.l10n import JST, mark

TEXT_LENGTH_MAX = 500
YEARS = range(2000, 2101)
TOO_LONG = mark("It is longer than 500 characters: shorten it.")
NO_TEXT = mark("It holds a character that no text has: type it anew.")
NO_TIME = mark("Give a time between 2000 and 2100, such as 2026-11-22T15:00:30 (JST).")
NO_NUMBER = mark("Give a whole number from 0 up.")
NO_PLACE = mark("It leads to a page of another filter or another shop: begin with the newest page.")
NO_CHOICE = mark("The page does not know this choice: leave it out.")


class Unreadable(ValueError):
    """The text is not the value it should be; `rule` says what to mend, to be translated."""

    def __init__(self, text: str, rule: str) -> None:
        super().__init__(text)
        self.text = text
        self.rule = rule


def text_in(text: str) -> str | None:
    """A text as it was typed; blank is absent. Raises Unreadable for what no filter can be."""
    if len(text) > TEXT_LENGTH_MAX:
        raise Unreadable(text, TOO_LONG)
    if "\0" in text:
        raise Unreadable(text, NO_TEXT)
    return text.strip() or None


def moment_in(text: str | None) -> datetime | None:
    """An RFC 3339 time; one without a zone, as a form sends it, is in JST. Raises Unreadable."""
    if not text:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise Unreadable(text, NO_TIME) from error
    if moment.year not in YEARS:
        raise Unreadable(text, NO_TIME)
    return moment if moment.tzinfo else moment.replace(tzinfo=JST)


def number_in(text: str | None) -> int | None:
    """A whole number from 0 up. Raises Unreadable."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Unreadable(text, NO_NUMBER)
    return int(text)


def place_in(text: str | None) -> tuple[int, int] | None:
    """A place in the log, `position.number`. Raises Unreadable."""
    if not text:
        return None
    position, _, number = text.partition(".")
    return number_in(position) or 0, number_in(number) or 0


def choice_in(text: str | None, choices: Sequence[str]) -> str:
    """One of these; the first where nothing is said. Raises Unreadable."""
    if text is not None and text not in choices:
        raise Unreadable(text, NO_CHOICE)
    return text or choices[0]


def cursor_after(filtered: Sequence[object], *place: int) -> str:
    """Where a list goes on: a place in it, and a mark of whose list it is and how filtered."""
    return ".".join(map(str, (*place, mark_of(filtered))))


def place_after(text: str | None, filtered: Sequence[object], length: int) -> tuple[int, ...]:
    """The place of a cursor of this very list; empty without one. Raises Unreadable."""
    if not text:
        return ()
    *place, found = text.split(".")
    if found != mark_of(filtered) or len(place) != length:
        raise Unreadable(text, NO_PLACE)
    return tuple(number_in(each) or 0 for each in place)


def mark_of(filtered: Sequence[object]) -> str:
    return hashlib.blake2s(repr(tuple(filtered)).encode(), digest_size=4).hexdigest()
