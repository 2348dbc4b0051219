"""A history's evidence as a reader gets it: over HTTP, report and all, then verified offline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Event, Thread
from uuid import UUID

import httpx

from api.evidence_report.as_pdf import as_pdf
from api.evidence_report.told import report_of
from api.ids import public_id
from api.l10n import L10NS
from api.verifier.check import verify
from domain.application import Change, acting_for
from domain.error_codes import LANGUAGES
from infra.installation import Installation
from infra.projection_engine import ProjectionEngine
from infra.transparency.integrator import Integrator
from infra.transparency.signer import CheckpointSigner
from infra.web_desk import WebDesk
from tests.api.web_server import serving
from tests.bench.ground import history, prepared
from tests.bench.measurement import Measurement
from tests.bench.pages import installed

VERSIONS = 200
OTHERS = 500
ROUNDS = 5
SELLER_ID, BINDING_ID = UUID(int=7), UUID(int=77)


def evidence() -> Iterator[Measurement]:
    """A binding of 200 events in a log of 2,200; all three languages in turn."""
    with prepared() as ground:
        installation, stop = installed(ground), Event()
        fill(installation)
        engine = Thread(target=ProjectionEngine(installation.database).run, args=(stop,))
        engine.start()
        desk = WebDesk(installation, lambda: datetime.now(UTC))
        try:
            with serving(desk) as url:
                key = installation.api_keys.create("seller", SELLER_ID, "bench")[1]
                yield from asked(url, key)
            yield typeset(desk)
        finally:
            stop.set()
            engine.join()
            desk.close()


def fill(installation: Installation) -> None:
    """One long history, many short ones, all signed."""
    with acting_for(SELLER_ID):
        long = Change(BINDING_ID, 0, history(BINDING_ID, "B0BENCH001", VERSIONS))
        others = [Change(UUID(int=1_000 + n), 0, history(UUID(int=n), f"B0{n:08d}", 4))
                  for n in range(OTHERS)]  # fmt: skip
        installation.app.record(long, *others)
    seen = installation.signed_checkpoints()
    integrator = Integrator(installation.database)
    signer = CheckpointSigner(installation.database, installation.log_keys, seen)
    integrator.lead()
    signer.lead()
    while integrator.integrate():
        pass
    signer.sign_grown()
    integrator.close()
    signer.close()
    seen.close()


def asked(url: str, key: str) -> Iterator[Measurement]:
    """Median seconds of a request, and of verifying what it gave."""
    path = f"{url}/v1/bindings/{public_id('bnd', BINDING_ID)}/evidence"
    headers = {"Authorization": f"Bearer {key}"}
    spent, worked, verified, sizes = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bundle.zip"
        for number in range(ROUNDS * len(LANGUAGES) + 1):
            began, work_began = time.perf_counter(), time.process_time()
            answer = httpx.get(
                path, params={"lang": LANGUAGES[number % len(LANGUAGES)]}, headers=headers,
                timeout=60,
            )  # fmt: skip
            spent.append(time.perf_counter() - began)
            worked.append(time.process_time() - work_began)
            file.write_bytes(answer.raise_for_status().content)
            sizes.append(len(answer.content))
            began = time.perf_counter()
            verdict = verify(file)
            verified.append(time.perf_counter() - began)
            assert (verdict.fault, len(verdict.events)) == (None, VERSIONS)
    note = (
        f"slowest {max(spent[1:]):.2f} s, {max(sizes):,} B; the first, left out, {spent[0]:.2f} s"
    )
    yield gate("evidence_200_seconds", median(spent[1:]), 1, note)
    yield gate("evidence_200_cpu_seconds", median(worked[1:]), 1, "server and client, not Postgres")
    yield gate("evidence_200_verify_seconds", median(verified), 2, f"slowest {max(verified):.2f} s")


def typeset(desk: WebDesk) -> Measurement:
    """The PDF alone, in processor seconds."""
    bundle = desk.transparency.prove(SELLER_ID, BINDING_ID, None)
    facts = desk.history(SELLER_ID, BINDING_ID)
    spent = []
    for language in LANGUAGES * ROUNDS:
        report = report_of(bundle, facts, "", L10NS[language])
        began = time.process_time()
        as_pdf(report)
        spent.append(time.process_time() - began)
    return gate("evidence_200_pdf_cpu_seconds", median(spent), 0.6, "")


def gate(name: str, value: float, goal: float, note: str) -> Measurement:
    return Measurement(name, value, "s", goal, value / goal, 1, is_lower_better=True, note=note)
