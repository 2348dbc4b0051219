"""given(facts).when(decision, command).then(facts): how the tests of the decisions are written.

A fold turns the facts into the state; the decision gives facts or a refusal, compared whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from domain.errors import Refusal
from domain.facts import Fact

Fold = Callable[[Sequence[Any]], Any]
Decision = Callable[[Any, Any], Sequence[Fact]]


class When:
    """A command about to be decided on a state."""

    def __init__(self, state: Any, decision: Decision, command: Any) -> None:
        self.state = state
        self._decide = lambda: list(decision(state, command))

    def facts(self) -> list[Any]:
        """What was decided, for assertions on a part of it."""
        return self._decide()

    def then(self, *facts: Fact) -> None:
        assert self._decide() == list(facts)

    def then_nothing(self) -> None:
        self.then()

    def then_topics(self, *topics: str) -> list[Any]:
        """Facts of these topics, in this order; returns them."""
        facts = self._decide()
        assert [fact.TOPIC for fact in facts] == list(topics)
        return facts

    def then_refused(self, error: type[Refusal], code: str | None = None) -> Refusal:
        """The refusal, with this code (its class's own by default)."""
        with pytest.raises(error) as refused:
            self._decide()
        assert refused.value.code == (code or error.code)
        return refused.value


class Given:
    """A history, as the state it folds to."""

    def __init__(self, fold: Fold, facts: Sequence[Fact]) -> None:
        self.state = fold(facts)

    def when(self, decision: Decision, command: Any) -> When:
        return When(self.state, decision, command)


def given_by(fold: Fold) -> Callable[..., Given]:
    """The `given` of one aggregate, by its fold."""

    def given(*facts: Fact) -> Given:
        return Given(fold, facts)

    return given
