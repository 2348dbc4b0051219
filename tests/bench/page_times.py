"""Page times: how long the server takes for every page of a shop with a million lines of log.

The server says itself how long each answer took, by the clock and by its own processor, how long
it waited for Postgres, and how many queries it made. No page is answered from the cache of pages.
"""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx
import psycopg
from fastapi.routing import APIRoute
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app import build_app
from api.ids import public_id
from api.pages.page_server import PageServer
from api.pages.routes import build_pages
from infra.migrate import FIRST_CELL
from infra.web_desk import WebDesk
from infra.web_server import serve_app
from tests.bench.ground import Ground, prepared
from tests.bench.measurement import Measurement
from tests.bench.million import Shop, filled
from tests.bench.page_cases import Case, cases
from tests.bench.pages import headers_for, installed
from tests.bench.streams import stream_costs

ROUNDS = 55
"""Each page so many times; the first five warm up."""
WARMING = 5
START_SECONDS_MAX = 60
GATE_MS = 50.0
NOT_PAGES = (
    "/static/{digest}/{name}", "/sync-log/stream", "/upload/{submission_id}/stream",
    "/audit/export.csv", "/audit/export.jsonl", "/audit/export.parquet",
)  # fmt: skip
"""Files that never change, streams, and downloads of any length."""
TIMING = re.compile(r"(\w+);dur=([\d.]+)")


class Timed(NamedTuple):
    """One page: milliseconds by the clock, of our processor and waiting for Postgres; queries."""

    case: Case
    p50: float
    p95: float
    cpu: float
    database: float
    queries: int


class Counted:
    """How many queries this process has made, and how long they took."""

    queries = 0
    seconds = 0.0


class Timing:
    """Tells in `Server-Timing` what an answer took; requests come one at a time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, cpu = time.perf_counter(), time.process_time()
        queries, waited = Counted.queries, Counted.seconds

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {
                    "all": time.perf_counter() - began, "cpu": time.process_time() - cpu,
                    "db": Counted.seconds - waited, "queries": (Counted.queries - queries) / 1e3,
                }  # fmt: skip
                text = ", ".join(f"{name};dur={each * 1e3:.3f}" for name, each in told.items())
                message["headers"] = [*message["headers"], (b"server-timing", text.encode())]
            await send(message)

        await self._app(scope, receive, telling)


def count_queries() -> None:
    """From here on, this process counts what it asks Postgres."""
    execute = psycopg.Cursor.execute

    def counted(self: Any, *given: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(self, *given, **options)
        finally:
            Counted.queries += 1
            Counted.seconds += time.perf_counter() - began

    psycopg.Cursor.execute = counted  # type: ignore[method-assign]


def serve_timed(ground: Ground, ports: Any) -> None:
    """The web server as `serve` runs it, telling what its answers take."""
    count_queries()
    desk = WebDesk(installed(ground), lambda: datetime.now(UTC))
    serve_app(Timing(build_app(desk)), "127.0.0.1", 0, on_ready=ports.put, on_stop=desk.stop)


def page_times() -> Iterator[Measurement]:
    """Every page against the gate, beside the least that any takes; then what streams cost."""
    with prepared() as ground:
        installation = installed(ground)
        shop = filled(installation, ground.admin_url)
        installation.close()
        timed = times_of(ground, shop)
        show_times(timed)
        yield from measured(timed)
        yield from stream_costs(ground, shop)


def measured(timed: Sequence[Timed]) -> Iterator[Measurement]:
    least = min(each.p95 for each in timed)
    for each in timed:
        yield Measurement(
            "page_p95_ms_at_million", each.p95, f"ms {each.case.role} {each.case.name}", least,
            each.p95 / least, GATE_MS, is_ratio_gated=False, is_lower_better=True,
        )  # fmt: skip


def times_of(ground: Ground, shop: Shop, wanted: str = "") -> list[Timed]:
    """Each page in turn, from one client."""
    spawn = multiprocessing.get_context("spawn")
    ports = spawn.Queue()
    server = spawn.Process(target=serve_timed, args=(ground, ports))
    server.start()
    try:
        port = int(ports.get(timeout=START_SECONDS_MAX))
        clients = clients_for(port, shop)
        asked = cases(shop, head_of(ground))
        ensure_every_page(ground, asked)
        return [timed(clients[each.role], each) for each in asked if wanted in each.name]
    finally:
        server.kill()
        server.join(5)


def clients_for(port: int, shop: Shop) -> dict[str, httpx.Client]:
    """A browser for each role; staff say why they look."""
    url = f"http://127.0.0.1:{port}"
    keys = {"seller": shop.key, "staff": shop.staff_key}
    found = {"nobody": httpx.Client(base_url=url)}
    for role, key in keys.items():
        found[role] = httpx.Client(base_url=url, headers=headers_for(port, "/", key), timeout=60)
    why = {"seller_id": public_id("sel", shop.seller_id), "reason": "how long pages take"}
    assert found["staff"].get("/", params=why).status_code == 303
    return found


def head_of(ground: Ground) -> int:
    with psycopg.connect(ground.admin_url) as admin:
        row = admin.execute(
            f"SELECT max(notification_id) FROM {FIRST_CELL}.asin_sync_events"
        ).fetchone()
    return int(row[0]) if row else 0


def ensure_every_page(ground: Ground, asked: Sequence[Case]) -> None:
    """A page that is not asked for is a page that nobody measures."""
    desk = WebDesk(installed(ground), lambda: datetime.now(UTC))
    pages = {
        route.path for route in build_pages(PageServer(desk)).routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    }  # fmt: skip
    desk.close()
    missing = pages - {each.route for each in asked} - {*NOT_PAGES}
    assert not missing, f"no case for {sorted(missing)}"


def timed(client: httpx.Client, case: Case) -> Timed:
    """Ask again and again, each time by another address, so that no kept page answers."""
    found = []
    for number in range(ROUNDS):
        address = case.address(number)
        marked = f"{address}{'&' if '?' in address else '?'}n={number}"
        with client.stream("GET", marked, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status_code == case.status, (marked, answer.status_code)
            told = dict(TIMING.findall(answer.headers["server-timing"]))
        found.append({name: float(text) for name, text in told.items()})
    kept = found[WARMING:]
    by_clock = [each["all"] for each in kept]
    return Timed(
        case, median(by_clock), quantiles(by_clock, n=20)[18],
        sum(each["cpu"] for each in kept) / len(kept), median(each["db"] for each in kept),
        round(median(each["queries"] for each in kept)),
    )  # fmt: skip


def show_times(timed: Sequence[Timed]) -> None:
    """The slowest first."""
    table = Table("page", "as", "p50", "p95", "cpu", "Postgres", "queries", title="ms a page")
    for each in sorted(timed, key=lambda it: -it.p95):
        figures = (each.p50, each.p95, each.cpu, each.database)
        table.add_row(
            each.case.name, each.case.role, *(f"{figure:.1f}" for figure in figures),
            str(each.queries),
        )  # fmt: skip
    Console(width=140).print(table)
