"""A session token opens only what its key opens, only for a while, and only unchanged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from api.desk import Caller, KeyInfo
from api.sessions import FRESH, LIFETIME, Sessions
from domain.errors import NotFound
from domain.people import Person
from domain.seller import Role
from domain.stamps import Work


class Ring:
    """Keys in memory."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}

    def caller(self, key: str) -> Caller | None:
        return self.callers.get(key)

    def by_id(self, key_id: str) -> Caller | None:
        return self.callers.get(key_id)

    def create(self, role: Role, seller_id: object, label: str) -> tuple[str, str]:
        key_id = uuid4().hex
        self.callers[key_id] = Caller(key_id=key_id, role=role, seller_id=seller_id, label=label)
        return key_id, key_id

    def all(self, seller_id: object) -> list[KeyInfo]:
        return []

    def revoke(self, key_id: str, seller_id: object) -> bool:
        return self.callers.pop(key_id, None) is not None


class Nobody:
    """People of an installation where no person ever signed in."""

    def all(self) -> list[Person]:
        return []

    def by_id(self, person_id: str) -> Caller | None:
        return None

    def invite(
        self, email: str, role: str, seller_id: UUID | None, work: Work
    ) -> tuple[Person, int | None]:
        raise NotFound(email)

    def revoke(self, person_id: UUID, work: Work) -> int | None:
        raise NotFound(str(person_id))

    def forget(self, person_id: UUID, work: Work) -> int | None:
        raise NotFound(str(person_id))

    def open_session(self, person_id: str) -> str:
        raise NotFound(person_id)

    def holder(self, token: str, *, is_use: bool) -> Caller | None:
        return None

    def end_session(self, token: str) -> None:
        raise NotFound(token)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def signed_in() -> tuple[Sessions, Ring, Watch, Caller, str]:
    ring, watch = Ring(), Watch()
    key_id, _ = ring.create("seller", uuid4(), "desk")
    sessions = Sessions(b"secret", ring, Nobody(), watch)
    caller = ring.callers[key_id]
    return sessions, ring, watch, caller, sessions.issue(caller)


def test_a_token_is_good_for_twelve_hours_and_not_a_second_more() -> None:
    sessions, _, watch, caller, token = signed_in()
    watch.now += LIFETIME - timedelta(seconds=1)
    assert sessions.caller_of(token) == caller
    watch.now += timedelta(seconds=1)
    assert sessions.caller_of(token) is None


def test_a_revoked_key_closes_its_sessions_within_two_seconds() -> None:
    sessions, ring, watch, caller, token = signed_in()
    assert sessions.caller_of(token) == caller
    ring.revoke(caller.key_id, caller.seller_id)
    watch.now += FRESH
    assert sessions.caller_of(token) is None


def test_a_token_that_was_changed_or_signed_with_another_secret_opens_nothing() -> None:
    sessions, ring, watch, caller, token = signed_in()
    body, _, signature = token.partition(".")
    other = Sessions(b"other", ring, Nobody(), watch).issue(caller)
    for forged in (
        "",
        ".",
        "person.",
        "person.x",
        token[:-1],
        f"{body}x.{signature}",
        f"{body}.",
        other,
        "é.é",
    ):
        assert sessions.caller_of(forged) is None


def test_a_csrf_token_fits_only_its_own_session() -> None:
    sessions, _, _, caller, token = signed_in()
    another = sessions.issue(caller)
    assert sessions.is_csrf_of(token, sessions.csrf_of(token))
    assert not sessions.is_csrf_of(token, sessions.csrf_of(another))
    assert not sessions.is_csrf_of(token, "")
