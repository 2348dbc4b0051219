"""Every projection folds every fact; what it shows is what the aggregate knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings

from domain import asin_binding, submission
from domain.asin_binding import BindingFact, effect_due
from domain.asin_binding.facts import Suspended
from domain.facts import Fact, Recorded
from domain.sync_sweep import Finished, PageFailed, SweepFailure, Tally
from projections import ALL
from projections.bindings import fold_history
from projections.effects import TABLE as EFFECTS
from projections.effects import Effects
from projections.health_score import HOURS, HealthScore
from projections.health_score import LIVE as HEALTH
from projections.submissions import ROWS, UPLOADS, Submissions
from projections.sync_log import TABLE as LOG
from projections.sync_log import SyncLog
from projections.table import Projection, Rows
from tests.examples import (
    ASIN,
    BAG_PATH,
    BINDING_ID,
    LIVE,
    LIVES,
    NOW,
    OTHER_ID,
    SELLER_ID,
    STAMP,
    SUBMISSION_ID,
    a_finding,
    at,
    attempt_failed,
    blocked,
    confirmed,
    listed,
    mapped,
    mapping_broken,
    recorded,
    rejected,
    requested,
    suspended,
    the_terms,
    validated,
    withdrawn,
)
from tests.lives import lives

RECEIVED = submission.Received(
    stamp=STAMP, filename="a.csv", content_sha256="ab",
    rows=(submission.Row(number=1, asin=ASIN, terms=the_terms()),),
)  # fmt: skip
FATE = submission.RowFate(number=1, asin=ASIN, fate="refused", codes=("E-403",), detail="x")


def history(facts: Iterable[Fact]) -> list[Recorded]:
    return [recorded(position, fact) for position, fact in enumerate(facts, start=1)]


def folded(projection: Projection, records: Iterable[Recorded]) -> Rows:
    rows = Rows({})
    for each in records:
        projection.fold(rows, each)
    return rows


def log_lines(*facts: Fact) -> list[Any]:
    rows = folded(SyncLog(), history(facts))
    return [row for (table, _), row in rows.put_rows.items() if table == LOG.name]


@settings(deadline=None)
@given(facts=lives())
def test_whatever_a_binding_lived_through_each_view_shows_what_the_aggregate_knows(
    facts: list[BindingFact],
) -> None:
    state = asin_binding.fold(None, BINDING_ID, facts)
    assert state is not None
    effect = folded(Effects(), history(facts)).get(EFFECTS, BINDING_ID)
    row = fold_history(history(facts))
    live = folded(HealthScore(), history(facts)).get(HEALTH, BINDING_ID)
    assert effect.effect == effect_due(state)
    assert row is not None
    assert row.status == live.status == state.status
    assert row.observed_at == state.observed_at
    seen = (row.version, row.price_jpy, row.stock, row.title, row.sku, row.amazon_price_jpy)
    known = (state.version, state.price_jpy, state.stock, state.title, state.sku)
    assert seen == (*known, state.amazon_price_jpy)
    assert row.is_on_sale == (state.listing is not None and state.listing.is_on_sale)


@pytest.mark.parametrize("projection", ALL, ids=lambda each: each.name)
@pytest.mark.parametrize("status", sorted(LIVES))
def test_a_fold_reads_only_the_rows_that_it_names(projection: Projection, status: str) -> None:
    stored: dict[Any, Any] = {}
    for each in history(LIVES[status]):
        wanted = {(table.name, key) for table, key in projection.keys(each)}
        rows = Rows({place: stored[place] for place in wanted if place in stored})
        projection.fold(rows, each)
        stored |= rows.put_rows
    assert stored == folded(projection, history(LIVES[status])).put_rows


def test_each_fact_is_in_the_audit_trail() -> None:
    trail = next(each for each in ALL if each.name == "audit_trail")
    rows = folded(trail, history((*LIVE, RECEIVED, blocked())))
    assert [row.type for row in rows.put_rows.values()] == [
        fact.TOPIC for fact in (*LIVE, RECEIVED, blocked())
    ]


def test_a_failed_attempt_waits_and_the_next_success_does_not() -> None:
    waiting = folded(Effects(), history((*LIVES["mapped"], attempt_failed("list"))))
    assert waiting.get(EFFECTS, BINDING_ID).not_before == at(300)
    done = folded(Effects(), history((*LIVES["mapped"], attempt_failed("list"), listed())))
    assert done.get(EFFECTS, BINDING_ID).not_before is None


def test_a_take_down_goes_before_an_update_and_a_new_listing() -> None:
    urgencies = [
        folded(Effects(), history(facts)).get(EFFECTS, BINDING_ID).urgency
        for facts in ((*LIVE, suspended()), (*LIVE, confirmed("update", stock=99)), LIVES["mapped"])
    ]
    assert urgencies == [0, 1, 2]


@pytest.mark.parametrize(
    ("fact", "operation", "outcome", "code"),
    [
        (attempt_failed(), "update", "retrying", "E-901"),
        (attempt_failed(code="E-903"), "update", "failed", "E-903"),
        (rejected("E-403"), "check", "failed", "E-403"),
        (suspended(), "suspend", "ok", "E-404"),
        (mapping_broken(), "category", "failed", "E-403"),
        (blocked(), "block", "failed", "E-502"),
        (withdrawn(), "withdraw", "ok", None),
    ],
)
def test_what_failed_or_changed_has_a_line_that_names_the_asin(
    fact: Fact, operation: str, outcome: str, code: str | None
) -> None:
    line = log_lines(*LIVE, fact)[-1]
    assert (line.operation, line.outcome, line.error_code) == (operation, outcome, code)
    assert (line.asin, line.binding_id) == (ASIN, BINDING_ID)


def test_a_rejection_has_one_line_for_each_finding() -> None:
    lines = log_lines(requested(), rejected("E-403", "E-410"))
    assert [(line.number, line.error_code) for line in lines] == [(0, "E-403"), (1, "E-410")]


def sweep(failed: int = 0) -> Finished:
    codes = {"E-901": failed} if failed else {}
    tally = Tally(bindings=10, changed=2, failed=failed, counts_by_code=codes)
    return Finished(stamp=STAMP, kind="status", due_at=NOW, started_at=NOW, tally=tally)


def test_a_sweep_has_one_line_with_counts_and_one_for_each_binding_it_could_not_read() -> None:
    failure = SweepFailure(asin=ASIN, code="E-902", detail="slow down")
    page = PageFailed(stamp=STAMP, kind="status", page=0, failures=(failure,))
    tried, ended = log_lines(page, sweep(3))
    assert (tried.outcome, tried.asin, tried.binding_id) == ("retrying", ASIN, BINDING_ID)
    assert (ended.outcome, ended.error_code) == ("failed", "E-901")
    assert ended.detail == {"bindings": 10, "changed": 2, "failed": 3, "stopped_by": None}


def test_a_refused_file_has_one_line_and_no_binding() -> None:
    fault = submission.Fault(key="too_many_rows", values={"rows": 501, "rows_max": 500})
    refused = submission.Refused(
        stamp=STAMP, filename="a.csv", content_sha256="ab", faults=(fault,)
    )
    (line,) = log_lines(refused)
    assert (line.outcome, line.error_code, line.binding_id) == ("failed", "E-400", None)


def test_health_counts_sweep_items_and_listing_operations_as_attempts() -> None:
    facts = (*LIVE, confirmed("update"), attempt_failed(), sweep(3))
    (hour,) = [
        row
        for (table, _), row in folded(HealthScore(), history(facts)).put_rows.items()
        if table == HOURS.name
    ]
    assert (hour.attempts, hour.failed) == (13, 4)
    assert (hour.codes, hour.seller_id) == ({"E-901": 4}, SELLER_ID)


def test_a_suspended_asin_is_still_named_after_it_was_taken_down() -> None:
    facts = (*LIVE, suspended(), attempt_failed("take_down"))
    facts += (confirmed("take_down", is_on_sale=False),)
    assert folded(HealthScore(), history(facts)).get(HEALTH, BINDING_ID).codes == ["E-404"]


def test_a_category_asked_for_anew_leaves_nothing_of_the_old_one() -> None:
    asked = requested(terms=the_terms(mercari_category_id=OTHER_ID))
    for row in (fold_history(history([*LIVE, asked, *more])) for more in ((), (rejected(),))):
        assert row is not None
        assert (row.mercari_category_id, row.category_path) == (OTHER_ID, None)
        assert row.match_rate is None
    again = fold_history(history([*LIVE, requested()]))
    assert again is not None
    assert (again.category_path, again.match_rate) == (list(BAG_PATH), None)


def test_a_broken_mapping_keeps_no_rate_beside_its_finding() -> None:
    row = fold_history(history([*LIVE, mapping_broken()]))
    assert row is not None
    assert (row.category_path, row.match_rate) == (list(BAG_PATH), None)


def test_a_suspension_for_its_price_shows_the_price_and_keeps_the_warnings() -> None:
    warned = validated(warnings=(a_finding("W-101"),))
    priced_out = Suspended(
        stamp=STAMP, code="E-409", amazon_status="active", reason="price_out_of_range",
        amazon_price_jpy=200,
    )  # fmt: skip
    row = fold_history(history([requested(), warned, mapped(), listed(), priced_out]))
    assert row is not None
    assert [found["code"] for found in row.findings or ()] == ["W-101", "E-409"]
    assert row.findings is not None
    assert row.findings[1] | {"seen": "¥200", "rule": "price_not_on_mercari"} == row.findings[1]
    back = fold_history(history([*LIVE, suspended()]))
    assert back is not None
    assert back.findings is None


def test_an_upload_fills_in_row_by_row() -> None:
    settled = submission.RowsSettled(stamp=STAMP, fates=(FATE,))
    ended = submission.Finished(stamp=STAMP, counts={"refused": 1})
    records = [
        recorded(place, fact, SUBMISSION_ID)
        for place, fact in enumerate((RECEIVED, settled, ended), start=1)
    ]
    first = folded(Submissions(), records[:1])
    assert first.get(UPLOADS, SUBMISSION_ID).status == "open"
    assert first.get(ROWS, SUBMISSION_ID, 1).fate is None
    rows = folded(Submissions(), records)
    head, row = rows.get(UPLOADS, SUBMISSION_ID), rows.get(ROWS, SUBMISSION_ID, 1)
    assert (head.status, head.settled_count, head.counts) == ("finished", 1, {"refused": 1})
    assert (row.fate, row.codes) == ("refused", ["E-403"])
