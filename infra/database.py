"""Connections by role: each pool logs in as one role and sees what that role may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool

from infra.roles import ensure_safe

JOBS_SCHEMA = "asin_sync_jobs"
POOL_TIMEOUT_SECONDS = 10.0
"""Who waits longer for a connection is told that there is none."""

Connection = psycopg.Connection[Any]


class Database:
    """Pools for the roles of one cell, opened when first used."""

    def __init__(self, urls: Mapping[str, str], cell: str, pool_size_max: int = 8) -> None:
        self.urls = urls
        self.cell = cell
        self._pool_size_max = pool_size_max
        self._pools: dict[str, ConnectionPool[Connection]] = {}
        self._lock = Lock()

    def url(self, role: str) -> str:
        """The role's connection string; unqualified names mean this cell (or the jobs schema).

        A page's query is planned for its filters: a plan for any would read all of a seller's rows.
        """
        path = f"{JOBS_SCHEMA},{self.cell}" if role == "jobs" else f"{self.cell},asin_sync"
        plans = " -c plan_cache_mode=force_custom_plan" if role == "reader" else ""
        return make_conninfo(
            self.urls[role],
            options=f"-c search_path={path}{plans}",
            application_name=f"asin-sync {role}",
        )

    def pool(self, role: str) -> ConnectionPool[Connection]:
        with self._lock:
            if role not in self._pools:
                self._pools[role] = ConnectionPool(
                    self.url(role),
                    min_size=0 if role != "reader" else 1,
                    max_size=self._pool_size_max,
                    timeout=POOL_TIMEOUT_SECONDS,
                    open=True,
                    check=ConnectionPool.check_connection,
                    configure=configure_reader if role == "reader" else configure,
                    kwargs={"autocommit": True},
                )
            return self._pools[role]

    def connect(self, role: str) -> Connection:
        """A connection of its own, in autocommit, for followers that keep it."""
        connection = psycopg.connect(self.url(role), autocommit=True)
        try:
            configure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def ensure_safe(self) -> None:
        """Raises UnsafeRole where one of the logins sees past row-level security."""
        for role in self.urls:
            self.connect(role).close()

    @contextmanager
    def reading_for(self, seller_id: UUID) -> Iterator[Connection]:
        """A read-only look at one seller's rows, all from one instant."""
        with self.pool("reader").connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.seller', %s, true)", (str(seller_id),))
            yield connection

    @contextmanager
    def reading_for_staff(self) -> Iterator[Connection]:
        """A read-only look across sellers at the lists that staff work by, and at nothing else."""
        with self.pool("reader").connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.staff', 'on', true)")
            yield connection

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


def configure(connection: Connection) -> None:
    """Refuse a role that sees past row-level security; read jsonb with orjson."""
    ensure_safe(connection)
    set_json_loads(orjson.loads, connection)


def configure_reader(connection: Connection) -> None:
    """Every transaction reads from one instant and can't write."""
    configure(connection)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
