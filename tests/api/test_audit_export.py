"""The audit trail as a file, over the API and by the command line, in each form alike."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import httpx
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from api.audit_export import COLUMNS, WRITERS
from api.desk import Desk
from api.parquet import ROWS_IN_GROUP, written
from domain.values import binding_id_of
from main import cli
from projections import audit_trail
from tests.api.page_data import adjusted, listed_binding, record

EXPORT = "/v1/audit-trail/export"
WITHOUT = "import sys; sys.modules['pyarrow'] = None\n"


@pytest.fixture
def binding(desk: Desk, seller_id: UUID) -> str:
    name = listed_binding(desk, seller_id, "B0EXPORT01")
    prices = [adjusted(number, number + 1) for number in range(1, 1_101)]
    record(desk, seller_id, binding_id_of(seller_id, "B0EXPORT01"), 5, list(prices))
    return name


def positions(answer: httpx.Response, form: str) -> list[int]:
    assert answer.status_code == 200, answer.text
    match form:
        case "csv":
            rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
            return [int(row["position"]) for row in rows]
        case "jsonl":
            return [json.loads(line)["position"] for line in answer.text.splitlines()]
        case _:
            table = pq.read_table(io.BytesIO(answer.content))
            assert tuple(table.column_names) == COLUMNS
            return list(table["position"].to_pylist())


def test_each_form_holds_the_same_rows_once_newest_first(
    client: httpx.Client, binding: str
) -> None:
    found = {
        form: positions(client.get(EXPORT, params={"format": form, "subject": binding}), form)
        for form in WRITERS
    }
    assert len(found["csv"]) == 1_105
    assert found["csv"] == sorted(found["csv"], reverse=True)
    assert found["csv"] == found["jsonl"] == found["parquet"]
    none = {"subject": binding, "actor": "nobody"}
    for form in WRITERS:
        assert positions(client.get(EXPORT, params={"format": form, **none}), form) == []


def test_parquet_keeps_types_and_moments(
    desk: Desk, client: httpx.Client, binding: str, seller_id: UUID
) -> None:
    answer = client.get(EXPORT, params={"format": "parquet", "type": "asin_binding.listed"})
    [row] = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    with desk.reading_for(seller_id) as connection:
        [same] = audit_trail.page(connection, audit_trail.Filter(type="asin_binding.listed"))
    assert (row["recorded_at"], row["decided_at"]) == (same.recorded_at, same.decided_at)
    assert row["subject"] == str(same.subject)
    assert row["causation_id"] is None
    group = [same] * 1_000
    whole = b"".join(written(iter([group] * 60), COLUMNS))
    file = pq.ParquetFile(io.BytesIO(whole))
    assert (file.metadata.num_rows, file.num_row_groups) == (60_000, 2)
    assert file.metadata.row_group(0).num_rows == ROWS_IN_GROUP


def test_a_form_or_a_filter_that_is_none_is_refused(client: httpx.Client, binding: str) -> None:
    for wrong in ({"format": "xml"}, {"from": "soon"}):
        assert client.get(EXPORT, params=wrong).status_code == 422
    assert client.get(EXPORT, params={"subject": "whatever"}).status_code == 404


def test_another_sellers_events_are_in_no_export(
    client: httpx.Client, binding: str, neighbour_bearer: dict[str, str]
) -> None:
    foreign = client.get(EXPORT, params={"subject": binding}, headers=neighbour_bearer)
    assert foreign.text == ""


def test_where_the_extra_is_not_installed_parquet_is_refused_by_its_code() -> None:
    script = WITHOUT + (
        "from api.audit_export import can_write, exported\n"
        "from domain.errors import ParquetNotInstalled\n"
        "assert can_write('csv') and not can_write('parquet')\n"
        "try: exported(None, None, None, 1, 'parquet')\n"
        "except ParquetNotInstalled as refused: print(refused.code, refused)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert said.stdout.startswith("parquet-not-installed ask for csv or jsonl"), said.stderr


def test_the_trail_is_written_by_the_command_line_in_the_form_that_the_name_says(
    address: str, seller_key: str, binding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASIN_SYNC_URL", address)
    monkeypatch.setenv("ASIN_SYNC_KEY", seller_key)
    monkeypatch.chdir(tmp_path)
    of_type = ["--type", "asin_binding.price_adjusted"]
    for name in ("trail.jsonl", "trail.csv", "trail.parquet"):
        options = ["audit", "trail", "--subject", "B0EXPORT01", *of_type, "--output", name]
        done = CliRunner().invoke(cli, options)
        assert done.exit_code == 0, done.output
    assert len(Path("trail.jsonl").read_text().splitlines()) == 1_101
    assert pq.read_metadata("trail.parquet").num_rows == 1_101
    before = Path("trail.csv").read_bytes()
    refused = CliRunner().invoke(cli, ["audit", "trail", "--from", "soon", "--output", "trail.csv"])
    assert refused.exit_code == 1
    assert Path("trail.csv").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
