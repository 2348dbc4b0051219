"""The operations page: for staff how the service is doing, for a seller its own part of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from api.auth import RoleForbids
from api.desk import Caller, Desk
from api.ids import public_id
from api.l10n import L10n, mark
from api.log_text import sweep_name, title_of
from api.pages.charts import scale
from api.pages.menu import OPERATORS
from api.pages.page_frame import Page, StaffVisit, Visit
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.pages.sync_view import figures_of, section_of
from api.sync_words import duration
from api.words import MARKETPLACES, Word
from domain.operations import BudgetLevel, JobCount, ServiceState, ViewState
from projections import conditions
from projections.conditions import ConditionRow

PATH = "/operations"
ROWS_MAX = 100
LAG_EVENTS_MAX = 1_000
"""Views further behind than this are slow; a worker folds more than that in a second."""

JOBS: Mapping[str, str] = {
    "check_rows": mark("Rows of an upload are checked"),
    "check_again": mark("A binding is checked again"),
    "drain_effects": mark("Mercari is brought in line"),
    "start_sweep": mark("A sweep begins"),
    "sweep_page": mark("A page of a sweep"),
    "follow_hint": mark("A notification is followed"),
    "send_messages": mark("Mails are sent"),
    "send_webhook": mark("Webhooks are sent"),
    "check_arbitrage": mark("Arbitrage is looked for"),
    "wind_up": mark("A seller is wound up"),
    "erase": mark("Personal data is erased"),
    "give_up_abandoned": mark("The daily tidying"),
    "rescue": mark("Jobs of dead workers are taken over"),
}
JOB_STATES: Mapping[str, Word] = {
    "todo": Word("wait", mark("In the queue")),
    "later": Word("none", mark("Put off")),
    "doing": Word("ok", mark("Under way")),
    "failed": Word("fail", mark("Failed")),
}
CONDITIONS: Mapping[str, Word] = {
    "breaker": Word("fail", mark("Left alone")),
    "brake": Word("warn", mark("Changes held")),
    "delay": Word("wait", mark("Running late")),
}


def add_operations(router: APIRouter, server: PageServer) -> None:
    """One address: across sellers for operators, and a seller's own part for the others."""

    @router.get(PATH)
    async def operations(request: Request) -> Response:
        try:
            caller = await server.caller(request)
            if seller_named_in(request) is None and is_staff(caller):
                ensure_operator(caller)
                return await server.show_staff(request, service_page)
        except Refused as refused:
            return server.refusal(request, refused)
        return await server.show(request, own_page)


def is_staff(caller: Caller) -> bool:
    return caller.seller_id is None


def ensure_operator(caller: Caller) -> None:
    """Raises RoleForbids."""
    if caller.role not in OPERATORS:
        raise RoleForbids(OPERATORS)


# --- across sellers -----------------------------------------------------------------------------


def service_page(desk: Desk, visit: StaffVisit) -> Page:
    """What needs an operator first, then everything with its figures."""
    state = desk.service_state()
    found, late = desk.open_conditions(ROWS_MAX)
    context = {
        "needs": needs_of(visit.l10n, state),
        "views": [view_line(each, state.views) for each in state.views],
        "jobs": [job_line(visit, each, state.jobs) for each in state.jobs],
        "conditions": [condition_line(visit, each) for each in found],
        "late": [late_line(visit.l10n, each) for each in late],
        "endpoints": [
            {"seller": public_id("sel", each.seller_id), "row": each} for each in state.endpoints
        ],
        "mails": state.mails,
        "mails_on": desk.is_mail_on,
        "position": state.position,
        "rows_max": ROWS_MAX,
    }
    return Page("staff_operations.html", context)


