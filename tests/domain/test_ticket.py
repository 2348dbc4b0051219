"""Tickets: the promised time, what answers, who may still speak, what opens one anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as whatever

from domain.errors import TicketRefused, WrongState
from domain.looks import Looks, OpenLook, open_look
from domain.ticket import Ticket, TicketFact, decisions, facts, shown_to_seller
from domain.ticket.decisions import ENTRIES_MAX, SUBJECT_LENGTH_MAX, TEXT_LENGTH_MAX
from tests.examples import at, stamp
from tests.spec import given_by
from tests.ticket_lives import (
    DAY,
    HOUR,
    STEPS,
    folded,
    opened,
    opening,
    replied,
    resolved,
    ticket_lives,
)

given: Any = given_by(folded)


def step(name: str, seconds: float) -> tuple[Any, Any]:
    decide, command = STEPS[name](stamp(seconds))
    return decide, command


def look_for(reason: str | None = "asked by phone", seconds: float = 0, **changes: Any) -> OpenLook:
    fields: dict[str, Any] = {"key_id": "k1", "role": "support", "reason": reason}
    return OpenLook(stamp=stamp(seconds), **fields | changes)


# --- opening ------------------------------------------------------------------------------------


def test_a_ticket_is_filed_under_asin_sync_and_due_in_72_hours() -> None:
    given().when(decisions.open_ticket, opening()).then(opened())
    assert (opened().category, opened().subcategory) == ("Category Integration", "ASIN Sync")


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("America/New_York", datetime(2026, 10, 31, 12, 0)),  # noqa: DTZ001
        ("Europe/London", datetime(2026, 3, 28, 12, 0)),  # noqa: DTZ001
        ("Asia/Tokyo", datetime(2026, 12, 31, 23, 59)),  # noqa: DTZ001
    ],
)
def test_the_clock_runs_in_real_hours_where_daylight_saving_begins_or_ends(
    zone: str, moment: datetime
) -> None:
    local = moment.replace(tzinfo=ZoneInfo(zone))
    command = opening().model_copy(
        update={"stamp": stamp().model_copy(update={"decided_at": local})}
    )
    [fact] = decisions.open_ticket(None, command)
    assert isinstance(fact, facts.Opened)
    assert fact.answer_due_at.utcoffset() == timedelta(0)
    assert (fact.answer_due_at - local.astimezone(UTC)).total_seconds() == 72 * HOUR


def test_the_same_ticket_sent_twice_is_opened_once_and_another_under_its_key_is_refused() -> None:
    given(opened()).when(decisions.open_ticket, opening()).then_nothing()
    given(opened()).when(decisions.open_ticket, opening(text="other")).then_refused(WrongState)


@pytest.mark.parametrize("text", ["", "  \n ", "\u202e\x00\x1b", "x" * (TEXT_LENGTH_MAX + 1),
                                  "x" * 100_000])  # fmt: skip
def test_a_text_that_is_nothing_or_too_much_is_refused_with_what_would_do(text: str) -> None:
    refused = given().when(decisions.open_ticket, opening(text=text)).then_refused(TicketRefused)
    assert refused.fields == {"rules": {"text": "ticket_text"}}


@pytest.mark.parametrize("subject", ["", "\n", "x" * (SUBJECT_LENGTH_MAX + 1)])
def test_a_subject_that_is_nothing_or_too_much_is_refused(subject: str) -> None:
    asked = given().when(decisions.open_ticket, opening(subject=subject))
    assert asked.then_refused(TicketRefused).fields == {"rules": {"subject": "ticket_subject"}}


def test_marks_that_turn_text_around_and_controls_are_taken_out_and_html_stays_text() -> None:
    command = opening(subject="a\r\nb\u202e c", text="<b>\x1b[31mred\u2066</b>\r\nnext")
    [fact] = given().when(decisions.open_ticket, command).facts()
    assert (fact.subject, fact.text) == ("a b c", "<b>[31mred</b>\nnext")


def test_a_fourth_attachment_is_refused() -> None:
    one = facts.Attachment(kind="screenshot", sha256="0" * 64, media_type="image/png", size_bytes=1)
    asked = given().when(decisions.open_ticket, opening(attachments=(one,) * 4))
    asked.then_refused(TicketRefused)


# --- answers ------------------------------------------------------------------------------------


def test_the_first_reply_of_staff_answers_and_the_second_does_not() -> None:
    decide, command = step("staff", HOUR)
    given(opened()).when(decide, command).then(replied(HOUR, text="b"))
    decide, command = step("staff", 2 * HOUR)
    given(opened(), replied()).when(decide, command).then(
        replied(2 * HOUR, text="b", is_first_answer=False)
    )


def test_neither_a_note_nor_the_sellers_own_reply_is_an_answer() -> None:
    for name in ("note", "seller"):
        decide, command = step(name, HOUR)
        state = given(opened(), *given(opened()).when(decide, command).facts()).state
        assert (state.status, state.answered_at) == ("open", None)


@pytest.mark.parametrize(("seconds", "is_late"), [(72 * HOUR, False), (72 * HOUR + 0.001, True)])
@pytest.mark.parametrize("name", ["staff", "resolve"])
def test_an_answer_after_it_was_due_says_that_it_is_late(
    name: str, seconds: float, is_late: bool
) -> None:
    decide, command = step(name, seconds)
    [fact] = given(opened()).when(decide, command).facts()
    assert (fact.is_first_answer, fact.is_late) == (True, is_late)


def test_a_later_reply_is_not_late_where_the_first_was_in_time() -> None:
    decide, command = step("staff", 100 * HOUR)
    [fact] = given(opened(), replied()).when(decide, command).facts()
    assert not fact.is_late


# --- hand-over, solution, reopening -------------------------------------------------------------


def test_a_ticket_is_handed_over_once_to_the_same_group() -> None:
    decide, command = step("hand over", HOUR)
    [fact] = given(opened()).when(decide, command).facts()
    assert (fact.to, fact.reason) == ("engineering", "d")
    given(opened(), fact).when(decide, command).then_nothing()


@pytest.mark.parametrize("name", ["staff", "resolve", "hand over"])
def test_staff_are_told_who_resolved_a_ticket_that_they_go_on_with(name: str) -> None:
    decide, command = step(name, 3 * HOUR)
    refused = given(opened(), replied(), resolved()).when(decide, command).then_refused(WrongState)
    assert "worker resolved it" in refused.detail
    assert refused.fields == {"rules": {"ticket": "ticket_resolved"}}


def test_staff_may_still_note_something_after_the_end() -> None:
    decide, command = step("note", 3 * HOUR)
    given(opened(), resolved()).when(decide, command).then_topics("ticket.note_added")


@pytest.mark.parametrize("days", [0.1, 14])
def test_a_sellers_reply_within_14_days_reopens_in_one_go(days: float) -> None:
    decide, command = step("seller", 2 * HOUR + days * DAY)
    told = given(opened(), replied(), resolved()).when(decide, command)
    back, said = told.then_topics("ticket.reopened", "ticket.replied")
    assert (back.resolved_at, said.text) == (at(2 * HOUR), "a")
    state = given(opened(), replied(), resolved(), back, said).state
    assert (state.status, state.cause, state.reopened_count) == ("answered", None, 1)


def test_a_sellers_reply_after_14_days_is_refused_and_says_to_open_a_new_one() -> None:
    decide, command = step("seller", 2 * HOUR + 14 * DAY + 1)
    refused = given(opened(), replied(), resolved()).when(decide, command).then_refused(WrongState)
    assert refused.fields == {"rules": {"ticket": "ticket_closed_for_good"}}


def test_a_ticket_with_200_entries_takes_no_more_but_can_be_resolved() -> None:
    full = [opened(), *[replied(is_from_staff=False)] * (ENTRIES_MAX - 1)]
    for name in ("seller", "staff", "note", "hand over"):
        given(*full).when(*step(name, HOUR)).then_refused(TicketRefused)
    given(*full).when(*step("resolve", HOUR)).then_topics("ticket.resolved")


# --- what the seller sees -----------------------------------------------------------------------


@whatever(ticket_lives())
def test_whatever_was_said_the_seller_sees_no_note_and_no_reason_of_a_hand_over(
    history: list[TicketFact],
) -> None:
    ticket = folded(history)
    assert isinstance(ticket, Ticket)
    shown = shown_to_seller(ticket)
    assert all(each.kind != "note" for each in shown)
    assert all(each.text is None for each in shown if each.kind == "hand_over")
    assert shown[-1].version == ticket.shown_version
    assert len(ticket.entries) == ticket.version == len(history)


@whatever(ticket_lives())
def test_however_it_went_a_ticket_was_answered_once_and_is_late_only_after_it_was_due(
    history: list[TicketFact],
) -> None:
    firsts = [
        fact
        for fact in history
        if isinstance(fact, facts.Replied | facts.Resolved) and fact.is_first_answer
    ]
    ticket = folded(history)
    assert ticket is not None
    assert [each.stamp.decided_at for each in firsts] == (
        [ticket.answered_at] if ticket.answered_at else []
    )
    assert all(each.is_late == (each.stamp.decided_at > ticket.answer_due_at) for each in firsts)


def test_erased_texts_leave_the_conversation_and_its_times() -> None:
    state = given(opened(subject=None, text=None), replied(text=None), resolved(text=None)).state
    assert [each.text for each in state.entries] == [None] * 3
    assert (state.status, state.answered_at) == ("resolved", at(HOUR))


# --- looks --------------------------------------------------------------------------------------


def looks(*opened_looks: Any) -> Looks:
    return Looks(opened=opened_looks)


def test_a_look_lasts_an_hour_and_the_same_reason_is_recorded_once_in_it() -> None:
    [first] = open_look(looks(), look_for())
    assert (first.until, first.reason) == (at(HOUR), "asked by phone")
    assert open_look(looks(first), look_for(seconds=HOUR - 1)) == []
    assert open_look(looks(first), look_for("another reason")) != []
    [again] = open_look(looks(first), look_for(seconds=HOUR))
    assert again.until == at(2 * HOUR)


@pytest.mark.parametrize("reason", [None, "", "    ", "abcd", "x" * 501])
def test_a_look_without_a_reason_is_refused(reason: str | None) -> None:
    with pytest.raises(TicketRefused):
        open_look(looks(), look_for(reason))


def test_a_look_through_a_ticket_needs_no_reason_beside_it() -> None:
    ticket_id = opened().binding_id
    [fact] = open_look(looks(), look_for(None, ticket_id=ticket_id))
    assert (fact.reason, fact.ticket_id) == (None, ticket_id)


def test_a_look_is_an_hour_long_in_any_zone() -> None:
    east = timezone(timedelta(hours=9))
    command = look_for()
    command = command.model_copy(
        update={"stamp": command.stamp.model_copy(update={"decided_at": at().astimezone(east)})}
    )
    [fact] = open_look(looks(), command)
    assert fact.until == at(HOUR)
