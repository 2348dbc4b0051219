"""Facts to bytes and back: plain JSON in the library's `state` column, under permanent topics."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from domain.application import Envelope
from domain.catalogue import BY_TOPIC
from domain.facts import Fact


def encode(fact: Fact) -> bytes:
    """JSON of the fact's fields; first of all, under `v`, the version of its shape."""
    content: bytes = fact.__pydantic_serializer__.to_json(fact)
    return shape_mark(fact.VERSION) + content[1:]


def shape_mark(version: int) -> bytes:
    """How the state of a fact of this shape begins."""
    return b'{"v":%d,' % version


def decode(topic: str, state: bytes) -> Fact:
    """The fact of that topic, an older shape read as today's. Raises KeyError, ValueError."""
    fact_class = BY_TOPIC[topic]
    mark = shape_mark(fact_class.VERSION)
    if state.startswith(mark):
        content = b"{" + state[len(mark) :]
        return cast(Fact, fact_class.__pydantic_validator__.validate_json(content))
    older: dict[str, Any] = orjson.loads(state)
    upcast = fact_class.upcast(older, older.pop("v", 1))
    return cast(Fact, fact_class.__pydantic_validator__.validate_python(upcast))


class FactMapper(Mapper[UUID]):
    """The library's mapper for our envelopes; its transcoder, cipher and compressor go unused."""

    def __init__(self) -> None:
        super().__init__(transcoder=JSONTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        envelope = cast(Envelope, domain_event)
        return StoredEvent(
            originator_id=envelope.originator_id,
            originator_version=envelope.originator_version,
            topic=envelope.fact.TOPIC,
            state=encode(envelope.fact),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return Envelope(
            cast(UUID, stored_event.originator_id),
            stored_event.originator_version,
            decode(stored_event.topic, stored_event.state),
        )
