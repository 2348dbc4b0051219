"""Session tokens: what a browser holds instead of the key or the sign-in that it came by.

Of a key's session nothing is stored: its token names the key and when it ends, signed by us. A
person's session is looked up every time, so that it ends the moment somebody ends it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import NamedTuple

from api.desk import Caller, Keys, People
from domain.callers import PERSON_TOKEN, PersonCaller
from domain.ports import Clock

LIFETIME = timedelta(hours=12)
FRESH = timedelta(seconds=2)
"""How long a key is taken as still there: a revoked one closes its sessions within this time."""
FRESH_TOKENS_MAX = 1_000
NEVER = datetime.min.replace(tzinfo=UTC)


class Fresh(NamedTuple):
    """A token that was verified a moment ago."""

    caller: Caller
    until: datetime
    csrf: str


class Sessions:
    """Issues and reads tokens."""

    def __init__(self, secret: bytes, keys: Keys, people: People, clock: Clock) -> None:
        self._secret = secret
        self._keys = keys
        self._people = people
        self._clock = clock
        self._fresh: dict[str, Fresh] = {}
        self._seen: dict[str, Caller] = {}

    def issue(self, caller: Caller, before: str = "") -> str:
        """A new token for whoever came in; the person's session held `before` ends."""
        self.end(before)
        if isinstance(caller, PersonCaller):
            token = self._people.open_session(caller.key_id)
            self._see(token, caller)
            return token
        ends_at = int((self._clock() + LIFETIME).timestamp())
        content = f"{ends_at}:{token_urlsafe(9)}:{caller.key_id}"
        body = urlsafe_b64encode(content.encode()).decode()
        token = f"{body}.{self._signature('session', body)}"
        self._see(token, caller)
        return token

    def end(self, token: str) -> None:
        """A person's session ends everywhere; a key's goes with its cookie."""
        self._seen.pop(token, None)
        if is_persons(token):
            self._people.end_session(token)

    def caller_of(self, token: str, *, is_use: bool = True) -> Caller | None:
        """Who signed in; None for a token that is not ours, has ended, or whose holder is gone.

        `is_use` keeps a person's session from lying idle.
        """
        if is_persons(token):
            return self._see(token, self._people.holder(token, is_use=is_use))
        if known := self.known(token):
            return known
        key_id, ends_at = self._content_of(token)
        caller = self._keys.by_id(key_id) if self._clock() < ends_at else None
        if caller is not None:
            if len(self._fresh) >= FRESH_TOKENS_MAX:
                self._fresh.clear()
            until = min(self._clock() + FRESH, ends_at)
            self._fresh[token] = Fresh(caller, until, self._signature("csrf", token))
        return self._see(token, caller)

    def seen(self, token: str) -> Caller | None:
        """Who held the token when it was last looked up: to lead them home, never to let in."""
        return self._seen.get(token)

    def _see(self, token: str, caller: Caller | None) -> Caller | None:
        if len(self._seen) >= FRESH_TOKENS_MAX:
            self._seen.clear()
        if caller is None:
            self._seen.pop(token, None)
        else:
            self._seen[token] = caller
        return caller

    def known(self, token: str) -> Caller | None:
        """Like `caller_of`, without a look-up: None also where one is needed."""
        fresh = self._fresh.get(token)
        return fresh.caller if fresh and self._clock() < fresh.until else None

    def csrf_of(self, token: str) -> str:
        """What a form of this session has to bring along."""
        fresh = self._fresh.get(token)
        return fresh.csrf if fresh else self._signature("csrf", token)

    def is_csrf_of(self, token: str, given: str) -> bool:
        return hmac.compare_digest(self.csrf_of(token).encode(), given.encode())

    def _content_of(self, token: str) -> tuple[str, datetime]:
        """The key's id and when the token ends; one that is not ours has ended long ago."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(self._signature("session", body).encode(), signature.encode()):
            return "", NEVER
        ends_at, _, key_id = urlsafe_b64decode(body).decode().split(":", 2)
        return key_id, datetime.fromtimestamp(int(ends_at), UTC)

    def _signature(self, purpose: str, text: str) -> str:
        digest = hmac.digest(self._secret, f"{purpose}:{text}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


def is_persons(token: str) -> bool:
    return token.startswith(PERSON_TOKEN)
