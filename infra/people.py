"""People and their sessions: rows that can be erased, beside facts that can't.

What happens to a person is recorded together with its row: if the log refuses, the row stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import class_row

from domain import seller
from domain.application import AsinSync, Change, acting_for
from domain.callers import PERSON_TOKEN, Caller
from domain.errors import NotFound, PersonRefused
from domain.people import (
    INVITATION_LIFETIME,
    SESSION_IDLE,
    SESSION_LIFETIME,
    Forgotten,
    Identity,
    Invited,
    Joined,
    Person,
    PersonFact,
    Revoked,
    ensure_invitable,
    ensure_not_last_admin,
)
from domain.ports import Clock
from domain.stamps import Work
from infra.api_keys import ApiKeys
from infra.database import Connection, Database

USE_NOTED_AFTER = timedelta(minutes=1)
"""How stale a session's last use may be, so that a page costs no write."""

SHOWN = "person_id, role, seller_id, email, name, invited_at, joined_at, revoked_at"
ALL = f"SELECT {SHOWN} FROM asin_sync.person ORDER BY invited_at DESC, person_id"  # noqa: S608
BY_ID = f"SELECT {SHOWN} FROM asin_sync.person WHERE person_id = %(id)s"  # noqa: S608
BY_IDENTITY = f"""
    SELECT {SHOWN} FROM asin_sync.person
    WHERE issuer = %(issuer)s AND subject = %(subject)s AND revoked_at IS NULL
"""  # noqa: S608

INVITE = """
    INSERT INTO asin_sync.person (person_id, role, seller_id, email, invited_at)
    VALUES (%(id)s, %(role)s, %(seller)s, %(email)s, %(now)s)
"""
SAME_ADDRESS = f"""
    SELECT {SHOWN} FROM asin_sync.person
    WHERE email = %(email)s AND revoked_at IS NULL FOR UPDATE
"""  # noqa: S608

# The first sign-in whose e-mail is verified takes the invitation; of two at once, one finds it.
TAKE = f"""
    UPDATE asin_sync.person
    SET issuer = %(issuer)s, subject = %(subject)s, name = %(name)s, joined_at = %(now)s
    WHERE email = %(email)s AND joined_at IS NULL AND revoked_at IS NULL
      AND invited_at > %(oldest)s
    RETURNING {SHOWN}
"""  # noqa: S608

REVOKE = """
    UPDATE asin_sync.person SET revoked_at = %(now)s
    WHERE person_id = %(id)s AND revoked_at IS NULL
"""
FORGET = """
    UPDATE asin_sync.person SET email = NULL, name = NULL, issuer = NULL, subject = NULL
    WHERE person_id = %(id)s AND email IS NOT NULL
"""
FOLLOW = "UPDATE asin_sync.person SET issuer = %(issuer)s WHERE issuer ~ %(issuers)s"
END_SESSIONS = "DELETE FROM asin_sync.person_session WHERE person_id = %(id)s"

OPEN_SESSION = """
    INSERT INTO asin_sync.person_session (token_hash, person_id, used_at, ends_at)
    VALUES (%(token)s, %(id)s, %(now)s, %(ends)s)
"""
ENDED_SESSIONS = "DELETE FROM asin_sync.person_session WHERE ends_at < %(now)s"
END_SESSION = "DELETE FROM asin_sync.person_session WHERE token_hash = %(token)s"

# Who holds a session that has neither ended nor lain idle, at the provider that is set now.
SESSION = f"""
    SELECT {", ".join(f"person.{each}" for each in SHOWN.split(", "))}, used_at
    FROM asin_sync.person_session JOIN asin_sync.person USING (person_id)
    WHERE token_hash = %(token)s AND ends_at > %(now)s AND used_at > %(idle)s
      AND revoked_at IS NULL AND issuer = %(issuer)s
"""  # noqa: S608
USE_SESSION = "UPDATE asin_sync.person_session SET used_at = %(now)s WHERE token_hash = %(token)s"


