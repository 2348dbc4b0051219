"""Judging without Amazon: a snapshot from a file is judged by the same rules, under one schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from domain.policy import policy_of
from domain.snapshots import Snapshot, json_schema, judge_snapshot

SCHEMA = Path(__file__).parents[2] / "docs" / "validate-facts.schema.json"
GOOD: dict[str, Any] = {
    "product": {
        "asin": "B0EXAMPLE1", "status": "active", "title": "本革ハンドバッグ 黒",
        "price_jpy": 10_000, "quantity": 3, "channel": "fba", "image_url": "https://m.media-amazon.com/images/I/1.jpg",
        "browse_path": ["シューズ＆バッグ", "レディースバッグ", "ハンドバッグ"],
    },
    "mercari_category": "ファッション > レディース > バッグ > ハンドバッグ",
}  # fmt: skip


def judged(**changes: Any) -> tuple[str, list[str]]:
    snapshot = Snapshot.model_validate_json(json.dumps({**GOOD, **changes}))
    run = judge_snapshot(policy_of(), snapshot)
    return run.judgement.verdict, [found.code for found in run.judgement.faults]


def test_the_committed_schema_is_the_one_that_lines_are_read_by() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema()
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator(json_schema()).validate(GOOD)


def test_a_good_snapshot_passes_and_its_image_is_not_inspected() -> None:
    assert judged() == ("pass", [])


def test_without_a_category_the_category_is_not_judged() -> None:
    assert judged(mercari_category=None) == ("pass", [])


@pytest.mark.parametrize("path", ["レディース > バッグ", "ファッション > レディース", "no such"])
def test_a_path_that_is_no_leaf_of_the_tree_is_refused(path: str) -> None:
    assert judged(mercari_category=path) == ("fail", ["E-403"])


@pytest.mark.parametrize(
    "wrong", [{"product": {"asin": "B0EXAMPLE1"}}, {"surprise": 1}, {"stock_threshold": "x"}]
)
def test_a_line_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Snapshot.model_validate_json(json.dumps({**GOOD, **wrong}))
