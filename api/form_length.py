"""How long a form may be, asked before any of it is read."""

from __future__ import annotations

from fastapi import Request
from starlette.exceptions import HTTPException


class FormTooLarge(Exception):
    """Nothing of it was read."""

    code = "too-large"


def ensure_length(request: Request, bytes_max: int) -> None:
    """Raises FormTooLarge, and HTTPException for a form that does not say its length."""
    told = request.headers.get("content-length", "")
    if not (told.isascii() and told.isdecimal()):
        raise HTTPException(411, "say the length in Content-Length")
    if int(told[:19]) > bytes_max:
        raise FormTooLarge(f"{told[:19]} bytes; at most {bytes_max} are read")
