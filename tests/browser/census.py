"""Every page there is: its addresses, who may open them, and in which state they are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.browser.stage import STAFF

SELLER = ("seller",)
ALL = (*SELLER, *STAFF)
REVIEWERS = ("reviewer", "admin")
OPERATORS = ("support", "admin")
NOBODY = ("nobody",)


class Sight(NamedTuple):
    """One thing to look at. `{names}` are of the stage; staff name the seller where they must."""

    address: str
    roles: Sequence[str] = ALL
    status: int = 200
    is_past: bool = False
    is_of_one_seller: bool = True


def across(address: str, roles: Sequence[str] = STAFF, status: int = 200) -> Sight:
    """A page on which no seller is named."""
    return Sight(address, roles, status, is_of_one_seller=False)


NOT_PAGES = {
    "/static/{digest}/{name}", "/sync-log/stream", "/upload/{submission_id}/stream",
    "/audit/reconstruct", "/audit/export.csv", "/audit/export.jsonl", "/audit/export.parquet",
    "/bindings/changed",
    "/openapi.json", "/sign-in/start",
}  # fmt: skip
"""Files, streams, and ways on to a page."""
CENSUS: Mapping[str, Sequence[Sight]] = {
    "/": (Sight("/"), Sight("/?window=30d", SELLER), across("/")),
    "/sync-log": (
        Sight("/sync-log"), Sight("/sync-log?code=E-403", SELLER),
        Sight("/sync-log?from=2026-01-01T00:00&to=2026-01-02T00:00", SELLER),
    ),
    "/failure-report": (
        Sight("/failure-report"), Sight("/failure-report?submission_id={upload}", SELLER),
    ),
    "/stock-alerts": (Sight("/stock-alerts"),),
    "/bindings": (
        Sight("/bindings"), Sight("/bindings?error_code=E-403", SELLER),
        Sight("/bindings?asin=B0NOTHERE1", SELLER),
    ),
    "/bindings/{binding_id}": (
        Sight("/bindings/{binding}"), Sight("/bindings/{rejected}", SELLER),
        Sight("/bindings/{binding}?at_version=3", is_past=True),
        Sight("/bindings/{binding}?view=diff&from=1&to=5", SELLER),
        Sight("/bindings/{binding}?view=json", SELLER),
        Sight("/bindings/{binding}?view=event&event=5", SELLER),
    ),
    "/bindings/change": (
        Sight("/bindings/change?chosen={version}&action=withdraw", SELLER),
        across("/bindings/change", SELLER, 400),
    ),
    "/upload": (Sight("/upload"),),
    "/upload/{submission_id}": (
        Sight("/upload/{upload}"), Sight("/upload/{open_upload}", SELLER),
    ),
    "/validator": (Sight("/validator"),),
    "/audit": (Sight("/audit"), Sight("/audit?view=looks", SELLER)),
    "/pricing-rules": (Sight("/pricing-rules"),),
    "/webhooks": (Sight("/webhooks"),),
    "/api-keys": (Sight("/api-keys"),),
    "/api-keys/{key_id}/revoke": (Sight("/api-keys/{key}/revoke", SELLER),),
    "/tickets": (
        across("/tickets", ALL), Sight("/tickets?asin=B0FAILED01", SELLER),
        across("/tickets?list=breached", ("support",)),
    ),
    "/tickets/{ticket_id}": (across("/tickets/{ticket}", ALL),),
    "/review": (across("/review"),),
    "/review/{seller_id}": (across("/review/{newcomer}"),),
    "/review/arbitrage": (across("/review/arbitrage", REVIEWERS),),
    "/settings/integration": (Sight("/settings/integration"),),
    "/oauth/amazon/callback": (across("/oauth/amazon/callback?state=x", ALL, 409),),
    "/operations": (Sight("/operations"), across("/operations", OPERATORS)),
    "/onboarding": (Sight("/onboarding"),),
    "/sign-in": (across("/sign-in", NOBODY), across("/sign-in?next=/upload&sent=no", NOBODY)),
    "/sign-in/back": (across("/sign-in/back?state=x", NOBODY, 400),),
    "/sign-in/first": (across("/sign-in/first", NOBODY, 403),),
    "/people": (across("/people", ("admin",)),),
    "/apply": (across("/apply", NOBODY),),
    "/docs": (across("/docs", NOBODY),),
    "/docs/errors": (across("/docs/errors", NOBODY),),
    "/docs/errors/{code}": (
        across("/docs/errors/E-403", NOBODY), across("/docs/errors/not-found", NOBODY),
    ),
    "/docs/{tag}": (across("/docs/bindings", NOBODY), across("/docs/sellers", NOBODY)),
}  # fmt: skip
EMPTY = (
    "/", "/sync-log", "/failure-report", "/stock-alerts", "/bindings", "/upload", "/validator",
    "/audit", "/pricing-rules", "/webhooks", "/api-keys", "/tickets", "/settings/integration",
    "/operations", "/onboarding",
)  # fmt: skip
"""What a newcomer sees, who has nothing yet."""
PROBLEMS = (
    across("/bindings/bnd_1_00000000000000000000000000000000", SELLER, 404),
    across("/sync-log?from=yesterday", SELLER, 400),
    across("/review", SELLER, 403),
    across("/operations", ("auditor",), 403),
    across("/bindings?seller_id={seller}0", ("support",), 404),
)
