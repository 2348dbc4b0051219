"""Reading values out of an address: times and places in the log."""

from __future__ import annotations

from datetime import datetime

from api.l10n import JST


class Unreadable(ValueError):
    """The text is not the value it should be."""


def moment_in(text: str | None) -> datetime | None:
    """An RFC 3339 time; one without a zone, as a form sends it, is in JST. Raises Unreadable."""
    if not text:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise Unreadable(text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=JST)


def number_in(text: str | None) -> int | None:
    """A whole number from 0 up. Raises Unreadable."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise Unreadable(text)
    return int(text)


def place_in(text: str | None) -> tuple[int, int] | None:
    """A place in the log, `position.number`. Raises Unreadable."""
    if not text:
        return None
    position, _, number = text.partition(".")
    return number_in(position) or 0, number_in(number) or 0
