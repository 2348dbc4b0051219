"""Verifiers that others wrote: which are here, how each is made ready, what each says of a folder.

Standard library only. What a tool needs is built in `var/foreign/`, once for each state of its
sources. Run as a program it makes all of them ready, with apt where it may, and says how it went.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILT = ROOT / "var" / "foreign"
GO_PACKAGES = ("golang-go", "golang-golang-x-mod-dev")
GO_LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
AICS_NEEDS = ("cffi", "cryptography", "pycparser")
SECONDS_MAX = 300


class NotHere(Exception):
    """The tool can't be used on this machine; the message says why."""


class Broken(Exception):
    """The tool gave no verdict: it fell over."""


class Tool(NamedTuple):
    """`missing` says what is not on this machine; `build` fills the folder that `command` uses."""

    name: str
    sources: Sequence[Path]
    missing: Callable[[], str | None]
    build: Callable[[Path], None]
    command: Callable[[Path], list[str]]


def verdict(tool: str, folder: Path, keys: Path | None = None) -> tuple[bool, str]:
    """Whether the tool accepts a bundle, and what it printed.

    `keys` are the log's, had from elsewhere than the bundle; without them the bundle's own are
    believed. Raises NotHere, and Broken for a tool that says neither OK nor FAIL.
    """
    given = [str(folder.resolve()), *([str(keys.resolve())] if keys else [])]
    done = say([*command(tool), *given], cwd=Path("/"))
    output = done.stdout.strip()
    if (done.returncode, output.partition(" ")[0]) not in ((0, "OK"), (1, "FAIL")):
        raise Broken(f"{tool} ended with {done.returncode}: {output} {done.stderr.strip()}")
    return done.returncode == 0, output


def command(tool: str) -> list[str]:
    """What to call with a bundle's folder. Raises NotHere."""
    return TOOLS[tool].command(ready(tool))


def here() -> list[str]:
    """The tools whose needs are met on this machine."""
    return [name for name, tool in TOOLS.items() if not tool.missing()]


def states() -> dict[str, str]:
    """One line for each tool."""
    missing = {name: tool.missing() for name, tool in TOOLS.items()}
    return {name: f"NOT RUN ({why})" if why else "here" for name, why in missing.items()}


def ready(name: str) -> Path:
    """The folder of a tool, built where it isn't yet. Raises NotHere."""
    tool = TOOLS[name]
    if missing := tool.missing():
        raise NotHere(missing)
    folder = BUILT / f"{name}-{digest(tool.sources)}"
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            for outdated in BUILT.glob(f"{name}-*"):
                shutil.rmtree(outdated)
            folder.mkdir()
            tool.build(folder)
            (folder / "ready").touch()
    return folder


@cache
def digest(sources: Sequence[Path]) -> str:
    """Of the sources and the place they are in; a virtual environment can't be moved."""
    contents = b"".join(path.read_bytes() for path in sources)
    return hashlib.sha256(f"{BUILT} {sys.version}".encode() + contents).hexdigest()[:12]


def say(
    arguments: Sequence[str], cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True,
        errors="replace", timeout=SECONDS_MAX, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def must(arguments: Sequence[str], cwd: Path, **environment: str) -> str:
    """Raises NotHere with the last that a failing command said."""
    done = say(arguments, cwd, **environment)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NotHere(f"`{' '.join(arguments[:3])} …` failed: {' '.join(last)}")
    return done.stdout


def no_program(*names: str) -> str | None:
    missing = [name for name in names if not shutil.which(name)]
    return f"no {' and no '.join(missing)} on this machine" if missing else None


def no_go() -> str | None:
    library = None if GO_LIBRARY.exists() else f"no {GO_PACKAGES[1]} on this machine"
    return no_program("go") or library


def build_go(folder: Path) -> None:
    """Debian's compiler on Debian's library: no module is fetched."""
    for source in sorted((HERE / "go").glob("*.go")):
        must(
            ["go", "build", "-buildvcs=false", "-o", str(folder / source.stem), str(source)],
            folder,
            GO111MODULE="off",
            GOPATH="/usr/share/gocode",
            GOFLAGS="",
            GOCACHE=str(folder / "cache"),
            CGO_ENABLED="0",
        )
    shutil.rmtree(folder / "cache")


def build_node(folder: Path) -> None:
    for source in (HERE / "node").iterdir():
        shutil.copy(source, folder)
    must(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    must(["node", "-e", "require('@sigstore/verify')"], folder)


def build_aics(folder: Path) -> None:
    """An environment of its own. It asks for Python 3.12, and runs on 3.11."""
    must([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder)
    python = str(folder / "bin" / "python")
    names = (HERE / "aics" / "requirements.lock").read_text("utf-8")
    (folder / "lock").write_text(names + locked(AICS_NEEDS), "utf-8")
    must(
        [*pip(), "--python", python, "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--require-hashes",
         "-r", str(folder / "lock")],
        folder,
    )  # fmt: skip
    must([python, "-I", "-m", "aics_tlog", "--version"], folder)


def pip() -> list[str]:
    """The pip of this environment, else that of the Python it was made from. Raises NotHere."""
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    for python in (sys.executable, base):
        if say([python, "-m", "pip", "--version"], HERE).returncode == 0:
            return [python, "-m", "pip"]
    raise NotHere("no pip on this machine")


def locked(names: Sequence[str]) -> str:
    """The lines of the project's own lock for these packages."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    pattern = rf"^(?:{'|'.join(names)})==(?:.*\\\n)*.*\n"
    return "".join(re.findall(pattern, text, re.MULTILINE))


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "go",
            (HERE / "go" / "verify_bundle.go", HERE / "go" / "make_vectors.go"),
            no_go,
            build_go,
            lambda folder: [str(folder / "verify_bundle")],
        ),
        Tool(
            "sigstore",
            (HERE / "node" / "package-lock.json", HERE / "node" / "verify_bundle.js"),
            lambda: no_program("node", "npm"),
            build_node,
            lambda folder: ["node", str(folder / "verify_bundle.js")],
        ),
        Tool(
            "aics-tlog",
            (HERE / "aics" / "requirements.lock", ROOT / "requirements.lock"),
            lambda: None,
            build_aics,
            lambda folder: [
                str(folder / "bin" / "python"), "-I", str(HERE / "aics" / "verify_bundle.py")
            ],
        ),
        Tool(
            "openssl",
            (),
            lambda: no_program("openssl", "base64", "od"),
            lambda folder: None,
            lambda folder: ["sh", str(HERE / "openssl" / "verify_notes.sh")],
        ),
    )
}  # fmt: skip


def install_go() -> None:
    """From Debian's packages, where that is allowed. Raises NotHere."""
    if no_go() and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        must(["apt-get", "update", "-qq"], HERE, **quiet)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *GO_PACKAGES]
        must(install, HERE, **quiet)


def main() -> None:
    for name in TOOLS:
        began_at = time.monotonic()
        try:
            if name == "go":
                install_go()
            ready(name)
            state = f"ready in {time.monotonic() - began_at:.1f} s"
        except NotHere as reason:
            state = f"NOT RUN ({reason})"
        print(f"foreign verifier {name}: {state}", flush=True)


if __name__ == "__main__":
    main()
