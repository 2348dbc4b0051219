"""An upload: received or refused whole, its rows settled one by one, finished with the last."""

from __future__ import annotations

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain import submission
from domain.submission import (
    CheckPostponed,
    Fault,
    Finished,
    Received,
    Refused,
    Row,
    RowFate,
    RowsSettled,
)
from tests.examples import STAMP, SUBMISSION_ID, at, the_terms
from tests.spec import given_by

given = given_by(lambda facts: submission.fold(SUBMISSION_ID, facts))

MALFORMED = Fault(key="asin_malformed", values={"value": "??"})


def row(number: int, asin: str | None = None, fault: Fault | None = None) -> Row:
    terms = None if fault else the_terms()
    return Row(number=number, asin=asin or f"B{number:09}", terms=terms, fault=fault)


def receiving(*rows: Row, faults: tuple[Fault, ...] = ()) -> submission.Receive:
    return submission.Receive(
        stamp=STAMP, filename="a.csv", content_sha256="ab", rows=rows, faults=faults
    )


def received(*rows: Row) -> Received:
    return Received(stamp=STAMP, filename="a.csv", content_sha256="ab", rows=rows)


def fate(number: int, of: submission.Fate = "listed", codes: tuple[str, ...] = ()) -> RowFate:
    return RowFate(number=number, asin=f"B{number:09}", fate=of, codes=codes)


def settled(*fates: RowFate) -> RowsSettled:
    return RowsSettled(stamp=STAMP, fates=fates)


def settling(*fates: RowFate) -> submission.Settle:
    return submission.Settle(stamp=STAMP, fates=fates)


def finished(**counts: int) -> Finished:
    return Finished(stamp=STAMP, counts=counts)


def test_a_well_formed_file_is_received_with_all_rows_open() -> None:
    when = given().when(submission.receive, receiving(row(1), row(2)))
    when.then(received(row(1), row(2)))


def test_a_file_with_a_fault_is_refused_whole_and_is_over() -> None:
    fault = Fault(key="too_many_rows", values={"rows": 501, "rows_max": 500})
    refused = Refused(stamp=STAMP, filename="a.csv", content_sha256="ab", faults=(fault,))
    given().when(submission.receive, receiving(faults=(fault,))).then(refused)
    state = given(refused).state
    assert (state.is_finished, state.rows, state.faults) == (True, (), (fault,))


def test_sending_the_same_upload_again_is_nothing_new() -> None:
    given(received(row(1))).when(submission.receive, receiving(row(1))).then_nothing()


def test_a_faulty_row_is_refused_at_once_and_the_rest_go_on() -> None:
    faulty = row(1, "??", MALFORMED)
    refused = RowFate(
        number=1, asin="??", fate="refused", codes=("E-400",), detail="asin_malformed"
    )
    when = given().when(submission.receive, receiving(faulty, row(2)))
    when.then(received(faulty, row(2)), settled(refused))


def test_a_file_of_faulty_rows_only_is_finished_at_once() -> None:
    faulty = [row(number, "??", MALFORMED) for number in (1, 2)]
    *_, last = given().when(submission.receive, receiving(*faulty)).facts()
    assert last == finished(refused=2)


def test_the_second_row_of_an_asin_is_refused_with_e_408_and_names_the_first() -> None:
    rows = [row(1, "B0EXAMPLE1"), row(2, "B0EXAMPLE2"), row(3, "B0EXAMPLE1"), row(4, "B0EXAMPLE1")]
    _, fact = (
        given()
        .when(submission.receive, receiving(*rows))
        .then_topics("submission.received", "submission.rows_settled")
    )
    assert [(each.number, each.codes) for each in fact.fates] == [(3, ("E-408",)), (4, ("E-408",))]
    state = given(*given().when(submission.receive, receiving(*rows)).facts()).state
    assert [each.number for each in state.open_rows] == [1, 2]
    assert [each.fault.values for each in state.rows if each.fault] == [{"row": 1}] * 2


def test_a_faulty_row_does_not_make_a_good_one_of_its_asin_a_repeat() -> None:
    fault = Fault(code="E-409", key="price_out_of_range")
    rows = [row(1, "B0EXAMPLE1", fault), row(2, "B0EXAMPLE1")]
    _, fact = given().when(submission.receive, receiving(*rows)).facts()
    assert [(each.number, each.codes) for each in fact.fates] == [(1, ("E-409",))]


def test_a_row_keeps_its_first_fate() -> None:
    history = (received(row(1), row(2)), settled(fate(1)))
    given(*history).when(submission.settle, settling(fate(1, "failed"))).then_nothing()


def test_the_last_row_finishes_the_upload_with_counts_by_fate() -> None:
    history = (received(row(1), row(2), row(3)), settled(fate(1), fate(2, "rejected")))
    when = given(*history).when(submission.settle, settling(fate(3)))
    when.then(settled(fate(3)), finished(listed=2, rejected=1))


def test_the_same_row_twice_in_one_command_does_not_finish_an_open_upload() -> None:
    when = given(received(row(1), row(2))).when(submission.settle, settling(fate(1), fate(1)))
    when.then(settled(fate(1)))


def test_a_row_the_upload_never_had_has_no_fate() -> None:
    given(received(row(1))).when(submission.settle, settling(fate(9))).then_nothing()


def test_a_postponed_row_stays_open() -> None:
    postponed = CheckPostponed(
        stamp=STAMP, numbers=(1,), code="E-902", detail="slow down", retry_at=at(60)
    )
    state = given(received(row(1)), postponed).state
    assert ([each.number for each in state.open_rows], state.version) == ([1], 2)


def test_only_an_upload_can_begin_its_history() -> None:
    with pytest.raises(TypeError, match=r"submission\.finished"):
        given(finished(listed=1))


@whatever(
    count=st.integers(1, 6),
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["listed", "failed", "rejected"]))),
        max_size=8,
    ),
)
def test_however_rows_are_settled_an_upload_finishes_once_when_none_is_open(
    count: int, batches: list[list[tuple[int, submission.Fate]]]
) -> None:
    history: list[submission.SubmissionFact] = [received(*(row(n + 1) for n in range(count)))]
    for batch in batches:
        state = given(*history).state
        history += submission.settle(state, settling(*(fate(n, of) for n, of in batch)))
    state = given(*history).state
    ends = [fact for fact in history if isinstance(fact, Finished)]
    assert state.is_finished == (not state.open_rows) == (len(ends) == 1)
    assert all(sum(fact.counts.values()) == count for fact in ends)
