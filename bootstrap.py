"""Everything done from the checkout: environment, run, test, check, bench, lock.

Standard library only, so that any Python can start it; the Makefile calls it and does nothing else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
IMAGE_LOCK = ROOT / "requirements-image.lock"
DEVELOPMENT_LOCK = ROOT / "requirements-dev.lock"
PYTHON_OLDEST = (3, 11)
SPECTRAL = "@stoplight/spectral-cli@6.16.3"
HELP = """\
make setup   environment only: .venv from the hashed lock
make run     serve, with sandbox and demo seller; sets up first where needed
             (IMAGES=no: without the inspector of main images, 380 MB lighter)
make test    all tests
make check   format, lint, types, imports, house style
make bench   measure; tables here, one JSON object a line in var/bench.jsonl
make lock    work out requirements*.lock anew from pyproject.toml (needs uv)
make clean   remove .venv and caches; data in var/ stays
make help    this text

Options for the program behind a verb: make test ARGS="-k upload"
Another Python: make PYTHON=python3.12 run
Without make: python3 bootstrap.py run|test|... [options]"""


def main(arguments: list[str]) -> int:
    verb, options = (arguments or ["help"])[0], arguments[1:]
    verbs: dict[str, Callable[[], int | None]] = {
        "setup": lambda: set_up(*locks_to_run()),
        "run": lambda: run(options),
        "test": lambda: run_module("pytest", options),
        "check": check,
        "bench": lambda: run_module("tests.bench", options),
        "lock": lambda: lock(options),
        "clean": clean,
        "help": lambda: print(HELP),
    }
    if verb not in verbs:
        print(f"There is no '{verb}'.\n\n{HELP}", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    try:
        return verbs[verb]() or 0
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1


class Refused(Exception):
    """It can't be done here; the message says what helps."""


def run(options: list[str]) -> None:
    set_up(*locks_to_run())
    become([str(bin_folder() / "asin-sync"), "serve", "--demo", *options])


def locks_to_run() -> list[Path]:
    """What serving needs; the inspector of main images comes along unless it is not wanted."""
    return [LOCK if os.environ.get("IMAGES") == "no" else IMAGE_LOCK]


def run_module(name: str, options: list[str]) -> None:
    set_up(LOCK, DEVELOPMENT_LOCK)
    become([str(venv_python()), "-m", name, *options])


def become(command: list[str]) -> None:
    """Take this process's place, so that Ctrl-C goes straight to the program."""
    os.execv(command[0], command)  # noqa: S606


