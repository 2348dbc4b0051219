"""`doctor privacy`, as people and programs read it; `doctor` alone goes on as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.error_codes import LANGUAGES, Language
from domain.privacy import HELD, READS
from domain.texts import rule_text, rule_texts
from infra.amazon.calls import OPERATIONS
from main import cli

PLACEHOLDER = re.compile(r"(?:read|held|privacy|source|protection|end|law)_[a-z]\w+|\{\w+\}")


def printed(*options: str) -> str:
    answer = CliRunner().invoke(cli, ["doctor", "privacy", *options])
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_is_read_and_held_is_printed_in_the_readers_language(language: Language) -> None:
    shown = printed("--lang", language)
    for entry in (*READS, *HELD):
        assert rule_texts()[entry.key][language] in shown
        assert rule_texts()[f"{entry.key}_why"][language] in shown
    for row in OPERATIONS.values():
        assert f"{row.name} {row.method} {row.path}" in shown
    for held in HELD:
        assert all(table in shown for table in held.tables)
    assert rule_text("privacy_never", {}, language) in shown
    assert rule_text("end_days", {"days": "14"}, language) in shown
    assert not PLACEHOLDER.search(re.sub(r"\{(seller_id|sku|\w+_id)\}", "", shown))


def test_programs_get_one_object_a_line() -> None:
    lines = [json.loads(line) for line in printed("--json", "--lang", "ja").splitlines()]
    read = [line for line in lines if line["section"] == "read"]
    held = [line for line in lines if line["section"] == "held"]
    assert [(line["operation"], line["data_set"]) for line in read] == [
        (each.operation, each.data_set) for each in READS
    ]
    assert [line["kind"] for line in held] == [each.key.removeprefix("held_") for each in HELD]
    [contacts] = [line for line in held if line["kind"] == "contacts"]
    assert contacts["is_personal"] is True
    assert contacts["tables"] == ["contact", "mailing"]
    assert contacts["kept_days"] is None
    assert contacts["laws"][-1].startswith("個人情報保護法 第35条")
    assert len(lines) == len(READS) + len(HELD)


def test_a_language_there_is_not_is_refused_with_those_there_are() -> None:
    answer = CliRunner().invoke(cli, ["doctor", "privacy", "--lang", "fr"])
    assert answer.exit_code == 2
    assert "zh, ja, en" in answer.output


def test_the_doctor_alone_looks_at_settings_and_what_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASIN_SYNC_DATA", str(tmp_path))
    answer = CliRunner().invoke(cli, ["doctor"])
    assert answer.exit_code == 1
    assert "ASIN_SYNC_DATA" in answer.output
    assert re.search(r"fault +database", answer.output)
    assert "searchListingsItems" not in answer.output
