"""Who asks, and whether their role may: the same rules for JSON and for pages."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from fastapi import Request

from api.desk import Caller, Desk
from api.rate_limits import spend
from api.sessions import Sessions
from domain.errors import NotFound
from domain.seller import Role

OWN_SELLER_ROLES: Collection[Role] = ("seller", "service")
"""These act for the one seller their key is bound to, and may write."""
STAFF_READER_ROLES: Collection[Role] = ("support", "reviewer", "auditor", "admin")
"""These read the seller they name."""
ADMIN_ROLES: tuple[Role, ...] = ("admin",)
"""These say who may come in."""
REVIEWER_ROLES: Collection[Role] = ("reviewer", "admin")
"""These judge for Mercari: borderline images, applications, brands."""
READING_METHODS = ("GET", "HEAD")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class NotSignedIn(Exception):
    """No key and no session, or one that opens nothing."""


class SellerNotNamed(Exception):
    """Staff have to say which seller they look at."""


class ReasonRequired(Exception):
    """Staff have to say why they look at this seller; `rule` names what the reason given breaks."""

    def __init__(self, seller_id: UUID, rule: str | None = None) -> None:
        super().__init__("say why: Access-Reason, reason=, ticket=, or POST /v1/sellers/{id}/looks")
        self.seller_id = seller_id
        self.rule = rule


class RoleForbids(Exception):
    """The caller's role may not do this; `roles` may."""

    def __init__(self, roles: Collection[Role]) -> None:
        super().__init__(f"only these roles may: {', '.join(roles)}")
        self.roles = roles


def caller_of(request: Request, desk: Desk, sessions: Sessions, *, is_use: bool = True) -> Caller:
    """The holder of the bearer key or, to read only, of the session.

    Raises NotSignedIn, and TooManyRequests where the key has sent too many.

    A session cookie never writes here: forms go through `poster_of`, with their CSRF token.
    """
    key = bearer_key(request)
    caller: Caller | None = None
    if key is not None:
        caller = desk.keys.caller(key)
    elif request.method in READING_METHODS:
        caller = sessions.caller_of(session_token(request), is_use=is_use)
    if caller is None:
        raise NotSignedIn
    spend(request, desk, caller)
    return caller


def bearer_key(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def poster_of(request: Request, csrf: str, sessions: Sessions) -> Caller:
    """Who sent this form of ours. Raises NotSignedIn, also where the CSRF token is not theirs."""
    token = session_token(request)
    caller = sessions.caller_of(token)
    if caller is None or not is_same_origin(request) or not sessions.is_csrf_of(token, csrf):
        raise NotSignedIn
    return caller


def seller_read_by(caller: Caller, named: UUID | None) -> UUID:
    """The seller whose rows are shown. Raises NotFound for a foreign one, SellerNotNamed."""
    if caller.seller_id is not None:
        if named not in (None, caller.seller_id):
            raise NotFound("no such seller")
        return caller.seller_id
    if caller.role in OWN_SELLER_ROLES:
        raise RoleForbids(STAFF_READER_ROLES)
    if named is None:
        raise SellerNotNamed
    return named


def ensure_staff_reader(caller: Caller) -> None:
    """For what is shown across sellers. Raises RoleForbids."""
    if caller.seller_id is not None or caller.role not in STAFF_READER_ROLES:
        raise RoleForbids(STAFF_READER_ROLES)


def seller_written_by(caller: Caller, named: UUID | None) -> UUID:
    """The seller that is acted for. Raises RoleForbids for staff, NotFound for a foreign seller."""
    if caller.role not in OWN_SELLER_ROLES:
        raise RoleForbids(OWN_SELLER_ROLES)
    return seller_read_by(caller, named)


def cookie_name(request: Request) -> str:
    """A `__Host-` cookie needs https; on this computer itself a plain one will do."""
    return "asin_sync" if is_plain_loopback(request) else "__Host-asin_sync"


def is_plain_loopback(request: Request) -> bool:
    return request.url.scheme == "http" and request.url.hostname in LOOPBACK_HOSTS


def session_token(request: Request) -> str:
    return request.cookies.get(cookie_name(request), "")


def is_same_origin(request: Request) -> bool:
    """The browser says that the form is one of our own pages; a client without Origin is none."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    return site in ("same-origin", "none") and origin in (None, own)
