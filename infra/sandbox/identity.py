"""The development identity provider: OpenID Connect for a few made-up people, without passwords.

Whoever opens its page picks who to be; so it belongs to the sandbox, and to no real data.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from infra.sandbox.faults import json_answer
from infra.sandbox.identity_tokens import FAULTS, signed

ISSUER_PATH = "/identity"
DEVELOPMENT_ISSUERS = rf"^http://127\.0\.0\.1:\d+{ISSUER_PATH}$"
CALLBACK_PATH = "/sign-in/back"
CLIENT_SECRET = "asin-sync"  # noqa: S105
CODE_LIFETIME = timedelta(minutes=1)
TOKEN_LIFETIME = timedelta(minutes=5)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Development sign-in (sandbox)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"></head>
<body><main>
<h1>Development sign-in <small>(sandbox / サンドボックス / 沙盒)</small></h1>
<p>These people are made up and have no passwords. / 架空の人物で、パスワードはありません。 /
这些人物均为虚构，没有密码。</p>
<form method="post" action="{path}">
{hidden}
<ul>{people}</ul>
<p><button name="answer" value="deny">Cancel / キャンセル / 取消</button></p>
</form></main></body></html>
"""


class Person(NamedTuple):
    """One who can be picked. Only the last one's e-mail address was never verified."""

    name: str
    email: str
    is_verified: bool = True


PEOPLE: Mapping[str, Person] = {
    "admin": Person("Aoi Admin", "admin@people.example"),
    "reviewer": Person("Ren Reviewer", "reviewer@people.example"),
    "support": Person("Sora Support", "support@people.example"),
    "auditor": Person("Akira Auditor", "auditor@people.example"),
    "seller": Person("演示 卖家 Demo Seller", "seller@people.example"),
    "stranger": Person("Someone not invited", "stranger@people.example"),
    "unverified": Person("E-mail not verified", "admin@people.example", is_verified=False),
}


