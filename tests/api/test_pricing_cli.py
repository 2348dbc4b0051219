"""`asin-sync pricing` and `asin-sync fees` against a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.client import Exit
from api.desk import Desk
from tests.api.page_data import listed_binding
from tests.sellers import LinkedSeller

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(address: str, seller_key: str, tmp_path: Path) -> Run:
    """Runs a command as the seller, as a process of its own."""
    environment = {
        **os.environ, "ASIN_SYNC_URL": address, "ASIN_SYNC_KEY": seller_key, "COLUMNS": "200",
        "ASIN_SYNC_DATA": str(tmp_path),
    }  # fmt: skip

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "main", *arguments], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return command


def test_rules_are_tried_set_on_top_of_each_other_and_shown(
    run: Run, desk: Desk, seller: LinkedSeller, tmp_path: Path
) -> None:
    listed_binding(desk, seller.seller_id, "B0TESTAA01")
    tried = run("pricing", "dry-run", "--charm", "80", "--json")
    assert tried.returncode == 0, tried.stderr
    item = json.loads(tried.stdout)
    assert (item["from_price_jpy"], item["to_price_jpy"]) == (9_600, 9_580)
    assert json.loads(run("pricing", "show").stdout)["rules"]["charm"] is None

    assert run("pricing", "set", "--charm", "80", "--ceiling-jpy", "9500").returncode == 0
    assert run("pricing", "set", "--floor-jpy", "980", "--off", "ceiling_jpy").returncode == 0
    own = run("pricing", "set", "--asin", "b0testaa01", "--floor-jpy", "990", "--off", "charm")
    assert own.returncode == 0, own.stderr
    shown = json.loads(run("pricing", "show").stdout)
    rules = shown["rules"]
    assert (rules["charm"], rules["floor_jpy"], rules["ceiling_jpy"]) == ("80", 980, None)
    (override,) = rules["overrides"]
    assert (override["asin"], override["floor_jpy"], override["off"]) == (
        "B0TESTAA01", 990, ["charm"],
    )  # fmt: skip
    kept = tmp_path / "rules.json"
    kept.write_text(json.dumps(shown))
    assert run("pricing", "set", "--rules", str(kept)).returncode == 0


def test_what_is_refused_names_field_and_rule(run: Run, tmp_path: Path) -> None:
    refused = run("pricing", "set", "--floor-jpy", "2000", "--ceiling-jpy", "1000")
    assert refused.returncode == Exit.FAILED
    assert "floor_jpy: The floor lies above the ceiling" in refused.stderr
    prices = tmp_path / "prices.csv"
    prices.write_text("asin,channel,price_jpy\nB0TESTAA01,rakuten,9.70\n")
    refused = run("pricing", "import-prices", str(prices))
    assert "row 1/price_jpy: Give whole yen" in refused.stderr
    prices.write_text("asin,channel,price_jpy\nB0TESTAA01,rakuten,970\n")
    assert "1 prices entered" in run("pricing", "import-prices", str(prices)).stderr


def test_the_fees_of_a_price(run: Run) -> None:
    said = run("fees", "5001", "--shipping", "self")
    assert "¥4,401" in said.stdout
    assert "W-102" in said.stdout
    before = json.loads(run("fees", "5001", "--on", "2024-03-31", "--json").stdout)
    assert (before["commission_jpy"], before["warning_code"]) == (500, None)
