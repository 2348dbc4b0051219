"""Facts to bytes and back: plain JSON in the library's `state` column, under permanent topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from domain.application import Envelope
from domain.catalogue import BY_TOPIC, FACTS
from domain.facts import Fact


def shape_mark(version: int) -> bytes:
    """How the state of a fact of this shape begins."""
    return b'{"v":%d,' % version


_MARKS: Mapping[type[Fact], bytes] = {fact: shape_mark(fact.VERSION) for fact in FACTS}
_TODAY: Mapping[str, tuple[bytes, Callable[[bytes], Fact]]] = {
    fact.TOPIC: (_MARKS[fact], fact.__pydantic_validator__.validate_json) for fact in FACTS
}


def encode(fact: Fact) -> bytes:
    """JSON of the fact's fields; first of all, under `v`, the version of its shape."""
    content: bytes = fact.__pydantic_serializer__.to_json(fact)
    return _MARKS[type(fact)] + content[1:]


def decode(topic: str, state: bytes) -> Fact:
    """The fact of that topic, an older shape read as today's. Raises KeyError, ValueError."""
    mark, validate_json = _TODAY[topic]
    if state.startswith(mark):
        return validate_json(b"{" + state[len(mark) :])
    older: dict[str, Any] = orjson.loads(state)
    fact_class = BY_TOPIC[topic]
    upcast = fact_class.upcast(older, older.pop("v", 1))
    return fact_class.model_validate(upcast)


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
