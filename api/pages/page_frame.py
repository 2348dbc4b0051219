"""What every page shares: who reads it, in which language, at which position; its frame and cache.

A page is built once for a session, address, language, position and minute, and kept as bytes.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.auth import OWN_SELLER_ROLES, STAFF_READER_ROLES
from api.desk import Caller, Desk
from api.ids import public_id
from api.l10n import TONGUES, L10n
from api.pages.menu import seller_menu, staff_menu
from api.query_values import TEXT_LENGTH_MAX, text_in
from api.words import ROLES, STATUSES
from projections import binding_counts, sellers, suspicions

CACHED_PAGES_MAX = 256
COMPRESSED_SIZE_MIN = 600
_HERE = resources.files("api")


class Stored(NamedTuple):
    """An answer's bytes, plain and compressed, and the tag of their content."""

    body: bytes
    gzipped: bytes | None
    etag: str


def stored(body: bytes) -> Stored:
    gzipped = gzip.compress(body, 6, mtime=0) if len(body) >= COMPRESSED_SIZE_MIN else None
    return Stored(body, gzipped, f'W/"{hashlib.sha256(body).hexdigest()[:20]}"')


def respond(
    request: Request, what: Stored, headers: Mapping[str, str], status: int = 200
) -> Response:
    """The bytes, compressed where the client takes that; 304 where it has them already."""
    shared = {**headers, "ETag": what.etag}
    if status == 200 and what.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=shared)
    if what.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(what.gzipped, status, {**shared, "Content-Encoding": "gzip"})
    return Response(what.body, status, shared)


STATIC: Mapping[str, Stored] = {
    name: stored(_HERE.joinpath("static", name).read_bytes())
    for name in ("app.css", "app.js", "travel.js", "views.js", "mark.svg")
}
STATIC_TYPES = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "travel.js": "text/javascript; charset=utf-8",
    "views.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}


def asset(name: str) -> str:
    """The address of a static file; it holds the content's hash, so it may be kept for ever."""
    return f"/static/{STATIC[name].etag[3:-1]}/{name}"


def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(str(_HERE.joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        asset=asset, tongues=TONGUES, statuses=STATUSES, roles=ROLES, public_id=public_id,
        seller_menu=seller_menu, staff_menu=staff_menu,
    )  # fmt: skip
    return made


@dataclass(frozen=True)
class Visit:
    """One reader at one address at one moment."""

    request: Request
    l10n: L10n
    now: datetime
    position: int
    csrf: str
    caller: Caller
    seller_id: UUID

    def query(self, name: str) -> str | None:
        """A query parameter; blank is absent. Raises Unreadable."""
        return text_in(self.request.query_params.get(name, ""))

    def url(self, path: str, **query: object) -> str:
        """An address of ours; staff keep the seller they look at."""
        kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
        if self.caller.role in STAFF_READER_ROLES:
            kept = {"seller_id": public_id("sel", self.seller_id), **kept}
        return f"{path}?{urlencode(kept)}" if kept else path

    def asking(self, is_wrong: bool, **about: str) -> str:
        """Where a seller opens a ticket about it; empty for others, and where nothing is wrong."""
        is_own = self.caller.role in OWN_SELLER_ROLES
        return f"{self.url('/tickets', **about)}#new" if is_wrong and is_own else ""

    def here(self, **changed: object) -> str:
        """This address with some of its parameters changed; None takes one away."""
        return here(self.request, changed)

    def filtered_by(self, *names: str) -> list[object]:
        """Whose list this is and how it is filtered: what its cursors belong to."""
        return [self.seller_id, self.request.url.path, *map(self.query, names)]


def here(request: Request, changed: Mapping[str, object]) -> str:
    """What is too long to be read goes on into no other address."""
    asked = [
        (name, text)
        for name, text in request.query_params.multi_items()
        if name not in changed and len(text) <= TEXT_LENGTH_MAX
    ]
    kept = [*asked, *changed.items()]
    text = urlencode([(name, str(value)) for name, value in kept if value is not None])
    return f"{request.url.path}?{text}" if text else request.url.path


@dataclass(frozen=True)
class StaffVisit:
    """One of staff at a page across sellers."""

    request: Request
    l10n: L10n
    now: datetime
    position: int | None
    csrf: str
    caller: Caller

    def query(self, name: str) -> str | None:
        """A query parameter; blank is absent. Raises Unreadable."""
        return text_in(self.request.query_params.get(name, ""))

    def here(self, **changed: object) -> str:
        """This address with some of its parameters changed; None takes one away."""
        return here(self.request, changed)


@dataclass(frozen=True)
class Past:
    """The instant that a page of the past shows."""

    moment: datetime
    position: int
    version: int


@dataclass(frozen=True)
class Page:
    """A template and what it shows; not kept where it shows more than the log tells."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    past: Past | None = None
    is_kept: bool = True


Build = Callable[[Desk, Visit], Page]
"""Queries what a page shows; opens its own reading, so that it never holds two connections."""
StaffBuild = Callable[[Desk, StaffVisit], Page]
"""The same for a page across sellers."""


class PageFrame:
    """Renders pages, and keeps the ones rendered last."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._templates = environment()
        self._kept: OrderedDict[tuple[object, ...], Stored] = OrderedDict()

    def key_of(self, visit: Visit) -> tuple[object, ...]:
        url, minute = visit.request.url, int(visit.now.timestamp() // 60)
        place = (visit.seller_id, url.path, url.query, visit.l10n.language)
        return (visit.csrf, *place, visit.position, minute)

    def kept(self, visit: Visit) -> Stored | None:
        """The page as it was rendered for this very key."""
        key = self.key_of(visit)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def build(self, visit: Visit, make: Build) -> tuple[int, Stored]:
        """Query, render and keep; return the status and the page. Blocks on the database."""
        page = make(self._desk, visit)
        with self._desk.reading_for(visit.seller_id) as connection:
            seller = sellers.one(connection, visit.seller_id)
            counts = binding_counts.counts(connection)
            termination = suspicions.termination(connection, visit.seller_id)
        frame = {
            "visit": visit,
            "shop_name": seller.shop_name if seller else "",
            "is_sync_enabled": seller.is_sync_enabled if seller else True,
            "binding_count": sum(counts.values()),
            "termination": termination,
        }
        made = stored(self.render(page, visit.l10n, frame))
        if page.status == 200 and page.is_kept:
            self._kept[self.key_of(visit)] = made
            while len(self._kept) > CACHED_PAGES_MAX:
                self._kept.popitem(last=False)
        return page.status, made

    def build_for_staff(self, visit: StaffVisit, make: StaffBuild) -> tuple[int, Stored]:
        """Query and render a page across sellers; its status. Blocks on the database."""
        page = make(self._desk, visit)
        return page.status, stored(self.render(page, visit.l10n, {"visit": visit}))

    def render(self, page: Page, l10n: L10n, frame: Mapping[str, Any]) -> bytes:
        """The page as HTML in UTF-8."""
        shared = {
            "l10n": l10n,
            "_": l10n.text,
            "ngettext": l10n.plural,
            "is_sandbox": self._desk.is_sandbox,
            "image_origins": self._desk.image_origins,
            "past": page.past,
        }
        template = self._templates.get_template(page.template)
        return template.render({**shared, **frame, **page.context}).encode()


def page_headers(l10n: L10n) -> dict[str, str]:
    """A page belongs to one reader, and is asked for again every time."""
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": l10n.tongue.tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Accept-Language, Accept-Encoding",
    }
