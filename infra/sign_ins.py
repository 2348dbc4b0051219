"""Signing in: a state for one browser, its one answer, and the code of the first administrator.

States, nonces, verifiers, codes and tokens are kept nowhere; hashes of some of them are.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb

from domain.people import (
    SIGN_IN_LIFETIME,
    Arrival,
    Identity,
    Installed,
    Provider,
    SignInAnswer,
    refused,
)
from domain.ports import Clock
from domain.stamps import Work
from infra.database import Connection, Database
from infra.oidc import OidcAccess, OidcProvider, derived
from infra.people import People, hash_of

ACTOR = "sign-in"
FIRST_PATH = "/sign-in/first"
STATE_BYTES = 32
KNOWN_FOR = timedelta(days=1)
SETUP_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SETUP_LENGTH, SETUP_GROUP = 20, 5
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")

BEGIN = """
    INSERT INTO asin_sync.sign_in (state_hash, browser_hash, following, expires_at)
    VALUES (%(state)s, %(browser)s, %(following)s, %(expires)s)
"""
# A state is of no use once it has ended; what it was is told for a day.
FORGET = "DELETE FROM asin_sync.sign_in WHERE expires_at < %(forgotten)s"

# The one answer to a state: of two at the same moment, one finds the row.
REDEEM = """
    UPDATE asin_sync.sign_in SET used_at = %(now)s
    WHERE state_hash = %(state)s AND browser_hash = %(browser)s
      AND used_at IS NULL AND expires_at > %(now)s
    RETURNING following
"""
KNOWN = "SELECT used_at, expires_at FROM asin_sync.sign_in WHERE state_hash = %(state)s"

REMEMBER = "UPDATE asin_sync.sign_in SET identity = %(identity)s WHERE state_hash = %(state)s"
NEWCOMER = """
    SELECT identity, following FROM asin_sync.sign_in
    WHERE browser_hash = %(browser)s AND identity IS NOT NULL AND expires_at > %(now)s
    ORDER BY expires_at DESC LIMIT 1
"""
FORGET_NEWCOMER = "UPDATE asin_sync.sign_in SET identity = NULL WHERE browser_hash = %(browser)s"

HAS_ADMIN = """
    SELECT EXISTS (
        SELECT FROM asin_sync.person
        WHERE role = 'admin' AND joined_at IS NOT NULL AND revoked_at IS NULL
          AND issuer = %(issuer)s
    )
"""
KEEP_CODE = """
    INSERT INTO asin_sync.setup_code (digest, made_at) VALUES (%(digest)s, %(now)s)
    ON CONFLICT (is_only) DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at
