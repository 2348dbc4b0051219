"""Every past decision made again on a real log: none differs, and a rewritten one is found."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from domain.policy import CURRENT_VERSION, policy_from, policy_of
from domain.transparency.signed_note import read_note, read_vkey
from infra.audit_replay import replay, what_if, write_summary
from infra.installation import Installation
from tests.domain.test_policy import TEXT
from tests.infra.upload_desk import UploadDesk

NUMBERS = range(40)


@pytest.fixture
def checked(upload_desk: UploadDesk) -> UploadDesk:
    """Forty products of the catalogue, checked through the real adapters."""
    upload_desk.upload(list(NUMBERS))
    return upload_desk


def test_no_decision_differs_when_it_is_made_again(checked: UploadDesk) -> None:
    result = replay(checked.installation.database)
    assert (result.bindings, result.decisions, result.different) == (40, 40, 0)
    assert result.same == 40


def test_the_summary_says_what_was_replayed_and_is_signed_by_the_logs_keys(
    checked: UploadDesk, installation: Installation, tmp_path: Path
) -> None:
    result = replay(installation.database)
    keys = write_summary(result, installation.log_keys, tmp_path / "replay.note")
    note = read_note((tmp_path / "replay.note").read_text("utf-8"))
    lines = note.text.splitlines()
    assert lines[:2] == ["asin-sync replay v1", installation.log_keys.name]
    assert lines[2] == f"positions {result.first_position} {result.last_position}"
    assert 0 < result.first_position < result.last_position
    assert lines[3:8] == [
        "bindings 40", "decisions 40", "same 40", "different 0", "not-replayable 0",
    ]  # fmt: skip
    assert lines[8:] == [f"policy {CURRENT_VERSION} 40"]
    verifiers = [read_vkey(line) for line in keys.read_text("utf-8").splitlines()]
    assert note.signed_by(verifiers) == list(verifiers)
    changed = note._replace(text=note.text.replace("different 0", "different 1"))
    assert changed.signed_by(verifiers) == []
    of_a_log = installation.log_keys.verifiers(uuid4())
    assert [it.public_key for it in of_a_log] == [it.public_key for it in verifiers]
    assert note.signed_by(of_a_log) == []


def test_a_decision_rewritten_behind_our_back_is_found(
    checked: UploadDesk, installation: Installation
) -> None:
    with psycopg.connect(installation.settings.database_url) as admin:
        rewritten = admin.execute(
            "UPDATE cell_1.asin_sync_events SET state = convert_to(regexp_replace("
            "convert_from(state, 'UTF8'), '\"price_jpy\":(\\d+)', '\"price_jpy\":1'), 'UTF8')"
            " WHERE notification_id = (SELECT min(notification_id) FROM cell_1.asin_sync_events"
            " WHERE topic = 'asin_binding.validated')"
        )
    assert rewritten.rowcount == 1
    result = replay(installation.database)
    assert (result.different, len(result.differences)) == (1, 1)


def test_a_draft_policy_says_how_many_live_bindings_it_would_judge_otherwise(
    checked: UploadDesk,
) -> None:
    database = checked.installation.database
    same = what_if(database, policy_of())
    assert (same.judged, sum(same.counts.values())) == (same.live, 0)
    assert same.live > 30
    stricter = policy_from("draft", TEXT.replace("shipping_days_max = 7", "shipping_days_max = 0"))
    changed = what_if(database, stricter).as_json()
    assert 0 < changed["would_change"] < changed["live_bindings"]
    assert {each["change"] for each in changed["changes"]} == {"pass -> fail (E-405)"}
