"""The simulated Seller Central page on which a seller lets an application in, and its codes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from infra.sandbox.world import Seller, UnknownSeller, World

CALLBACK_PATH = "/oauth/amazon/callback"
SCOPES = "products::read catalog:read"
CODE_LIFETIME = timedelta(minutes=5)

_PATH = "/apps/authorize/consent"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS consent_code (
    code TEXT PRIMARY KEY,
    seller INTEGER NOT NULL,
    permit INTEGER NOT NULL,
    redirect_uri TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    is_used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Seller Central (sandbox)</title></head>
<body><main>
<h1>Seller Central · Amazon.co.jp <small>(sandbox / サンドボックス / 沙盒)</small></h1>
<p>Application / アプリケーション / 应用: <code>{application}</code></p>
<form method="post" action="{path}">
{hidden}
<p><label>Seller / 出品者 / 卖家: <select name="seller">{sellers}</select></label></p>
<ul>{scopes}</ul>
<p><button name="answer" value="allow">Allow / 許可する / 允许</button>
<button name="answer" value="deny">Deny / 許可しない / 拒绝</button></p>
</form></main></body></html>
"""


class ConsentRefused(ValueError):
    """The page shows an error instead of leading anywhere; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application asks for."""

    application_id: str
    state: str
    redirect_uri: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"

    def leading_back(self, **answer: str) -> str:
        return f"{self.redirect_uri}?{urlencode({'state': self.state, **answer})}"


class Consents:
    """Shows the page, and keeps the codes; each is good once, for five minutes, for one address."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scopes: dict[int, str] = {}
        world.database.execute(_SCHEMA)

    def routes(self) -> list[Route]:
        return [Route(_PATH, self._show, methods=["GET"]),
                Route(_PATH, self._answer, methods=["POST"])]  # fmt: skip

    def answer_scope(self, seller: Seller, scope: str | None) -> None:
        """From now on name this scope where the seller's code is exchanged; None: as asked for."""
        self._scopes[seller.number] = scope or SCOPES

    def scope_of(self, seller: Seller) -> str:
        return self._scopes.get(seller.number, SCOPES)

    def decide(self, asked: Asked, seller: Seller, *, is_allowed: bool) -> str:
        """The address to lead the seller to. Allowing grants access anew where it was revoked."""
        if not is_allowed:
            return asked.leading_back(error="access_denied")
        granted = self._world.grant(seller)
        code = f"RH{secrets.token_urlsafe(24)}"
        expires_at = self._world.clock() + CODE_LIFETIME
        self._world.database.execute(
            "INSERT INTO consent_code (code, seller, permit, redirect_uri, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (code, granted.number, granted.permit, asked.redirect_uri,
             expires_at.astimezone(UTC).isoformat()),
        )  # fmt: skip
        return asked.leading_back(
            selling_partner_id=granted.amazon_seller_id, spapi_oauth_code=code
        )

    def redeem(self, code: str, redirect_uri: str) -> tuple[int, int] | None:
        """The seller's number and permit; None where the code is no good (any more) there."""
        row = self._world.database.execute(
            "UPDATE consent_code SET is_used = 1 WHERE code = ? AND is_used = 0"
            " RETURNING seller, permit, redirect_uri, expires_at",
            (code,),
        ).fetchone()
        if row is None or row["redirect_uri"] != redirect_uri:
            return None
        if self._world.clock() >= datetime.fromisoformat(row["expires_at"]):
            return None
        return row["seller"], row["permit"]

    async def _show(self, request: Request) -> Response:
        query = dict(request.query_params)
        try:
            asked = asked_in(query)
        except ConsentRefused as problem:
            return _page(f"<!doctype html><meta charset=utf-8><p>{escape(str(problem))}</p>", 400)
        return _page(self._rendered(asked, query.get("seller", "")), 200, asked.origin)

    async def _answer(self, request: Request) -> Response:
        body = parse_qs((await request.body()).decode("latin-1"), encoding="utf-8")
        form = {name: values[0] for name, values in body.items()}
        try:
            asked = asked_in(form)
            seller = self._world.seller_named(form.get("seller") or None)
        except (ConsentRefused, UnknownSeller) as problem:
            return _page(f"<!doctype html><meta charset=utf-8><p>{escape(str(problem))}</p>", 400)
        leads_to = self.decide(asked, seller, is_allowed=form.get("answer") == "allow")
        return RedirectResponse(leads_to, 302, {"Cache-Control": "no-store"})

    def _rendered(self, asked: Asked, chosen: str) -> str:
        fields = {"application_id": asked.application_id, "state": asked.state,
                  "redirect_uri": asked.redirect_uri}  # fmt: skip
        hidden = "\n".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in fields.items()
        )
        sellers = "".join(
            f'<option value="{escape(each.name)}"{" selected" * (each.name == chosen)}>'
            f"{escape(each.name)} · {each.amazon_seller_id}</option>"
            for each in self._world.sellers()
        )
        scopes = "".join(f"<li><code>{escape(each)}</code></li>" for each in SCOPES.split())
        return _PAGE.format(application=escape(asked.application_id), path=_PATH, hidden=hidden,
                            sellers=sellers, scopes=scopes)  # fmt: skip


def asked_in(query: dict[str, str]) -> Asked:
    """Raises ConsentRefused for an address that the application has not registered."""
    asked = Asked(
        query.get("application_id", ""), query.get("state", ""), query.get("redirect_uri", "")
    )
    if not asked.application_id or not asked.state:
        raise ConsentRefused("The parameters application_id and state are needed.")
    if not is_registered(asked.redirect_uri):
        raise ConsentRefused(
            "This redirect_uri is not registered with the application: the sandbox knows"
            f" addresses of this computer that end in {CALLBACK_PATH}."
        )
    return asked


def is_registered(redirect_uri: str) -> bool:
    """A plain address of this computer, with the callback's path and nothing after it."""
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    shown = f"[{host}]" if host and ":" in host else host
    plain = f"http://{shown}" + (f":{port}" if port is not None else "") + CALLBACK_PATH
    return host in _LOOPBACK and redirect_uri == plain


def _page(html: str, status: int, leads_to: str = "") -> Response:
    policy = f"default-src 'none'; form-action 'self' {leads_to}; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return Response(html, status, headers, media_type="text/html")
