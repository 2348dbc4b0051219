"""What the command line is given and can't use: one line on stderr, exit 2, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"


def run(*arguments: str | bytes, url: str = NOWHERE) -> subprocess.CompletedProcess[bytes]:
    environment = {
        **os.environ,
        "ASIN_SYNC_URL": url,
        "ASIN_SYNC_KEY": "abk_live_x",
        "COLUMNS": "120",
    }
    return subprocess.run(
        [sys.executable, "-m", "main", *arguments], env=environment, cwd=ROOT,
        capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ticket", "show", "x\x01"], b"no id"),
        (["ticket", "show", "a/../../../livez"], b"no id"),
        (["logs", "tail", "--asin", b"\xff"], b"no text in UTF-8"),
    ],
)
def test_what_is_no_id_and_no_text_is_sent_nowhere(
    arguments: list[str | bytes], named: bytes
) -> None:
    ran = run(*arguments)
    assert (ran.returncode, named in ran.stderr) == (2, True)
    assert b"Traceback" not in ran.stderr


def test_a_file_that_is_not_in_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(b'{"amazon_path": "\xff"}\n')
    ran = run("category", "match", "--json-lines", str(file))
    assert (ran.returncode, b"UTF-8" in ran.stderr) == (2, True)


def test_an_address_that_is_none_is_a_fault_of_use_not_of_the_service() -> None:
    ran = run("health", url="notaurl")
    assert (ran.returncode, b"ASIN_SYNC_URL" in ran.stderr) == (2, True)
    assert run("health").returncode == 7
