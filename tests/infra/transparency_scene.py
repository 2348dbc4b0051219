"""A seller's transparency log as tests need one: integrated and signed on the spot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg

from domain.application import Change, acting_for
from domain.transparency.signed_note import Note, read_note
from infra.installation import Installation
from infra.transparency.fsck import Held
from infra.transparency.integrator import Integrator
from infra.transparency.log_keys import LogKeys
from infra.transparency.log_tables import served_note
from infra.transparency.proving import prove
from infra.transparency.seen_checkpoints import SeenCheckpoints
from infra.transparency.signer import CheckpointSigner
from tests.examples import requested
from tests.lives import MOVED

PRICE_MOVED = MOVED[1]


class TransparencyScene:
    """Integrates and signs when told, as the worker does all the time."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.keys = installation.log_keys
        self.policy = installation.settings.trust_policy
        self.seen = installation.signed_checkpoints()
        self.integrator = Integrator(installation.database)
        self.signer = CheckpointSigner(installation.database, self.keys, self.seen)

    def binding(self, seller_id: UUID, event_count: int = 5) -> UUID:
        """A stream of that many events, just recorded."""
        return self.bindings(seller_id, 1, event_count)[0]

    def bindings(self, seller_id: UUID, count: int, event_count: int) -> list[UUID]:
        """So many streams, recorded at once."""
        streams = [uuid4() for _ in range(count)]
        facts = [requested(), *(PRICE_MOVED for _ in range(event_count - 1))]
        with acting_for(seller_id):
            self.installation.app.record(*(Change(stream, 0, facts) for stream in streams))
        return streams

    def more(self, seller_id: UUID, stream: UUID, version: int, event_count: int) -> int:
        """Further events of a stream; return its last version."""
        with acting_for(seller_id):
            facts = [PRICE_MOVED for _ in range(event_count)]
            self.installation.app.record(Change(stream, version, facts))
        return version + event_count

    def rotate(self, keys: LogKeys) -> None:
        """Go on with these keys."""
        self.keys = keys
        self.restart_signer()

    def sign(self, batch_size: int = 7) -> int:
        """Bring every log and its checkpoint up to the last event; return the checkpoints made."""
        assert self.integrator.lead()
        assert self.signer.lead()
        while self.integrator.integrate(batch_size):
            pass
        return self.signer.sign_grown()

    def restart_signer(self) -> None:
        """Another process, with the file that the first one left."""
        self.signer.close()
        self.signer = CheckpointSigner(self.installation.database, self.keys, self.seen)

    def forget(self, file: str) -> None:
        """A signer whose memory is another file."""
        self.seen.close()
        self.seen = SeenCheckpoints(self.installation.settings.keys_folder / file)
        self.restart_signer()

    def checkpoint(self, seller_id: UUID) -> Note:
        with self.installation.database.reading_for(seller_id) as connection:
            note = served_note(connection, seller_id, self.policy)
        assert note is not None
        return read_note(note)

    def held(self) -> list[Held]:
        """What the signer remembers."""
        return [Held("the signer's memory", each) for each in self.seen.all()]

    def bundle(self, seller_id: UUID, stream: UUID, old_size: int | None = None) -> Any:
        with self.installation.database.reading_for(seller_id) as connection:
            return prove(connection, self.keys, self.policy, seller_id, stream, old_size)

    def close(self) -> None:
        self.integrator.close()
        self.signer.close()
        self.seen.close()


@contextmanager
def signing(installation: Installation) -> Iterator[None]:
    """Integrator and signer at work, as in the worker."""
    stop, seen = threading.Event(), installation.signed_checkpoints()
    signer = CheckpointSigner(installation.database, installation.log_keys, seen)
    followers = (Integrator(installation.database).run, signer.run)
    threads = [threading.Thread(target=run, args=(stop,)) for run in followers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        seen.close()


@contextmanager
def as_superuser(installation: Installation) -> Iterator[psycopg.Connection[Any]]:
    """What no role of the application can do."""
    url = installation.settings.database_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET search_path = {installation.database.cell}")
        yield connection
