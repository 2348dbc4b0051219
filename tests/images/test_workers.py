"""Measuring processes: started when needed, killed when they hang, gone when idle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.images.workers import Workers, environment
from tests.images import files

CHECKOUT = Path(__file__).parents[2]


def wait_until(is_true: Callable[[], bool], seconds_max: float = 10) -> None:
    deadline = time.monotonic() + seconds_max
    while not is_true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def is_running(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def own_workers() -> Iterator[Workers]:
    opened = Workers(count_max=2, idle_seconds_max=30)
    yield opened
    opened.close()


def test_no_process_is_there_before_an_image_is(own_workers: Workers) -> None:
    assert own_workers.process_ids() == []


def test_a_process_killed_in_the_middle_costs_only_its_image(own_workers: Workers) -> None:
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(own_workers.measure, files.jpeg())
        wait_until(lambda: len(own_workers.process_ids()) == 1)
        os.kill(own_workers.process_ids()[0], signal.SIGKILL)
        second = threads.submit(own_workers.measure, files.gif())
        assert first.result().status == "unknown"
        assert first.result().detail == "the measuring process ended with -9"
        assert second.result().status == "inspected"


def test_a_process_that_hangs_is_killed_in_time(own_workers: Workers) -> None:
    hasty = Workers(count_max=1, image_seconds_max=0.05)
    reading = hasty.measure(files.jpeg())
    assert (reading.status, reading.detail) == ("unknown", "not measured within 0.05 s")
    assert hasty.process_ids() == []
    hasty.close()


def test_a_process_that_died_while_idle_is_replaced(own_workers: Workers) -> None:
    own_workers.measure(files.jpeg())
    process_id = own_workers.process_ids()[0]
    os.kill(process_id, signal.SIGKILL)
    wait_until(lambda: not is_running(process_id))
    assert own_workers.measure(files.jpeg()).status == "inspected"


def test_idle_processes_go_away_and_come_back() -> None:
    brief = Workers(count_max=1, idle_seconds_max=0.2)
    brief.measure(files.jpeg())
    process_id = brief.process_ids()[0]
    wait_until(lambda: not brief.process_ids() and not is_running(process_id))
    assert brief.measure(files.jpeg()).status == "inspected"
    brief.close()


def test_there_are_never_more_than_told(own_workers: Workers) -> None:
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(own_workers.measure, files.jpeg()) for _ in range(6)]
        assert {each.result().status for each in waiting} == {"inspected"}
    assert 1 <= len(own_workers.process_ids()) <= 2


def test_after_closing_nothing_runs_and_nothing_hangs(own_workers: Workers) -> None:
    own_workers.measure(files.jpeg())
    process_id = own_workers.process_ids()[0]
    own_workers.close()
    assert not is_running(process_id)
    assert own_workers.measure(files.jpeg()).status == "unknown"


def test_processes_end_with_whoever_started_them() -> None:
    code = (
        "from infra.images.workers import Workers\n"
        "from tests.images import files\n"
        "workers = Workers()\nworkers.measure(files.jpeg())\n"
        "print(*workers.process_ids(), flush=True)\nimport time\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process_id = int(parent.stdout.readline())
        assert is_running(process_id)
        parent.kill()
    wait_until(lambda: not is_running(process_id))


def test_a_measuring_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://owner:word@127.0.0.1/asin")
    monkeypatch.setenv("AMAZON_LWA_CLIENT_SECRET", "amzn1.secret")
    told = environment()
    assert "DATABASE_URL" not in told
    assert "AMAZON_LWA_CLIENT_SECRET" not in told
    assert told["ORT_DISABLE_TELEMETRY"] == "1"


def test_nothing_in_a_measuring_process_reaches_the_network() -> None:
    code = (
        "from infra.images.measuring import Measurer\nMeasurer()\n"
        "import socket\nsocket.create_connection(('127.0.0.1', 9))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert "PermissionError: socket.getaddrinfo is not allowed" in done.stderr


def test_without_the_reading_extra_only_the_background_is_measured() -> None:
    code = (
        "import sys\nsys.modules['rapidocr'] = None\n"
        "from infra.images.measuring import Measurer\nfrom tests.images import files\n"
        "facts = Measurer().measure(files.jpeg())\n"
        "print(facts.is_text_read, facts.white_background, facts.engine)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("False 1.0 rules 1, pillow")
    assert "onnxruntime" not in done.stdout
