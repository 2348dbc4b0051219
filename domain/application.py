"""The one place of the domain that knows a store: load a history, record what was decided.

Everything is done for one seller at a time, named by `acting_for`; the store refuses the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, StoredEvent

from domain import asin_binding, requests, seller, submission
from domain.asin_binding import AsinBinding, BindingFact
from domain.errors import VersionConflict
from domain.facts import Fact
from domain.requests import KeyInHand, KeyUsedBefore
from domain.rules.repricing import OwnPrice
from domain.seller import Seller, SellerFact
from domain.submission import Submission, SubmissionFact

ATTEMPTS_MAX = 5

_seller: ContextVar[UUID] = ContextVar("seller")
Answer = TypeVar("Answer")
OwnPricesOf = Callable[[UUID], Mapping[str, tuple[OwnPrice, ...]]]
"""A seller's own prices on other channels as they are known now, by ASIN."""


@contextmanager
def acting_for(seller_id: UUID) -> Iterator[None]:
    """Everything read or recorded inside belongs to this seller."""
    token = _seller.set(seller_id)
    try:
        yield
    finally:
        _seller.reset(token)


def current_seller() -> UUID:
    """The seller that the running code acts for. Raises LookupError outside `acting_for`."""
    return _seller.get()


class Envelope(NamedTuple):
    """A fact at its place in a stream: what the event store takes and gives back."""

    originator_id: UUID
    originator_version: int
    fact: Fact


class Change(NamedTuple):
    """Facts to append to a stream that stood at `version` when they were decided."""

    originator_id: UUID
    version: int
    facts: Sequence[Fact]


class ManyStreams(Protocol):
    """What our recorder offers beyond the library's."""

    def select_streams(self, originator_ids: Sequence[UUID]) -> Sequence[StoredEvent]:
        """Every event of these streams in one query, each stream's together and in order."""


class AsinSync(Application[UUID]):
    """The histories of one cell. Its name prefixes the table, so it never changes."""

    name = "asin_sync"

    def __init__(self, factory: InfrastructureFactory) -> None:
        self._given_factory = factory
        self.recorded_trees: set[UUID] = set()
        self.own_prices_of: OwnPricesOf = no_prices
        super().__init__()

    def construct_factory(self, env: object) -> InfrastructureFactory:
        return self._given_factory

    def facts_of(self, originator_id: UUID) -> list[Fact]:
        """The stream's facts in order; empty where there are none, or none this seller may see."""
        events = self.events.get(originator_id)
        return [cast(Envelope, event).fact for event in events]

    def binding(self, binding_id: UUID) -> AsinBinding | None:
        facts = cast(list[BindingFact], self.facts_of(binding_id))
        return asin_binding.fold(None, binding_id, facts)

    def bindings(self, binding_ids: Sequence[UUID]) -> Mapping[UUID, AsinBinding]:
        """Those of these bindings that exist, loaded in one query."""
        found: dict[UUID, AsinBinding] = {}
        for key, facts in self.streams(binding_ids):
            binding = asin_binding.fold(None, key, cast(list[BindingFact], facts))
            if binding is not None:
                found[key] = binding
        return found

    def streams(self, originator_ids: Sequence[UUID]) -> Iterator[tuple[UUID, list[Fact]]]:
        """Those of these streams that exist, each with its facts in order, in one query."""
        recorder = cast(ManyStreams, self.recorder)
        stored = recorder.select_streams(originator_ids)
        for key, events in groupby(stored, attrgetter("originator_id")):
            envelopes = (cast(Envelope, self.mapper.to_domain_event(each)) for each in events)
            yield key, [each.fact for each in envelopes]

    def seller(self, seller_id: UUID) -> Seller:
        """The fold of its facts, with its own prices where a rule follows them."""
        known = seller.fold(seller_id, cast(list[SellerFact], self.facts_of(seller_id)))
        if not known.follows_own_prices:
            return known
        return known.model_copy(update={"own_prices": self.own_prices_of(seller_id)})

    def submission(self, submission_id: UUID) -> Submission | None:
        facts = cast(list[SubmissionFact], self.facts_of(submission_id))
        return submission.fold(submission_id, facts)

    def record(self, *changes: Change) -> int | None:
        """Append all or nothing; return the last position, or None when there was nothing.

        Raises VersionConflict when a stream has moved on since, unless it moved by these very
        facts: an answer lost on its way back looks like that. An idempotency key in hand is spent
        with them; raises KeyUsedBefore where somebody else has just spent it.
        """
        envelopes = [
            Envelope(change.originator_id, change.version + number, fact)
            for change in changes
            for number, fact in enumerate(change.facts, start=1)
        ]
        if not envelopes:
            return None
        if key := requests.held():
            envelopes.append(spent(key, envelopes[0].originator_id, envelopes))
        try:
            positions = self.recorder.insert_events(
                [self.mapper.to_stored_event(envelope) for envelope in envelopes]
            )
        except IntegrityError as conflict:
            if self._holds(envelopes):
                return self.recorder.max_notification_id()
            if key and self.facts_of(key.stream):
                raise KeyUsedBefore("the key was used in between") from conflict
            raise VersionConflict("the history moved on in between") from conflict
        requests.take(None)
        return positions[-1] if positions else None

    def _holds(self, envelopes: Sequence[Envelope]) -> bool:
        """True when every one of these facts stands in its place already."""
        for originator_id in {envelope.originator_id for envelope in envelopes}:
            held = {
                cast(Envelope, event).originator_version: cast(Envelope, event).fact
                for event in self.events.get(originator_id)
            }
            ours = [each for each in envelopes if each.originator_id == originator_id]
            if any(held.get(each.originator_version) != each.fact for each in ours):
                return False
        return True


def spent(key: KeyInHand, subject: UUID, envelopes: Sequence[Envelope]) -> Envelope:
    """The fact that the key was used, for what these facts do first of all."""
    about = [each for each in envelopes if each.originator_id == subject]
    first, version = about[0].fact, about[-1].originator_version
    family = first.TOPIC.partition(".")[0]
    return Envelope(key.stream, 1, key.use(first.stamp, family, subject, version))


def no_prices(_: UUID) -> Mapping[str, tuple[OwnPrice, ...]]:
    return {}


def until_settled(decide_and_record: Callable[[], Answer]) -> Answer:
    """Run it again, from loading on, when somebody else recorded in between."""
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return decide_and_record()
        except VersionConflict:
            continue
    return decide_and_record()
