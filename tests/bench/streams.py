"""Streams: what two hundred open pages and followers of the feed cost the web server."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from api.ids import public_id
from domain.application import Change, acting_for
from infra.projection_engine import ProjectionEngine
from tests.bench.ground import Ground, opened_app, writer_url
from tests.bench.measurement import Measurement
from tests.bench.million import Shop, price
from tests.bench.pages import headers_for, serve_ours

STREAMS = 200
START_SECONDS_MAX = 60
MOVES = 20
MOVE_SECONDS = 0.3
IDLE_SECONDS = 5.0
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Costs(NamedTuple):
    """Memory of the server in MiB, and the share of a core it takes while nothing happens."""

    before_mib: float
    open_mib: float
    moved_mib: float
    idle_cores: float
    told: int


def stream_costs(ground: Ground, shop: Shop) -> Iterator[Measurement]:
    """More memory with the streams open, after all of them were told of something; idle work."""
    spawn = multiprocessing.get_context("spawn")
    ports = spawn.Queue()
    server = spawn.Process(target=serve_ours, args=(ground, ports))
    server.start()
    stop = Event()
    database = ground.database()
    engine = Thread(target=ProjectionEngine(database).run, args=(stop,))
    engine.start()
    try:
        port = int(ports.get(timeout=START_SECONDS_MAX))
        costs = asyncio.run(costs_of(ground, shop, port, server.pid or 0))
    finally:
        stop.set()
        engine.join()
        database.close()
        server.kill()
        server.join(5)
    more = max(costs.open_mib, costs.moved_mib) - costs.before_mib
    yield Measurement(
        "streams_200_more_mib", more, "MiB", costs.before_mib, more / costs.before_mib, 150,
        is_ratio_gated=False, is_lower_better=True,
        note=f"of which {costs.open_mib - costs.before_mib:.1f} once they are open;"
        f" {costs.told} lines and events told",
    )  # fmt: skip
    yield Measurement(
        "streams_200_idle_cores", costs.idle_cores, "cores", None, None, 0.1,
        is_ratio_gated=False, is_lower_better=True,
    )  # fmt: skip


async def costs_of(ground: Ground, shop: Shop, port: int, pid: int) -> Costs:
    headers = {path: headers_for(port, path, shop.key) for path in ("/", "/v1")}
    for path in ("/", "/sync-log"):
        await (await opened(port, path, headers["/"])).read()
    before = pss_mib(pid)
    found = [await opened(port, *each) for each in addresses(shop, headers)]
    counts = [0] * len(found)
    readers = [asyncio.create_task(count(each, counts, at)) for at, each in enumerate(found)]
    await asyncio.sleep(2)
    worked = cpu_seconds(pid)
    await asyncio.sleep(IDLE_SECONDS)
    idle = (cpu_seconds(pid) - worked) / IDLE_SECONDS
    is_open = pss_mib(pid)
    await asyncio.to_thread(move, ground, shop)
    await asyncio.sleep(2)
    assert min(counts[: 2 * STREAMS // 3]) > 0, "a stream was told nothing"
    moved = pss_mib(pid)
    for each in readers:
        each.cancel()
    return Costs(before, is_open, moved, idle, sum(counts))


def addresses(shop: Shop, headers: dict[str, dict[str, str]]) -> list[tuple[str, dict[str, str]]]:
    """Pages that show the log with its figures, followers of the feed, and open uploads."""
    upload = f"/upload/{public_id('sub', shop.upload_id)}/stream"
    feed = {**headers["/v1"], "Accept": "text/event-stream"}
    kinds = [
        ("/sync-log/stream?figures=1", headers["/"]), ("/v1/events?after=now", feed),
        (upload, headers["/"]),
    ]  # fmt: skip
    each = -(-STREAMS // len(kinds))
    return [kind for kind in kinds for _ in range(each)][:STREAMS]


async def opened(port: int, path: str, headers: dict[str, str]) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.0", f"Host: 127.0.0.1:{port}", "Accept-Language: en"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], head
    reader.writer = writer  # type: ignore[attr-defined]
    return reader


async def count(reader: asyncio.StreamReader, counts: list[int], at: int) -> None:
    """How much a stream tells."""
    while line := await reader.readline():
        counts[at] += line.startswith(b"data:")


def move(ground: Ground, shop: Shop) -> None:
    """Something happens, again and again."""
    with opened_app(writer_url(ground)) as app, acting_for(shop.seller_id):
        version = len(app.facts_of(shop.long_binding_id))
        for number in range(MOVES):
            app.record(Change(shop.long_binding_id, version + number, [price(number)]))
            time.sleep(MOVE_SECONDS)


def pss_mib(pid: int) -> float:
    """What the process holds for itself, and its share of what it holds with others."""
    found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"))
    assert found
    return int(found[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """What the process has taken of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
