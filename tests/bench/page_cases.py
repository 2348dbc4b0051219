"""What every page is asked for in a shop of a million lines: first, deep, filtered, past, empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from api.ids import public_id
from api.pages import audit_view, log_view
from api.query_values import cursor_after
from domain.values import binding_id_of
from tests.bench.million import COPIES, STEP_HOURS, TEMPLATES, Shop, asin_at

BINDING_FILTERS = ("status", "asin", "error_code")
STRIDE = 1_777
"""Requests in turn are for bindings that lie apart."""

Query = Mapping[str, object]
Address = Callable[[int], str]


class Case(NamedTuple):
    """A page, who asks for it, and the address of the n-th request; other statuses than 200."""

    name: str
    route: str
    role: str
    address: Address
    status: int = 200


def cases(shop: Shop, head: int) -> list[Case]:
    """Every page as its seller sees it, then as staff do; `head` is the end of the log."""
    seller = {"seller_id": public_id("sel", shop.seller_id)}
    found = [case("seller", route, query) for route, query in lists(shop, head)]
    found += [*of_bindings(shop), *alone(shop)]
    routes = dict.fromkeys(route for route, _ in lists(shop, head))
    found += [case("staff", route, seller) for route in routes if route != "/tickets"]
    found += [
        case("staff", "/tickets", {"list": name}) for name in ("due", "at_risk", "breached", "all")
    ]
    found += [case("staff", route, {}) for route in STAFF_ALONE]
    name = seller["seller_id"]
    return [
        *found,
        Case("/bindings/{id}", "/bindings/{binding_id}", "staff",
             lambda n: f"/bindings/{bound(shop, n)}?{urlencode(seller)}"),
        Case("/review/{id}", "/review/{seller_id}", "staff", lambda n: f"/review/{name}"),
        Case("/tickets/{id}", "/tickets/{ticket_id}", "staff",
             lambda n: f"/tickets/{public_id('tkt', shop.ticket_id)}"),
    ]  # fmt: skip


def case(role: str, route: str, query: Query) -> Case:
    text = urlencode(query)
    shown = "&".join(name if name == "before" else f"{name}={query[name]}" for name in query)
    name = f"{route}?{shown}" if shown and "seller_id" not in query else route
    return Case(name[:90], route, role, lambda n: f"{route}?{text}" if text else route)


def lists(shop: Shop, head: int) -> list[tuple[str, Query]]:
    """Pages whose address does not name a thing."""
    return [
        ("/", {}), ("/", {"window": "30d"}),
        *(("/sync-log", each) for each in of_log(shop, head)),
        *(("/audit", each) for each in of_trail(shop, head)),
        *(("/bindings", each) for each in of_list(shop, head)),
        ("/failure-report", {}), ("/failure-report", period(4, 2, "%Y-%m-%d")),
        ("/failure-report", period(33, 33, "%Y-%m-%d")),
        ("/failure-report", {"submission_id": public_id("sub", shop.upload_id)}),
        ("/stock-alerts", {}), ("/stock-alerts", {"state": "open", "before": f"1.{head // 2}"}),
        ("/stock-alerts", {"state": "ended"}),
        ("/tickets", {}), ("/tickets", {"asin": asin_at(STRIDE)}),
        *((route, {}) for route in PLAIN),
    ]  # fmt: skip


PLAIN = (
    "/upload", "/validator", "/pricing-rules", "/settings/integration", "/onboarding", "/api-keys",
    "/webhooks", "/operations",
)  # fmt: skip
STAFF_ALONE = ("/operations", "/people", "/review", "/review/arbitrage")


def period(since_days: float, until_days: float, form: str = "%Y-%m-%dT%H:%M:%SZ") -> Query:
    """From so many days ago until so many days ago."""
    now = datetime.now(UTC)
    ends = (now - timedelta(days=each) for each in (since_days, until_days))
    return dict(zip(("from", "to"), (f"{end:{form}}" for end in ends), strict=True))


DAYS = COPIES * STEP_HOURS / 24


def of_log(shop: Shop, head: int) -> list[Query]:
    """By each filter, by some together, from the middle on, and where nothing is found."""
    asin, long_ago = {"asin": asin_at(STRIDE)}, period(DAYS + 60, DAYS + 30)
    return [
        {}, deep(shop, "/sync-log", log_view.FILTERS, {}, head // 2, 0),
        asin, {"asin": "B0NOTTHERE"}, {**asin, "outcome": "failed"}, {**asin, **period(DAYS, 1)},
        {"code": "E-901"}, {"code": "E-999"}, {"code": "E-901", **period(20, 19)},
        {"code": "E-901", **long_ago},
        deep(shop, "/sync-log", log_view.FILTERS, {"code": "E-901"}, head // 2, 0),
        {"outcome": "failed"}, {"outcome": "retrying"}, {"outcome": "ok"},
        deep(shop, "/sync-log", log_view.FILTERS, {"outcome": "failed"}, head // 4, 0),
        {"outcome": "failed", **period(20, 19)}, {"outcome": "failed", **long_ago},
        {"outcome": "failed", "code": "W-103"}, {"outcome": "ok", "code": "E-901"},
        period(20, 19), period(DAYS, 1), long_ago, {"from": period(0.1, 0)["from"]},
        {"to": period(20, 20)["to"]},
        deep(shop, "/sync-log", log_view.FILTERS, period(20, 10), head // 2 - 1000, 0),
    ]  # fmt: skip


def of_trail(shop: Shop, head: int) -> list[Query]:
    subject = {"subject": asin_at(STRIDE)}
    rare, long_ago = {"type": "submission.received"}, period(DAYS + 60, DAYS + 30)
    return [
        {}, deep(shop, "/audit", ("view", *audit_view.FILTERS), {}, head // 2),
        subject, {"subject": "B0NOTTHERE"}, {**subject, **period(DAYS, 1)},
        {"actor": "worker"}, {"actor": "nobody"}, {"actor": "worker", **period(20, 19)},
        {"actor": "bench"}, {"actor": "bench", **period(20, 19)},
        {"type": "asin_binding.listed"}, rare, {"type": "asin_binding.withdrawn"},
        {"type": "asin_binding.listed", **period(20, 19)}, {**rare, **period(20, 19)},
        {"type": "asin_binding.suspended", "actor": "key:0123456789ab"},
        {"type": "asin_binding.requested", "actor": "key:0123456789ab", **period(20, 19)},
        period(20, 19), period(DAYS, 1), long_ago, {"from": period(0.1, 0)["from"]},
        {"to": period(20, 20)["to"]}, {"actor": "worker", **long_ago},
        deep(shop, "/audit", ("view", *audit_view.FILTERS), period(20, 10), head // 2 - 1000),
        {"view": "looks"},
    ]  # fmt: skip


def of_list(shop: Shop, head: int) -> list[Query]:
    statuses = ("requested", "rejected", "mapped", "listed", "suspended", "withdrawn")
    return [
        {}, deep(shop, "/bindings", BINDING_FILTERS, {}, head // 2),
        *({"status": each} for each in statuses),
        deep(shop, "/bindings", BINDING_FILTERS, {"status": "listed"}, head // 4),
        {"asin": asin_at(STRIDE)}, {"asin": "B0NOTTHERE"}, {"error_code": "E-404"},
        {"error_code": "E-999"}, {"error_code": "E-504"},
        deep(shop, "/bindings", BINDING_FILTERS, {"error_code": "E-403"}, head // 4),
        {"status": "listed", "error_code": "E-404"}, {"status": "listed", "error_code": "E-901"},
    ]  # fmt: skip


def deep(shop: Shop, route: str, names: tuple[str, ...], query: Query, *place: int) -> Query:
    """The same list from a place far down."""
    filtered = [shop.seller_id, route, *(query.get(name) for name in names)]
    return {**query, "before": cursor_after(filtered, *place)}


def bound(shop: Shop, number: int) -> str:
    """The id of some binding, another one at each request."""
    asin = asin_at(number * STRIDE % (TEMPLATES * COPIES))
    return public_id("bnd", binding_id_of(shop.seller_id, asin))


def of_bindings(shop: Shop) -> list[Case]:
    """One binding: as it is, as it was, one that has lived long, and several at once."""
    oldest = public_id("bnd", shop.long_binding_id)
    past = urlencode({"as_of": period(20, 0)["from"]})
    views = ("", "view=diff", "view=json", "view=event", "view=event&event=2", "at_version=2")
    chosen = [public_id("bnd", shop.binding_id)]
    route = "/bindings/{binding_id}"
    return [
        *(Case(f"/bindings/{{id}}?{view}", route, "seller",
               lambda n, view=view: f"/bindings/{bound(shop, n)}?{view}") for view in views),
        Case("/bindings/{early}?as_of", route, "seller",
             lambda n: f"/bindings/{bound(shop, n % 20)}?{past}"),
        *(Case(f"/bindings/{{1,500 events}}?{view}", route, "seller",
               lambda n, view=view: f"/bindings/{oldest}?{view}") for view in views),
        Case("/bindings/change", "/bindings/change", "seller",
             lambda n: "/bindings/change?" + urlencode(
                 [("action", "withdraw"), *(("chosen", f"{bound(shop, n + at)}.13")
                                            for at in range(35))])),
        Case("/bindings/changed", "/bindings/changed", "seller", lambda n: chosen[0] and
             "/bindings/changed", 303),
        Case("/audit/reconstruct", "/audit/reconstruct", "seller",
             lambda n: f"/audit/reconstruct?subject={asin_at(n)}&{past}", 303),
    ]  # fmt: skip


def alone(shop: Shop) -> list[Case]:
    """Pages of one thing that is no binding, and those that nobody need sign in for."""
    upload, ticket = public_id("sub", shop.upload_id), public_id("tkt", shop.ticket_id)

    def plain(route: str, role: str, path: str, status: int = 200) -> Case:
        return Case(route, route, role, lambda n: path, status)

    return [
        plain("/upload/{submission_id}", "seller", f"/upload/{upload}"),
        plain("/tickets/{ticket_id}", "seller", f"/tickets/{ticket}"),
        plain("/api-keys/{key_id}/revoke", "seller", f"/api-keys/{shop.key.split('_')[2]}/revoke"),
        plain("/oauth/amazon/callback", "seller", "/oauth/amazon/callback?state=x", 409),
        plain("/sign-in", "nobody", "/sign-in"), plain("/apply", "nobody", "/apply"),
        plain("/sign-in/start", "nobody", "/sign-in/start", 502),
        plain("/sign-in/back", "nobody", "/sign-in/back", 400),
        plain("/sign-in/first", "nobody", "/sign-in/first", 403),
        plain("/docs", "nobody", "/docs"), plain("/docs/{tag}", "nobody", "/docs/bindings"),
        plain("/docs/errors", "nobody", "/docs/errors"),
        plain("/docs/errors/{code}", "nobody", "/docs/errors/E-403"),
    ]  # fmt: skip
