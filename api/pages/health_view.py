"""The health page: the verdict first, then the figures it rests on, then what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from api.alert_words import word_of
from api.desk import Desk
from api.l10n import L10n, mark
from api.log_text import title_of, who_acts, who_in_words
from api.pages import sync_view
from api.pages.charts import Bucket, buckets_of, deviation_bars, deviation_x, scale, spark, trend
from api.pages.log_lines import lines_of, resume_place
from api.pages.page_frame import Page, Visit
from api.pages.sync_view import Section, section_of
from api.words import STATUSES, Kind
from domain.values import Value
from projections import conditions, health_score, stock_alerts, submissions, sync_log
from projections.conditions import SyncState
from projections.health_score import (
    PRICE_DEVIATION_RATE_TARGET,
    SYNC_SUCCESS_RATE_TARGET,
    WINDOWS,
    Health,
    HourRow,
    Part,
    Window,
)
from projections.submissions import SubmissionRow

TAIL_LENGTH = 9
ALERTS_LENGTH = 5
NAMED_LENGTH = 5
LIMIT_PCT = 100 * PRICE_DEVIATION_RATE_TARGET


class Kpi(Value):
    """One KPI: its figure, its target, and its bar. All figures of the bar are in percent."""

    name: str
    label: str
    kind: Kind
    rate: float | None
    target: float
    low: float
    high: float
    weight: int
    tolerance: float
    points: float
    is_lower_better: bool = False

    @property
    def value_x(self) -> float:
        return scale(100 * (self.rate or 0.0), self.low, self.high)

    @property
    def target_x(self) -> float:
        return scale(100 * self.target, self.low, self.high)


class Action(Value):
    """The one thing to do next."""

    href: str
    label: str
    note: str


class Verdict(Value):
    """The page's first sentence, what stands behind it, and what to do."""

    kind: Kind
    word: str
    title: str
    detail: str
    action: Action | None


def health_page(desk: Desk, visit: Visit) -> Page:
    """The whole page; without any binding, how to begin."""
    window: Window = "30d" if visit.query("window") == "30d" else "24h"
    with desk.reading_for(visit.seller_id) as connection:
        health = health_score.read(connection, window, visit.now)
        deviations = health_score.deviations(connection)
        alerts = stock_alerts.page(connection, state="open", limit=ALERTS_LENGTH)
        uploads = submissions.latest(connection, 1)
        state = conditions.state(connection, visit.now)
        lines = lines_of(
            connection, visit, sync_log.page(connection, sync_log.Filter(), limit=TAIL_LENGTH)
        )
    sync = section_of(desk, visit, state)
    buckets = buckets_of(health.hours, health.since, visit.now, window)
    kpis = kpis_of(health)
    context = {
        "health": health,
        "window": window,
        "windows": tuple(WINDOWS),
        "kpis": kpis,
        "verdict": verdict_of(visit, health, kpis, buckets, sync),
        "sync": sync,
        "upload": next((each for each in uploads if each.status == "open"), None),
        "trend": trend(buckets, SYNC_SUCCESS_RATE_TARGET),
        "target": SYNC_SUCCESS_RATE_TARGET,
        "bars": deviation_bars(deviations, LIMIT_PCT),
        "limit_x": (deviation_x(-LIMIT_PCT), deviation_x(LIMIT_PCT)),
        "limit_pct": LIMIT_PCT,
        "failing": failing_of(visit.l10n, health, buckets),
        "worst": [worst_in_words(visit.l10n, each, window) for each in health.worst_hours],
        "alerts": [(each, word_of(each)) for each in alerts],
        "lines": lines,
        "after": resume_place(visit, lines),
        **figures_and_shape(visit, health, uploads, state),
        "is_empty": not health.statuses and not uploads,
    }
    return Page("health.html", context)


