"""Arbitrage as decisions: suspected by rule, judged once, and a status that ends for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain import arbitrage, seller
from domain.arbitrage import (
    EVIDENCE_MAX,
    Arbitrage,
    ArbitrageConfirmed,
    ArbitrageDismissed,
    ArbitrageFact,
    ArbitrageSuspected,
    ConfirmSuspicion,
    DismissSuspicion,
    Evidence,
    SuspectArbitrage,
    Terminate,
    Terminated,
)
from domain.asin_binding import decisions
from domain.asin_binding.facts import Blocked
from domain.errors import NotFound, SellerTerminated, WrongState
from domain.facts import Stamp
from domain.policies import DrainEffects, Erase, WindUp, work_after
from domain.pricing import ChangePricingRules, change_rules
from domain.replay import decisions_of
from domain.rules.brands import BrandAuthorisation
from domain.rules.repricing import PricingRules
from domain.rules.warranty import Warranty
from tests.domain.test_asin_binding import given as given_binding
from tests.domain.test_seller import ENABLED, LINKED
from tests.examples import BINDING_ID, LIVES, SELLER_ID, STAMP, at, recorded, stamp
from tests.spec import given_by

FIRST, SECOND = UUID(int=1), UUID(int=2)
WORDS = "a reviewer's own words"
DAY = 86_400


def fold(facts: Any) -> Arbitrage:
    held = Arbitrage()
    for version, fact in enumerate(facts, start=1):
        held = arbitrage.after(held, fact, version)
    return held


given: Any = given_by(fold)
given_seller: Any = given_by(lambda facts: seller.fold(SELLER_ID, facts))


def by(name: str, seconds: float = 0) -> Stamp:
    return stamp(seconds).model_copy(update={"actor": name})


def evidence(number: int = 0, **values: Any) -> Evidence:
    fields: dict[str, Any] = {
        "binding_id": UUID(int=100 + number), "asin": f"B0ARBITR{number:02}", "since": at(-DAY),
        "amazon_price_jpy": 1_000, "shown_price_jpy": 1_151, "positions": (1, 2),
    }  # fmt: skip
    return Evidence(**fields | values)


def several(count: int) -> tuple[Evidence, ...]:
    return tuple(evidence(number) for number in range(count))


def suspected(
    suspicion_id: UUID = FIRST, rule: Any = "price_above_policy", count: int = 1
) -> ArbitrageSuspected:
    return ArbitrageSuspected(
        stamp=STAMP, suspicion_id=suspicion_id, rule=rule, evidence=several(count)
    )


def suspecting(
    seconds: float = 0,
    rule: Any = "price_above_policy",
    count: int = 1,
    suspicion_id: UUID = FIRST,
) -> SuspectArbitrage:
    return SuspectArbitrage(
        stamp=stamp(seconds), suspicion_id=suspicion_id, rule=rule, evidence=several(count)
    )


def dismissed(name: str = "key:a", seconds: float = 0) -> ArbitrageDismissed:
    return ArbitrageDismissed(
        stamp=by(name, seconds), suspicion_id=FIRST, cause="own_stock_proved", reason=WORDS
    )


def confirmed(name: str = "key:a") -> ArbitrageConfirmed:
    return ArbitrageConfirmed(
        stamp=by(name), suspicion_id=FIRST, cause="bought_on_amazon", reason=WORDS
    )


def terminated(name: str = "key:a", suspicion_id: UUID | None = FIRST) -> Terminated:
    return Terminated(
        stamp=by(name), code="E-415", cause="arbitrage", suspicion_id=suspicion_id, reason=WORDS
    )


def dismissing(name: str = "key:a", suspicion_id: UUID = FIRST) -> DismissSuspicion:
    return DismissSuspicion(
        stamp=by(name), suspicion_id=suspicion_id, cause="own_stock_proved", reason=WORDS
    )


def confirming(name: str = "key:a", suspicion_id: UUID = FIRST) -> ConfirmSuspicion:
    return ConfirmSuspicion(
        stamp=by(name), suspicion_id=suspicion_id, cause="bought_on_amazon", reason=WORDS
    )


def terminating(*, is_admin: bool, cause: Any = "fraud") -> Terminate:
    return Terminate(stamp=by("key:a"), cause=cause, reason=WORDS, is_admin=is_admin)


# --- suspecting ---------------------------------------------------------------------------------


def test_a_price_above_policy_is_suspected_with_its_evidence() -> None:
    given().when(arbitrage.suspect, suspecting()).then(suspected())


def test_the_same_binding_under_the_same_rule_is_not_suspected_while_that_is_open() -> None:
    again = suspecting(10 * DAY, suspicion_id=SECOND)
    given(suspected()).when(arbitrage.suspect, again).then_nothing()


def test_another_binding_or_another_rule_is_a_suspicion_of_its_own() -> None:
    (fact,) = given(suspected()).when(arbitrage.suspect, suspecting(count=2)).facts()
    assert [each.asin for each in fact.evidence] == ["B0ARBITR01"]
    unowned = suspecting(rule="no_own_offer", count=3, suspicion_id=SECOND)
    given(suspected()).when(arbitrage.suspect, unowned).then_topics("seller.arbitrage_suspected")


@pytest.mark.parametrize(("count", "is_suspected"), [(0, False), (2, False), (3, True)])
def test_three_asins_without_an_own_offer_are_needed(count: int, is_suspected: bool) -> None:
    command = suspecting(rule="no_own_offer", count=count)
    assert len(given().when(arbitrage.suspect, command).facts()) == is_suspected


def test_asins_suspected_already_do_not_count_towards_the_next_three() -> None:
    known = suspected(rule="no_own_offer", count=3)
    five = suspecting(rule="no_own_offer", count=5, suspicion_id=SECOND)
    given(known).when(arbitrage.suspect, five).then_nothing()
    six = suspecting(rule="no_own_offer", count=6, suspicion_id=SECOND)
    given(known).when(arbitrage.suspect, six).then_topics("seller.arbitrage_suspected")


@pytest.mark.parametrize(("days", "is_suspected"), [(29, False), (31, True)])
def test_a_dismissal_holds_for_thirty_days(days: int, is_suspected: bool) -> None:
    command = suspecting(days * DAY, suspicion_id=SECOND)
    facts = given(suspected(), dismissed()).when(arbitrage.suspect, command).facts()
    assert len(facts) == is_suspected


def test_what_begins_in_the_future_of_a_slow_clock_counts_for_nothing() -> None:
    given().when(arbitrage.suspect, suspecting(-2 * DAY)).then_nothing()


def test_a_terminated_seller_is_suspected_of_nothing_more() -> None:
    given(terminated()).when(arbitrage.suspect, suspecting()).then_nothing()


def test_a_suspicion_names_so_many_bindings_and_the_next_one_the_rest() -> None:
    (first,) = given().when(arbitrage.suspect, suspecting(count=EVIDENCE_MAX + 7)).facts()
    again = suspecting(count=EVIDENCE_MAX + 7, suspicion_id=SECOND)
    (rest,) = given(first).when(arbitrage.suspect, again).facts()
    assert (len(first.evidence), len(rest.evidence)) == (EVIDENCE_MAX, 7)


# --- judging ------------------------------------------------------------------------------------


def test_a_dismissal_is_told_once() -> None:
    given(suspected()).when(arbitrage.dismiss, dismissing()).then(dismissed())
    given(suspected(), dismissed()).when(arbitrage.dismiss, dismissing()).then_nothing()


def test_a_confirmation_terminates_with_it() -> None:
    given(suspected()).when(arbitrage.confirm, confirming()).then(confirmed(), terminated())
    history = (suspected(), confirmed(), terminated())
    given(*history).when(arbitrage.confirm, confirming()).then_nothing()


@pytest.mark.parametrize(
    ("history", "decide", "command", "said"),
    [
        ((dismissed(),), arbitrage.confirm, confirming(), "dismissed"),
        ((dismissed(),), arbitrage.confirm, confirming("key:b"), "dismissed"),
        ((dismissed(),), arbitrage.dismiss, dismissing("key:b"), "dismissed"),
        ((confirmed(), terminated()), arbitrage.dismiss, dismissing(), "confirmed"),
        ((confirmed(), terminated()), arbitrage.confirm, confirming("key:b"), "confirmed"),
    ],
)
def test_a_suspicion_is_decided_once_and_who_comes_later_is_told_by_whom_and_when(
    history: tuple[ArbitrageFact, ...], decide: Any, command: Any, said: str
) -> None:
    refusal = given(suspected(), *history).when(decide, command).then_refused(WrongState)
    assert refusal.fields == {
        "decision": said, "decided_by": "key:a", "decided_at": STAMP.decided_at.isoformat(),
        "rules": {"decision": "suspicion_decided"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("decide", "command"),
    [(arbitrage.confirm, confirming("key:a", SECOND)),
     (arbitrage.dismiss, dismissing("key:a", SECOND))],
)  # fmt: skip
def test_an_unknown_suspicion_can_not_be_decided(decide: Any, command: Any) -> None:
    given(suspected()).when(decide, command).then_refused(NotFound)


def test_one_dismissed_suspicion_leaves_the_other_open() -> None:
    other = suspected(SECOND, "no_own_offer", 3)
    state = given(suspected(), other, dismissed()).state
    assert [each.suspicion_id for each in state.open] == [SECOND]


# --- terminating --------------------------------------------------------------------------------


def test_an_admin_may_terminate_without_a_suspicion_and_a_reviewer_may_not() -> None:
    given().when(arbitrage.terminate, terminating(is_admin=False)).then_refused(WrongState)
    (fact,) = given().when(arbitrage.terminate, terminating(is_admin=True)).facts()
    assert (fact.code, fact.cause, fact.suspicion_id) == ("E-415", "fraud", None)


@pytest.mark.parametrize("history", [(suspected(),), (suspected(), dismissed())])
def test_an_open_or_dismissed_suspicion_is_not_enough_for_a_reviewer(history: Any) -> None:
    given(*history).when(arbitrage.terminate, terminating(is_admin=False)).then_refused(WrongState)


def test_a_reviewer_may_after_a_confirmed_suspicion() -> None:
    command = terminating(is_admin=False, cause="arbitrage")
    given(suspected(), confirmed()).when(arbitrage.terminate, command).then(terminated())


def test_a_seller_is_terminated_once() -> None:
    command = terminating(is_admin=True)
    given(terminated()).when(arbitrage.terminate, command).then_nothing()
    given(suspected(), terminated("key:b", None)).when(arbitrage.confirm, confirming()).then(
        confirmed()
    )


def test_a_cause_that_nobody_coded_is_refused() -> None:
    with pytest.raises(ValidationError):
        terminating(is_admin=True, cause="a whim")


def test_what_a_reviewer_wrote_is_personal_and_its_cause_is_not() -> None:
    for fact in (dismissed(), confirmed(), terminated()):
        assert frozenset({"reason"}) == fact.PERSONAL


# --- what a terminated seller may still do -------------------------------------------------------

COMMANDS: dict[str, tuple[Any, Any]] = {
    "link Amazon": (seller.link_amazon, seller.LinkAmazon(stamp=STAMP)),
    "link Mercari": (seller.link_mercari, seller.LinkMercari(stamp=STAMP, shop_id="s")),
    "enable": (seller.enable_sync, seller.EnableSync(stamp=STAMP)),
    "sweep": (seller.request_sweep, seller.RequestSweep(stamp=STAMP, kind="status")),
    "settings": (seller.change_settings, seller.ChangeSettings(stamp=STAMP, last_units=1)),
    "warranty": (
        seller.change_warranty,
        seller.ChangeWarranty(stamp=STAMP, warranty=Warranty(days=9), is_attested=True),
    ),
    "brands": (
        seller.authorise_brands,
        seller.AuthoriseBrands(
            stamp=STAMP,
            authorisations=(BrandAuthorisation(brand="b", registration_number="1234567"),),
        ),
    ),
    "pricing": (
        change_rules,
        ChangePricingRules(stamp=STAMP, rules=PricingRules()),
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_terminated_seller_is_refused_with_e_415(name: str) -> None:
    decide, command = COMMANDS[name]
    history = (*LINKED, ENABLED, terminated())
    refusal = given_seller(*history).when(decide, command).then_refused(SellerTerminated)
    assert (refusal.code, refusal.fields["cause"]) == ("E-415", "arbitrage")


def test_a_termination_switches_sync_off_and_knows_its_own_place() -> None:
    state = given_seller(*LINKED, ENABLED, terminated()).state
    assert (state.is_sync_enabled, state.is_terminated) == (False, True)
    assert state.arbitrage.termination.version == state.version == 5
    assert not given_seller(*LINKED, ENABLED, suspected()).state.is_terminated


# --- the bindings -------------------------------------------------------------------------------


def ending(how: Any) -> decisions.EndWithSeller:
    return decisions.EndWithSeller(stamp=STAMP, ending=how, cause="arbitrage")


@pytest.mark.parametrize("status", sorted(set(LIVES) - {"blocked"}))
def test_a_binding_in_any_status_is_blocked_with_its_seller(status: str) -> None:
    (fact,) = given_binding(*LIVES[status]).when(decisions.end_with_seller, ending("block")).facts()
    assert isinstance(fact, Blocked)
    assert (fact.code, fact.finding.rule, fact.finding.seen) == (
        "E-415",
        "seller_terminated",
        "arbitrage",
    )


@pytest.mark.parametrize("status", sorted(set(LIVES) - {"blocked", "withdrawn"}))
def test_a_binding_of_a_seller_that_leaves_is_withdrawn(status: str) -> None:
    when = given_binding(*LIVES[status]).when(decisions.end_with_seller, ending("withdraw"))
    when.then_topics("asin_binding.withdrawn")


@pytest.mark.parametrize(
    ("status", "how"), [("blocked", "block"), ("blocked", "withdraw"), ("withdrawn", "withdraw")]
)
def test_what_has_ended_ends_once(status: str, how: str) -> None:
    given_binding(*LIVES[status]).when(decisions.end_with_seller, ending(how)).then_nothing()


def test_the_end_with_the_seller_is_decided_the_same_again_from_its_record() -> None:
    history = [*LIVES["listed"]]
    history += given_binding(*history).when(decisions.end_with_seller, ending("block")).facts()
    last = list(decisions_of(BINDING_ID, history, lambda _: {}))[-1]
    assert last.is_same


def test_a_termination_asks_for_the_wind_up_and_a_blocked_binding_for_its_take_down() -> None:
    assert work_after(recorded(5, terminated(), SELLER_ID)) == [WindUp(SELLER_ID, "block")]
    (blocked,) = (
        given_binding(*LIVES["listed"]).when(decisions.end_with_seller, ending("block")).facts()
    )
    assert work_after(recorded(6, blocked)) == [DrainEffects(SELLER_ID)]
    assert work_after(recorded(7, suspected(), SELLER_ID)) == []
    leaving = seller.ErasureRequested(stamp=STAMP, ground="request")
    assert work_after(recorded(8, leaving, SELLER_ID)) == [
        WindUp(SELLER_ID, "withdraw"), Erase(SELLER_ID),
    ]  # fmt: skip
