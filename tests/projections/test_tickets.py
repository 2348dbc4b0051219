"""Tickets as a view: each row is what the ticket itself knows, without a word of it."""

from __future__ import annotations

from hypothesis import given

from domain.ticket import TicketFact
from projections.table import Rows
from projections.tickets import TABLE, TicketRow, Tickets
from tests.examples import BINDING_ID, recorded
from tests.ticket_lives import TICKET_ID, folded, opened, ticket_lives


def row_after(history: list[TicketFact]) -> TicketRow:
    rows = Rows({})
    for position, fact in enumerate(history, start=1):
        Tickets().fold(rows, recorded(position, fact, TICKET_ID))
    row = rows.get(TABLE, TICKET_ID)
    assert isinstance(row, TicketRow)
    return row


@given(history=ticket_lives())
def test_whatever_a_ticket_lived_through_the_row_is_what_it_knows(
    history: list[TicketFact],
) -> None:
    row, ticket = row_after(history), folded(history)
    assert ticket is not None
    assert (row.version, row.status, row.cause) == (ticket.version, ticket.status, ticket.cause)
    times = (ticket.opened_at, ticket.answer_due_at, ticket.answered_at, ticket.resolved_at)
    assert (row.opened_at, row.answer_due_at, row.answered_at, row.resolved_at) == times
    assert (row.assignee, row.reopened_count) == (ticket.assignee, ticket.reopened_count)
    replies = [each for each in ticket.entries if each.kind == "reply"]
    assert row.staff_replies == sum(each.is_from_staff for each in replies)
    assert row.seller_replies == sum(not each.is_from_staff for each in replies)
    assert row.is_answer_late == any(each.is_late for each in ticket.entries)


@given(history=ticket_lives())
def test_however_long_it_was_talked_about_no_word_is_in_the_row(
    history: list[TicketFact],
) -> None:
    secret = "only the ticket knows this"
    told = [fact.model_copy(update=dict.fromkeys(type(fact).PERSONAL, secret)) for fact in history]
    assert secret not in repr(row_after(told))


def test_a_row_points_at_the_line_that_the_ticket_is_about() -> None:
    row = row_after([opened()])
    assert (row.operation, row.error_code, row.log_position) == ("update", "E-901", 40)
    assert (row.binding_id, row.opened_position) == (BINDING_ID, 1)
    bare = row_after([opened(log_line=None, asin=None, binding_id=None)])
    assert (bare.operation, bare.asin, bare.log_position) == (None, None, None)
