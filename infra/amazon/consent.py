"""Linking Amazon by consent: asks on Amazon's page, takes the one answer, exchanges its code.

A refusal stores nothing. States, codes and tokens are in no log, no error and no answer.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain import seller
from domain.application import AsinSync, acting_for
from domain.callers import Caller
from domain.consents import (
    CALLBACK_PATH,
    CONSENT_LIFETIME,
    SCOPES,
    Browser,
    Consent,
    ConsentAnswer,
    ensure_answered,
    ensure_scopes,
    refused,
)
from domain.errors import ConsentRefused
from domain.errors import Refusal as DomainRefusal
from domain.ports import Clock, UpstreamError, UpstreamRefused
from domain.sellers import change_seller
from domain.stamps import Work
from infra.amazon.login import EXCHANGE_OPERATION, Refusal
from infra.database import Database
from infra.http_client import Answer, HttpSettings, Question, StrictHttp, only
from infra.http_deadline import open_client
from infra.seller_secrets import SellerSecrets

SETTINGS = HttpSettings(timeout_seconds=15.0, body_bytes_max=64 * 1024)
STATE_BYTES = 32

_STATE = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"[\x21-\x7e]{1,2048}")
_ERRORS = (
    "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "server_error",
)  # fmt: skip

ASK = """
    INSERT INTO asin_sync.consent
        (state_hash, seller_id, key_id, session_hash, created_at, expires_at)
    VALUES (%(state)s, %(seller)s, %(key)s, %(session)s, %(now)s, %(expires)s)
"""

# A state is of no use once it has ended; what it was is told for a day.
FORGET = "DELETE FROM asin_sync.consent WHERE expires_at < %(now)s - interval '1 day'"

# The one answer to a state: of two at the same moment, one finds the row.
REDEEM = """
    UPDATE asin_sync.consent SET used_at = %(now)s
    WHERE state_hash = %(state)s AND used_at IS NULL AND expires_at > %(now)s
      AND (session_hash IS NULL OR session_hash = %(session)s)
    RETURNING seller_id, key_id
"""

KNOWN = """
    SELECT seller_id, used_at, expires_at FROM asin_sync.consent WHERE state_hash = %(state)s
"""


@dataclass(frozen=True)
class ConsentAccess:
    """Amazon's page, who we are there, where it leads back, and where codes are exchanged."""

    consent_url: str
    application_id: str
    client_id: str
    client_secret: str = field(repr=False)
    login_url: str
    base_url: str

    @property
    def callback_url(self) -> str:
        return f"{self.base_url}{CALLBACK_PATH}"

    @property
    def origin(self) -> str:
        parts = urlsplit(self.consent_url)
        return f"{parts.scheme}://{parts.netloc}"

    def address(self, state: str) -> str:
        """The page for this state; a query of the setting's own (`version=beta`) is kept."""
        parts = urlsplit(self.consent_url)
        asked = {"application_id": self.application_id, "state": state,
                 "redirect_uri": self.callback_url}  # fmt: skip
        query = urlencode([*parse_qsl(parts.query), *asked.items()])
        return parts._replace(query=query, fragment="").geturl()


