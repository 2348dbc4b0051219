"""The Postgres that tests run on: TEST_DATABASE_URL, else Docker's, else the embedded one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

import docker
import psycopg
from docker.errors import DockerException
from psycopg.conninfo import make_conninfo
from testcontainers.community.postgres import PostgresContainer

from infra.embedded_postgres import EmbeddedPostgres

DOCKER_SOCKET = Path("/var/run/docker.sock")
IMAGE = "postgres:18-alpine"


@cache
def kind() -> str:
    """Which one it will be; Docker counts only if its daemon answers."""
    if os.environ.get("TEST_DATABASE_URL"):
        return "TEST_DATABASE_URL"
    if "DOCKER_HOST" not in os.environ and not DOCKER_SOCKET.exists():
        return "embedded"
    with suppress(DockerException), closing(docker.from_env(timeout=3)) as client:
        client.ping()
        return f"Docker ({IMAGE})"
    return "embedded"


@contextmanager
def running_postgres() -> Iterator[str]:
    """A superuser's connection string, for as long as the tests run."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
    elif kind() == "embedded":
        with tempfile.TemporaryDirectory(prefix="asin-sync-test-") as folder:
            server = EmbeddedPostgres(Path(folder) / "postgres")
            try:
                yield server.start()
            finally:
                server.stop()
                shutil.rmtree(server.home)  # as root it lies outside the folder
    else:
        with PostgresContainer(IMAGE, driver=None) as container:
            yield container.get_connection_url()


@contextmanager
def new_database(admin_url: str, template: str | None = None) -> Iterator[str]:
    """A database of its own, a copy of `template` where one is named; dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    source = f" TEMPLATE {template}" if template else ""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{source}")
    try:
        yield make_conninfo(admin_url, dbname=name)
    finally:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