class IdentityRefused(ValueError):
    """The page shows an error instead of leading anywhere; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A sign-in under way: what the application asked for, and then who was picked."""

    client_id: str
    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    subject: str = ""
    fault: str = ""
    expires_at: datetime | None = None

    @property
    def origin(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"

    def leading_back(self, **answer: str) -> str:
        return f"{self.redirect_uri}?{urlencode({'state': self.state, **answer})}"


class IdentityProvider:
    """Keys and codes live as long as the process: a new start is a provider with new keys."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})
        self._codes: dict[str, Asked] = {}

    def routes(self) -> list[Route]:
        at = ISSUER_PATH
        return [
            Route(f"{at}/.well-known/openid-configuration", self._configuration, methods=["GET"]),
            Route(f"{at}/authorize", self._show, methods=["GET"]),
            Route(f"{at}/authorize", self._answer, methods=["POST"]),
            Route(f"{at}/token", self._token, methods=["POST"]),
            Route(f"{at}/keys", self._keys, methods=["GET"]),
        ]

    def decide(self, asked: Asked, subject: str, *, is_allowed: bool, fault: str = "") -> str:
        """The address to lead the browser to. A `fault` spoils the token that the code is for."""
        if not is_allowed:
            return asked.leading_back(error="access_denied")
        if subject not in PEOPLE or fault not in ("", *FAULTS):
            raise IdentityRefused(f"People: {', '.join(PEOPLE)}. Faults: {', '.join(FAULTS)}.")
        code = secrets.token_urlsafe(24)
        expires_at = self._clock() + CODE_LIFETIME
        self._codes[code] = replace(asked, subject=subject, fault=fault, expires_at=expires_at)
        return asked.leading_back(code=code)

    async def _configuration(self, request: Request) -> Response:
        issuer = issuer_of(request)
        return json_answer(200, {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        })  # fmt: skip

    async def _keys(self, _request: Request) -> Response:
        return json_answer(200, {"keys": [self._key.as_dict(private=False)]})

    async def _show(self, request: Request) -> Response:
        try:
            asked = asked_in(dict(request.query_params))
        except IdentityRefused as problem:
            return refusal_page(problem)
        return page(rendered(asked), 200, asked.origin)

    async def _answer(self, request: Request) -> Response:
        form = form_in(await request.body())
        try:
            asked = asked_in(form)
            is_allowed = form.get("answer") != "deny"
            leads_to = self.decide(asked, form.get("answer", ""), is_allowed=is_allowed)
        except IdentityRefused as problem:
            return refusal_page(problem)
        return RedirectResponse(leads_to, 302, {"Cache-Control": "no-store"})

    async def _token(self, request: Request) -> Response:
        form = form_in(await request.body())
        asked = self._codes.pop(form.get("code", ""), None)
        if secret_in(request.headers.get("authorization", "")) != CLIENT_SECRET:
            return json_answer(401, {"error": "invalid_client"})
        is_good = (
            asked is not None
            and asked.redirect_uri == form.get("redirect_uri")
            and asked.challenge == challenge_of(form.get("code_verifier", ""))
            and asked.expires_at is not None
            and self._clock() < asked.expires_at
        )
        if asked is None or not is_good:
            return json_answer(400, {"error": "invalid_grant"})
        token = signed(self._claims(asked, issuer_of(request)), self._key, asked.fault)
        return json_answer(200, {
            "access_token": secrets.token_urlsafe(24), "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFETIME.total_seconds()), "id_token": token,
        })  # fmt: skip

    def _claims(self, asked: Asked, issuer: str) -> dict[str, Any]:
        person, now = PEOPLE[asked.subject], self._clock()
        return {
            "iss": issuer, "aud": asked.client_id, "sub": asked.subject, "nonce": asked.nonce,
            "iat": int(now.timestamp()), "exp": int((now + TOKEN_LIFETIME).timestamp()),
            "name": person.name, "email": person.email, "email_verified": person.is_verified,
        }  # fmt: skip


def issuer_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{ISSUER_PATH}"


def asked_in(query: Mapping[str, str]) -> Asked:
    """Raises IdentityRefused for what is no sign-in by code with PKCE, or leads elsewhere."""
    named = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")
    missing = [name for name in named if not query.get(name)]
    if missing:
        raise IdentityRefused(f"These parameters are needed: {', '.join(missing)}.")
    is_code = query.get("response_type", "code") == "code"
    if not is_code or query.get("code_challenge_method", "S256") != "S256":
        raise IdentityRefused("Only response_type=code with code_challenge_method=S256 is known.")
    if not is_registered(query["redirect_uri"]):
        raise IdentityRefused(
            "This redirect_uri is not registered: the sandbox knows addresses of this computer"
            f" that end in {CALLBACK_PATH}."
        )
    return Asked(
        query["client_id"], query["redirect_uri"], query["state"], query["nonce"],
        query["code_challenge"],
    )  # fmt: skip


def is_registered(redirect_uri: str) -> bool:
    """A plain address of this computer, with the callback's path and nothing after it."""
    try:
        parts = urlsplit(redirect_uri)
        is_here = parts.hostname in _LOOPBACK and parts.scheme == "http" and not parts.username
    except ValueError:
        return False
    return is_here and redirect_uri == f"http://{parts.netloc}{CALLBACK_PATH}"


def rendered(asked: Asked) -> str:
    fields = {"client_id": asked.client_id, "redirect_uri": asked.redirect_uri,
              "state": asked.state, "nonce": asked.nonce,
              "code_challenge": asked.challenge}  # fmt: skip
    hidden = "\n".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    people = "".join(
        f'<li><p><button name="answer" value="{subject}">{escape(person.name)}</button>'
        f" {escape(person.email)}{'' if person.is_verified else ' (not verified)'}</p></li>"
        for subject, person in PEOPLE.items()
    )
    return _PAGE.format(path=f"{ISSUER_PATH}/authorize", hidden=hidden, people=people)


def form_in(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode("latin-1"), encoding="utf-8")
    return {name: values[0] for name, values in fields.items()}


def secret_in(authorization: str) -> str:
    """The client's secret of HTTP Basic; empty for what is none."""
    scheme, _, text = authorization.partition(" ")
    try:
        pair = b64decode(text, validate=True).decode() if scheme == "Basic" else ""
    except ValueError:
        return ""
    return unquote(pair.partition(":")[2])


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def refusal_page(problem: IdentityRefused) -> Response:
    return page(f"<!doctype html><meta charset=utf-8><p>{escape(str(problem))}</p>", 400)


def page(html: str, status: int, leads_to: str = "") -> Response:
    policy = f"default-src 'none'; form-action 'self' {leads_to}; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return Response(html, status, headers, media_type="text/html")
