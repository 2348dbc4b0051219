"""When this fact, then that work; and nothing after the rest."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain import submission
from domain.facts import Fact
from domain.policies import CheckAgain, CheckRows, DrainEffects, StartSweep, work_after
from domain.seller import SweepRequested
from domain.submission import Fault, Received, Row
from tests.examples import (
    BINDING_ID,
    NOW,
    SELLER_ID,
    STAMP,
    SUBMISSION_ID,
    attempt_failed,
    blocked,
    listed,
    mapped,
    mapping_broken,
    recorded,
    reinstated,
    rejected,
    requested,
    suspended,
    the_terms,
    validated,
    withdrawn,
)

DRAIN = DrainEffects(SELLER_ID)


def after(fact: Fact, originator_id: UUID = BINDING_ID) -> list[object]:
    return list(work_after(recorded(1, fact, originator_id)))


def test_an_upload_is_checked_page_by_page_without_its_faulty_rows() -> None:
    bad = Row(number=3, asin="?", fault=Fault(key="asin_malformed"))
    good = [Row(number=n, asin=f"B{n:09}", terms=the_terms()) for n in range(1, 202) if n != 3]
    rows = tuple(sorted([bad, *good], key=lambda row: row.number))
    fact = Received(stamp=STAMP, filename="a", content_sha256="b", rows=rows)
    pages = [work for work in after(fact, SUBMISSION_ID) if isinstance(work, CheckRows)]
    assert [number for page in pages for number in page.numbers] == [row.number for row in good]
    assert [len(page.numbers) for page in pages] == [100, 100]
    assert {page.submission_id for page in pages} == {SUBMISSION_ID}


def test_a_binding_asked_for_by_hand_is_checked_and_taken_off_sale() -> None:
    fact = requested(submission_id=None, row=None)
    assert after(fact) == [CheckAgain(SELLER_ID, BINDING_ID), DRAIN]


def test_a_sweep_asked_for_starts_now() -> None:
    fact = SweepRequested(stamp=STAMP, kind="status")
    assert after(fact, SELLER_ID) == [StartSweep(SELLER_ID, "status", NOW, is_requested=True)]


@pytest.mark.parametrize(
    "fact",
    [mapped(), mapping_broken(), suspended(), reinstated(), blocked(), withdrawn()],
    ids=lambda fact: fact.TOPIC,
)
def test_what_changes_mercari_is_carried_out(fact: Fact) -> None:
    assert after(fact) == [DRAIN]


@pytest.mark.parametrize(
    "fact",
    [requested(), validated(), rejected(), listed(), attempt_failed(),
     submission.Finished(stamp=STAMP, counts={})],
    ids=lambda fact: fact.TOPIC,
)  # fmt: skip
def test_nothing_follows_from_the_rest(fact: Fact) -> None:
    assert after(fact) == []