class CodeGrant(BaseModel):
    """What a code is exchanged for. A scope that is not named is the one that was asked for."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    refresh_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,4096}$")]
    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,8192}$")]
    token_type: Annotated[str, Field(pattern=r"^[Bb]earer$")]
    expires_in: Annotated[int, Field(gt=0, le=86_400)]
    scope: Annotated[str, Field(max_length=1000)] | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        return SCOPES if self.scope is None else tuple(self.scope.split(" "))


class Holders(Protocol):
    """Whoever an id stands for that a consent was asked by."""

    def by_id(self, key_id: str) -> Caller | None:
        """None for a key or a person that never was or was revoked."""


class Asked(NamedTuple):
    """Who asked for a consent, for which seller."""

    seller_id: UUID
    caller: Caller


class AmazonConsents:
    """Implements `api.desk.Consents` by shape."""

    def __init__(
        self, access: ConsentAccess, database: Database, secrets_: SellerSecrets, holders: Holders,
        app: AsinSync, clock: Clock,
    ) -> None:  # fmt: skip
        self.origin = access.origin
        self._access = access
        self._database = database
        self._secrets = secrets_
        self._holders = holders
        self._app = app
        self._clock = clock
        self._client = open_client()
        allows = only(EXCHANGE_OPERATION, "POST", access.login_url)
        self._http = StrictHttp("amazon", self._client, SETTINGS, allows=allows)

    def begin(self, seller_id: UUID, key_id: str, browser: Browser | None) -> Consent:
        """A new state, and the page that it is for. Raises ConsentRefused without application."""
        if not self._access.application_id:
            raise refused("consent_not_set_up")
        state, now = secrets.token_urlsafe(STATE_BYTES), self._clock()
        expires_at = now + CONSENT_LIFETIME
        values = {
            "state": hash_of(state), "seller": seller_id, "key": key_id, "now": now,
            "session": browser.session_hash if browser else None, "expires": expires_at,
        }  # fmt: skip
        with self._database.pool("keystore").connection() as connection:
            connection.execute(FORGET, values)
            connection.execute(ASK, values)
        return Consent(consent_url=self._access.address(state), expires_at=expires_at)

    def complete(self, answer: ConsentAnswer, browser: Browser | None) -> UUID:
        """Link the seller that asked. Raises ConsentRefused, UpstreamError; then nothing is kept.

        The state is spent by the first answer, whatever comes of it.
        """
        asked = self._redeemed(answer.state, browser)
        with acting_for(asked.seller_id):
            owner = self._app.seller(asked.seller_id)
        seller.ensure_active(owner)
        ensure_answered(owner, answer)
        grant = self._exchanged(answer.code)
        ensure_scopes(grant.scopes)
        self._secrets.store(asked.seller_id, "amazon_refresh_token", grant.refresh_token)
        stamp = Work(self._clock, asked.caller.actor, uuid4()).stamp()
        command = seller.LinkAmazon(stamp=stamp, scopes=SCOPES)
        try:
            change_seller(self._app, asked.seller_id, lambda it: seller.link_amazon(it, command))
        except DomainRefusal:
            self._secrets.forget(asked.seller_id, "amazon_refresh_token")
            raise
        return asked.seller_id

    def close(self) -> None:
        self._client.close()

    def _redeemed(self, state: str, browser: Browser | None) -> Asked:
        """Raises ConsentRefused unless this is the first answer, in time, where it was asked."""
        if not _STATE.fullmatch(state):
            raise refused("consent_unknown")
        session = browser.session_hash if browser else None
        now = self._clock()
        values = {"state": hash_of(state), "now": now, "session": session}
        with self._database.pool("keystore").connection() as connection:
            row = connection.execute(REDEEM, values).fetchone()
            if row is None:
                known = connection.execute(KNOWN, values).fetchone()
                raise why_not(known, now, browser)
        seller_id, key_id = row
        caller = self._holders.by_id(key_id)
        if caller is None:
            raise refused("consent_unknown")
        return Asked(seller_id, caller)

    def _exchanged(self, code: str) -> CodeGrant:
        """Raises ConsentRefused for a code that is no good, UpstreamError for any other answer."""
        if not _CODE.fullmatch(code):
            raise refused("consent_code")
        answer = self._http.ask(self._question(code))
        if answer.status != 200:
            raise self._refusal(answer)
        try:
            return CodeGrant.model_validate(answer.content)
        except ValidationError:
            raise self._http.unavailable(EXCHANGE_OPERATION, "no usable token") from None

    def _question(self, code: str) -> Question:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._access.callback_url,
            "client_id": self._access.client_id,
            "client_secret": self._access.client_secret,
        }
        return Question(
            EXCHANGE_OPERATION,
            "POST",
            self._access.login_url,
            {"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )

    def _refusal(self, answer: Answer) -> ConsentRefused | UpstreamError:
        """Only a name that is known is repeated: other words could hold what was sent."""
        try:
            error = Refusal.model_validate(answer.content).error
        except ValidationError:
            return self._http.unavailable(EXCHANGE_OPERATION, f"HTTP {answer.status}")
        if error == "invalid_grant":
            return refused("consent_code")
        name = error if error in _ERRORS else f"HTTP {answer.status}"
        return UpstreamRefused(self._http.upstream, EXCHANGE_OPERATION, name)


def hash_of(secret: str) -> bytes:
    """What is kept of a state or a session."""
    return sha256(secret.encode()).digest()


def why_not(known: Any, now: datetime, browser: Browser | None) -> ConsentRefused:
    """Why a state leads nowhere; whose it is counts before what became of it."""
    if known is None:
        return refused("consent_unknown")
    seller_id, used_at, expires_at = known
    if browser is not None and browser.seller_id not in (None, seller_id):
        return refused("consent_other_seller")
    if used_at is not None:
        return refused("consent_used")
    return refused("consent_expired" if expires_at <= now else "consent_session")