def needs_of(l10n: L10n, state: ServiceState) -> list[str]:
    """What somebody has to do, one sentence each, the gravest first."""
    stopped = sum(each.error is not None for each in state.views)
    slow = sum(each.error is None and each.lag > LAG_EVENTS_MAX for each in state.views)
    failed = sum(each.count for each in state.jobs if each.state == "failed")
    needs = [
        stopped and l10n.plural(
            "%(n)s view has stopped: mend its cause, then let it go on.",
            "%(n)s views have stopped: mend their causes, then let them go on.", stopped,
        ),
        slow and l10n.plural(
            "%(n)s view is far behind the log: start another worker.",
            "%(n)s views are far behind the log: start another worker.", slow,
        ),
        failed and l10n.plural(
            "%(n)s job failed for good: its error is in the worker's log.",
            "%(n)s jobs failed for good: their errors are in the worker's log.", failed,
        ),
        state.mails.failing and l10n.plural(
            "%(n)s contact is not reached by mail: look at the mail server.",
            "%(n)s contacts are not reached by mail: look at the mail server.",
            state.mails.failing,
        ),
    ]  # fmt: skip
    return [each for each in needs if each]


def view_line(view: ViewState, every: Sequence[ViewState]) -> dict[str, Any]:
    """A view with its bar; one that stopped has the command that lets it go on."""
    if view.error is not None:
        word = Word("fail", mark("Stopped"))
    elif not view.is_live:
        word = Word("wait", mark("Being rebuilt"))
    elif view.lag > LAG_EVENTS_MAX:
        word = Word("warn", mark("Far behind"))
    else:
        word = Word("ok", mark("Follows"))
    most = max(LAG_EVENTS_MAX, *(each.lag for each in every))
    command = f"asin-sync projections retry {view.name}" if view.error is not None else ""
    return {"row": view, "word": word, "width": scale(view.lag, 0, most), "command": command}


def job_line(visit: StaffVisit, job: JobCount, every: Sequence[JobCount]) -> dict[str, Any]:
    age = (visit.now - job.oldest_at).total_seconds() if job.oldest_at else None
    return {
        "row": job,
        "name": JOBS.get(job.name, job.name),
        "word": JOB_STATES[job.state],
        "age": duration(max(0, int(age)), visit.l10n) if age is not None else "—",
        "width": scale(job.count, 0, max(each.count for each in every)),
    }


def condition_line(visit: StaffVisit, row: ConditionRow) -> dict[str, Any]:
    subject = subject_in_words(visit.l10n, row)
    seconds = max(0, int((visit.now - row.since).total_seconds()))
    return {
        "row": row,
        "word": CONDITIONS[row.kind],
        "subject": subject,
        "seller": public_id("sel", row.seller_id),
        "title": title_of(row.code, visit.l10n.language),
        "age": duration(seconds, visit.l10n),
    }


def subject_in_words(l10n: L10n, row: ConditionRow) -> str:
    if row.kind == "breaker":
        return l10n.text(MARKETPLACES[row.subject])
    return sweep_name(row.subject, l10n)


def late_line(l10n: L10n, row: ConditionRow) -> dict[str, Any]:
    return {
        "row": row,
        "subject": sweep_name(row.subject, l10n),
        "seller": public_id("sel", row.seller_id),
        "late": duration(row.detail["late_seconds"], l10n),
    }


# --- one seller's part --------------------------------------------------------------------------


def own_page(desk: Desk, visit: Visit) -> Page:
    """The seller's sweeps and breakers, and what its calls to the marketplaces may still be."""
    with desk.reading_for(visit.seller_id) as connection:
        state = conditions.state(connection, visit.now)
    levels = desk.budgets(visit.seller_id)
    context = {
        "sync": section_of(desk, visit, state),
        "figures": figures_of(visit.l10n, state, visit.now),
        "budgets": [budget_line(visit.l10n, each) for each in levels],
    }
    return Page("operations.html", context, is_kept=False)


def budget_line(l10n: L10n, level: BudgetLevel) -> dict[str, Any]:
    """A budget and how full it is; one that is empty makes calls wait, and loses none."""
    is_spent = level.left < 1
    word = Word("wait", mark("Calls wait")) if is_spent else Word("ok", mark("Calls go out"))
    return {
        "row": level,
        "marketplace": l10n.text(MARKETPLACES[level.marketplace]),
        "word": word,
        "left": int(level.left),
        "width": scale(level.left, 0, level.burst),
    }
