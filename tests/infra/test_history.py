"""A history shows what is looked at, however it is taken apart, and reads nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from infra.event_codec import encode
from infra.history import History, Row
from tests import examples

STREAM, SELLER, MOMENT = UUID(int=1), UUID(int=2), datetime(2026, 11, 26, tzinfo=UTC)
FACT = examples.requested()


def row(version: int, state: bytes | None = None) -> Row:
    return (version + 10, MOMENT, SELLER, STREAM, version, FACT.TOPIC, state or encode(FACT))


def test_its_events_are_those_of_the_log_in_order() -> None:
    history = History([row(1), row(2), row(3)])
    assert [(each.version, each.position) for each in history] == [(1, 11), (2, 12), (3, 13)]
    assert {each.fact for each in history} == {FACT}
    assert [each.version for each in history[1:]] == [2, 3]
    assert [each.version for each in reversed(history[:2])] == [2, 1]
    assert history[-1] == history[2]
    assert not History([])


def test_an_event_that_can_not_be_read_hinders_only_who_looks_at_it() -> None:
    history = History([row(1), row(2, b"{}"), row(3)])
    assert history[2].fact == FACT
    with pytest.raises(ValueError, match="stamp"):
        history[1]