"""
TAKE_CODE = "DELETE FROM asin_sync.setup_code WHERE digest = %(digest)s RETURNING made_at"
DROP_CODE = "DELETE FROM asin_sync.setup_code"
IS_CODE_OPEN = "SELECT EXISTS (SELECT FROM asin_sync.setup_code)"


class SignIns:
    """Implements `api.desk.SignIns` by shape; without a client nobody signs in this way."""

    def __init__(
        self, database: Database, people: People, client: OidcProvider | None,
        provider: Provider | None, access: OidcAccess | None, secret: bytes, clock: Clock,
    ) -> None:  # fmt: skip
        self.provider = provider
        self._database = database
        self._people = people
        self._client = client
        self._issuer = access.issuer if access else ""
        self.callback_url = access.callback_url if access else ""
        self._secret = secret
        self._clock = clock

    def begin(self, browser: str, following: str) -> str:
        """The provider's page, for this browser alone. Raises SignInRefused."""
        state, now = secrets.token_urlsafe(STATE_BYTES), self._clock()
        address = self._provider().address(state, *self._proofs(state))
        values = {
            "state": hash_of(state), "browser": hash_of(browser), "following": following,
            "forgotten": now - KNOWN_FOR, "expires": now + SIGN_IN_LIFETIME,
        }  # fmt: skip
        with self._database.pool("keystore").connection() as connection:
            connection.execute(FORGET, values)
            connection.execute(BEGIN, values)
        return address

    def complete(self, answer: SignInAnswer, browser: str) -> Arrival:
        """Who came in by this answer. Raises SignInRefused; then nobody did.

        The state is spent by the first answer, whatever comes of it.
        """
        following = self._redeemed(answer.state, browser)
        if answer.error:
            denied = answer.error == "access_denied"
            raise refused("sign_in_denied" if denied else "sign_in_failed")
        if answer.issuer not in ("", self._issuer):
            raise refused("token_issuer")
        if not answer.code:
            raise refused("sign_in_failed")
        nonce, verifier = self._proofs(answer.state)
        identity = self._provider().identity(answer.code, nonce, verifier)
        person = self._people.come_in(identity, self._work())
        if person is not None:
            return Arrival(caller=person.caller, following=following)
        if identity.email is None:
            raise refused("person_unverified")
        if not self.is_setup_open():
            raise refused("person_unknown", email=identity.email)
        self._remember(answer.state, identity)
        return Arrival(caller=None, following=FIRST_PATH)

    # --- the first administrator ----------------------------------------------------------------

    def make_setup_code(self) -> str | None:
        """A code that makes one administrator, once; None where there is one or no provider."""
        if self._client is None:
            return None
        letters = "".join(secrets.choice(SETUP_LETTERS) for _ in range(SETUP_LENGTH))
        with self._database.pool("keystore").connection() as connection:
            if self._has_admin(connection):
                connection.execute(DROP_CODE)
                return None
            values = {"digest": self._digest(letters), "now": self._clock()}
            connection.execute(KEEP_CODE, values)
        groups = range(0, SETUP_LENGTH, SETUP_GROUP)
        return "-".join(letters[start : start + SETUP_GROUP] for start in groups)

    def is_setup_open(self) -> bool:
        with self._database.pool("keystore").connection() as connection:
            row = connection.execute(IS_CODE_OPEN).fetchone()
            return bool(row and row[0]) and not self._has_admin(connection)

    def newcomer(self, browser: str) -> Identity | None:
        """Whom the provider named in this browser, while a set-up code may still be given."""
        if not self.is_setup_open():
            return None
        with self._database.pool("keystore").connection() as connection:
            return self._newcomer(connection, browser)[0]

    def claim(self, code: str, browser: str) -> Installed:
        """Make the newcomer of this browser the first administrator. Raises SignInRefused."""
        letters = "".join(letter for letter in code.upper() if letter in SETUP_LETTERS)
        if not self.is_setup_open():
            raise refused("setup_over")
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            identity, following = self._newcomer(connection, browser)
            if identity is None:
                raise refused("setup_nobody")
            taken = connection.execute(TAKE_CODE, {"digest": self._digest(letters)}).fetchone()
            if taken is None:
                raise refused("setup_code_wrong")
            person = self._people.install(connection, identity, self._work())
            connection.execute(FORGET_NEWCOMER, {"browser": hash_of(browser)})
        return Installed(caller=person.caller, following=following)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _has_admin(self, connection: Connection) -> bool:
        row = connection.execute(HAS_ADMIN, {"issuer": self._issuer}).fetchone()
        return bool(row and row[0])

    def _newcomer(self, connection: Connection, browser: str) -> tuple[Identity | None, str]:
        values = {"browser": hash_of(browser), "now": self._clock()}
        row = connection.execute(NEWCOMER, values).fetchone()
        return (Identity.model_validate(row[0]), row[1]) if row else (None, "/")

    def _remember(self, state: str, identity: Identity) -> None:
        values = {"state": hash_of(state), "identity": Jsonb(identity.model_dump())}
        with self._database.pool("keystore").connection() as connection:
            connection.execute(REMEMBER, values)

    # --- a state and what follows from it -------------------------------------------------------

    def _redeemed(self, state: str, browser: str) -> str:
        """Raises SignInRefused unless this is the first answer, in time, where it was asked."""
        if not _STATE.fullmatch(state):
            raise refused("sign_in_unknown")
        now = self._clock()
        values = {"state": hash_of(state), "browser": hash_of(browser), "now": now}
        with self._database.pool("keystore").connection() as connection:
            row = connection.execute(REDEEM, values).fetchone()
            if row is None:
                raise why_not(connection.execute(KNOWN, values).fetchone(), now)
        return str(row[0])

    def _proofs(self, state: str) -> tuple[str, str]:
        """Nonce and verifier of a state."""
        return derived(self._secret, "nonce", state), derived(self._secret, "verifier", state)

    def _provider(self) -> OidcProvider:
        if self._client is None:
            raise refused("sign_in_not_set_up")
        return self._client

    def _digest(self, letters: str) -> bytes:
        return hash_of(derived(self._secret, "setup", letters))

    def _work(self) -> Work:
        return Work(self._clock, ACTOR, uuid4())


def why_not(known: Any, now: datetime) -> Exception:
    """Why a state leads nowhere."""
    if known is None:
        return refused("sign_in_unknown")
    used_at, expires_at = known
    if used_at is not None:
        return refused("sign_in_used")
    return refused("sign_in_expired" if expires_at <= now else "sign_in_browser")
