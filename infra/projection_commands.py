"""Operators' commands on the views: where they stand, rebuild, retry, and check against the log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.database import Connection, Database
from infra.log_reader import BATCH_SIZE, read_batch
from infra.projection_engine import begin_rebuild
from infra.view_tables import load_all, load_positions
from projections import ALL
from projections.table import Key, Projection, Rows, Table

REBUILD_POLL_SECONDS = 0.5
DIFFERENCES_MAX = 20

STATUS = """
    SELECT p.name, p.generation, p.generation = l.live_generation AS is_live, p.position,
           (SELECT coalesce(max(notification_id), 0) FROM asin_sync_events) - p.position AS lag,
           p.stopped_at_position, p.error
    FROM projection_positions p JOIN projections l USING (name) ORDER BY 1, 2
"""


def status(database: Database) -> list[dict[str, Any]]:
    """Position, lag and error of each generation of each view."""
    names = ("name", "generation", "is_live", "position", "lag", "stopped_at_position", "error")
    with database.connect("projector") as connection:
        return [dict(zip(names, row, strict=True)) for row in connection.execute(STATUS)]


def rebuild(database: Database, name: str) -> Iterator[str]:
    """Start the next generation and report until it is live; the worker's engine fills it."""
    projection = next((each for each in ALL if each.name == name), None)
    if projection is None:
        yield f"no projection {name}: there are {', '.join(each.name for each in ALL)}"
        return
    with database.connect("projector") as connection:
        generation = begin_rebuild(connection, name, projection.version)
        while True:
            row = connection.execute(
                "SELECT l.live_generation, p.position FROM projections l"
                " LEFT JOIN projection_positions p ON p.name = l.name AND p.generation = %s"
                " WHERE l.name = %s",
                (generation, name),
            ).fetchone()
            if row is None or row[0] >= generation:
                yield f"{name}: generation {generation} is live"
                return
            yield f"{name}: generation {generation} at position {row[1]}"
            time.sleep(REBUILD_POLL_SECONDS)


def retry(database: Database, name: str) -> bool:
    """Let a stopped projection try its event again; False where it is not stopped."""
    with database.connect("projector") as connection:
        retried = connection.execute(
            "UPDATE projection_positions SET error = NULL, stopped_at_position = NULL"
            " WHERE name = %s AND error IS NOT NULL",
            (name,),
        )
        return retried.rowcount > 0


@dataclass
class CheckResult:
    """What comparing one view with the fold of the log has found."""

    name: str
    position: int
    rows: int = 0
    differences: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "projection": self.name,
            "position": self.position,
            "rows": self.rows,
            "is_equal": not self.differences,
            "differences": self.differences[:DIFFERENCES_MAX],
        }


def check(database: Database) -> Iterator[CheckResult]:
    """Fold the log again, in one snapshot of it, and compare every view row by row."""
    for projection in ALL:
        with database.connect("projector") as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield check_one(connection, projection)


def check_one(connection: Connection, projection: Projection) -> CheckResult:
    """Log tables are compared batch by batch; tables of changing rows at the end."""
    row = connection.execute(
        "SELECT l.live_generation, p.position FROM projections l JOIN projection_positions p"
        " ON p.name = l.name AND p.generation = l.live_generation WHERE l.name = %s",
        (projection.name,),
    ).fetchone()
    if row is None:
        return CheckResult(projection.name, 0, 0, ["not begun: no worker has run yet"])
    generation, position = int(row[0]), int(row[1])
    result, reached = CheckResult(projection.name, position), 0
    folded: dict[tuple[str, Key], Any] = {}
    while reached < position:
        events = [
            each
            for each in read_batch(connection, reached, BATCH_SIZE).events
            if each.position <= position
        ]
        if not events:
            break
        rows = Rows(folded)
        for recorded in events:
            projection.fold(rows, recorded)
        folded |= kept(projection, rows)
        compare_logs(connection, projection, generation, rows, (reached, events[-1].position),
                     result)  # fmt: skip
        reached = events[-1].position
    for table in projection.tables:
        if not table.is_log:
            ours = {key: row for (name, key), row in folded.items() if name == table.name}
            compare(table, ours, load_all(connection, table, generation), result)
    return result


def kept(projection: Projection, rows: Rows) -> dict[tuple[str, Key], Any]:
    """The rows that later facts may change."""
    logs = {table.name for table in projection.tables if table.is_log}
    return {place: row for place, row in rows.put_rows.items() if place[0] not in logs}


def compare_logs(
    connection: Connection,
    projection: Projection,
    generation: int,
    rows: Rows,
    positions: tuple[int, int],
    result: CheckResult,
) -> None:
    for table in projection.tables:
        if table.is_log:
            ours = {key: row for (name, key), row in rows.put_rows.items() if name == table.name}
            held = load_positions(connection, table, generation, *positions)
            compare(table, ours, held, result)


def compare(table: Table, ours: dict[Key, Any], held: dict[Key, Any], result: CheckResult) -> None:
    """Note every row that is missing, too many, or not the same."""
    result.rows += len(held)
    for key in ours.keys() - held.keys():
        result.differences.append(f"{table.name} lacks {key}")
    for key in held.keys() - ours.keys():
        result.differences.append(f"{table.name} has {key}, which the log does not give")
    for key in ours.keys() & held.keys():
        if ours[key] != held[key]:
            result.differences.append(f"{table.name} differs at {key}: {ours[key]} / {held[key]}")
