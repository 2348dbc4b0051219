"""Policy data: versions that decisions can be made under, drafts, and what differs between two."""

from __future__ import annotations

from importlib import resources

import pytest

from domain.policy import CURRENT_VERSION, NoSuchPolicy, policy_from, policy_of, policy_versions
from domain.policy.comparison import differences

TEXT = resources.files("domain.policy").joinpath(f"{CURRENT_VERSION}.toml").read_text("utf-8")


def test_today_s_version_is_the_last_and_every_version_can_be_read() -> None:
    assert policy_versions()[-1] == CURRENT_VERSION
    assert all(policy_of(version).version == version for version in policy_versions())


@pytest.mark.parametrize("version", ["2026-11", "1999-01", "../2026-11-25", ""])
def test_a_version_that_no_decision_can_be_made_under_is_refused(version: str) -> None:
    with pytest.raises(NoSuchPolicy):
        policy_of(version)


def test_a_version_does_not_differ_from_itself() -> None:
    assert differences(policy_of(), policy_of()) == []


def test_a_draft_s_changes_are_found_by_their_place() -> None:
    draft = policy_from(
        "draft",
        TEXT.replace("shipping_days_max = 7", "shipping_days_max = 5").replace(
            '"ノーブランド", ', ""
        ),
    )
    found = {each.place: (each.before, each.after) for each in differences(policy_of(), draft)}
    assert found == {"shipping_days_max": ("7", "5"), "unbranded.ノーブランド": ("yes", None)}


def test_a_draft_with_a_field_that_no_rule_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="surprise"):
        policy_from("draft", f"surprise = 1\n{TEXT}")


def test_an_older_version_reads_with_guards_fees_and_no_charm_endings() -> None:
    older, newer = policy_of("2026-11-25"), policy_of("2026-11-26")
    assert (older.guards, older.repricing.fees) == (newer.guards, newer.repricing.fees)
    places = {each.place for each in differences(older, newer)}
    assert places == {f"repricing.charm_endings.{each}" for each in newer.repricing.charm_endings}
