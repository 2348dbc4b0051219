"""One process at a time: a connection of its own that holds a session lock while it lives."""

from __future__ import annotations

from infra.database import Connection, Database

LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


def leading_connection(database: Database, role: str, task: str) -> Connection | None:
    """A connection that alone may do this task in the cell; None while another process does."""
    connection = database.connect(role)
    row = connection.execute(LOCK, (f"asin-sync {task} {database.cell}",)).fetchone()
    if row and row[0]:
        return connection
    connection.close()
    return None
