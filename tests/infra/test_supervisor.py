"""The supervisor with real processes: kept alive, ended together, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from infra.supervisor import Child, KeptChild, Supervisor

CHECKOUT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20
NOTE_AND_SLEEP = """
import os, sys, time
with open(sys.argv[1], "a") as notes:
    notes.write(f"{os.getpid()}\\n")
time.sleep(100)
"""
NOTE_AND_IGNORE_SIGTERM = "import signal; signal.signal(15, signal.SIG_IGN)" + NOTE_AND_SLEEP
NOTE_AND_FAIL = NOTE_AND_SLEEP.replace("time.sleep(100)", "sys.exit(3)")


class Script(NamedTuple):
    """A child that appends the process number of each of its lives to a file."""

    notes: Path
    code: str

    def child(self) -> Child:
        argv = [sys.executable, "-c", self.code, str(self.notes)]
        return Child(self.notes.name, argv, os.environ)

    def lives(self) -> list[int]:
        return [int(line) for line in self.notes.read_text().split()] if self.notes.exists() else []


@contextmanager
def supervised(*scripts: Script) -> Iterator[tuple[Supervisor, list[str]]]:
    events: list[str] = []
    supervisor = Supervisor([script.child() for script in scripts], events.append)
    supervisor.start()
    try:
        yield supervisor, events
    finally:
        supervisor.stop()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def is_alive(process_id: int) -> bool:
    """False also for a dead process whose exit nobody has collected yet."""
    status = Path(f"/proc/{process_id}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    script = Script(tmp_path / "web", NOTE_AND_SLEEP)
    with supervised(script) as (_, events):
        wait_until(lambda: len(script.lives()) == 1)
        os.kill(script.lives()[0], signal.SIGKILL)
        wait_until(lambda: len(script.lives()) == 2)
        assert is_alive(script.lives()[1])
    assert "web ended with -9, starts again in 0.2 s" in events


def test_a_child_that_dies_at_once_is_started_less_and_less_often(tmp_path: Path) -> None:
    script = Script(tmp_path / "web", NOTE_AND_FAIL)
    with supervised(script) as (_, events):
        wait_until(lambda: len(script.lives()) == 3)
    assert [event for event in events if "ended" in event][:2] == [
        "web ended with 3, starts again in 0.2 s",
        "web ended with 3, starts again in 0.4 s",
    ]


def test_however_often_a_child_dies_it_waits_ten_seconds_at_most(tmp_path: Path) -> None:
    kept = KeptChild(Script(tmp_path / "web", NOTE_AND_FAIL).child(), lambda _: None)
    delays = []
    for _ in range(9):
        delays.append(kept.delay_seconds)
        kept.plan_restart(now=1.0, code=3)
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
    kept.plan_restart(now=61.0, code=3)
    assert kept.start_due_at == 61.2


def test_a_missing_program_is_reported_and_the_others_live(tmp_path: Path) -> None:
    script = Script(tmp_path / "worker", NOTE_AND_SLEEP)
    events: list[str] = []
    missing = Child("web", [str(tmp_path / "no such program")], os.environ)
    supervisor = Supervisor([missing, script.child()], events.append)
    supervisor.start()
    wait_until(lambda: any(event.startswith("web ended with 1") for event in events))
    wait_until(script.lives)
    supervisor.stop()


def test_stopping_ends_every_child_soon_and_restarts_none(tmp_path: Path) -> None:
    scripts = [Script(tmp_path / name, NOTE_AND_SLEEP) for name in ("web", "worker", "sandbox")]
    with supervised(*scripts) as (supervisor, _):
        wait_until(lambda: all(script.lives() for script in scripts))
        began_at = time.monotonic()
        supervisor.stop()
        assert time.monotonic() - began_at < 1
    assert not any(is_alive(script.lives()[-1]) for script in scripts)
    assert [len(script.lives()) for script in scripts] == [1, 1, 1]


def test_a_child_that_ignores_the_request_to_end_is_killed_in_time(tmp_path: Path) -> None:
    script = Script(tmp_path / "web", NOTE_AND_IGNORE_SIGTERM)
    with supervised(script) as (supervisor, events):
        wait_until(script.lives)
        began_at = time.monotonic()
        supervisor.stop(timeout_seconds=1)
        assert time.monotonic() - began_at < 1.2
    assert not is_alive(script.lives()[0])
    assert "web did not end in time and was killed" in events


def test_a_terminals_interrupt_does_not_reach_the_children(tmp_path: Path) -> None:
    script = Script(tmp_path / "web", NOTE_AND_SLEEP)
    with supervised(script):
        wait_until(script.lives)
        child = script.lives()[0]
        assert os.getpgid(child) == os.getsid(child) == child


def test_children_die_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = Script(tmp_path / "web", NOTE_AND_IGNORE_SIGTERM)
    code = f"""
import os, time
from infra.supervisor import Child, Supervisor
Supervisor([Child("web", {list(script.child().argv)!r}, os.environ)], print).start()
time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT) as parent:
        wait_until(script.lives)
        assert is_alive(script.lives()[0])
        parent.kill()
    wait_until(lambda: not is_alive(script.lives()[0]))
