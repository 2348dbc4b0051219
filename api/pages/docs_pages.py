"""The API's documentation, open to all: how to call, every route, every code a problem can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from string import Template

from fastapi import APIRouter, FastAPI, Request, Response

from api.l10n import mark
from api.languages import l10n_of
from api.pages.api_reference import Operation, sections_of
from api.pages.docs_words import CONVENTIONS, TAGS, WHAT_TO_DO
from api.pages.page_frame import Page
from api.pages.page_server import PageServer
from api.problems import TITLES
from api.words import WHO_ACTS
from domain.error_codes import ERROR_CODES

Sections = Mapping[str, Sequence[Operation]]
FOLLOWING = Template("""\
import json, os, time, urllib.request

headers = {"Authorization": "Bearer " + os.environ["ASIN_SYNC_KEY"]}
after = ""
while True:
    asked = urllib.request.Request(f"$address/v1/events?after={after}", headers=headers)
    page = json.load(urllib.request.urlopen(asked))
    for event in page["items"]:
        print(event["sequence"], event["type"], event["subject"], flush=True)
    after = page["next"]
    time.sleep(0 if page["items"] else 1)
""")
"""A program that follows the feed from its first event, with nothing but Python."""

CHECKING = """\
import base64, hashlib, hmac, time


def is_genuine(secret: str, headers, body: bytes) -> bool:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = [each.partition(",")[2] for each in headers["webhook-signature"].split()]
    is_recent = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return is_recent and any(hmac.compare_digest(digest, each) for each in given)
"""
"""Whether a webhook is from us, with nothing but Python."""


def add_docs(router: APIRouter, server: PageServer) -> None:
    """The routes `/docs`, `/docs/{tag}`, `/docs/errors` and `/docs/errors/{code}`."""
    sections = kept_sections()

    @router.get("/docs")
    def overview(request: Request) -> Response:
        address = address_of(request)
        context = {
            "tags": TAGS,
            "conventions": CONVENTIONS,
            "address": address,
            "following": FOLLOWING.substitute(address=address),
            "checking": CHECKING,
            "counts": {tag: len(routes) for tag, routes in sections(request.app).items()},
        }
        return server.plain(request, Page("docs.html", context))

    @router.get("/docs/errors")
    def codes(request: Request) -> Response:
        context = {"tags": TAGS, "codes": ERROR_CODES, "titles": TITLES, "who_acts": WHO_ACTS}
        return server.plain(request, Page("docs_errors.html", context))

    @router.get("/docs/errors/{code}")
    def one_code(request: Request, code: str) -> Response:
        if code not in ERROR_CODES and code not in TITLES:
            return nowhere(request, server, mark("There is no such code"), "/docs/errors")
        return server.plain(request, Page("docs_error.html", told_of(request, code)))

    @router.get("/docs/{tag}")
    def routes(request: Request, tag: str) -> Response:
        found = sections(request.app).get(tag)
        if found is None:
            return nowhere(request, server, mark("There is no such group of routes"), "/docs")
        context = {"tags": TAGS, "tag": tag, "routes": found, "address": address_of(request)}
        return server.plain(request, Page("docs_routes.html", context))


def nowhere(request: Request, server: PageServer, title: str, onward: str) -> Response:
    """Nothing is documented under this address; the list of what is."""
    text = l10n_of(request).text("See all that there are")
    return server.problem(request, 404, title=title, told=[], onward=onward, onward_text=text)


def kept_sections() -> Callable[[FastAPI], Sections]:
    """Reads the OpenAPI document of an application once."""

    @cache
    def sections(app: FastAPI) -> Sections:
        return sections_of(app.openapi())

    return sections


def address_of(request: Request) -> str:
    """Where the reader reached us, which is where the examples call."""
    return str(request.base_url).rstrip("/")


def told_of(request: Request, code: str) -> Mapping[str, object]:
    """What a code means, what to do about it, and who does it, in the reader's language."""
    l10n = l10n_of(request)
    known = ERROR_CODES.get(code)
    if known is None:
        told = {"title": TITLES[code][l10n.language], "action": l10n.text(WHAT_TO_DO[code])}
        return {"tags": TAGS, "code": code, "meaning": "", "is_retried": False, **told}
    return {
        "tags": TAGS,
        "code": code,
        **known.texts[l10n.language].model_dump(),
        "who_acts": WHO_ACTS[known.who_acts],
        "is_retried": known.is_retried,
        "is_blocking": known.is_blocking,
    }
