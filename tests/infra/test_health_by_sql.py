"""The health score, made again by SQL over the log alone, as the auditors' role, on any history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import asin_binding
from domain.application import Change, acting_for
from domain.asin_binding import BindingFact, facts
from domain.facts import Fact
from domain.sync_sweep import Finished, Tally
from domain.values import binding_id_of, sweep_id_of
from infra.installation import Installation
from infra.migrate import FIRST_CELL
from infra.projection_engine import ProjectionEngine
from infra.web_desk import WebDesk
from tests.api.web_server import serving
from tests.examples import (
    STAMP,
    a_finding,
    a_product,
    attempt_failed,
    confirmed,
    listed,
    mapped,
    reinstated,
    rejected,
    requested,
    the_circumstances,
    validated,
)
from tests.lives import ALLOWED, MOVES, STEPS
from tests.sellers import LinkedSeller

QUERIES = Path(__file__).parents[2] / "docs" / "health-score.sql"
NOW = datetime(2026, 11, 26, 12, 34, 56, tzinfo=UTC)
BINDINGS, SWEEPS, STEPS_MAX = 50, 60, 12
WINDOWS = {"24h": "24 hours", "30d": "30 days"}
VERDICTS = ("pass", "pass", "pass", "fail", "review", None)
CODES = ("E-901", "E-902", "E-903")


def queries() -> dict[str, str]:
    """Each query of the file by its name, with psql's variables as parameters."""
    _, *parts = re.split(r"^-- name: (\w+)\n", QUERIES.read_text("utf-8"), flags=re.MULTILINE)
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: parameterised(text) for name, text in found.items()}


def parameterised(text: str) -> str:
    text = text.replace("%", "%%").replace(':"cell"', FIRST_CELL)
    return re.sub(r":'(\w+)'", r"%(\1)s", text)


def step_of(random: Random, step: str, state: asin_binding.AsinBinding) -> Sequence[BindingFact]:
    """One thing that happens to a binding, with figures of its own."""
    price = random.choice((10_000, 10_000, 10_400, 9_700, 12_000))
    match step:
        case "check":
            return (validated(image_verdict=random.choice(VERDICTS), price_jpy=price), mapped())
        case "review":
            found = (a_finding("E-410"), a_finding("E-412"))
            around = the_circumstances()
            waits = facts.ReviewRequested(
                stamp=STAMP, product=a_product(), findings=found, image="i", circumstances=around
            )
            return (waits,)
        case "reject":
            return (rejected(*random.choice((("E-403",), ("E-410", "E-403", "E-410")))),)
        case "list":
            return (listed(price_jpy=price),)
        case "shown":
            return (confirmed("update", price_jpy=price),)
        case "reinstate":
            return (reinstated(is_listed=state.listing is not None),)
        case "fail":
            operation = random.choice(("list", "update", "take_down"))
            return (attempt_failed(operation, random.choice(CODES)),)
        case "image":
            judged = facts.ImageJudged(
                stamp=STAMP, image_url="u", findings=(), title="t",
                verdict=random.choice(VERDICTS[:5]), image=the_circumstances().image,
            )  # fmt: skip
            return (judged,)
        case "low":
            warned = facts.StockAdjusted(
                stamp=STAMP, from_stock=9, to_stock=0, amazon_quantity=1, stock_threshold=1,
                warning=a_finding("W-103"),
            )  # fmt: skip
            return (warned,)
        case _:
            return STEPS[step]


LIKELY: dict[str, tuple[str, ...]] = {
    "requested": (*("check",) * 10, "review", "reject", "reject"),
    "mapped": (*("list",) * 9, *("suspend",) * 4),
    "listed": (*("shown", "image", "fail", *MOVES) * 3, *("low",) * 2),
    "suspended": ("reinstate",) * 6,
    "unmapped": ("ask",) * 4,
}
"""Steps that come more often than the others, so that many lives end on sale."""


def life(random: Random, binding_id: UUID, asin: str) -> list[BindingFact]:
    """A history whose steps are spread over the forty days until now."""
    history: list[BindingFact] = [requested(asin=asin)]
    state = asin_binding.fold(None, binding_id, history)
    for _ in range(random.randint(0, STEPS_MAX)):
        assert state is not None
        step = random.choice((*ALLOWED[state.status], *LIKELY.get(state.status, ())))
        added = step_of(random, step, state)
        history += added
        state = asin_binding.fold(state, binding_id, added)
    moments = sorted(moment(random) for _ in history)
    return [dated(fact, when) for fact, when in zip(history, moments, strict=True)]


def moment(random: Random) -> datetime:
    """Half of them in the last two days, some on the very hour."""
    span = random.choice((timedelta(days=2), timedelta(days=40)))
    when = NOW - random.random() * span
    return when.replace(minute=0, second=0, microsecond=0) if random.random() < 0.1 else when


def dated(fact: Any, when: datetime) -> Any:
    return fact.model_copy(update={"stamp": fact.stamp.model_copy(update={"decided_at": when})})


def sweep(random: Random) -> Finished:
    """A sweep of some bindings, or of none, that failed for some."""
    size = random.choice((0, 1, 40, 250))
    failed = random.choice((0, 0, 0, 1, 2)) if size > 2 else 0
    codes = {random.choice(CODES): failed} if failed else {}
    tally = Tally(bindings=size, failed=failed, counts_by_code=codes)
    ended = Finished(stamp=STAMP, kind="status", due_at=NOW, started_at=NOW, tally=tally)
    return dated(ended, moment(random))


@dataclass
class Audited:
    """What the service answers, and what the auditors' queries give, for one window."""

    score: dict[str, Any]
    rows: dict[str, list[dict[str, Any]]]


