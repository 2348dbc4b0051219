"""Times in a request: RFC 3339 with its zone, of years that mean something."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

from api.query_values import YEARS

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?"
    r"([Zz]|[ +-][0-9]{2}:[0-9]{2})"
)
WRONG = PydanticCustomError(
    "instant", "give a time between 2000 and 2100 with its zone, such as 2026-11-26T09:00:00Z"
)


def instant_in(text: object) -> datetime:
    """Raises what pydantic makes a fault of the field of."""
    if isinstance(text, datetime):
        return text
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise WRONG
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text[:11].upper() + text[11:].replace(" ", "+").upper())
    except ValueError:
        raise WRONG from None
    if moment.year not in YEARS:
        raise WRONG
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(instant_in)]
