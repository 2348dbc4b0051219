"""The whole service as a user starts it, with a data folder of its own, to be killed in tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from infra.embedded_postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "main", "serve", "--demo")
START_SECONDS_MAX = 60.0
REQUEST_SECONDS_MAX = 5.0
POLL_SECONDS = 0.1


def wait_until(condition: Callable[[], bool], seconds_max: float, what: str) -> None:
    """Fails, saying what, when it does not come true in time."""
    ends_at = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < ends_at, f"not within {seconds_max:g} s: {what}"
        time.sleep(POLL_SECONDS)


class RunningService:
    """`serve --demo` as a process; `url` and `key` are what its ready line says."""

    url: str
    key: str
    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path, *, with_images: bool = False) -> None:
        self._images = "yes" if with_images else "no"
        self.data = folder / "data"
        self.output = folder / "output.txt"
        self.progress = folder / "progress.txt"
        self.postgres = EmbeddedPostgres(self.data / "postgres")

    def start(self) -> None:
        """Start it and wait for the ready line."""
        self.output.write_bytes(b"")
        with self.output.open("wb") as output, self.progress.open("ab") as progress:
            self.process = subprocess.Popen(
                COMMAND, cwd=ROOT, env=self._environment(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=progress,
            )  # fmt: skip
        wait_until(self._is_ready, START_SECONDS_MAX, "the ready line")
        _, self.url, _, key = self.output.read_text("utf-8").split()
        self.key = key.removeprefix("key=")

    def second_start(self) -> str:
        """What another `serve` on the same data says before it gives up."""
        ran = subprocess.run(
            COMMAND, cwd=ROOT, env=self._environment(), capture_output=True, text=True,
            check=False, timeout=START_SECONDS_MAX,
        )  # fmt: skip
        assert ran.returncode == 1
        return ran.stderr

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        return {
            **kept, "ASIN_SYNC_DATA": str(self.data), "ASIN_SYNC_PORT": "0", "IMAGES": self._images,
        }  # fmt: skip

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.progress.read_text("utf-8")
        return self.output.read_text("utf-8").endswith("\n")

    def get(self, path: str) -> Any:
        """The JSON answer; None while the service can't give one."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.url}/v1{path}", headers=headers, timeout=REQUEST_SECONDS_MAX)
            return answer.json() if answer.status_code == 200 else None

    def settled_count(self) -> int:
        """How many rows of the demonstration's upload have their fate."""
        uploads = self.get("/submissions")
        return uploads["items"][0]["settled_count"] if uploads and uploads["items"] else 0

    def child(self, name: str) -> int | None:
        """The process id of `worker` or `sandbox`; None while there is none."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = int((folder / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_text("utf-8").split("\0")
                if parent == self.process.pid and words[1:4] == ["-m", "main", name]:
                    return int(folder.name)
        return None

    def kill_worker(self) -> None:
        found = self.child("worker")
        assert found is not None
        os.kill(found, signal.SIGKILL)

    def kill_postgres(self) -> None:
        """The postmaster, which takes no leave of its backends."""
        pid_file = self.postgres.home / "cluster" / "postmaster.pid"
        os.kill(int(pid_file.read_text("utf-8").split()[0]), signal.SIGKILL)

    def kill_everything(self) -> None:
        """Postgres, then the program; worker and sandbox have to die with it."""
        children = [self.child("worker"), self.child("sandbox")]
        self.kill_postgres()
        self.process.kill()
        self.process.wait(START_SECONDS_MAX)
        wait_until(lambda: not any(map(is_alive, children)), 5, "the children die with it")

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def remove(self) -> None:
        """End whatever still runs and delete the data."""
        process = getattr(self, "process", None)
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait(5)
        self.postgres.stop()
        shutil.rmtree(self.postgres.home, ignore_errors=True)


def is_alive(process_id: int | None) -> bool:
    """False for one that is dead and only waits to be collected."""
    if process_id is None:
        return False
    with suppress(OSError):
        stat = Path(f"/proc/{process_id}/stat").read_text("utf-8")
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False
