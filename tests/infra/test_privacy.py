"""What the table of held data says, held to the migrated database and to what deletes from it."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from domain.privacy import HELD, LOG_TABLE, TABLES_OF_NOBODY
from infra import hint_intake, messages, sign_ins
from infra.webhooks import rows as webhook_rows

TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY table_name
"""
ISOLATED = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity
"""
WITH_SELLERS = """
    SELECT c.table_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.column_name = 'seller_id' AND t.table_type = 'BASE TABLE'
"""
COLUMNS = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"


def names_in(database_url: str, query: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [str(name) for (name,) in connection.execute(query.encode())]


def test_every_table_is_held_under_one_entry_or_is_nobodys(database_url: str) -> None:
    named = [table for held in HELD for table in held.tables]
    assert sorted([*named, *TABLES_OF_NOBODY, LOG_TABLE]) == names_in(database_url, TABLES)


def test_a_table_that_nobody_has_thought_of_is_noticed(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE public.birthdays (seller_id uuid, birthday date)")
    named = {table for held in HELD for table in held.tables}
    unnamed = set(names_in(database_url, TABLES)) - named - {*TABLES_OF_NOBODY, LOG_TABLE}
    assert unnamed == {"birthdays"}


def test_what_is_nobodys_names_no_seller_but_by_when_its_next_sweep_is_due(
    database_url: str,
) -> None:
    assert set(names_in(database_url, WITH_SELLERS)) & set(TABLES_OF_NOBODY) == {"sweep_schedule"}


def test_what_is_said_to_be_each_sellers_own_is_isolated_by_the_database(
    database_url: str,
) -> None:
    said = {
        table
        for held in HELD
        if held.protection in ("log", "rows", "own_key")
        for table in held.tables
    }
    assert {*said, LOG_TABLE} <= set(names_in(database_url, ISOLATED))


@pytest.mark.parametrize(
    ("protection", "column"),
    [("sealed", "ciphertext|content|wrapped"), ("digest", "digest|state_hash")],
)
def test_what_is_said_to_be_sealed_or_digested_lies_there_as_bytes(
    protection: str, column: str, database_url: str
) -> None:
    tables = [table for held in HELD if held.protection == protection for table in held.tables]
    assert tables
    with psycopg.connect(database_url) as connection:
        for table in tables:
            columns = dict(connection.execute(COLUMNS, (table,)).fetchall())
            assert [columns.get(each) for each in column.split("|")].count("bytea") == 1
            assert not {"token", "secret", "key", "filename"} & set(columns)


def test_what_is_deleted_by_itself_is_deleted_when_the_table_says() -> None:
    days = {held.key: timedelta(days=held.kept_days) for held in HELD if held.kept_days}
    assert days == {
        "held_consents": timedelta(days=1),
        "held_sign_ins": sign_ins.KNOWN_FOR,
        "held_mails": messages.FORGOTTEN,
        "held_deliveries": webhook_rows.KEPT,
        "held_notifications": hint_intake.KEPT_FOR,
    }
