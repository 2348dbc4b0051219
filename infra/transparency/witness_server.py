"""A small witness: cosigns a log's checkpoint once it is shown to go on from the last it cosigned.

c2sp.org/tlog-witness over HTTP. Its folder has its name, its key, the last checkpoint of each log,
and the refused requests that a log's own key had signed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.ports import Clock
from domain.transparency.signed_note import (
    COSIGNATURE,
    NOTE,
    NoteRefused,
    Signer,
    Verifier,
    read_vkey,
)
from domain.transparency.witness import (
    AnotherSize,
    Brought,
    Forked,
    Malformed,
    NotGrown,
    NotSignedByLog,
    Trust,
    UnknownLog,
    ensure_grown,
    ensure_trusted,
    read_request,
)
from infra.roles import write_private
from infra.transparency.seen_checkpoints import SeenCheckpoints
from infra.vault import KEY_BYTES
from infra.web_server import serve_app

BODY_BYTES_MAX = 65_536
BODY_SECONDS_MAX = 10.0
REFUSED_FILES_MAX = 1_000
SIZE_TYPE = "text/x.tlog.size"
STATUS = {Malformed: 400, NotSignedByLog: 403, UnknownLog: 404, Forked: 409, NotGrown: 422}
REFUSALS = tuple(STATUS)
log = logging.getLogger(__name__)


class NotThisWitness(Exception):
    """Its name, its folder or a key it should trust can't be used; the message says what to do."""


class CheckpointWitness:
    """One key, and the memory of what it cosigned. Other processes may share the folder."""

    def __init__(self, folder: Path, name: str, trust: Trust, clock: Clock) -> None:
        self._signer, self._seen = opened(folder, name)
        self._refused = folder / "refused"
        self._refused.mkdir(mode=0o700, exist_ok=True)
        self._trust = trust
        self._clock = clock
        self._lock = Lock()

    @property
    def vkey(self) -> str:
        return self._signer.verifier.vkey

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature as a line. Raises what `ensure_trusted` and `ensure_grown` raise."""
        brought = read_request(body)
        ensure_trusted(brought, self._trust)
        try:
            return self._cosigned(brought)
        except (Forked, NotGrown) as refusal:
            self._keep_refused(brought, body)
            log.error(  # noqa: TRY400
                "not cosigned, %s leaves of %s: %s. Ask its operator; see %s",
                brought.checkpoint.size, brought.checkpoint.origin, refusal, self._refused,
            )  # fmt: skip
            raise

    def _cosigned(self, brought: Brought) -> str:
        """Compare with what was cosigned last and put this in its place: alone, and on disk."""
        with self._lock, self._seen.alone():
            ensure_grown(brought, self._seen.last(brought.checkpoint.origin))
            self._seen.remember([brought.note])
            return self._signer.cosign(brought.note.text, int(self._clock().timestamp())).line

    def _keep_refused(self, brought: Brought, body: bytes) -> None:
        """One file a checkpoint, whoever sends it again; beyond the most, the oldest give way."""
        digest = hashlib.sha256(brought.note.text.encode()).hexdigest()
        with self._lock:
            before = self._seen.note(brought.checkpoint.origin) or "nothing\n"
            content = f"Cosigned before:\n\n{before}\nRefused:\n\n".encode() + body
            write_private(self._refused / f"{digest}.txt", content)
            kept = sorted(self._refused.glob("*.txt"), key=lambda file: file.stat().st_mtime_ns)
            for file in kept[:-REFUSED_FILES_MAX]:
                file.unlink()

    def close(self) -> None:
        self._seen.close()


def opened(folder: Path, name: str) -> tuple[Signer, SeenCheckpoints]:
    """Key and memory, made at the first start. Raises NotThisWitness.

    A witness that lost its memory would cosign any history, and with a new key it is another.
    """
    memory, key = folder / "cosigned.sqlite", folder / "key"
    if memory.exists() != key.exists():
        lost = key if memory.exists() else memory
        raise NotThisWitness(f"{lost} is lost: put it back, or start anew with another --state")
    if not key.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / "name", name.encode())
        write_private(key, secrets.token_bytes(KEY_BYTES))
    known = (folder / "name").read_text("utf-8")
    if known != name:
        raise NotThisWitness(
            f"{folder} is the witness {known}: give that --name, or another --state"
        )
    return Signer(name, key.read_bytes(), COSIGNATURE), SeenCheckpoints(memory)


def build_witness_app(witness: CheckpointWitness) -> Starlette:
    async def add_checkpoint(request: Request) -> Response:
        try:
            body = await bounded_body(request)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("the request did not come in time\n", 408)
        if body is None:
            return PlainTextResponse(f"more than {BODY_BYTES_MAX} bytes\n", 413)
        return await run_in_threadpool(answer, witness, body)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])


async def bounded_body(request: Request) -> bytes | None:
    """All of it within the time; None where it is too large."""
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS_MAX):
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                return None
    return bytes(body)


def answer(witness: CheckpointWitness, body: bytes) -> Response:
    """The status and text that tlog-witness wants."""
    try:
        return PlainTextResponse(witness.add_checkpoint(body))
    except AnotherSize as conflict:
        return Response(f"{conflict.size}\n", 409, media_type=SIZE_TYPE)
    except REFUSALS as refusal:
        return PlainTextResponse(f"{refusal}\n", STATUS[type(refusal)])


def run_witness(
    folder: Path,
    name: str,
    logs: Sequence[str],
    installations: Sequence[str],
    address: tuple[str, int],
    clock: Clock,
) -> None:
    """Serve until SIGINT or SIGTERM; its vkey and address are told on stdout.

    Raises NotThisWitness.
    """
    if not name.isprintable() or " " in name or "+" in name or not name:
        raise NotThisWitness(f"{name!r} is no name of a key: no space and no + is in one")
    trust = Trust(log_keys(logs, "--log"), log_keys(installations, "--installation"))
    if not logs and not installations:
        raise NotThisWitness("no log is watched: give --log or --installation and a vkey")
    witness = CheckpointWitness(folder, name, trust, clock)
    host, port = address

    def tell_ready(port: int) -> None:
        print(f"{witness.vkey}\nready http://{host}:{port}", flush=True)

    serve_app(build_witness_app(witness), host, port, on_ready=tell_ready, on_stop=lambda: None)
    witness.close()


def log_keys(vkeys: Sequence[str], option: str) -> list[Verifier]:
    """Raises NotThisWitness."""
    try:
        keys = [read_vkey(vkey) for vkey in vkeys]
    except NoteRefused as error:
        raise NotThisWitness(f"{option}: {error}") from None
    if strange := [key.name for key in keys if key.kind != NOTE]:
        raise NotThisWitness(f"{option}: {strange[0]} is a witness's key, not a log's")
    return keys
