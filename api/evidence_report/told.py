"""The reconstructed history of a binding, in words: what both renderings of the report show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.answers import binding_answer
from api.edit_text import differences_in
from api.ids import public_id
from api.l10n import L10n
from api.log_text import title_of, what_changed
from api.pages.binding_diff import FIELDS, value_in_words
from domain.asin_binding.facts import BindingFact
from domain.facts import Recorded, Stamp
from domain.stamps import event_id_of
from domain.transparency.bundle import Bundle, ProvenEvent
from domain.transparency.signed_note import Checkpoint, Signature
from projections import bindings
from projections.bindings import BindingRow

EVENTS_MAX = 2_000
"""The newest events that a report tells; `events/` of the bundle has all of them."""
VALUE_LENGTH_MAX = 400
JAPANESE_FIELDS = ("title", "category_path")
NOT_TOLD = ("v", "stamp", "_pii")
"""Fields of a stored event that are told otherwise, or can't be read."""


class Field(NamedTuple):
    """A value under its name, which is a path in the event's file or a label in words."""

    name: str
    value: str
    is_japanese: bool


class ToldEvent(NamedTuple):
    """One event: what happened, by whom and why, what was known, and where it is proved.

    `utc` is when it was recorded, as its leaf says it.
    """

    version: int
    position: int
    recorded_at: datetime
    utc: str
    topic: str
    said: str
    differences: Sequence[str]
    codes: Sequence[tuple[str, str]]
    stamp: Stamp
    caused_by: int | None
    fields: Sequence[Field]
    number: int
    leaf_hash: str


class Report(NamedTuple):
    """A binding's history under a checkpoint; `left_out` are older events that are not told."""

    l10n: L10n
    seller: str
    shop_name: str
    binding: str
    stream: UUID
    now: BindingRow
    events: Sequence[ToldEvent]
    left_out: int
    newer: int
    checkpoint: Checkpoint
    signatures: Sequence[Signature]

    @property
    def covers(self) -> str:
        """How many events, under which checkpoint, and how many came after it."""
        count = self.l10n.plural("%(n)s event", "%(n)s events", self.now.version)
        under = self.l10n.text("under a checkpoint of %(n)s leaves", n=self.checkpoint.size)
        said = [count, under]
        if self.newer:
            said.append(
                self.l10n.plural(
                    "%(n)s newer event is not covered yet",
                    "%(n)s newer events are not covered yet", self.newer,
                )
            )  # fmt: skip
        return " · ".join(said)

    def why(self, event: ToldEvent) -> str:
        """The version of this history, or the event of another one, that it came from."""
        cause = event.stamp.cause.causation_id
        if event.caused_by:
            return self.l10n.text("because of version %(version)s", version=event.caused_by)
        if cause:
            return self.l10n.text("because of the event %(event)s", event=cause)
        return self.l10n.text("it began here")

    @property
    def state(self) -> Sequence[Field]:
        """What the history comes to: labels and values in words, without what holds nothing."""
        values = binding_answer(self.now, self.l10n)
        return [
            Field(
                self.l10n.text(label), value_in_words(name, values[name], self.l10n),
                name in JAPANESE_FIELDS,
            )
            for name, label in FIELDS.items()
            if values[name] not in (None, [])
        ]  # fmt: skip


def report_of(bundle: Bundle, history: Sequence[Recorded], shop_name: str, l10n: L10n) -> Report:
    """The history in a language. It holds just the bundle's events, in their order."""
    told = list(told_events(bundle.events, history, l10n))
    now = bindings.fold_history(history)
    if now is None:
        raise ValueError("a history without its first event")
    return Report(
        l10n=l10n,
        seller=public_id("sel", history[0].seller_id),
        shop_name=shop_name,
        binding=public_id("bnd", history[0].originator_id),
        stream=history[0].originator_id,
        now=now,
        events=told,
        left_out=len(history) - len(told),
        newer=bundle.newer,
        checkpoint=bundle.checkpoint,
        signatures=bundle.note.signatures,
    )


def told_events(
    proven: Sequence[ProvenEvent], history: Sequence[Recorded], l10n: L10n
) -> Iterator[ToldEvent]:
    """Oldest first."""
    versions = {event_id_of(each.originator_id, each.version): each.version for each in history}
    pairs = list(zip(proven, history, strict=True))
    for (event, leaf, number, _), recorded in pairs[-EVENTS_MAX:]:
        fact: BindingFact = recorded.fact  # type: ignore[assignment]
        content = orjson.loads(event.state)
        yield ToldEvent(
            version=event.version,
            position=event.position,
            recorded_at=event.recorded_at,
            utc=orjson.loads(leaf)["recorded_at"],
            topic=event.topic,
            said=what_changed(fact, l10n),
            differences=differences_in(fact, l10n),
            codes=[(code, title_of(code, l10n.language)) for code in codes_in(content)],
            stamp=fact.stamp,
            caused_by=versions.get(fact.stamp.cause.causation_id or UUID(int=0)),
            fields=list(fields_in({k: v for k, v in content.items() if k not in NOT_TOLD})),
            number=number,
            leaf_hash=hashlib.sha256(b"\0" + leaf).hexdigest(),
        )


def codes_in(content: Mapping[str, Any]) -> list[str]:
    """The codes of an event and of its findings, each once."""
    findings = [*content.get("findings", ()), *content.get("warnings", ())]
    findings += [content.get("finding"), content.get("warning"), content]
    codes = [each.get("code") for each in findings if each]
    return list(dict.fromkeys(code for code in codes if code))


def fields_in(value: Any, name: str = "") -> Iterator[Field]:
    """Every value that is there; in what is stored, only the marketplaces' words are not ASCII."""
    match value:
        case dict():
            for key, each in value.items():
                yield from fields_in(each, f"{name}.{key}" if name else str(key))
        case list() if any(isinstance(each, dict | list) for each in value):
            for place, each in enumerate(value):
                yield from fields_in(each, f"{name}[{place}]")
        case None | "" | []:
            return
        case list():
            yield field_of(name, " › ".join(map(str, value)), value)
        case str():
            yield field_of(name, value, value)
        case _:
            yield Field(name, orjson.dumps(value).decode(), is_japanese=False)


def field_of(name: str, text: str, value: object) -> Field:
    is_japanese = not str(value).isascii()
    if len(text) > VALUE_LENGTH_MAX:
        text = f"{text[:VALUE_LENGTH_MAX]}…"
    return Field(name, text, is_japanese)
