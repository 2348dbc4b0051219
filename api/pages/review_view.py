"""What reviewers see: what waits and until when, how reviews go, and one application in full."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from api.admission_words import ENTITIES, FAULTS, FIELDS, STAGES, STATES
from api.application_answers import application_answer, queue_answer
from api.applications import FIGURES_SINCE
from api.auth import REVIEWER_ROLES
from api.desk import Desk
from api.l10n import L10n
from api.log_text import broken_rules
from api.pages.charts import due_bars, scale
from api.pages.onboarding_view import review_line, today_of
from api.pages.page_frame import Build, Page, StaffVisit, Visit
from api.words import ROLES
from domain.application import acting_for
from domain.errors import NotFound, Refusal
from domain.policy import policy_of
from projections import applications
from projections.applications import Figures

FIRST_PASS_SOURCE = 0.637
"""The source's own first-pass rate in 2024 Q1 (SPEC §2.3): a comparison, no target."""
DAYS_SHOWN = 10


def queue_page(desk: Desk, visit: StaffVisit) -> Page:
    """What waits, the first due first, and the figures of the last 90 days."""
    today = today_of(visit.now)
    with desk.reading_for_staff() as connection:
        waiting = applications.queue(connection)
        figures = applications.figures(connection, visit.now - FIGURES_SINCE, today)
    rows = [queue_answer(row, today.isoformat()) for row in waiting]
    days_on = [date.fromisoformat(row["due_on"]) for row in rows]
    context = {
        "rows": [{**row, **review_line(row, visit)} for row in rows],
        "overdue": sum(row["is_overdue"] for row in rows),
        "bars": due_bars(days_on, today),
        "figures": [figures_line(each) for each in figures],
        "source": FIRST_PASS_SOURCE,
        "days_promised": policy_of().onboarding.review_business_days,
        "days_shown": DAYS_SHOWN,
        "stages": STAGES,
        "entities": ENTITIES,
    }
    return Page("review.html", context, is_kept=False)


def figures_line(figures: Figures) -> dict[str, Any]:
    """The figures of one review, and where each lies on its scale."""
    rate, days = figures.first_pass_rate, figures.review_days_mean
    promised = policy_of().onboarding.review_business_days
    return {
        **figures._asdict(),
        "pass_bar": bar_of(rate, 1.0, FIRST_PASS_SOURCE, is_lower_better=False),
        "days_bar": bar_of(days, DAYS_SHOWN, promised, is_lower_better=True),
    }


def bar_of(
    value: float | None, most: float, compared: float, *, is_lower_better: bool
) -> dict[str, Any]:
    return {
        "kind": "neutral",
        "rate": value,
        "value_x": 0 if value is None else scale(value, 0, most),
        "target_x": scale(compared, 0, most),
        "is_lower_better": is_lower_better,
    }


def case_page_of(
    refused: Refusal | None = None,
    chosen: Mapping[str, str] | None = None,
    *,
    is_too_late: bool = False,
    status: int = 200,
) -> Build:
    """One application; with what was just refused, or who has decided it in between."""

    def case_page(desk: Desk, visit: Visit) -> Page:
        answer = application_answer(desk, visit.caller, visit.seller_id, visit.l10n)
        if not answer["reviews"]:
            raise NotFound("no such application")
        reviews = [
            {**review_line(each, visit), "by": decided_by(desk, each["decided_by"], visit.l10n)}
            for each in answer["reviews"]
        ]
        with acting_for(visit.seller_id):
            brands = desk.app.seller(visit.seller_id).authorisations
        rules = refused.fields.get("rules", {}) if refused else {}
        context = {
            "application": answer,
            "reviews": reviews,
            "waiting": next((each for each in reviews if each["progress"] == "in_review"), None),
            "last": max(reviews, key=lambda each: each["decided_at"].timestamp()
                        if each["decided_at"] else 0),
            "brands": brands,
            "is_too_late": is_too_late,
            "faults": broken_rules(rules, visit.l10n.language),
            "chosen": chosen or {},
            "may_decide": visit.caller.role in REVIEWER_ROLES,
            "stages": STAGES,
            "states": STATES,
            "fault_names": FAULTS,
            "entities": ENTITIES,
            "labels": FIELDS,
        }  # fmt: skip
        return Page("review_case.html", context, status, is_kept=False)

    return case_page


def decided_by(desk: Desk, actor: str | None, l10n: L10n) -> str:
    """Who decided, as colleagues know them: role and label of the key, else the actor's name."""
    _, _, key_id = (actor or "").partition(":")
    holder = (desk.keys.by_id(key_id) or desk.people.by_id(key_id)) if key_id else None
    return f"{l10n.text(ROLES[holder.role])} · {holder.label}" if holder else actor or ""
