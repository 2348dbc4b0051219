"""The reference: the eventsourcing library as it comes, on the same server, with equal content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from domain.application import Change

HANG = "5s"
"""A statement that takes longer is taken to hang; the library then tries again by itself."""


class Binding(Aggregate):
    """A stream whose events carry what our facts carry."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @event("Changed")
    def change(self, content: dict[str, Any]) -> None:
        self.content = content


class Library(Application[UUID]):
    """The library's default application, recorder and transcoder."""


def environment(admin_url: str) -> dict[str, str]:
    """The library's settings for this database."""
    options = conninfo_to_dict(admin_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(options["dbname"]),
        "POSTGRES_HOST": str(options.get("host", "")),
        "POSTGRES_PORT": str(options.get("port", 5432)),
        "POSTGRES_USER": str(options.get("user", "")),
        "POSTGRES_PASSWORD": str(options.get("password", "")),
    }


def end_hangs(admin_url: str) -> str:
    """Bound the statements of sessions that begin from now on; return the address as it was."""
    name = str(conninfo_to_dict(admin_url)["dbname"])
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '{HANG}'")
    return admin_url


@contextmanager
def opened_library(admin_url: str, *, create_table: bool = True) -> Iterator[Library]:
    """The library's application; processes that start together must not all create its tables."""
    app = Library(env=environment(admin_url) | {"CREATE_TABLE": "yes" if create_table else "no"})
    try:
        yield app
    finally:
        app.close()


def aggregates_of(changes: Sequence[Change]) -> list[Binding]:
    """Aggregates with the same facts pending, already reduced to plain JSON values."""
    made = []
    for change in changes:
        contents = [
            {"topic": fact.TOPIC, "fact": fact.model_dump(mode="json")} for fact in change.facts
        ]
        aggregate = Binding(contents[0])
        for content in contents[1:]:
            aggregate.change(content)
        made.append(aggregate)
    return made