def check() -> int:
    """Every check runs, also after one has failed: one run shows all there is to mend."""
    set_up(LOCK, DEVELOPMENT_LOCK)
    python = str(venv_python())
    checks = {
        "format": [python, "-m", "ruff", "format", "--check"],
        "lint": [python, "-m", "ruff", "check"],
        "types": [python, "-m", "mypy"],
        "imports": [python, str(bin_folder() / "lint-imports")],
        "house style": [python, "-m", "pytest", "-q", "-n", "0", "tests/test_house_style.py"],
    }
    failed = []
    for name, command in checks.items():
        print(f"== {name}", flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print("== OpenAPI document", flush=True)
    failed += [] if document_is_clean(python) else ["OpenAPI document"]
    print("failed: " + ", ".join(failed) if failed else "all checks passed")
    return 1 if failed else 0


def document_is_clean(python: str) -> bool:
    """Spectral finds nothing in it; where there is no npm to bring Spectral, that is said."""
    npm = shutil.which("npm")
    spectral = [str(npm), "exec", "--yes", "--ignore-scripts", f"--package={SPECTRAL}", "--"]
    if npm is None or subprocess.run(
        [*spectral, "spectral", "--version"], capture_output=True, check=False
    ).returncode:  # fmt: skip
        print(f"{SPECTRAL} can't be had here (that takes node, npm and a network): NOT RUN")
        return True
    written = [python, "-m", "tests.tools.openapi_document", "var/openapi.json"]
    lint = [*spectral, "spectral", "lint", "var/openapi.json", "--fail-severity", "hint"]
    return all(subprocess.run(each, check=False).returncode == 0 for each in (written, lint))


def lock(options: list[str]) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise Refused("Locking needs uv on the PATH; install it with: python3 -m pip install uv")
    compile_universal = [
        uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-annotate",
        "--no-header", "--python-version", "3.11", *options, "pyproject.toml",
    ]  # fmt: skip
    same = ["--constraints", LOCK.name]
    development = ["--extra", "dev", "--constraints", IMAGE_LOCK.name]
    must([*compile_universal, "--output-file", LOCK.name])
    must([*compile_universal, *same, "--extra", "image-ocr", "--output-file", IMAGE_LOCK.name])
    must([*compile_universal, *same, *development, "--output-file", DEVELOPMENT_LOCK.name])
    for file in (LOCK, IMAGE_LOCK, DEVELOPMENT_LOCK):
        if "://" in file.read_text("utf-8"):
            raise Refused(f"{file.name} holds an address; a lock names packages and hashes only.")


def clean() -> None:
    caches = [".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache"]
    for folder in [ROOT / name for name in [*caches, ".hypothesis"]]:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in list(ROOT.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)


def set_up(*locks: Path) -> None:
    """Bring .venv to what the locks say; costs next to nothing where it is so already."""
    if sys.version_info < PYTHON_OLDEST:
        have = ".".join(map(str, sys.version_info[:2]))
        raise Refused(
            f"asin-sync needs Python 3.11 or newer; this is {have} ({sys.executable}).\n"
            "If a newer one is installed, name it: make PYTHON=python3.12 run"
        )
    if not venv_python().exists() or not any(VENV.glob("installed-*")):
        make_venv()
    for file in locks:
        install(file)
    make_importable()


def make_venv() -> None:
    """A fresh one, with pip in it only where nothing outside can install into it."""
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if shutil.which("uv") or subprocess.run(command, capture_output=True, check=False).returncode:
        must([*command, "--without-pip"])


def install(file: Path) -> None:
    """Install what the lock names, unless the stamp says that it is there already."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    stamp = VENV / f"installed-{file.stem}-{digest}"
    if stamp.exists():
        return
    for outdated in VENV.glob(f"installed-{file.stem}-*"):
        outdated.unlink()
    print(f"Installing {file.name} into .venv ...", file=sys.stderr, flush=True)
    began_at = time.monotonic()
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(file)]
    must([*installer(), *options])
    stamp.touch()
    print(f"... done in {time.monotonic() - began_at:.1f} s", file=sys.stderr, flush=True)


def installer() -> list[str]:
    """uv where there is one, else the environment's own pip, else the pip of this Python."""
    python = str(venv_python())
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", python]
    for pip in ([python, "-m", "pip"], [sys.executable, "-m", "pip", "--python", python]):
        if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode == 0:
            return [*pip, "install", "--disable-pip-version-check"]
    raise Refused("Neither pip nor uv is here. On Debian: apt install python3-pip python3-venv")


def make_importable() -> None:
    """No build step: a .pth line names the checkout, a script calls its command line."""
    packages = Path(venv_path("purelib"))
    write_once(packages / "asin_sync.pth", f"{ROOT}\n")
    # The shell's exec lets the path of Python be long or hold blanks; a shebang line can't.
    start = f"#!/bin/sh\n'''exec' \"{venv_python()}\" \"$0\" \"$@\"\n' '''\n"
    write_once(bin_folder() / "asin-sync", f"{start}from main import cli\n\ncli()\n")


def write_once(file: Path, content: str) -> None:
    """Leave a file that is right alone: whoever runs the program may not own the environment."""
    if not file.exists() or file.read_text("utf-8") != content:
        file.write_text(content, "utf-8")
        file.chmod(0o755)


def bin_folder() -> Path:
    return Path(venv_path("scripts"))


def venv_python() -> Path:
    return bin_folder() / "python"


def venv_path(kind: str) -> str:
    return sysconfig.get_path(kind, "venv", {"base": str(VENV), "platbase": str(VENV)})


def must(command: list[str]) -> None:
    """Run, with its output shown. Raises Refused when it fails."""
    if subprocess.run(command, check=False).returncode:
        raise Refused(f"This failed: {' '.join(command)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
