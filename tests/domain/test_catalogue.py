"""Names of facts are for ever: the list of topics may only grow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.catalogue import BY_TOPIC, FACTS
from domain.facts import Fact

NAMES = (Path(__file__).parent / "event_names.txt").read_text("utf-8").split()


def test_every_name_ever_given_is_still_read() -> None:
    assert set(NAMES) - set(BY_TOPIC) == set()


def test_every_fact_has_its_name_in_the_list() -> None:
    assert set(BY_TOPIC) - set(NAMES) == set()
    assert sorted(set(NAMES)) == NAMES


def test_no_two_facts_share_a_name() -> None:
    assert len(BY_TOPIC) == len(FACTS)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.TOPIC)
def test_a_fact_is_named_after_its_aggregate_and_what_happened(fact: type[Fact]) -> None:
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", fact.__name__).lower()
    assert re.fullmatch(
        r"(asin_binding|breaker|category_tree|person|request|seller|seller_look|submission|sync_sweep"
        r"|ticket)\." + words,
        fact.TOPIC,
    )
    assert fact.VERSION >= 1


def test_the_names_that_the_specification_gives_are_there() -> None:
    happened = ("requested", "validated", "rejected", "mapped", "mapping_broken", "listed",
                "price_adjusted", "stock_adjusted", "content_refreshed", "suspended",
                "reinstated", "blocked", "withdrawn")  # fmt: skip
    assert {f"asin_binding.{name}" for name in happened} <= set(NAMES)
