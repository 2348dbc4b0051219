"""An OpenID provider: found by discovery, asked for a code, its word checked to the last claim.

Nothing of a token, code or secret is in an error: a refusal names its rule, no more.
"""

from __future__ import annotations

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.people import Identity, plain_name, refused
from domain.ports import Clock, UpstreamError
from infra.http_client import Answer, HttpSettings, Question, StrictHttp, only
from infra.http_deadline import open_client

ALGORITHMS: Final = ("ES256", "RS256", "PS256")
"""Signatures by a key of the provider's own; a shared secret or none at all is no signature."""
HTTP = HttpSettings(timeout_seconds=10.0, body_bytes_max=1024 * 1024)
TOKEN_LENGTH_MAX = 16 * 1024
SUBJECT_LENGTH_MAX = 255
CLOCK_SKEW_SECONDS = 60
DISCOVERED_FOR = timedelta(hours=1)
KEYS_ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""How long an unknown key id is refused without asking the provider for its keys again."""
SCOPE = "openid email profile"
CLAIM_RULES: Mapping[str, str] = {
    "iss": "token_issuer", "aud": "token_audience", "nonce": "token_nonce", "azp": "token_audience"
}  # fmt: skip

Address = Annotated[str, Field(pattern=r"^https?://[\x21-\x7e]{1,2000}$")]


@dataclass(frozen=True)
class OidcAccess:
    """Which provider, who we are there, and where it leads back."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    callback_url: str


class Discovered(BaseModel):
    """What a provider's configuration says, as far as we follow it."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    issuer: Address
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    userinfo_endpoint: Address | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class Grant(BaseModel):
    """What a code is exchanged for; of the rest we want nothing."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    id_token: str
    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,16384}$")]


