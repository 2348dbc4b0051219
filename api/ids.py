"""Ids as the outside sees them: a prefix that says what, the cell, and the id within it."""

from __future__ import annotations

import base64
import re
from binascii import Error as NotBase64
from typing import Literal
from uuid import UUID

from domain.errors import NotFound, Refusal

Kind = Literal["bnd", "sub", "sel", "swp", "whk", "sus", "tkt"]
CELL = 1
_FORM = re.compile(r"(bnd|sub|sel|swp|whk|sus|tkt)_(\d+)_([0-9a-f]{32})")


class NotACursor(Refusal):
    """The text is not a cursor that this list gave out."""

    code = "invalid-request"


class NotAnEventId(NotACursor):
    """The text is not the id of an event of this feed."""


EVENT_PREFIX = "evt_"
POSITION_MAX = 2**63 - 1
DAMAGED = {"cursor": "cursor_damaged"}


def public_id(kind: Kind, inner: UUID) -> str:
    """For example `bnd_1_0f3c…`: kind, cell, 32 hexadecimal digits."""
    return f"{kind}_{CELL}_{inner.hex}"


def inner_id(kind: Kind, text: str) -> UUID:
    """The id inside. Raises NotFound for anything that is not an id of this kind."""
    form = _FORM.fullmatch(text)
    if form is None or form[1] != kind or int(form[2]) != CELL:
        raise NotFound(f"no such id: {text[:60]!r} has not the form {kind}_{CELL}_…")
    return UUID(form[3])


def cursor_of(*place: int) -> str:
    """An opaque cursor: the cell and a place in a list."""
    plain = ":".join(str(number) for number in (CELL, *place))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def place_in(cursor: str, length: int) -> tuple[int, ...]:
    """The place a cursor of ours stands for. Raises NotACursor for any other text."""
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        cell, *place = (int(number) for number in plain.split(":"))
    except (NotBase64, UnicodeDecodeError, ValueError) as error:
        raise NotACursor("not a cursor of this list", rules=DAMAGED) from error
    if cell != CELL or len(place) != length or not all(0 <= n <= POSITION_MAX for n in place):
        raise NotACursor("not a cursor of this list", rules=DAMAGED)
    return tuple(place)


def event_id_at(position: int) -> str:
    """The id of the event at this position of the log; it is also the cursor that goes on after."""
    return EVENT_PREFIX + cursor_of(position)


def position_of_event(text: str) -> int:
    """The position that an event's id stands for. Raises NotAnEventId for any other text."""
    try:
        (position,) = place_in(text.removeprefix(EVENT_PREFIX), 1)
    except NotACursor:
        position = -1
    if not 0 <= position <= POSITION_MAX or event_id_at(position) != text:
        raise NotAnEventId(f"not the id of an event of this feed: {text[:60]!r}")
    return position
