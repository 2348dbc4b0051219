"""The database roles: made once for a cluster, each with a login, a random password and no more.

Grants are in the migrations. A role never is superuser and never bypasses row-level security.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

ROLES = (
    "owner", "migrator", "writer", "projector", "reader", "auditor_sql", "jobs", "integrator",
    "signer", "keystore",
)  # fmt: skip
LOGINS = tuple(role for role in ROLES if role != "owner")
_LOCK = "asin-sync roles"


def role_name(prefix: str, role: str) -> str:
    return f"{prefix}_{role}"


def read_passwords(file: Path) -> dict[str, str]:
    """The logins' passwords; empty where the file is not there yet."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.rename(file)


def ensure_roles(admin_url: str, prefix: str, passwords_file: Path) -> Mapping[str, str]:
    """Make the roles that are missing and return the passwords of all logins.

    Roles belong to the whole cluster and advisory locks to one database, so the lock is taken in
    database `postgres`, where every migration of the cluster meets.
    """
    passwords = read_passwords(passwords_file)
    with psycopg.connect(
        make_conninfo(admin_url, dbname="postgres"), autocommit=True
    ) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (_LOCK,))
        for role in ROLES:
            password = passwords.get(role) or secrets.token_urlsafe(24)
            if role_is_missing(connection, role_name(prefix, role)):
                create_role(connection, role_name(prefix, role))
            elif role in passwords or role == "owner":
                continue
            if role in LOGINS:
                set_password(connection, role_name(prefix, role), password)
                passwords[role] = password
    write_private(passwords_file, json.dumps(passwords).encode())
    return passwords


def role_is_missing(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    query = "SELECT 1 FROM pg_roles WHERE rolname = %s"
    return connection.execute(query, (name,)).fetchone() is None


def create_role(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """A role with no rights; whoever migrates may act as it (SET ROLE), superuser or not."""
    connection.execute(SQL("CREATE ROLE {} NOLOGIN NOBYPASSRLS").format(Identifier(name)))
    connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(name)))


def set_password(
    connection: psycopg.Connection[tuple[object, ...]], name: str, password: str
) -> None:
    connection.execute(
        SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(Identifier(name), Literal(password))
    )


def role_urls(admin_url: str, prefix: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """A connection string for each login, to the same server and database as `admin_url`."""
    return {
        role: make_conninfo(admin_url, user=role_name(prefix, role), password=password)
        for role, password in passwords.items()
    }


class UnsafeRole(Exception):
    """The role could read past row-level security, so the service does not start with it."""


def ensure_safe(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Raises UnsafeRole for a superuser or a role that bypasses row-level security."""
    row = connection.execute(
        "SELECT current_user FROM pg_roles"
        " WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
    ).fetchone()
    if row:
        raise UnsafeRole(f"{row[0]} bypasses row-level security: give the service its own roles")
