"""The breaker: opens on failures in a row, waits longer with each try, says since when and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain import breaker
from domain.breaker import BY_HAND_SECONDS, DELAYS_SECONDS, Breaker, Pause, Paused, Resume
from domain.ports import (
    AddressNotRegistered,
    AuthorisationRevoked,
    ShopClosed,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from tests.examples import at, stamp
from tests.spec import given_by

given = given_by(breaker.fold)


def pausing(seconds: float = 0, *, is_for_a_person: bool = False) -> Pause:
    return Pause(
        stamp=stamp(seconds), marketplace="amazon", code="E-901", reason="HTTP 503",
        is_for_a_person=is_for_a_person,
    )  # fmt: skip


def paused(seconds: float = 0, since: float = 0, tries: int = 0) -> Paused:
    return Paused(
        stamp=stamp(seconds), marketplace="amazon", code="E-901", reason="HTTP 503",
        since=at(since), tries=tries,
        retry_at=at(seconds) + timedelta(seconds=DELAYS_SECONDS[tries]),
    )  # fmt: skip


def test_it_opens_once_and_says_since_when_why_and_when_it_is_tried_again() -> None:
    given().when(breaker.pause, pausing()).then(paused())
    given(paused()).when(breaker.pause, pausing(30)).then_nothing()


def test_a_failed_try_keeps_it_open_for_longer_and_keeps_since_when() -> None:
    given(paused()).when(breaker.pause, pausing(60)).then(paused(60, tries=1))
    given(paused(), paused(60, tries=1)).when(breaker.pause, pausing(180)).then(
        paused(180, tries=2)
    )


def test_the_wait_between_tries_never_exceeds_its_longest() -> None:
    assert breaker.delay(99, is_for_a_person=False).total_seconds() == DELAYS_SECONDS[-1]


def test_what_only_a_person_can_mend_is_tried_each_half_hour() -> None:
    (fact,) = given().when(breaker.pause, pausing(is_for_a_person=True)).facts()
    assert (fact.retry_at - at(0)).total_seconds() == BY_HAND_SECONDS


def test_an_answer_closes_it_and_a_closed_one_stays_closed() -> None:
    (fact,) = given(paused()).when(breaker.resume, Resume(stamp=stamp(90))).facts()
    assert (fact.code, fact.since) == ("E-901", at(0))
    given(paused(), fact).when(breaker.resume, Resume(stamp=stamp(91))).then_nothing()
    assert breaker.fold([paused(), fact]) == Breaker(version=2)


@pytest.mark.parametrize(
    ("kind", "counts", "at_once"),
    [
        (UpstreamUnavailable, True, False),
        (UpstreamThrottled, False, False),
        (UpstreamRefused, False, False),
        (AuthorisationRevoked, False, True),
        (AddressNotRegistered, False, True),
        (ShopClosed, False, True),
    ],
)
def test_silence_counts_pacing_does_not_and_what_a_person_must_mend_opens_at_once(
    kind: type[UpstreamError], *, counts: bool, at_once: bool
) -> None:
    error = kind("amazon", "any", "because")
    assert (breaker.counts_against(error), breaker.stops_at_once(error)) == (counts, at_once)
