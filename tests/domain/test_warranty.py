"""The warranty: its parts are there, in real Japanese, say what they must and deny nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.warranty import Warranty, check_warranty, faults_in
from domain.texts import rule_texts


def test_the_terms_that_come_with_the_service_are_sound() -> None:
    assert faults_in(Warranty()) == {}


@pytest.mark.parametrize(
    ("part", "text", "rule"),
    [
        ("conditions", "", "warranty_part_there"),
        ("conditions", "Tell us within 24 hours", "warranty_in_japanese"),
        ("conditions", "开封后24小时内请联系我们", "warranty_in_japanese"),
        ("conditions", "届いた日からご連絡ください。", "warranty_conditions_said"),
        ("conditions", "開封後２４時間以内にご連絡ください。", None),
        ("remedy", "当店で対応いたします。", "warranty_remedy_said"),
        ("remedy", "ノークレーム・ノーリターンでお願いします。", "warranty_not_denied"),
        ("remedy", "返金いたします。" * 60, "warranty_part_short"),
        ("exclusions", "特にありません。", "warranty_exclusions_said"),
        ("exclusions", "お客様の過失によるものです。", None),
    ],
)
def test_each_part_says_what_it_must_in_japanese(part: str, text: str, rule: str | None) -> None:
    faults = faults_in(Warranty(**{part: text}))
    assert faults == ({part: rule} if rule else {})


@pytest.mark.parametrize(("days", "is_fine"), [(0, False), (1, True), (90, True), (91, False)])
def test_it_lasts_from_one_to_ninety_days(days: int, is_fine: bool) -> None:
    assert (faults_in(Warranty(days=days)) == {}) == is_fine


@given(st.text(), st.text(), st.text(), st.integers())
def test_whatever_is_written_every_fault_has_a_rule_in_words(
    conditions: str, remedy: str, exclusions: str, days: int
) -> None:
    warranty = Warranty(days=days, conditions=conditions, remedy=remedy, exclusions=exclusions)
    check = check_warranty(warranty)
    assert check.verdict == ("fail" if check.findings else "pass")
    assert all(found.rule in rule_texts() and found.seen for found in check.findings)