def kpis_of(health: Health) -> list[Kpi]:
    """The three KPIs; each bar's scale reaches as far as its figure does."""
    success, deviation, image = health.parts
    return [
        kpi("sync", mark("Sync success rate"), success,
            low=low_end(success.rate, (98.0, 90.0, 50.0)), high=100.0),
        kpi("price", mark("Price deviation"), deviation,
            low=0.0, high=5.0 if (deviation.rate or 0) <= 0.05 else 20.0),
        kpi("image", mark("Image compliance"), image,
            low=low_end(image.rate, (99.0, 90.0, 50.0)), high=100.0),
    ]  # fmt: skip


def low_end(rate: float | None, ends: Sequence[float]) -> float:
    return next((end for end in ends if rate is None or 100 * rate >= end), 0.0)


def kpi(name: str, label: str, part: Part, *, low: float, high: float) -> Kpi:
    """The KPI as a card shows it; the bar reaches from `low` to `high` percent."""
    is_lower_better = part.tolerance < 0
    kind: Kind = "none"
    if part.rate is not None:
        is_met = part.rate <= part.target if is_lower_better else part.rate >= part.target
        kind = "ok" if is_met else "fail"
    return Kpi(
        name=name, label=label, kind=kind, rate=part.rate, target=part.target, low=low, high=high,
        weight=part.weight, tolerance=part.tolerance, is_lower_better=is_lower_better,
        points=part.points or 0.0,
    )  # fmt: skip


def verdict_of(
    visit: Visit, health: Health, kpis: Sequence[Kpi], buckets: Sequence[Bucket], sync: Section
) -> Verdict:
    """Whether things are fine, why not, and what the seller can do about it."""
    l10n, action = visit.l10n, action_of(visit, health)
    counted = [each for each in kpis if each.kind != "none"]
    missed = [each for each in counted if each.kind == "fail"]
    met = len(counted) - len(missed)
    kind: Kind = "warn" if missed or action or sync.needs_a_look else "ok"
    word = l10n.text("Needs attention") if kind == "warn" else l10n.text("On target")
    if not counted:
        kind, word = "none", l10n.text("Nothing counted yet")
        title = l10n.text("Nothing was synced in this window.")
    elif missed:
        names = l10n.listed([l10n.text(each.label) for each in missed])
        title = l10n.text("%(met)s of %(all)s targets met; missed: %(names)s.",
                          met=met, all=len(counted), names=names)  # fmt: skip
    elif action:
        title = l10n.text("All %(all)s targets met; some bindings wait for you.", all=met)
    elif sync.needs_a_look:
        title = l10n.text("All %(all)s targets met; the sync itself waits for you.", all=met)
    else:
        title = l10n.text("All %(all)s targets met. There is nothing for you to do.", all=met)
    detail = detail_of(l10n, health, buckets)
    return Verdict(kind=kind, word=word, title=title, detail=detail, action=action)


def detail_of(l10n: L10n, health: Health, buckets: Sequence[Bucket]) -> str:
    """What pulled the success rate down, and when."""
    missed = [each for each in buckets if each.is_ok(SYNC_SUCCESS_RATE_TARGET) is False]
    if not health.attempts:
        return l10n.text("The score appears after the first sync, usually within a minute.")
    if not missed:
        return l10n.text("No block of the window fell below the sync target.")
    worst = max(missed, key=lambda each: each.failed)
    code = max(worst.codes, key=lambda each: worst.codes[each])
    when = l10n.hour(worst.start) if health.window == "24h" else l10n.day(worst.start)
    return l10n.plural(
        "%(n)s block fell below the sync target, worst at %(when)s: %(why)s.",
        "%(n)s blocks fell below the sync target, worst at %(when)s: %(why)s.",
        len(missed),
        when=when,
        why=title_of(code, l10n.language),
    )


