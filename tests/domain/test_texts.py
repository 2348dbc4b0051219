"""The wording of rules: every rule in every language, with the same values, natively written."""

from __future__ import annotations

import re
import string

import pytest

from domain.error_codes import LANGUAGES, Language
from domain.policy import policy_of
from domain.texts import rule_text, rule_texts

KANA = re.compile(r"[\u3041-\u30ff]")
HAN = re.compile(r"[\u4e00-\u9fff]")


def values_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(rule_texts()))
def test_a_rule_names_the_same_values_in_every_language(key: str) -> None:
    texts = rule_texts()[key]
    assert len({frozenset(values_in(texts[language])) for language in LANGUAGES}) == 1


@pytest.mark.parametrize("key", sorted(rule_texts()))
def test_a_rule_is_written_in_the_language_it_claims(key: str) -> None:
    texts = rule_texts()[key]
    foreign = re.sub(
        r"ノークレーム・ノーリターン|返品不可|交換|返金|破損|故障|24時間|届出事業者",
        "",
        texts["zh"],
    )
    assert KANA.search(texts["ja"])
    assert HAN.search(texts["zh"])
    assert not KANA.search(re.sub(r"らくらくメルカリ便|“[^”]*”|「[^」]*」", "", foreign))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_of_the_policy_has_its_wording(language: Language) -> None:
    policy = policy_of()
    keys = [f"certificate_{rule.key}" for rule in policy.certificates]
    keys += [f"unsupported_{rule.key}" for rule in policy.unsupported]
    assert all(rule_text(key, {}, language) != key for key in keys)


def test_a_rule_recorded_in_words_long_ago_is_shown_as_it_was() -> None:
    assert rule_text("match rate ≥ 92 %", {}, "zh") == "match rate ≥ 92 %"
