"""Keeps child processes alive: starts them, starts the dead again, and ends all of them together.

A child learns of nothing here: it needs only to end on SIGTERM. Whether it works is not looked at.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

RESTART_SECONDS_FIRST = 0.2
RESTART_SECONDS_MAX = 10.0
ALIVE_SECONDS_TO_TRUST = 60.0
POLL_SECONDS = 0.05

# The child asks the kernel to be killed when its starter dies, then becomes the real program. It
# needs no help from that program, and no code of ours runs between fork and exec, where threads
# are dangerous. A starter that was gone before the request was made shows as another parent.
_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Child(NamedTuple):
    """A program to keep alive; `env` is its whole environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]


class KeptChild:
    """One child over its successive processes."""

    def __init__(self, child: Child, on_event: Callable[[str], None]) -> None:
        self.child = child
        self.on_event = on_event
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_due_at = 0.0
        self.delay_seconds = RESTART_SECONDS_FIRST

    def start(self) -> None:
        """In a session of its own, so that a terminal's Ctrl-C reaches the parent alone."""
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        self.process = subprocess.Popen(
            [*launcher, *self.child.argv],
            env=self.child.env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        self.on_event(f"{self.child.name} started as process {self.process.pid}")

    def keep_alive(self) -> None:
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_due_at:
                self.start()
        elif self.process.poll() is not None:
            self.plan_restart(now, self.process.returncode)
            self.process = None

    def plan_restart(self, now: float, code: int) -> None:
        if now - self.started_at >= ALIVE_SECONDS_TO_TRUST:
            self.delay_seconds = RESTART_SECONDS_FIRST
        self.start_due_at = now + self.delay_seconds
        self.on_event(
            f"{self.child.name} ended with {code}, starts again in {self.delay_seconds:g} s"
        )
        self.delay_seconds = min(self.delay_seconds * 2, RESTART_SECONDS_MAX)

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_end(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """The whole session, since nobody is left to end what the child started."""
        if self.process is not None and self.is_alive():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.on_event(f"{self.child.name} did not end in time and was killed")


class Supervisor:
    """Starts the children at `start` and keeps each of them running until `stop`.

    `on_event` is told of each start, end and kill, from the supervisor's own thread.
    """

    def __init__(self, children: Sequence[Child], on_event: Callable[[str], None]) -> None:
        self._kept = [KeptChild(child, on_event) for child in children]
        self._stopping = threading.Event()
        self._stop_seconds_max = 0.0
        # All children are started by this one thread, which outlives them: Linux counts the thread
        # that started a process as its parent.
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 2) -> None:
        """Ask all children to end, kill those that have not near the end of the timeout."""
        self._stop_seconds_max = timeout_seconds
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for kept in self._kept:
                kept.keep_alive()
            self._stopping.wait(POLL_SECONDS)
        self._end_all(time.monotonic() + self._stop_seconds_max * 0.9)

    def _end_all(self, deadline: float) -> None:
        for kept in self._kept:
            kept.ask_to_end()
        while time.monotonic() < deadline and any(kept.is_alive() for kept in self._kept):
            time.sleep(POLL_SECONDS / 5)
        for kept in self._kept:
            kept.kill()
