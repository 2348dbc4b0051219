"""The id of a request: its caller's own, or one made for it; the answer and our log name it."""

from __future__ import annotations

import re
from uuid import uuid4

from starlette.requests import Request

_PLAIN = re.compile(r"[0-9A-Za-z._-]{1,64}")


def request_id_of(request: Request) -> str:
    """The same however often it is asked for; what would not be safe in a log is not taken over."""
    if not hasattr(request.state, "request_id"):
        given = request.headers.get("x-request-id", "")
        request.state.request_id = given if _PLAIN.fullmatch(given) else uuid4().hex
    return str(request.state.request_id)
