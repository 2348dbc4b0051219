"""A C2SP witness that others wrote (aics-witness), as a process on this machine."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.foreign import tools


class ForeignWitness(NamedTuple):
    """`url` is its submission prefix, `vkey` the key that its cosignatures are checked with."""

    url: str
    vkey: str
    aics_witness: list[str]
    config: Path

    def evidence(self) -> list[dict[str, object]]:
        """What it kept of requests that a log had signed and that contradict each other."""
        said = tools.must([*self.aics_witness, "evidence", "--config", str(self.config)], Path("/"))
        return list(json.loads(said))


@contextmanager
def running_witness(
    folder: Path, logs: dict[str, str], name: str = "witness.example/w1"
) -> Iterator[ForeignWitness]:
    """A witness of these logs, each with its key. Raises NotHere."""
    python = tools.ready("aics-tlog") / "bin" / "python"
    aics_witness = [str(python), "-I", "-m", "aics_witness"]
    config = folder / "witness.json"
    vkey = tools.must([*aics_witness, "init", "--config", str(config), "--name", name], folder)
    for origin, key in logs.items():
        given = ["--config", str(config), "--origin", origin, "--vkey", key]
        tools.must([*aics_witness, "add-log", *given], folder)
    serve = [*aics_witness, "serve", "--config", str(config), "--listen", "127.0.0.1:0"]
    heard = folder / "heard"
    with heard.open("w") as stderr, subprocess.Popen(serve, stderr=stderr) as process:
        try:
            yield ForeignWitness(url_of(process, heard), vkey.strip(), aics_witness, config)
        finally:
            process.terminate()


def url_of(process: subprocess.Popen[bytes], heard: Path) -> str:
    """The address that it says it listens on. Raises Broken when it ends before."""
    while process.poll() is None:
        if found := re.search(r"listening on (\S+) ", heard.read_text("utf-8")):
            return found[1]
        time.sleep(0.02)
    raise tools.Broken(heard.read_text("utf-8"))
