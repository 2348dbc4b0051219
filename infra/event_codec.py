"""Facts to bytes and back: plain JSON in the library's `state` column, under permanent topics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from domain.application import Envelope
from domain.catalogue import BY_TOPIC, FACTS
from domain.errors import TextRefused
from domain.facts import Fact


def shape_mark(version: int) -> bytes:
    """How the state of a fact of this shape begins."""
    return b'{"v":%d,' % version


_NUL_ESCAPE = b"\\u0000"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""No view could hold it: Postgres has no such character."""
_MARKS: Mapping[type[Fact], bytes] = {fact: shape_mark(fact.VERSION) for fact in FACTS}
_TODAY: Mapping[str, tuple[bytes, Callable[[bytes], Fact]]] = {
    fact.TOPIC: (_MARKS[fact], fact.__pydantic_validator__.validate_json) for fact in FACTS
}


def encode(fact: Fact, sealed: Mapping[str, str] | None = None) -> bytes:
    """JSON of the fact's fields; first of all, under `v`, the version of its shape.

    Personal fields are left out; what they were sealed to comes last, under `_pii`. Raises
    TextRefused for a character that no view could hold.
    """
    kind = type(fact)
    hidden = set(kind.PERSONAL) or None
    content: bytes = fact.__pydantic_serializer__.to_json(fact, exclude=hidden)
    if _NUL_ESCAPE in content and _NUL.search(content):
        raise TextRefused(f"{kind.TOPIC}: a text holds a NUL", rules={"text": "text_with_nul"})
    if sealed is not None:
        content = content[:-1] + b',"_pii":' + orjson.dumps(sealed) + b"}"
    return _MARKS[kind] + content[1:]


def decode(topic: str, state: bytes) -> Fact:
    """The fact of that topic, an older shape read as today's. Raises KeyError, ValueError.

    Its personal fields, if it has any, are None.
    """
    mark, validate_json = _TODAY[topic]
    fact_class = BY_TOPIC[topic]
    if state.startswith(mark) and not fact_class.PERSONAL:
        return validate_json(b"{" + state[len(mark) :])
    content: dict[str, Any] = orjson.loads(state)
    if fact_class.PERSONAL:
        content.pop("_pii", None)
    return fact_class.model_validate(fact_class.upcast(content, content.pop("v", 1)))


class PersonalSeal(Protocol):
    """Seals and opens the personal fields of the seller that is acted for."""

    def seal(self, content: bytes, place: str) -> dict[str, str]:
        """`content` sealed so that it opens in this place only. Raises SellerLeft."""

    def unseal(self, sealed: Mapping[str, str], place: str) -> bytes | None:
        """What was sealed; None where its key was destroyed."""


class FactMapper(Mapper[UUID]):
    """The library's mapper for our envelopes; its transcoder, cipher and compressor go unused."""

    def __init__(self, seal: PersonalSeal) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self._seal = seal

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        envelope = cast(Envelope, domain_event)
        fact = envelope.fact
        sealed = None
        if any(getattr(fact, name) is not None for name in fact.PERSONAL):
            personal: bytes = fact.__pydantic_serializer__.to_json(fact, include=set(fact.PERSONAL))
            sealed = self._seal.seal(personal, place_of(envelope, fact.TOPIC))
        return StoredEvent(
            originator_id=envelope.originator_id,
            originator_version=envelope.originator_version,
            topic=fact.TOPIC,
            state=encode(fact, sealed),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        stream = cast(UUID, stored_event.originator_id)
        fact = decode(stored_event.topic, stored_event.state)
        envelope = Envelope(stream, stored_event.originator_version, fact)
        if not fact.PERSONAL:
            return envelope
        return envelope._replace(fact=self._opened(envelope, stored_event))

    def _opened(self, envelope: Envelope, stored_event: StoredEvent) -> Fact:
        """The fact with its personal fields, where their key still exists."""
        sealed = orjson.loads(stored_event.state).get("_pii")
        place = place_of(envelope, stored_event.topic)
        content = self._seal.unseal(sealed, place) if sealed else None
        if content is None:
            return envelope.fact
        known = {name: getattr(envelope.fact, name) for name in type(envelope.fact).model_fields}
        return type(envelope.fact).model_validate({**known, **orjson.loads(content)})


def place_of(envelope: Envelope, topic: str) -> str:
    """What sealed fields are bound to, so that they open in no other event."""
    return f"{topic}|{envelope.originator_id}|{envelope.originator_version}"
