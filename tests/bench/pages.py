"""Pages: requests a second of our routes, each against a bare route that returns the same bytes."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI, Request, Response

from api.app import build_app
from domain.values import seller_id_of
from infra.installation import Installation, opened
from infra.projection_engine import ProjectionEngine
from infra.settings import Settings
from infra.web_desk import WebDesk
from infra.web_server import serve_app
from tests.api.page_data import listed_binding
from tests.bench.ground import Ground, prepared
from tests.bench.measurement import Measurement

BINDINGS = 30
CONNECTIONS = 16
ROUNDS = 3
ROUND_SECONDS = 1.0
START_SECONDS_MAX = 20


def pages() -> Iterator[Measurement]:
    """Three routes in turn, a load generator in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with prepared() as ground:
        key, binding_id = fill(ground)
        ports, loads = spawn.Queue(), spawn.Pool(1)
        server = spawn.Process(target=serve_ours, args=(ground, ports))
        server.start()
        paths = (f"/bindings/{binding_id}", "/", "/v1/health-score")
        bare = None
        try:
            ours = int(ports.get(timeout=START_SECONDS_MAX))
            headers = {path: headers_for(ours, path, key) for path in paths}
            bodies = {path: body_of(ours, path, headers[path]) for path in paths}
            bare = spawn.Process(target=serve_bare, args=(bodies, ports))
            bare.start()
            theirs = int(ports.get(timeout=START_SECONDS_MAX))
            for path in paths:
                rates = rates_of(loads, (ours, theirs), path, headers[path])
                yield measured(path.replace(binding_id, "{id}"), rates)
        finally:
            loads.terminate()
            for process in (server, bare):
                if process is not None:
                    process.kill()
                    process.join(5)


def measured(path: str, rates: list[tuple[float, float]]) -> Measurement:
    return Measurement(
        "page_vs_bare_route", median(a for a, _ in rates), f"requests/s {path}",
        median(b for _, b in rates), median(a / b for a, b in rates), 0.4,
    )  # fmt: skip


def rates_of(
    loads: Any, ports: tuple[int, int], path: str, headers: dict[str, str]
) -> list[tuple[float, float]]:
    """Requests a second of ours and of the bare route, in turn; a first round only warms up."""
    rounds = []
    for _ in range(ROUNDS + 1):
        ours, theirs = (loads.apply(load, (port, path, headers)) for port in ports)
        rounds.append((ours, theirs))
    return rounds[1:]


def installed(ground: Ground) -> Installation:
    folder = ground.folder / "sandbox"
    folder.mkdir(exist_ok=True)
    (folder / "url").write_text("http://127.0.0.1:1", "utf-8")
    return opened(Settings(data=str(ground.folder)), ground.urls)


def fill(ground: Ground) -> tuple[str, str]:
    """A seller with listed bindings, all in the views; its key, and a binding's public id."""
    installation, stop = installed(ground), Event()
    engine = Thread(target=ProjectionEngine(installation.database).run, args=(stop,))
    engine.start()
    desk = WebDesk(installation, lambda: datetime.now(UTC))
    try:
        seller_id = seller_id_of("A1BENCHSELLER")
        for number in range(BINDINGS):
            binding_id = listed_binding(cast(Any, desk), seller_id, f"B0{number:08d}")
        return installation.api_keys.create("seller", seller_id, "bench")[1], binding_id
    finally:
        stop.set()
        engine.join()
        desk.close()


def serve_ours(ground: Ground, ports: Any) -> None:
    """The web server as `serve` runs it."""
    desk = WebDesk(installed(ground), lambda: datetime.now(UTC))
    serve_app(build_app(desk), "127.0.0.1", 0, on_ready=ports.put, on_stop=desk.stop)


def serve_bare(bodies: dict[str, tuple[str, bytes]], ports: Any) -> None:
    """The same server with routes that do nothing but return the bytes."""
    app = FastAPI()
    for path, (media_type, content) in bodies.items():
        add_bare(app, path, media_type, content)
    serve_app(app, "127.0.0.1", 0, on_ready=ports.put, on_stop=SimpleNamespace)


def add_bare(app: FastAPI, path: str, media_type: str, content: bytes) -> None:
    @app.get(path)
    async def bare(request: Request) -> Response:
        return Response(content, media_type=media_type)


def headers_for(port: int, path: str, key: str) -> dict[str, str]:
    """A browser's session for pages, the key for /v1."""
    if path.startswith("/v1"):
        return {"Authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{port}"
    answer = httpx.post(f"{base}/sign-in", data={"key": key}, headers={"Origin": base})
    assert answer.status_code == 303, answer.text
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}


def body_of(port: int, path: str, headers: dict[str, str]) -> tuple[str, bytes]:
    sent = headers | {"Accept-Encoding": "identity"}
    answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=sent)
    assert answer.status_code == 200, answer.text
    return answer.headers["content-type"], answer.content


def load(port: int, path: str, headers: dict[str, str]) -> float:
    """Requests a second over a few connections that are kept; every answer must be a 200."""
    return asyncio.run(load_all(port, path, headers))


async def load_all(port: int, path: str, headers: dict[str, str]) -> float:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    ends_at = time.monotonic() + ROUND_SECONDS
    each = [ask_until(ends_at, port, request) for _ in range(CONNECTIONS)]
    return sum(await asyncio.gather(*each)) / ROUND_SECONDS


async def ask_until(ends_at: float, port: int, request: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    while time.monotonic() < ends_at:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
        await reader.readexactly(int(length))
        done += 1
    writer.close()
    return done
