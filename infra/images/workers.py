"""Measures images in processes of their own, started when needed and gone when idle.

A process that hangs or dies costs the image it had, and no other. It knows no secret of ours: its
environment is made here. Why not a pool of `multiprocessing` or pebble: adr/0009.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore, Lock, Timer
from typing import Any

import orjson

from domain.images import ImageFacts, ImageReading
from infra.images.framing import receive, send

COUNT_MAX = 2
IMAGE_SECONDS_MAX = 30.0
IDLE_SECONDS_MAX = 60.0
END_SECONDS_MAX = 2.0

_CHECKOUT = Path(__file__).parents[2]
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "PYTHONPATH",
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
)  # fmt: skip
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerLost(Exception):
    """The process ended, or was ended, before it answered; the message says which."""


class Workers:
    """At most `count_max` measuring processes at a time; any number of threads may ask."""

    def __init__(
        self,
        count_max: int = COUNT_MAX,
        image_seconds_max: float = IMAGE_SECONDS_MAX,
        idle_seconds_max: float = IDLE_SECONDS_MAX,
    ) -> None:
        self._places = BoundedSemaphore(count_max)
        self._image_seconds_max = image_seconds_max
        self._idle_seconds_max = idle_seconds_max
        self._lock = Lock()
        self._idle: dict[_Worker, Timer] = {}
        self._busy: set[_Worker] = set()
        self._is_closed = False

    def measure(self, image: bytes) -> ImageReading:
        """Wait for a free process and let it measure: inspected, unusable, or unknown."""
        with self._places:
            try:
                worker = self._taken()
            except (OSError, WorkerLost) as error:
                return ImageReading(status="unknown", detail=f"no measuring process: {error}")
            try:
                answer = worker.ask(image, self._image_seconds_max)
            except WorkerLost as error:
                self._drop(worker)
                return ImageReading(status="unknown", detail=str(error))
            self._put_back(worker)
        return reading_of(answer)

    def process_ids(self) -> list[int]:
        """The processes there are now, busy or idle."""
        with self._lock:
            return [worker.process.pid for worker in (*self._idle, *self._busy)]

    def close(self) -> None:
        """End all processes; images still being measured come out as unknown."""
        with self._lock:
            self._is_closed = True
            idle, busy = dict(self._idle), set(self._busy)
            self._idle.clear()
        for worker, timer in idle.items():
            timer.cancel()
            worker.end()
        for worker in busy:
            worker.process.kill()

    def _taken(self) -> _Worker:
        """An idle process that is alive, or a new one."""
        with self._lock:
            if self._is_closed:
                raise WorkerLost("the inspector is closed")
            while self._idle:
                worker, timer = self._idle.popitem()
                timer.cancel()
                if worker.process.poll() is None:
                    break
                worker.end()
            else:
                worker = _Worker()
            self._busy.add(worker)
            return worker

    def _put_back(self, worker: _Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
            if not self._is_closed:
                timer = Timer(self._idle_seconds_max, self._retire, (worker,))
                timer.daemon = True
                self._idle[worker] = timer
                timer.start()
                return
        worker.end()

    def _retire(self, worker: _Worker) -> None:
        """Its idle time is over, unless it was taken in the same moment."""
        with self._lock:
            if self._idle.pop(worker, None) is None:
                return
        worker.end()

    def _drop(self, worker: _Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
        worker.end()


class _Worker:
    """One process, asked by one thread at a time. It ends by itself when this side is gone."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "infra.images.child"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise WorkerLost("it has no pipes")
        self._input, self._output = self.process.stdin, self.process.stdout

    def ask(self, image: bytes, seconds_max: float) -> dict[str, Any]:
        """The answer to one image. Raises WorkerLost; then the process is of no more use."""
        watch = _Watch(self.process, seconds_max)
        try:
            send(self._input, image)
            content = receive(self._output)
        except OSError:
            content = None
        finally:
            watch.cancel()
        if content is None:
            raise WorkerLost(self._how_it_ended(watch))
        answer: dict[str, Any] = orjson.loads(content)
        return answer

    def end(self) -> None:
        """Let it go: it ends when its input is closed, or is killed."""
        try:
            self._input.close()
        except OSError:
            self.process.kill()
        try:
            self.process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()

    def _how_it_ended(self, watch: _Watch) -> str:
        if watch.has_killed:
            return f"not measured within {watch.seconds_max:g} s"
        self.process.kill()
        return f"the measuring process ended with {self.process.wait()}"


class _Watch:
    """Kills a process that takes too long."""

    def __init__(self, process: subprocess.Popen[bytes], seconds_max: float) -> None:
        self.seconds_max = seconds_max
        self.has_killed = False
        self._process = process
        self._timer = Timer(seconds_max, self._kill)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()

    def _kill(self) -> None:
        self.has_killed = True
        self._process.kill()


def environment() -> dict[str, str]:
    """What a measuring process is told: where to find programs and modules, and no secret."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    paths = [str(_CHECKOUT), *filter(None, [passed_on.get("PYTHONPATH")])]
    return {
        **passed_on,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "PYTHONPATH": os.pathsep.join(paths),
        "ORT_DISABLE_TELEMETRY": "1",
    }


def reading_of(answer: dict[str, Any]) -> ImageReading:
    if "facts" in answer:
        return ImageReading(status="inspected", facts=ImageFacts.model_validate(answer["facts"]))
    if "unusable" in answer:
        return ImageReading(status="unusable", detail=answer["unusable"])
    return ImageReading(status="unknown", detail=str(answer.get("failed", "no answer")))
