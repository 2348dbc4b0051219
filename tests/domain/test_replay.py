"""Replay: a decision made again from what was recorded with it gives the same facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain.asin_binding import BindingFact, decisions, fold, judging
from domain.asin_binding.drift import FollowListing, drift_of
from domain.asin_binding.facts import ContentRefreshed, Validated
from domain.images import ImageFacts, ImageReading
from domain.replay import Decision, decisions_of
from domain.rules.precheck import Tree
from tests.examples import (
    BINDING_ID,
    LIVE,
    MOVED_WATCHES,
    OTHER_ID,
    STAMP,
    TREE,
    WATCH_ID,
    WATCHES,
    a_certificate,
    a_product,
    asking,
    checking,
    following,
    listed,
    requested,
    stamp,
    sweeping,
    the_terms,
)

TREE_ID = UUID(int=3)


def tree_of(tree_id: UUID) -> Tree:
    assert tree_id == TREE_ID
    return TREE


def grown(*steps: Any) -> list[BindingFact]:
    """A history in which each step is a fact, or decides on what came before."""
    history: list[BindingFact] = []
    for step in steps:
        binding = fold(None, BINDING_ID, history)
        history += step(binding) if callable(step) else [step]
    return history


def check(last_units: int = 0, **product: Any) -> Any:
    command = checking(a_product(**product), tree_id=TREE_ID, last_units=last_units)
    return lambda it: judging.check(it, command)


def follow(seconds: float, **offer: Any) -> Any:
    return lambda it: decisions.follow_offer(it, following(seconds, **offer))


def sweep(**product: Any) -> Any:
    command = sweeping(**product)
    around = command.around.model_copy(update={"tree_id": TREE_ID})
    command = command.model_copy(update={"around": around})
    return lambda it: decisions.follow_product(it, command)


WATCH = {
    "browse_path": WATCHES,
    "title": "腕時計型端末",
    "certificates": (a_certificate("pse_circle"),),
}
HISTORIES: dict[str, Sequence[Any]] = {
    "accepted": [requested(), check()],
    "rejected for its category": [
        requested(terms=the_terms(mercari_category_id=OTHER_ID)), check(),
    ],
    "rejected for several reasons": [requested(), check(status="deleted", image_url=None)],
    "price, stock, suspension and return": [
        requested(), check(), listed(), follow(60, price_jpy=9_000), follow(120, quantity=0),
        follow(180, status="suspended", status_reason="LISTING_SUPPRESSED"), follow(240),
        follow(300, status_reason="stock_zero", status="inactive", quantity=0),
    ],
    "terms changed": [
        requested(), check(), listed(),
        lambda it: decisions.request(it, asking(terms=the_terms(stock_threshold=3))),
    ],
    "last units kept back": [
        requested(), check(quantity=2, last_units=3), listed(stock=0),
        follow(60, quantity=8, last_units=3), follow(120, quantity=3, last_units=3),
        lambda it: decisions.request(it, asking(terms=the_terms(stock_threshold=3), last_units=9)),
    ],
    "category moved": [
        requested(terms=the_terms(mercari_category_id=WATCH_ID)), check(**WATCH), listed(),
        sweep(**WATCH | {"browse_path": MOVED_WATCHES}),
    ],
    "certificate gone": [
        requested(terms=the_terms(mercari_category_id=WATCH_ID)), check(**WATCH), listed(),
        sweep(**WATCH | {"certificates": ()}),
    ],
}  # fmt: skip


def made_again(history: Sequence[BindingFact]) -> list[Decision]:
    return list(decisions_of(BINDING_ID, history, tree_of))


@pytest.mark.parametrize("name", HISTORIES)
def test_every_decision_comes_out_the_same(name: str) -> None:
    history = grown(*HISTORIES[name])
    made = made_again(history)
    assert made
    assert all(each.is_same for each in made), [each for each in made if not each.is_same]


def test_the_histories_hold_every_kind_of_decision() -> None:
    topics = {
        fact.TOPIC.partition(".")[2]
        for steps in HISTORIES.values()
        for each in made_again(grown(*steps))
        for fact in each.recorded
    }
    assert topics >= {
        "validated", "mapped", "rejected", "price_adjusted", "stock_adjusted", "suspended",
        "reinstated", "terms_changed", "mapping_broken", "blocked",
    }  # fmt: skip


def test_a_review_and_what_followed_it_come_out_the_same() -> None:
    unsure = ImageReading(
        status="inspected",
        facts=ImageFacts(
            sha256="a" * 64, engine="rules 1", width=800, height=800, white_background=0.3,
            is_text_read=True, lines=("本革ハンドバッグ",),
        ),
    )  # fmt: skip
    first = checking(a_product(), tree_id=TREE_ID, image=unsure)
    review = judging.ReviewImage(stamp=stamp(5), verdict="pass", note="a contact shadow")
    history = grown(
        requested(),
        lambda it: judging.check(it, first),
        lambda it: judging.review_image(it, review),
        lambda it: judging.check(it, first),
    )
    assert [fact.TOPIC.partition(".")[2] for fact in history] == [
        "requested", "review_requested", "image_reviewed", "validated", "mapped",
    ]  # fmt: skip
    assert [each.is_same for each in made_again(history)] == [True, True]


def test_a_decision_that_was_tampered_with_is_found() -> None:
    history = grown(*HISTORIES["accepted"])
    validated = history[1]
    assert isinstance(validated, Validated)
    history[1] = validated.model_copy(update={"price_jpy": validated.price_jpy + 1})
    [made] = made_again(history)
    assert not made.is_same
    assert made.again is not None


def test_what_was_decided_before_its_inputs_were_recorded_is_counted_apart() -> None:
    old = STAMP.model_copy(update={"policy": "2026-11"})
    history = [fact.model_copy(update={"stamp": old}) for fact in LIVE]
    [made] = made_again(history)
    assert (made.again, made.lacking) == (None, "policy 2026-11")
    bare = [
        fact.model_copy(update={"circumstances": None}) if isinstance(fact, Validated) else fact
        for fact in LIVE
    ]
    [made] = made_again(bare)
    assert (made.again, made.lacking) == (None, "circumstances")


def test_facts_that_no_rule_decides_are_no_decisions() -> None:
    refreshed = ContentRefreshed(stamp=STAMP, title="新しい名前", image_url=None, browse_path=())
    history = [*grown(*HISTORIES["accepted"]), listed(), refreshed]
    assert len(made_again(history)) == 1


@pytest.mark.parametrize("keeps_price", [True, False])
def test_what_was_made_of_an_edit_by_hand_is_made_again(*, keeps_price: bool) -> None:
    history: list[BindingFact] = [*grown(*HISTORIES["accepted"]), listed()]
    state = fold(None, BINDING_ID, history)
    assert state is not None
    assert state.listing is not None
    for changes in ({"price_jpy": 10_500, "title": "by hand"}, {"is_on_sale": False}):
        shown = state.listing.model_copy(update=changes)
        command = FollowListing(stamp=STAMP, listing=shown, keeps_price=keeps_price)
        [made] = made_again([*history, *drift_of(state, command)])[-1:]
        assert made.is_same
