"""Witnesses that run, ours and a foreign one, and a log in memory to bring to them."""

from __future__ import annotations

import atexit
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import httpx
import uvicorn

from domain.transparency import merkle
from domain.transparency.signed_note import (
    NOTE,
    Checkpoint,
    Note,
    Signer,
    Verifier,
    consistency_file,
    read_signature,
    read_vkey,
)
from domain.transparency.trust_policy import TrustPolicy, read_policy
from domain.transparency.witness import Trust
from infra.http_deadline import open_client
from infra.transparency.witness_server import CheckpointWitness, build_witness_app

ROOT = Path(__file__).parents[2]
LOG_NAME = "logs.example"
LOG_SEED = bytes([7] * 32)
FOREIGN = shutil.which("aics-witness")
START_SECONDS_MAX = 30.0
CLIENT = open_client()
atexit.register(CLIENT.close)


class MemoryLog:
    """A log of up to 256 leaves, signed by a key; two that differ in `history` are a fork."""

    def __init__(self, origin: str, history: str = "one", seed: bytes = LOG_SEED) -> None:
        self.signer = Signer(origin, seed, NOTE)
        self._leaves = [merkle.leaf_hash(f"{history} {n}".encode()) for n in range(256)]

    def read(self, level: int, first: int, count: int) -> Sequence[bytes]:
        assert level == 0
        return self._leaves[first : first + count]

    def note(self, size: int) -> Note:
        origin = self.signer.verifier.name
        text = Checkpoint(origin, size, merkle.root(size, self.read)).text
        return Note(text, [self.signer.sign(text)])

    def request(self, old_size: int, size: int) -> str:
        proof = merkle.consistency_proof(old_size, size, self.read) if old_size else []
        return consistency_file(old_size, proof, str(self.note(size)))


class RunningWitness(NamedTuple):
    """A witness that can be asked."""

    url: str
    verifier: Verifier

    def ask(self, body: str | bytes) -> httpx.Response:
        return CLIENT.post(f"{self.url}/add-checkpoint", content=body, timeout=10)

    def has_cosigned(self, answer: httpx.Response, text: str) -> bool:
        """One of the answer's lines is its own cosignature of the checkpoint."""
        lines = answer.text.splitlines()
        return any(self.verifier.has_signed(text, read_signature(line)) for line in lines)


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def started(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


@contextmanager
def our_process(folder: Path, *options: str) -> Iterator[RunningWitness]:
    """`asin-sync audit witness` as its operator starts it."""
    command = [sys.executable, "-m", "main", "audit", "witness", "--state", str(folder)]
    with started([*command, "--port", "0", "--name", "our.example/1", *options]) as process:
        assert process.stdout is not None
        vkey, ready = process.stdout.readline(), process.stdout.readline()
        yield RunningWitness(ready.split()[1], read_vkey(vkey))


@contextmanager
def foreign_process(folder: Path, origins: Sequence[str]) -> Iterator[RunningWitness]:
    """`aics-witness`, a witness of other hands."""
    assert FOREIGN is not None
    port, config = free_port(), folder / "witness.json"
    begin = [FOREIGN, "init", "--config", str(config), "--name", "foreign.example/1"]
    made = subprocess.run(
        [*begin, "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True
    )
    logs = [{"origin": each, "vkeys": [MemoryLog(each).signer.verifier.vkey]} for each in origins]
    config.write_text(json.dumps({**json.loads(config.read_text()), "logs": logs}))
    with started([FOREIGN, "serve", "--config", str(config), "--log-level", "ERROR"]):
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        yield RunningWitness(url, read_vkey(made.stdout))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(url: str) -> None:
    ends_at = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < ends_at:
        try:
            httpx.get(url, timeout=1)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


@contextmanager
def in_thread(folder: Path, name: str, trust: Trust) -> Iterator[RunningWitness]:
    """Our witness in this process."""
    witness = CheckpointWitness(folder, name, trust, now)
    config = uvicorn.Config(
        build_witness_app(witness), port=0, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield RunningWitness(f"http://127.0.0.1:{port}", read_vkey(witness.vkey))
    server.should_exit = True
    thread.join()
    witness.close()


def policy_text(witnesses: Sequence[RunningWitness], needed: int) -> str:
    """So many of these witnesses."""
    lines = [f"witness w{n} {it.verifier.vkey} {it.url}" for n, it in enumerate(witnesses)]
    names = " ".join(f"w{n}" for n in range(len(witnesses)))
    return "\n".join([*lines, f"group enough {needed} {names}", "quorum enough", ""])


def policy_of(witnesses: Sequence[RunningWitness], needed: int) -> TrustPolicy:
    return read_policy(policy_text(witnesses, needed).encode())
