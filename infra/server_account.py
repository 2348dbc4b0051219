"""The account that an embedded server runs as: our own, or a system account, for root may not.

It changes who owns the files that are made for the server and no permission of any other.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_SYSTEM_ACCOUNTS = ("postgres", "asin_sync_postgres")
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


class PostgresUnavailable(Exception):
    """No server can be had here; the message says why and what helps."""


class ServerAccount(NamedTuple):
    """An account and its main group, or None for the one we run as."""

    user_id: int | None
    group_id: int | None

    def own(self, *paths: Path) -> None:
        """Give the paths to the account; nothing to do where it is ours."""
        if self.user_id is not None and self.group_id is not None:
            for path in paths:
                os.chown(path, self.user_id, self.group_id, follow_symlinks=False)

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run as this account, with nothing of our environment: it may hold credentials."""
        return subprocess.run(
            command,
            user=self.user_id,
            group=self.group_id,
            extra_groups=None if self.user_id is None else [],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def can_enter(self, folder: Path) -> bool:
        return self.run(["/bin/sh", "-c", 'test -x "$0"', str(folder)]).returncode == 0

    def can_run(self, program: Path) -> bool:
        try:
            return self.run([str(program), "--version"]).returncode == 0
        except PermissionError:
            return False


def account_for(cluster: Path) -> ServerAccount:
    """Ours, or for root the cluster's owner; for a new cluster a system account, made if need be.

    Raises PostgresUnavailable when the cluster is another's or no account can be made.
    """
    owner = cluster.stat() if cluster.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise PostgresUnavailable(f"{cluster} belongs to another account: start it as that one")
        return ServerAccount(None, None)
    if owner is not None:
        return ServerAccount(owner.st_uid, owner.st_gid)
    return _find_system_account() or _make_system_account()


def _find_system_account() -> ServerAccount | None:
    for name in _SYSTEM_ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return ServerAccount(entry.pw_uid, entry.pw_gid)
    return None


def _make_system_account() -> ServerAccount:
    name = _SYSTEM_ACCOUNTS[-1]
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresUnavailable(
            f"PostgreSQL refuses to run as root, and the system account {name} could not be made"
            f" ({error}). Start as an ordinary user, make that account, or set DATABASE_URL."
        ) from error
    entry = pwd.getpwnam(name)
    return ServerAccount(entry.pw_uid, entry.pw_gid)
