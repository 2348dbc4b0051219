"""Facts to bytes and back: plain JSON in the library's `state` column, under permanent topics."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from domain.application import Envelope
from domain.catalogue import BY_TOPIC
from domain.facts import Fact

_VERSION_KEY = "v"


def encode(fact: Fact) -> bytes:
    """JSON of the fact's fields, with the version of its shape under `v`."""
    content = fact.__pydantic_serializer__.to_python(fact, mode="json")
    content[_VERSION_KEY] = fact.VERSION
    return orjson.dumps(content)


def decode(topic: str, state: bytes) -> Fact:
    """The fact of that topic, an older shape read as today's. Raises KeyError, ValueError."""
    fact_class = BY_TOPIC[topic]
    content: dict[str, Any] = orjson.loads(state)
    version = content.pop(_VERSION_KEY, 1)
    if version != fact_class.VERSION:
        content = fact_class.upcast(content, version)
    return cast(Fact, fact_class.__pydantic_validator__.validate_python(content))


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
