"""The tables of what is read and held: whole, without doubles, and worded."""

from __future__ import annotations

from typing import get_args

import pytest

from domain.catalogue import BY_TOPIC
from domain.error_codes import LANGUAGES
from domain.privacy import HELD, READS, TABLES_OF_NOBODY, End, Law, Protection, Source, kept_under
from domain.texts import rule_texts


@pytest.mark.parametrize("topic", sorted(BY_TOPIC))
def test_every_fact_is_held_under_exactly_one_entry(topic: str) -> None:
    assert len(kept_under(topic)) == 1


def test_no_entry_names_a_fact_that_is_not_there() -> None:
    for held in HELD:
        for each in held.topics:
            assert any(topic == each or topic.startswith(each) for topic in BY_TOPIC), each


def test_a_fact_of_a_new_kind_is_held_under_none_until_an_entry_names_it() -> None:
    assert kept_under("seller.phone_number_entered") == ()
    assert kept_under("seller.registered_twice") == ()


def test_a_table_is_named_once() -> None:
    named = [table for held in HELD for table in held.tables]
    assert len({*named, *TABLES_OF_NOBODY}) == len(named) + len(TABLES_OF_NOBODY)


def test_every_entry_lies_somewhere_and_has_its_law() -> None:
    assert all((held.tables or held.topics) and held.laws for held in HELD)


def test_a_number_of_days_and_an_end_by_days_go_together() -> None:
    assert all((held.end == "days") is (held.kept_days is not None) for held in HELD)


def test_what_may_name_a_person_ends_and_may_be_asked_to() -> None:
    for held in HELD:
        if held.is_personal:
            assert held.end in ("days", "removed", "forgotten", "erasure")
            assert held.protection in ("rows", "sealed", "own_key", "keystore")
            assert "appi_deletion" in held.laws


def test_everything_is_worded() -> None:
    keys = {each.key for each in (*READS, *HELD)}
    keys |= {f"{key}_why" for key in keys}
    for prefix, names in (("source", Source), ("protection", Protection), ("end", End),
                          ("law", Law)):  # fmt: skip
        keys |= {f"{prefix}_{name}" for name in get_args(names)}
    assert keys <= set(rule_texts())
    begun = ("read_", "held_", "source_", "protection_", "end_", "law_")
    assert {key for key in rule_texts() if key.startswith(begun)} == keys
    for key in keys:
        assert len({rule_texts()[key][language] for language in LANGUAGES}) == len(LANGUAGES)
