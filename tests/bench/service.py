"""The service as a user starts it: memory, the 500-row upload, and the calls it took."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

import httpx

from domain.reading import FBA_BATCH, OFFERS_BATCH
from infra.demo import SELLER_NAME
from infra.installation import connect
from infra.sandbox.goods import asin_of, product_of
from infra.sandbox.sample import csv_of, row_of
from infra.settings import Settings
from tests.bench.measurement import Measurement
from tests.faults.running_service import RunningService

ROWS = 500
CALLS_PER_LISTING = 4
"""One create, one open, two look-ups."""
UPLOAD_SECONDS_MAX = 150
UPLOAD_WITH_IMAGES_SECONDS_MAX = 900
POLL_SECONDS = 0.5
COUNTED_SECONDS = 1.5
"""The worker writes its counts of calls once a second."""

# Bindings whose product, as judged, is fulfilled by Amazon.
FBA_COUNT = """
    SELECT count(DISTINCT originator_id) FROM asin_sync_events
    WHERE topic IN ('asin_binding.validated', 'asin_binding.rejected')
      AND convert_from(state, 'UTF8')::jsonb -> 'product' ->> 'channel' = 'fba'
"""


def demonstration() -> Iterator[Measurement]:
    """One run of `serve --demo` until its upload has finished."""
    with tempfile.TemporaryDirectory(prefix="asin-sync-bench-") as folder:
        service = RunningService(Path(folder))
        try:
            service.start()
            upload, rss_mib = watched(service)
            time.sleep(COUNTED_SECONDS)
            calls = service.get("/upstream-calls")
            least = least_calls(service, upload)
        finally:
            service.remove()
    yield Measurement(
        "rss_mib", rss_mib, "MiB", None, None, 400, is_ratio_gated=False, is_lower_better=True,
        note="the most that serve, worker and sandbox held together, without Postgres",
    )  # fmt: skip
    begun, ended = (datetime.fromisoformat(upload[name]) for name in ("received_at", "finished_at"))
    yield Measurement(
        "upload_500_seconds", (ended - begun).total_seconds(), "s", None, None, 90,
        is_ratio_gated=False, is_lower_better=True, note=f"fates {upload['counts']}",
    )  # fmt: skip
    yield Measurement(
        "upstream_calls_vs_least", calls["total"], "calls", least, calls["total"] / least, 1.1,
        is_lower_better=True, note=f"{calls['calls']}",
    )  # fmt: skip


def new_images() -> Iterator[Measurement]:
    """The demonstration, and then 500 rows whose main images nobody has seen before."""
    with tempfile.TemporaryDirectory(prefix="asin-sync-bench-") as folder:
        service = RunningService(Path(folder), with_images=True)
        try:
            service.start()
            watched(service, UPLOAD_WITH_IMAGES_SECONDS_MAX)
            sandbox = (service.data / "sandbox" / "url").read_text("utf-8")
            move(sandbox, "catalogue", seller=SELLER_NAME, product_count=2 * ROWS)
            for number in range(ROWS, 2 * ROWS):
                flaw = product_of(number).image_flaw or "none"
                move(sandbox, "image", asin=asin_of(number), flaw=flaw)
            upload, first_seconds = sent(service)
        finally:
            service.remove()
    begun, ended = (datetime.fromisoformat(upload[name]) for name in ("received_at", "finished_at"))
    yield Measurement(
        "upload_500_new_images_seconds", (ended - begun).total_seconds(), "s", None, None, 360,
        is_ratio_gated=False, is_lower_better=True,
        note=f"first row after {first_seconds:.1f} s; fates {upload['counts']}",
    )  # fmt: skip


def move(sandbox: str, path: str, **fields: Any) -> None:
    httpx.post(f"{sandbox}/_sandbox/{path}", json=fields, timeout=30).raise_for_status()


def sent(service: RunningService) -> tuple[dict[str, Any], float]:
    """The finished upload of the next 500 products, and when its first row came to its fate."""
    content = csv_of(row_of(SELLER_NAME, number) for number in range(ROWS, 2 * ROWS))
    started_at = time.monotonic()
    accepted = httpx.post(
        f"{service.url}/v1/submissions", files={"file": ("new.csv", content)}, timeout=30,
        headers={"Authorization": f"Bearer {service.key}"},
    ).json()  # fmt: skip
    first_seconds = 0.0
    while time.monotonic() - started_at < UPLOAD_WITH_IMAGES_SECONDS_MAX:
        time.sleep(POLL_SECONDS)
        upload = service.get(f"/submissions/{accepted['id']}")
        if upload and upload["settled_count"] and not first_seconds:
            first_seconds = time.monotonic() - started_at
        if upload and upload["status"] == "finished":
            return upload, first_seconds
    raise TimeoutError(f"the upload did not finish in {UPLOAD_WITH_IMAGES_SECONDS_MAX} s")


def watched(
    service: RunningService, seconds_max: float = UPLOAD_SECONDS_MAX
) -> tuple[dict[str, Any], float]:
    """The finished upload, and the most memory seen meanwhile. Raises TimeoutError."""
    ends_at, most = time.monotonic() + seconds_max, 0.0
    while time.monotonic() < ends_at:
        time.sleep(POLL_SECONDS)
        most = max(most, rss_mib_of(service))
        uploads = service.get("/submissions")
        for upload in uploads["items"] if uploads else ():
            if upload["status"] == "finished":
                return upload, most
    raise TimeoutError(f"the upload did not finish in {seconds_max:g} s")


def rss_mib_of(service: RunningService) -> float:
    """Resident memory of the server and its two children; pages they share count each time."""
    children = [service.child("worker"), service.child("sandbox")]
    pids = [service.process.pid, *(child for child in children if child is not None)]
    texts = [Path(f"/proc/{pid}/status").read_text("utf-8") for pid in pids]
    return sum(int(kib) for text in texts for kib in re.findall(r"VmRSS:\s+(\d+)", text)) / 1024


def least_calls(service: RunningService, upload: dict[str, Any]) -> int:
    """What the upload needs at least, by the batches that the upstreams take."""
    installation = connect(Settings(data=str(service.data)))
    try:
        with installation.database.pool("projector").connection() as connection:
            row = connection.execute(FBA_COUNT).fetchone()
    finally:
        installation.close()
    fba_count = int(row[0]) if row else 0
    listed = int(upload["counts"].get("listed", 0))
    reads = 2 * ceil(ROWS / OFFERS_BATCH) + ceil(fba_count / FBA_BATCH)
    return reads + CALLS_PER_LISTING * listed
