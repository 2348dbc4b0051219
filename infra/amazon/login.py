"""Login with Amazon: one seller's access token, cached until shortly before it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated, NoReturn
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.ports import AuthorisationRevoked, Clock, UpstreamRefused
from infra.http_client import Answer, Question, StrictHttp, excerpt

LOGIN_OPERATION = "getAccessToken"
EXCHANGE_OPERATION = "exchangeCode"
EARLY_REFRESH = timedelta(seconds=60)


@dataclass(frozen=True)
class AmazonAccess:
    """Where Amazon is, who we are there, and which seller let us in."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    amazon_seller_id: str
    api_url: str = "https://sellingpartnerapi-fe.amazon.com"
    login_url: str = "https://api.amazon.com/auth/o2/token"


class Grant(BaseModel):
    """A token goes into a header, so it must be printable ASCII."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,8192}$")]
    expires_in: Annotated[int, Field(gt=0, le=86_400)]


class Refusal(BaseModel):
    """Why Login with Amazon gives nothing, in OAuth's words."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    error: str
    error_description: str = ""


class AmazonLogin:
    """Keep one per seller and process: threads that need a token wait for one call."""

    def __init__(self, http: StrictHttp, access: AmazonAccess, clock: Clock) -> None:
        self._http = http
        self._access = access
        self._clock = clock
        self._lock = Lock()
        self._token = ""
        self._refresh_at: datetime | None = None

    def token(self) -> str:
        """A token that is still good. Raises AuthorisationRevoked, UpstreamError."""
        with self._lock:
            if self._refresh_at is None or self._clock() >= self._refresh_at:
                self._renew()
            return self._token

    def forget(self, token: str) -> None:
        """Amazon refused this token; a newer one, fetched by another thread meanwhile, is kept."""
        with self._lock:
            if token == self._token:
                self._refresh_at = None

    def _renew(self) -> None:
        asked_at = self._clock()
        answer = self._http.ask(self._question())
        if answer.status != 200:
            self._refuse(answer)
        try:
            grant = Grant.model_validate(answer.content)
        except ValidationError as error:
            raise self._http.unavailable(LOGIN_OPERATION, "no usable token") from error
        lifetime = timedelta(seconds=grant.expires_in)
        self._token = grant.access_token
        self._refresh_at = asked_at + lifetime - min(EARLY_REFRESH, lifetime / 2)

    def _question(self) -> Question:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._access.refresh_token,
            "client_id": self._access.client_id,
            "client_secret": self._access.client_secret,
        }
        return Question(
            LOGIN_OPERATION,
            "POST",
            self._access.login_url,
            {"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )

    def _refuse(self, answer: Answer) -> NoReturn:
        """`invalid_grant` is the seller's; any other refusal is about our own client."""
        try:
            refusal = Refusal.model_validate(answer.content)
        except ValidationError as error:
            raise self._http.unavailable(LOGIN_OPERATION, f"HTTP {answer.status}") from error
        detail = excerpt(f"{refusal.error}: {refusal.error_description}")
        kind = AuthorisationRevoked if refusal.error == "invalid_grant" else UpstreamRefused
        raise kind(self._http.upstream, LOGIN_OPERATION, detail)
