"""What is counted as it changes, on any history, beside a count of all the rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import pytest

from infra.database import Connection
from infra.installation import Installation
from infra.migrate import FIRST_CELL
from projections import audit_trail, binding_counts, bindings, health_totals, sync_log
from tests.infra.test_health_by_sql import record_all
from tests.sellers import LinkedSeller

COUNTED = ("binding_counts", "binding_codes", "health_totals", "health_codes")
HELD = dict.fromkeys(("binding_codes", "health_codes"), " WHERE is_held")
PAGE = 7


@pytest.fixture
def lived(installation: Installation, seller: LinkedSeller) -> LinkedSeller:
    """A seller with a few hundred facts of any kind."""
    assert record_all(installation, seller.seller_id, seed=3) > 300
    return seller


@pytest.fixture
def projector(installation: Installation, lived: LinkedSeller) -> Iterator[Connection]:
    with installation.database.connect("projector") as connection:
        yield connection


@pytest.fixture
def reader(installation: Installation, lived: LinkedSeller) -> Iterator[Connection]:
    with installation.database.reading_for(lived.seller_id) as connection:
        yield connection


def rows_of(connection: Connection, table: str) -> set[str]:
    """Every row that counts, as text."""
    found = connection.execute(
        f"SELECT to_jsonb(t)::text FROM {FIRST_CELL}.{table} t{HELD.get(table, '')}"
    ).fetchall()
    return {text for (text,) in found}


def count_again(connection: Connection) -> None:
    """What the migration counts where the views were there before it."""
    folder = resources.files("infra") / "migrations" / "cell"
    text = folder.joinpath("0030_counted.sql").read_text("utf-8").replace("{cell}", FIRST_CELL)
    counting = text.partition("SET ROLE {projector};")[2].partition("RESET ROLE;")[0]
    connection.execute(counting.encode())


def test_the_fold_has_counted_what_a_migration_would_count(projector: Connection) -> None:
    folded = {table: rows_of(projector, table) for table in COUNTED}
    with projector.transaction(force_rollback=True):
        for table in COUNTED:
            projector.execute(f"DELETE FROM {FIRST_CELL}.{table}")
        count_again(projector)
        counted = {table: rows_of(projector, table) for table in COUNTED}
    assert all(folded.values())
    assert folded == counted


def test_a_seller_has_as_many_bindings_in_a_status_as_rows(reader: Connection) -> None:
    rows = bindings.page(reader, limit=1_000)
    expected: dict[str, int] = {}
    for row in rows:
        expected[row.status] = expected.get(row.status, 0) + 1
    assert binding_counts.counts(reader) == expected
    assert health_totals.read(reader).by(health_totals.STATUS) == expected


def test_the_list_by_a_code_is_the_list_of_those_that_have_it(reader: Connection) -> None:
    rows = bindings.page(reader, limit=1_000)
    codes = {code for row in rows for code in row.error_codes or ()}
    assert len(codes) > 3
    for code in (*codes, "E-999"):
        having = [row.binding_id for row in rows if code in (row.error_codes or ())]
        found, before = list[Any](), None
        while page := bindings.page(reader, error_code=code, before=before, limit=PAGE):
            found += [row.binding_id for row in page]
            before = page[-1].position
        assert found == having


def test_a_code_and_a_status_together_leave_those_that_have_both(reader: Connection) -> None:
    rows = bindings.page(reader, limit=1_000)
    coded = next(row for row in rows if row.error_codes)
    code = (coded.error_codes or [""])[0]
    for status in ("listed", coded.status):
        both = [row for row in rows if row.status == status and code in (row.error_codes or ())]
        assert bindings.page(reader, status=status, error_code=code) == both[:50]


def halves_of(moments: list[datetime]) -> list[tuple[datetime | None, datetime | None]]:
    """Everything, the older half, the newer half, what lies between, and nothing."""
    middle, late = moments[len(moments) // 2], moments[-3]
    return [
        (moments[-1] - timedelta(days=1), None), (None, middle), (middle, None), (middle, late),
        (None, moments[0]), (moments[-1] + timedelta(seconds=1), None),
    ]  # fmt: skip


def test_the_log_of_a_time_is_read_page_by_page_without_gap_or_repetition(
    reader: Connection,
) -> None:
    lines = sync_log.page(reader, sync_log.Filter(), limit=10_000)
    for since, until in halves_of(sorted(line.time for line in lines)):
        expected = [
            line for line in lines
            if (since is None or line.time >= since) and (until is None or line.time < until)
        ]  # fmt: skip
        wanted, found = sync_log.Filter(since=since, until=until), list[sync_log.LogRow]()
        before: tuple[int, int] | None = None
        while page := sync_log.page(reader, wanted, before=before, limit=PAGE):
            found += page
            before = (page[-1].position, page[-1].number)
        assert found == expected


def test_the_trail_of_a_time_goes_on_before_any_position(reader: Connection) -> None:
    rows = audit_trail.page(reader, audit_trail.Filter(), limit=10_000)
    for since, until in halves_of(sorted(row.recorded_at for row in rows)):
        wanted = audit_trail.Filter(since=since, until=until)
        held = [
            row for row in rows
            if (since is None or row.recorded_at >= since)
            and (until is None or row.recorded_at < until)
        ]  # fmt: skip
        for before in (None, rows[0].position + 1, rows[0].position + 99, rows[5].position, 1):
            expected = [row for row in held if before is None or row.position < before]
            assert audit_trail.page(reader, wanted, before=before, limit=10_000) == expected


def test_a_binding_s_lines_are_found_by_its_id(reader: Connection) -> None:
    lines = sync_log.page(reader, sync_log.Filter(), limit=10_000)
    binding_id = next(line.binding_id for line in lines if line.binding_id)
    own = [line for line in lines if line.binding_id == binding_id]
    assert sync_log.page(reader, sync_log.Filter(binding_id=binding_id), limit=1_000) == own