class People:
    """Implements `api.desk.People` by shape. Without an issuer nobody comes in."""

    def __init__(self, database: Database, app: AsinSync, issuer: str | None, clock: Clock) -> None:
        self._database = database
        self._app = app
        self._issuer = issuer
        self._clock = clock

    # --- people ---------------------------------------------------------------------------------

    def all(self) -> list[Person]:
        with self._database.pool("keystore").connection() as connection:
            return connection.cursor(row_factory=class_row(Person)).execute(ALL).fetchall()

    def by_id(self, person_id: str) -> Caller | None:
        """The person of this id; None for a text that is none, and for one that was revoked."""
        try:
            values = {"id": UUID(person_id)}
        except ValueError:
            return None
        with self._database.pool("keystore").connection() as connection:
            person = one(connection, BY_ID, values)
        return person.caller if person and person.revoked_at is None else None

    def invite(
        self, email: str, role: str, seller_id: UUID | None, work: Work
    ) -> tuple[Person, int | None]:
        """Who may come in by this e-mail, and the position; an open invitation is replaced.

        Raises PersonRefused, NotFound for a seller that is not registered.
        """
        email = email.strip().casefold()
        allowed = ensure_invitable(email, role, seller_id)
        if seller_id is not None:
            self._ensure_seller(seller_id)
        person = Person(
            person_id=uuid4(), role=allowed, seller_id=seller_id, email=email, name=None,
            invited_at=self._clock(), joined_at=None, revoked_at=None,
        )  # fmt: skip
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            before = one(connection, SAME_ADDRESS, {"email": email})
            if before and before.joined_at is not None:
                raise PersonRefused("known already", rules={"email": "person_known"})
            if before:
                self._end(connection, before, work)
            position = self._insert(connection, person, work)
        return person, position

    def revoke(self, person_id: UUID, work: Work, *, may_be_last: bool = False) -> int | None:
        """Let the person in no more, and end the sessions now. Raises NotFound, PersonRefused."""
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            everybody = connection.cursor(row_factory=class_row(Person)).execute(
                f"{ALL} FOR UPDATE"
            )
            known = {each.person_id: each for each in everybody.fetchall()}
            person = known.get(person_id)
            if person is None or person.revoked_at is not None:
                raise NotFound("no such person")
            if not may_be_last:
                ensure_not_last_admin(person, known.values())
            return self._end(connection, person, work)

    def forget(self, person_id: UUID, work: Work) -> int | None:
        """Erase who a revoked person was. Raises NotFound, PersonRefused for one not revoked."""
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            person = one(connection, f"{BY_ID} FOR UPDATE", {"id": person_id})
            if person is None or person.email is None:
                raise NotFound("no such person")
            if person.revoked_at is None:
                raise PersonRefused("revoke first", rules={"person": "person_open"})
            connection.execute(FORGET, {"id": person_id})
            return self._record(person, [Forgotten(stamp=work.stamp())])

    def come_in(self, identity: Identity, work: Work) -> Person | None:
        """The person that the provider names, who takes an invitation; None without one."""
        values = identity.model_dump()
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            known = one(connection, BY_IDENTITY, values)
            return known or self._joined(connection, identity, work)

    def follow_provider(self, issuers: str) -> None:
        """Whoever joined at one of these issuers, a pattern, is known at the one set now."""
        with self._database.pool("keystore").connection() as connection:
            connection.execute(FOLLOW, {"issuer": self._issuer, "issuers": issuers})

    def install(self, connection: Connection, identity: Identity, work: Work) -> Person:
        """The first administrator, whom nobody could invite."""
        before = one(connection, SAME_ADDRESS, {"email": identity.email})
        if before:
            self._end(connection, before, work)
        person = Person(
            person_id=uuid4(), role="admin", seller_id=None, email=identity.email, name=None,
            invited_at=self._clock(), joined_at=None, revoked_at=None,
        )  # fmt: skip
        work = Work(work.clock, person.caller.actor, work.correlation_id)
        self._insert(connection, person, work)
        return self._joined(connection, identity, work) or person

    def _ensure_seller(self, seller_id: UUID) -> None:
        with acting_for(seller_id):
            known = self._app.seller(seller_id)
        if not known.is_registered:
            raise NotFound("no such seller")
        seller.ensure_active(known)

    def _insert(self, connection: Connection, person: Person, work: Work) -> int | None:
        values = {
            "id": person.person_id, "role": person.role, "seller": person.seller_id,
            "email": person.email, "now": person.invited_at,
        }  # fmt: skip
        connection.execute(INVITE, values)
        return self._record(person, [Invited(stamp=work.stamp(), role=person.role)])

    def _joined(self, connection: Connection, identity: Identity, work: Work) -> Person | None:
        """Whoever takes the invitation to this e-mail; None where there is none."""
        now = self._clock()
        values = {**identity.model_dump(), "now": now, "oldest": now - INVITATION_LIFETIME}
        person = one(connection, TAKE, values)
        if person is not None:
            joining = Work(work.clock, person.caller.actor, work.correlation_id)
            self._record(person, [Joined(stamp=joining.stamp())])
        return person

    def _end(self, connection: Connection, person: Person, work: Work) -> int | None:
        values = {"id": person.person_id, "now": self._clock()}
        connection.execute(REVOKE, values)
        connection.execute(END_SESSIONS, values)
        return self._record(person, [Revoked(stamp=work.stamp())])

    def _record(self, person: Person, facts: Sequence[PersonFact]) -> int | None:
        """Append to the person's stream; the row's lock keeps others from it."""
        with acting_for(person.log_id):
            version = len(self._app.facts_of(person.person_id))
            return self._app.record(Change(person.person_id, version, facts))

    # --- sessions -------------------------------------------------------------------------------

    def open_session(self, person_id: str) -> str:
        """A new token for this person."""
        token, now = f"{PERSON_TOKEN}{secrets.token_urlsafe(32)}", self._clock()
        values = {
            "token": hash_of(token), "id": UUID(person_id), "now": now,
            "ends": now + SESSION_LIFETIME,
        }  # fmt: skip
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            connection.execute(ENDED_SESSIONS, values)
            connection.execute(OPEN_SESSION, values)
        return token

    def holder(self, token: str, *, is_use: bool) -> Caller | None:
        """Whose session this is; `is_use` keeps it from lying idle."""
        now = self._clock()
        values = {
            "token": hash_of(token), "now": now, "idle": now - SESSION_IDLE, "issuer": self._issuer
        }  # fmt: skip
        with self._database.pool("keystore").connection() as connection:
            row = connection.execute(SESSION, values).fetchone()
            if row is None:
                return None
            *columns, used_at = row
            if is_use and now - used_at >= USE_NOTED_AFTER:
                connection.execute(USE_SESSION, values)
        return Person(**dict(zip(SHOWN.split(", "), columns, strict=True))).caller

    def end_session(self, token: str) -> None:
        with self._database.pool("keystore").connection() as connection:
            connection.execute(END_SESSION, {"token": hash_of(token)})


class Holders:
    """Whoever an id stands for: an API key's holder, or a person."""

    def __init__(self, keys: ApiKeys, people: People) -> None:
        self._keys = keys
        self._people = people

    def by_id(self, key_id: str) -> Caller | None:
        return self._keys.by_id(key_id) or self._people.by_id(key_id)


def one(connection: Connection, query: Any, values: Any) -> Person | None:
    return connection.cursor(row_factory=class_row(Person)).execute(query, values).fetchone()


def hash_of(secret: str) -> bytes:
    """What is kept of a token, a state or a browser's secret."""
    return sha256(secret.encode()).digest()