class OidcProvider:
    """Asks one provider; what it said of itself is kept for an hour, its keys too."""

    def __init__(self, access: OidcAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._client = open_client()
        self._lock = Lock()
        self._found: tuple[datetime, Discovered] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def address(self, state: str, nonce: str, verifier: str) -> str:
        """The provider's page for this sign-in. Raises SignInRefused where it does not answer."""
        parts = urlsplit(self._discovered().authorization_endpoint)
        asked = {
            "response_type": "code", "client_id": self._access.client_id, "scope": SCOPE,
            "redirect_uri": self._access.callback_url, "state": state, "nonce": nonce,
            "code_challenge": challenge_of(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        query = urlencode([*parse_qsl(parts.query), *asked.items()])
        return parts._replace(query=query, fragment="").geturl()

    def identity(self, code: str, nonce: str, verifier: str) -> Identity:
        """Whom the provider names for this code. Raises SignInRefused for all it says wrongly."""
        found = self._discovered()
        grant = self._exchanged(found, code, verifier)
        claims = self._claims(grant.id_token, nonce)
        if "email" not in claims and found.userinfo_endpoint:
            claims = {**self._userinfo(found.userinfo_endpoint, grant, claims["sub"]), **claims}
        return identity_in(claims, self._access.issuer)

    def close(self) -> None:
        self._client.close()

    # --- what the provider says of itself -------------------------------------------------------

    def _discovered(self) -> Discovered:
        with self._lock:
            if self._found and self._clock() - self._found[0] < DISCOVERED_FOR:
                return self._found[1]
            url = f"{self._access.issuer.rstrip('/')}/.well-known/openid-configuration"
            answer = self._ask(Question("discovery", "GET", url, {}))
            try:
                found = Discovered.model_validate(answer.content)
            except ValidationError:
                raise refused("provider_unusable") from None
            if found.issuer != self._access.issuer or not is_as_safe(found, self._access.issuer):
                raise refused("provider_unusable")
            self._found = (self._clock(), found)
            return found

    def _key(self, key_id: str | None) -> Any:
        """The provider's key of this id; one not seen before is asked for, but not all the time."""
        url = self._discovered().jwks_uri
        with self._lock:
            asked_at, keys = self._keys or (None, None)
            age = self._clock() - asked_at if asked_at else DISCOVERED_FOR
            if keys is not None and age < DISCOVERED_FOR:
                try:
                    return keys.get_by_kid(key_id)
                except InvalidKeyIdError:
                    if age < KEYS_ASKED_AGAIN_AFTER:
                        raise
            keys = self._asked_keys(url)
            self._keys = (self._clock(), keys)
            return keys.get_by_kid(key_id)

    def _asked_keys(self, url: str) -> KeySet:
        answer = self._ask(Question("keys", "GET", url, {}))
        try:
            return KeySet.import_key_set(answer.content)
        except (JoseError, ValueError, TypeError, KeyError):
            raise refused("provider_unusable") from None

    # --- what it says of somebody ---------------------------------------------------------------

    def _exchanged(self, found: Discovered, code: str, verifier: str) -> Grant:
        form = {
            "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
            "redirect_uri": self._access.callback_url,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            headers["Authorization"] = basic(self._access.client_id, self._access.client_secret)
        else:
            form |= {
                "client_id": self._access.client_id, "client_secret": self._access.client_secret
            }  # fmt: skip
        body = urlencode(form).encode()
        answer = self._ask(Question("code", "POST", found.token_endpoint, headers, body=body))
        if answer.status != 200:
            raise refused("provider_refused_code")
        try:
            return Grant.model_validate(answer.content)
        except ValidationError:
            raise refused("token_form") from None

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of a token that is signed, meant for us, of now, and for this sign-in."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise refused("token_form")
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            read = jwt.decode(token, self._key_for, algorithms=ALGORITHMS, registry=registry)
            if "crit" in read.header:
                raise refused("token_form")
            self._expected(nonce).validate(read.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise refused(rule_of(error)) from None
        ensure_party(read.claims, self._access.client_id)
        return read.claims

    def _key_for(self, signed: Any) -> Any:
        return self._key(signed.headers().get("kid"))

    def _expected(self, nonce: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": self._access.issuer},
            aud={"essential": True, "value": self._access.client_id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )

    def _userinfo(self, url: str, grant: Grant, subject: str) -> Mapping[str, Any]:
        """More about the same person; a provider may leave the e-mail out of its token."""
        headers = {"Authorization": f"Bearer {grant.access_token}"}
        content = self._ask(Question("userinfo", "GET", url, headers)).content
        if not isinstance(content, dict) or content.get("sub") != subject:
            raise refused("token_form")
        return {name: content[name] for name in ("email", "email_verified", "name")
                if name in content}  # fmt: skip

    def _ask(self, question: Question) -> Answer:
        allows = only(question.name, question.method, question.url)
        try:
            return StrictHttp("identity", self._client, HTTP, allows=allows).ask(question)
        except UpstreamError:
            raise refused("provider_down") from None


def is_as_safe(found: Discovered, issuer: str) -> bool:
    """No address of the provider is less protected than its own name."""
    addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri,
                 found.userinfo_endpoint or issuer)  # fmt: skip
    return not issuer.startswith("https://") or all(
        each.startswith("https://") for each in addresses
    )


def identity_in(claims: Mapping[str, Any], issuer: str) -> Identity:
    """Raises SignInRefused for a subject that is none. Only a verified e-mail is one."""
    subject, email = claims["sub"], claims.get("email")
    if not 1 <= len(subject) <= SUBJECT_LENGTH_MAX or not subject.isprintable():
        raise refused("token_form")
    is_verified = claims.get("email_verified") is True and isinstance(email, str)
    return Identity(
        issuer=issuer, subject=subject, name=plain_name(claims.get("name")),
        email=str(email).strip().casefold()[:254] if is_verified else None,
    )  # fmt: skip


def ensure_party(claims: Mapping[str, Any], client_id: str) -> None:
    """A token for several is ours only where it was given out to us. Raises SignInRefused."""
    audience = claims["aud"]
    is_shared = isinstance(audience, list) and len(audience) > 1
    party = claims.get("azp")
    if (is_shared or party is not None) and party != client_id:
        raise refused("token_audience")


def rule_of(error: Exception) -> str:
    """Why a token is not believed, by the rule that it breaks."""
    match error:
        case UnsupportedAlgorithmError():
            return "token_algorithm"
        case BadSignatureError() | InvalidKeyIdError():
            return "token_signature"
        case ExpiredTokenError():
            return "token_expired"
        case MissingClaimError():
            return "token_lacks"
        case InvalidClaimError():
            return CLAIM_RULES.get(error.claim, "token_form")
        case _:
            return "token_form"


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def derived(secret: bytes, purpose: str, state: str) -> str:
    """Nonce and verifier follow from the state, so that neither is kept anywhere."""
    digest = hmac.digest(secret, f"sign-in {purpose}:{state}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 §2.3.1: both are encoded as in a form first."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return f"Basic {b64encode(pair.encode()).decode()}"
