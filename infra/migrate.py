"""Bring a database to the newest schema: numbered SQL files, once each, in order, under a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import resources
from typing import Any

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.sql import SQL, Identifier

from infra.database import JOBS_SCHEMA
from infra.roles import ROLES, role_name

FIRST_CELL = "cell_1"

Connection = psycopg.Connection[Any]


def migrate(admin_url: str, prefix: str, cell: str = FIRST_CELL) -> list[str]:
    """Run what has not run yet; return the names of what ran. The roles must be there already."""
    names = {role: role_name(prefix, role) for role in ROLES} | {"cell": cell}
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('asin-sync migrate', 0))")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.asin_sync_migration"
            " (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())"
        )
        grant_create(connection, names["owner"])
        return [name for name, step in steps(names) if ran_now(connection, name, step)]


def steps(names: Mapping[str, str]) -> Iterator[tuple[str, Callable[[Connection], None]]]:
    """Every migration in order: control, jobs, then the cell's own."""
    for name, text in sql_files("control"):
        yield f"control/{name}", partial(run_sql, text=text, names=names)
    yield "jobs/procrastinate", partial(create_jobs, names=names)
    for name, text in sql_files("cell"):
        yield f"{names['cell']}/{name}", partial(run_sql, text=text, names=names)


def sql_files(folder: str) -> list[tuple[str, str]]:
    files = (resources.files(__package__) / "migrations" / folder).iterdir()
    return sorted((file.name, file.read_text("utf-8")) for file in files if file.is_file())


def ran_now(connection: Connection, name: str, step: Callable[[Connection], None]) -> bool:
    """Run the step and note it in one transaction; False where it had run before."""
    with connection.transaction():
        noted = connection.execute(
            "INSERT INTO public.asin_sync_migration (name) VALUES (%s) ON CONFLICT DO NOTHING",
            (name,),
        )
        if noted.rowcount == 0:
            return False
        step(connection)
    return True


def run_sql(connection: Connection, text: str, names: Mapping[str, str]) -> None:
    """Execute a file in which `{writer}` and the like stand for this installation's names."""
    for key, value in names.items():
        text = text.replace("{" + key + "}", value)
    connection.execute(text.encode())


def grant_create(connection: Connection, owner: str) -> None:
    """The owner may make the schemas that the migrations make in its name."""
    database = connection.info.dbname
    connection.execute(
        SQL("GRANT CREATE ON DATABASE {} TO {}").format(Identifier(database), Identifier(owner))
    )


def create_jobs(connection: Connection, names: Mapping[str, str]) -> None:
    """procrastinate's own schema, in a schema and under a role of its own."""
    jobs = Identifier(names["jobs"])
    schema = Identifier(JOBS_SCHEMA)
    connection.execute(SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, jobs))
    connection.execute(SQL("SET LOCAL search_path TO {}").format(schema))
    connection.execute(SQL("SET LOCAL ROLE {}").format(jobs))
    connection.execute(SchemaManager.get_schema().encode())
    connection.execute("CREATE TABLE follower (name text PRIMARY KEY, position bigint NOT NULL)")
    connection.execute("INSERT INTO follower VALUES ('policies', 0)")
    connection.execute(
        "CREATE TABLE sweep_schedule (seller_id uuid, kind text, due_at timestamptz NOT NULL,"
        " PRIMARY KEY (seller_id, kind))"
    )
    connection.execute("RESET ROLE")
