"""Calls that a breaker watches: refused while it is open, and told how each one ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

Watch = Callable[[], AbstractContextManager[None]]
UNWATCHED: Watch = nullcontext


class Watched(Protocol):
    """An adapter with a breaker around its calls."""

    watch: Watch


Adapter = TypeVar("Adapter", bound=Watched)
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def watched(
    method: Callable[Concatenate[Adapter, Arguments], Answer],
) -> Callable[Concatenate[Adapter, Arguments], Answer]:
    """The method, under its adapter's watch."""

    @wraps(method)
    def call(self: Adapter, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        with self.watch():
            return method(self, *args, **kwargs)

    return call
