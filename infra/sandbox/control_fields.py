"""Reads the fields of a control request, and says in a sentence what is wrong with one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Choice = TypeVar("Choice", bound=str)


class BadInput(ValueError):
    """The request can't be carried out; the text is a sentence for the person who sent it."""


class Fields:
    """The fields of one request, by name."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def has(self, name: str) -> bool:
        return self._given.get(name) is not None

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if value is None:
            raise BadInput(f"The field {name} is missing.")
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise BadInput(f"The field {name} must be a text that is not empty.")
        return value.strip()

    def choice(self, name: str, known: Sequence[Choice]) -> Choice:
        value = self.text(name)
        for one in known:
            if one == value:
                return one
        raise BadInput(f"The field {name} must be one of {', '.join(known)}.")

    def number(self, name: str, minimum: int, maximum: int) -> int:
        value = self.optional_number(name, minimum, maximum)
        if value is None:
            raise BadInput(f"The field {name} is missing.")
        return value

    def optional_number(self, name: str, minimum: int, maximum: int) -> int | None:
        value = self._given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadInput(f"The field {name} must be a whole number.")
        if not minimum <= value <= maximum:
            raise BadInput(f"The field {name} must be {minimum} to {maximum}.")
        return value

    def optional_seconds(self, name: str) -> float | None:
        value = self._given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput(f"The field {name} must be a number of seconds.")
        if not math.isfinite(value) or not 0 <= value <= 86_400:
            raise BadInput(f"The field {name} must be 0 to 86400 seconds.")
        return float(value)

    def flag(self, name: str) -> bool:
        value = self.optional_flag(name)
        if value is None:
            raise BadInput(f"The field {name} is missing.")
        return value

    def optional_flag(self, name: str) -> bool | None:
        value = self._given.get(name)
        if value is not None and not isinstance(value, bool):
            raise BadInput(f"The field {name} must be true or false.")
        return value
