"""Several bindings at once: what is marked is shown first, then done, each with its own outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import poster_of, seller_written_by
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.ids import inner_id, public_id
from api.l10n import L10n, mark
from api.languages import l10n_of
from api.log_text import title_of
from api.pages.binding_forms import decided
from api.pages.binding_view import PAGE_LENGTH, may_ask_again, may_withdraw
from api.pages.page_frame import Build, Page, Visit
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.query_values import NO_CHOICE, Unreadable, choice_in, number_in
from api.words import STATUSES, Word
from domain.application import acting_for
from domain.bindings import change_binding
from domain.errors import NotFound, Refusal, VersionConflict
from domain.stamps import Work
from domain.values import Value
from projections import bindings
from projections.bindings import BindingRow

FORM_BYTES_MAX = 64 * 1024
ACTIONS = ("resubmit", "withdraw")
PLANNED: Mapping[str, Word] = {
    "resubmit": Word("wait", mark("Goes off sale until it is checked again")),
    "withdraw": Word("warn", mark("Is withdrawn; a listing on Mercari is closed with it")),
}
DONE: Mapping[str, Word] = {
    "resubmit": Word("ok", mark("Is being checked again")),
    "withdraw": Word("ok", mark("Was withdrawn")),
}
STAYS = Word("none", mark("Stays as it is"))
OVERTAKEN = Word("warn", mark("Was changed after you marked it: nothing was done"))
ABSENT = Word("fail", mark("There is no such binding"))
REFUSED = Word("fail", mark("Was refused"))


class Choice(NamedTuple):
    """A binding that was marked, as it stood then."""

    binding_id: UUID
    version: int

    @property
    def text(self) -> str:
        return f"{public_id('bnd', self.binding_id)}.{self.version}"


class Outcome(NamedTuple):
    """What becomes of one binding, and the code of a refusal."""

    choice: Choice
    word: Word
    code: str | None = None


class BulkLine(Value):
    """One binding of the confirmation or of the result."""

    chosen: str
    asin: str
    title: str
    href: str
    status: Word | None
    word: Word
    code: str
    code_title: str
    is_changing: bool


def add_bulk(router: APIRouter, server: PageServer) -> None:
    """Ask first, then do."""

    @router.get("/bindings/change")
    async def confirm(request: Request) -> Response:
        if not request.query_params.getlist("chosen"):
            return nothing_marked(request, server)
        return await server.show(request, confirm_page)

    @router.get("/bindings/changed")
    async def changed_page() -> Response:
        return RedirectResponse("/bindings", 303)

    @router.post("/bindings/changed")
    async def change(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await changed(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


def nothing_marked(request: Request, server: PageServer) -> Response:
    l10n = l10n_of(request)
    return server.problem(
        request, 400, title=mark("No binding is marked"),
        told=[l10n.text("Mark the bindings in the list first, then choose what to do.")],
        onward="/bindings", onward_text=l10n.text("Bindings"),
    )  # fmt: skip


async def changed(request: Request, server: PageServer) -> Response:
    """Do what was confirmed, and show what became of each. Raises the refusals of the whole."""
    async with request.form(max_files=0, max_fields=PAGE_LENGTH + 10) as form:
        csrf, asked = str(form.get("csrf", "")), str(form.get("action", ""))
        chosen = [str(each) for each in form.getlist("chosen")]
    caller = await run_in_threadpool(poster_of, request, csrf, server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    action, choices = choice_in(asked, ACTIONS), choices_in(chosen)
    outcomes, position = await run_in_threadpool(
        acted, server.desk, caller, seller_id, action, choices
    )
    await server.projected(position)
    visit = await server.visit_to(request, caller, seller_id)
    return await server.show_to(visit, result_page_of(action, outcomes))


def choices_in(texts: Sequence[str]) -> list[Choice]:
    """What was marked, each once. Raises Unreadable, NotFound."""
    if len(texts) > PAGE_LENGTH:
        raise Unreadable(texts[PAGE_LENGTH], NO_CHOICE)
    found: dict[UUID, Choice] = {}
    for text in texts:
        name, _, version = text.partition(".")
        inner = inner_id("bnd", name)
        found[inner] = Choice(inner, number_in(version) or 0)
    return list(found.values())


def acted(
    desk: Desk, caller: Caller, seller_id: UUID, action: str, choices: Sequence[Choice]
) -> tuple[list[Outcome], int]:
    """Decide on each by itself, as one piece of work; also return the last position."""
    work, last, outcomes = Work(desk.clock, caller.actor, uuid4()), 0, list[Outcome]()
    with acting_for(seller_id):
        for choice in choices:
            outcome, position = acted_on(desk, choice, action, work)
            outcomes.append(outcome)
            last = max(last, position or 0)
    return outcomes, last


def acted_on(desk: Desk, choice: Choice, action: str, work: Work) -> tuple[Outcome, int | None]:
    try:
        _, position = change_binding(
            desk.app, choice.binding_id, choice.version,
            lambda it: decided(it, {"action": action}, work), work,
        )  # fmt: skip
    except VersionConflict:
        return Outcome(choice, OVERTAKEN), None
    except NotFound:
        return Outcome(choice, ABSENT), None
    except Refusal as refused:
        return Outcome(choice, REFUSED, refused.code), None
    return Outcome(choice, DONE[action] if position else STAYS), position


def planned(row: BindingRow | None, choice: Choice, action: str) -> Outcome:
    """What would become of it now."""
    if row is None:
        return Outcome(choice, ABSENT)
    if row.version != choice.version:
        return Outcome(choice, OVERTAKEN)
    may = may_ask_again(row) if action == "resubmit" else may_withdraw(row)
    return Outcome(choice, PLANNED[action] if may else STAYS)


def confirm_page(desk: Desk, visit: Visit) -> Page:
    """What is about to change, binding by binding. Raises RoleForbids, Unreadable."""
    seller_written_by(visit.caller, visit.seller_id)
    action = choice_in(visit.query("action"), ACTIONS)
    choices = choices_in(visit.request.query_params.getlist("chosen"))
    with desk.reading_for(visit.seller_id) as connection:
        rows = bindings.some(connection, [each.binding_id for each in choices])
    outcomes = [planned(rows.get(each.binding_id), each, action) for each in choices]
    return page_of(visit, action, outcomes, rows, is_done=False)


def result_page_of(action: str, outcomes: Sequence[Outcome]) -> Build:
    """What became of each binding."""

    def result_page(desk: Desk, visit: Visit) -> Page:
        with desk.reading_for(visit.seller_id) as connection:
            rows = bindings.some(connection, [each.choice.binding_id for each in outcomes])
        return page_of(visit, action, outcomes, rows, is_done=True)

    return result_page


def page_of(
    visit: Visit,
    action: str,
    outcomes: Sequence[Outcome],
    rows: Mapping[UUID, BindingRow],
    *,
    is_done: bool,
) -> Page:
    wanted = DONE[action] if is_done else PLANNED[action]
    lines = [
        line_of(visit, each, rows.get(each.choice.binding_id), is_changing=each.word is wanted)
        for each in outcomes
    ]
    context = {
        "action": action,
        "lines": lines,
        "changing": sum(line.is_changing for line in lines),
        "is_done": is_done,
        "heading": heading_of(action, sum(line.is_changing for line in lines), visit.l10n, is_done),
    }
    return Page("binding_bulk.html", context, is_kept=False)


def heading_of(action: str, count: int, l10n: L10n, is_done: bool) -> str:
    """The page in one sentence."""
    match action, is_done:
        case "resubmit", False:
            return l10n.plural("Check %(n)s binding again?", "Check %(n)s bindings again?", count)
        case "withdraw", False:
            return l10n.plural("Withdraw %(n)s binding?", "Withdraw %(n)s bindings?", count)
        case "resubmit", _:
            return l10n.plural(
                "%(n)s binding is being checked again", "%(n)s bindings are being checked again",
                count,
            )  # fmt: skip
        case _:
            return l10n.plural(
                "%(n)s binding was withdrawn", "%(n)s bindings were withdrawn", count
            )


def line_of(
    visit: Visit, outcome: Outcome, row: BindingRow | None, *, is_changing: bool
) -> BulkLine:
    name = public_id("bnd", outcome.choice.binding_id)
    differences = {"view": "diff", "from": max(1, outcome.choice.version)}
    seen = differences if outcome.word is OVERTAKEN else {}
    return BulkLine(
        chosen=outcome.choice.text,
        asin=row.asin if row else name,
        title=(row.title if row else None) or "",
        href=visit.url(f"/bindings/{name}", **seen) if row else "",
        status=STATUSES[row.status] if row else None,
        word=outcome.word,
        code=outcome.code or "",
        code_title=title_of(outcome.code, visit.l10n.language),
        is_changing=is_changing,
    )