def action_of(visit: Visit, health: Health) -> Action | None:
    """The failure that most bindings have and the seller can mend."""
    mendable = [
        each for each in health.failing if each.bindings and who_acts(each.code) == "seller"
    ]
    if not mendable:
        return None
    first, l10n = mendable[0], visit.l10n
    label = l10n.plural("Mend %(n)s binding", "Mend %(n)s bindings", first.bindings)
    note = f"{first.code} · {title_of(first.code, l10n.language)}"
    return Action(href=visit.url("/bindings", error_code=first.code), label=label, note=note)


def failing_of(l10n: L10n, health: Health, buckets: Sequence[Bucket]) -> list[Mapping[str, object]]:
    """Each failing code with its label, who acts, and its failures over time."""
    return [
        {
            "code": each.code,
            "title": title_of(each.code, l10n.language),
            "who": who_acts(each.code),
            "who_text": l10n.text(who_in_words(each.code)),
            "bars": spark(buckets, each.code),
            "failures": each.failures,
            "bindings": each.bindings,
            "named": list(zip(each.asins, each.binding_ids, strict=True))[:NAMED_LENGTH],
        }
        for each in health.failing
    ]


def worst_in_words(l10n: L10n, hour: HourRow, window: Window) -> Mapping[str, object]:
    """One of the worst hours: when, how it went, and what it failed of most."""
    end = hour.hour + health_score.HOUR
    day = f"{l10n.day(hour.hour)} " if window == "30d" else ""
    code = max(hour.codes, key=lambda each: hour.codes[each])
    return {
        "start": hour.hour,
        "end": end,
        "when": f"{day}{l10n.hour(hour.hour)}–{l10n.hour(end)}",
        "rate": l10n.percent(hour.success_rate),
        "failed": hour.failed,
        "attempts": hour.attempts,
        "why": f"{code} {title_of(code, l10n.language)}",
    }


def figures_of(l10n: L10n, health: Health, uploads: Sequence[SubmissionRow]) -> dict[str, str]:
    """The figures that change while the page is open, by the name of the place that shows them."""
    counts = {f"status-{name}": l10n.number(health.statuses.get(name, 0)) for name in STATUSES}
    score = "—" if health.score is None else l10n.decimal(health.score, 0)
    figures = {**counts, "score": score, "bindings": l10n.number(sum(health.statuses.values()))}
    if health.sync_success_rate is not None:
        figures["sync"] = l10n.percent(health.sync_success_rate)
    if health.price_deviation_rate is not None:
        figures["price"] = l10n.percent(health.price_deviation_rate)
    for upload in uploads:
        figures["settled"] = l10n.number(upload.settled_count)
    return figures


def shape_of(
    visit: Visit, health: Health, kpis: Sequence[Kpi], uploads: Sequence[SubmissionRow]
) -> str:
    """What an open page can't change by itself; where this differs, it loads itself again."""
    parts: list[str] = [each.kind for each in kpis]
    parts += [f"{each.submission_id}:{each.status}" for each in uploads]
    parts += [each.code for each in health.failing]
    parts.append("some" if health.statuses else "empty")
    return f"{' '.join(parts)} {visit.l10n.clock(visit.now, 'HH')}"


def figures_and_shape(
    visit: Visit, health: Health, uploads: Sequence[SubmissionRow], state: SyncState
) -> dict[str, object]:
    """What changes while the page is open, and what it is loaded again for."""
    l10n, kpis = visit.l10n, kpis_of(health)
    sync_shape = " ".join(sync_view.shape_of(l10n, state))
    return {
        "figures": {
            **figures_of(l10n, health, uploads),
            **sync_view.figures_of(l10n, state, visit.now),
        },
        "shape": f"{shape_of(visit, health, kpis, uploads)} {sync_shape}",
    }


def live_figures(connection: Connection[Any], visit: Visit) -> dict[str, object]:
    """The figures now, and the shape of the page they belong to."""
    window: Window = "30d" if visit.query("window") == "30d" else "24h"
    health = health_score.read(connection, window, visit.now)
    uploads = submissions.latest(connection, 1)
    state = conditions.state(connection, visit.now)
    return figures_and_shape(visit, health, uploads, state)
