"""Tokens that carry what they stand for, signed: they need no table and survive a restart."""

from __future__ import annotations

import hmac
from hashlib import sha256

_SIGNATURE_LENGTH = 40


class Tokens:
    """Makes and reads tokens of a kind (`Atzr|`, `Atza|`, `msp_`) that stand for some numbers."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, kind: str, *numbers: int) -> str:
        """A token for these numbers; the same numbers give the same token."""
        body = "-".join(format(number, "x") for number in numbers)
        return f"{kind}{body}.{self._signature(kind, body)}"

    def read(self, kind: str, token: str) -> tuple[int, ...] | None:
        """The numbers a token stands for; None unless it is one of ours and of this kind."""
        if not token.startswith(kind):
            return None
        body, _, signature = token.removeprefix(kind).partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(kind, body).encode()):
            return None
        return tuple(int(part, 16) for part in body.split("-"))

    def _signature(self, kind: str, body: str) -> str:
        digest = hmac.new(self._secret, f"{kind}{body}".encode(), sha256).hexdigest()
        return digest[:_SIGNATURE_LENGTH]
