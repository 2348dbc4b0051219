"""The web application: JSON routes under /v1, pages, and what operators ask; assembled once."""

from __future__ import annotations

from functools import cache, partial

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from api import problems, replays
from api.alerts import build_alerts
from api.applications import build_applications
from api.arbitrage import build_arbitrage
from api.audit_export import build_audit_export
from api.bindings import build_bindings
from api.contacts import build_contacts
from api.desk import Desk
from api.evidence import build_evidence
from api.feed import build_feed
from api.head_requests import HeadRequests
from api.idempotency import SentBodies
from api.keys import build_keys
from api.links import build_links
from api.looks import build_looks
from api.notifications import build_notifications
from api.openapi.document import document_of
from api.operations import build_operations
from api.pages.docs_words import TAGS
from api.pages.page_server import PageServer
from api.pages.routes import build_pages
from api.pricing_rules import build_pricing
from api.rate_limits import RateHeaders
from api.reports import build_reports
from api.requests import Reception, ensure_text
from api.security_headers import SecurityHeaders
from api.sellers import build_sellers
from api.submissions import build_submissions
from api.sync_state import build_sync_state
from api.tickets import build_tickets
from api.webhooks import build_webhooks

VERSION = "0.1.0"
GZIP_BYTES_MIN = 1_000
BODY_BYTES_MAX = 12 * 1024 * 1024
"""A file of evidence and its form; each route has its own, lower limit."""


def build_app(desk: Desk) -> FastAPI:
    """Everything the web server serves."""
    app = FastAPI(
        title="asin-sync",
        version=VERSION,
        description="Binds Amazon.co.jp ASINs to Mercari listings and proves what happened.",
        servers=[{"url": "/", "description": "The installation that this document came from."}],
        contact={"name": "The operator of this installation"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=[{"name": tag, "description": words} for tag, words in TAGS.items()],
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        max_body_size=BODY_BYTES_MAX,
    )
    pages = PageServer(desk)
    reception = Reception(desk, pages.sessions, pages.looks)
    app.include_router(build_pages(pages))
    for routes in (
        build_submissions, build_bindings, build_reports, build_sellers, build_links, build_pricing,
        build_notifications, build_alerts, build_contacts, build_feed, build_webhooks,
        build_sync_state, build_applications, build_arbitrage, build_looks, build_tickets,
        build_keys, build_evidence, build_audit_export,
    ):  # fmt: skip
        app.include_router(routes(reception), prefix="/v1", dependencies=[Depends(ensure_text)])
    app.include_router(build_operations(desk))
    app.add_middleware(problems.Unexpected)
    app.add_middleware(HeadRequests)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN)
    app.add_middleware(SecurityHeaders, image_origins=desk.image_origins)
    app.add_middleware(SentBodies)
    app.add_middleware(RateHeaders)
    problems.install(app, pages.problem_page)
    replays.install(app)
    app.openapi = cache(partial(document_of, app))  # type: ignore[method-assign]
    return app