def record_all(installation: Installation, seller_id: UUID, seed: int) -> int:
    """A few hundred facts of one seller; returns how many."""
    random, changes = Random(seed), list[Change]()
    for number in range(BINDINGS):
        binding_id = binding_id_of(seller_id, f"B0AUDIT{number:03d}")
        changes.append(Change(binding_id, 0, life(random, binding_id, f"B0AUDIT{number:03d}")))
    for number in range(SWEEPS):
        ended: list[Fact] = [sweep(random)]
        changes.append(
            Change(sweep_id_of(seller_id, "status", datetime.fromtimestamp(number, UTC)), 0, ended)
        )
    with acting_for(seller_id):
        installation.app.record(*changes)
    engine = ProjectionEngine(installation.database)
    assert engine.lead()
    while engine.run_once():
        continue
    engine.close()
    return sum(len(change.facts) for change in changes)


def by_sql(installation: Installation, seller_id: UUID, window: str) -> dict[str, Any]:
    values = {"seller": str(seller_id), "window": WINDOWS[window], "now": NOW.isoformat()}
    found = {}
    with installation.database.connect("auditor_sql") as connection:
        connection.execute("SET timezone = 'Asia/Kathmandu'")
        for name, text in queries().items():
            cursor = connection.execute(text.encode(), values)
            names = [column.name for column in cursor.description or ()]
            found[name] = [dict(zip(names, row, strict=True)) for row in cursor]
    return found


def audited(installation: Installation, seller_id: UUID) -> dict[str, Audited]:
    """Both windows, as the service answers and as the queries tell."""
    key = installation.api_keys.create("seller", seller_id, "test")[1]
    desk, answers = WebDesk(installation, lambda: NOW), {}
    with serving(desk) as address:
        for window in WINDOWS:
            score = httpx.get(
                f"{address}/v1/health-score?window={window}", timeout=30,
                headers={"Authorization": f"Bearer {key}"},
            ).json()  # fmt: skip
            answers[window] = Audited(score, by_sql(installation, seller_id, window))
    desk.stop()
    desk.shops.close()
    return answers


@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_of_the_health_score_comes_from_the_log_alone(
    installation: Installation, seller: LinkedSeller, seed: int
) -> None:
    assert record_all(installation, seller.seller_id, seed) > 300
    answers = audited(installation, seller.seller_id)
    for each in answers.values():
        ensure_same_figures(each)
        ensure_follows(each)
    day, month = answers["24h"].score, answers["30d"].score
    assert day["attempts"] < month["attempts"]
    for failing in month["failing"]:
        assert failing["who_acts"] in ("seller", "mercari", "automatic")
        count = min(20, failing["bindings"])
        assert len(failing["asins"]) == len(failing["binding_ids"]) == count


def ensure_same_figures(audited: Audited) -> None:
    """Each figure that has a query."""
    score, rows = audited.score, audited.rows
    assert rows["attempts"] == [{"attempts": score["attempts"]}]
    assert rows["failed"] == [{"failed": score["failed"]}]
    [success] = rows["sync_success_rate"]
    assert float(success["sync_success_rate"]) == pytest.approx(score["sync_success_rate"])
    [price] = rows["price_deviation_rate"]
    for name in ("price_deviation_rate", "price_deviating_share"):
        assert float(price[name]) == pytest.approx(score[name])
    assert price["listings"] == score["listings"] > 5
    [image] = rows["image_compliance_rate"]
    assert float(image["image_compliance_rate"]) == pytest.approx(score["image_compliance_rate"])
    assert image["images_inspected"] == score["images_inspected"]
    assert image["images_compliant"] == score["images_compliant"]
    assert {row["status"]: row["bindings"] for row in rows["statuses"]} == score["statuses"]
    assert {(row["code"], row["failures"], row["bindings"]) for row in rows["failing"]} == {
        (each["code"], each["failures"], each["bindings"]) for each in score["failing"]
    }


def ensure_follows(audited: Audited) -> None:
    """Budget, worst hours and score, made of those figures."""
    score, rows = audited.score, audited.rows
    hours = rows["hours"]
    attempts, failed = (sum(row[name] for row in hours) for name in ("attempts", "failed"))
    assert (attempts, failed) == (score["attempts"], score["failed"])
    assert score["failures_allowed"] == floor(attempts * 8 / 1000)
    assert score["failures_left"] == score["failures_allowed"] - failed
    below = [row for row in hours if 1 - row["failed"] / row["attempts"] < 0.992]
    worst = sorted(below, key=lambda row: (-row["failed"], row["hour"]))[:5]
    assert [datetime.fromisoformat(each["hour"]) for each in score["worst_hours"]] == [
        row["hour"] for row in worst
    ]
    assert len(worst) == 5
    parts = [part for part in score["composite"] if part["rate"] is not None]
    weight = sum(part["weight"] for part in parts)
    points = [
        max(0, min(1, 1 - (part["target"] - part["rate"]) / part["tolerance"])) for part in parts
    ]
    made = 100 * sum(part["weight"] * p for part, p in zip(parts, points, strict=True)) / weight
    assert score["score"] == pytest.approx(made, abs=0.051)


def test_of_an_empty_log_each_query_answers_and_counts_nothing(
    installation: Installation, seller: LinkedSeller
) -> None:
    rows = by_sql(installation, seller.seller_id, "24h")
    assert (rows["attempts"], rows["failed"]) == ([{"attempts": 0}], [{"failed": 0}])
    assert rows["sync_success_rate"] == [{"sync_success_rate": None}]
    assert rows["image_compliance_rate"][0]["image_compliance_rate"] is None
    assert rows["statuses"] == rows["failing"] == rows["hours"] == []
