"""The page of the validator: up to twenty ASINs judged as a binding would be, and nothing bound."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.auth import OWN_SELLER_ROLES, poster_of, seller_written_by
from api.desk import Desk
from api.form_length import ensure_length
from api.l10n import L10n, mark
from api.languages import l10n_of
from api.log_text import fault_in_words, suggested_action, title_of, who_mends
from api.pages.page_frame import Build, Page, Visit
from api.pages.page_server import PageServer, Refused, seller_named_in
from api.validator import asin_of, judgements
from api.words import CHECKS, VERDICTS, Word
from domain.errors import NotAJapaneseAsin, SyncNotEnabled
from domain.ports import UpstreamError
from domain.stamps import Work
from domain.upload_file import COLUMNS

PATH = "/validator"
ASINS_MAX = 20
FORM_BYTES_MAX = 16 * 1024
CATEGORY_LENGTH_MAX = 64
SEEN_LENGTH_MAX = 40
SHIPPING_WAYS = {"mercari": mark("Mercari's shipping"), "self": mark("Shipping of your own")}

SENTENCES: Mapping[str, str] = {
    "pass": mark("This can be bound as it is."),
    "review": mark("A reviewer looks at the main image before this is listed."),
    "unknown": mark("Not everything could be found out, so this would not be listed yet."),
}
UNKNOWN_STEPS: Mapping[str, str] = {
    "asin_state": mark("Amazon did not say its state. Check again in a few minutes."),
    "fulfilment": mark("Amazon did not say who ships it. Check again in a few minutes."),
    "price": mark("Amazon gave no price. Set the price of your offer there, then check again."),
    "compliance": mark(
        "The compliance fields on Amazon could not be read. Check again later, or file the"
        " certificate on the binding's page."
    ),
}
TOO_LITTLE = mark("Amazon shows too little of it. Complete the offer there, then check again.")
NO_CATEGORY = mark("Name a Mercari category: then category and price are judged too.")


class Entered(NamedTuple):
    """What the form holds, as it was typed."""

    asins: str = ""
    category: str = ""


class NoAsin(NamedTuple):
    """What was typed where an ASIN is asked for."""

    text: str


Line = str | NoAsin
"""An ASIN, or what is none, as it stood in the form."""


class Fault(NamedTuple):
    """Why nothing was judged; `code` is blank where the table of codes has none."""

    code: str
    title: str
    action: str


def add_validator(router: APIRouter, server: PageServer) -> None:
    """The form, and what comes of it."""

    @router.get(PATH)
    async def form(request: Request) -> Response:
        query = request.query_params
        entered = Entered(query.get("asins", ""), query.get("category", ""))
        return await server.show(request, validator_page(entered))

    @router.post(PATH)
    async def check(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await checked(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


def validator_page(
    entered: Entered,
    told: Sequence[Mapping[str, Any] | NoAsin] = (),
    faults: Sequence[Fault] = (),
    status: int = 200,
) -> Build:
    """The form, with what is told of each line or why nothing was judged."""
    judged = [each for each in told if not isinstance(each, NoAsin)]

    def build(_: Desk, visit: Visit) -> Page:
        context = {
            "entered": entered,
            "faults": faults,
            "results": [line_of(visit.l10n, each) for each in told],
            "is_judged": bool(judged),
            "rows": rows_to_bind(judged, entered.category),
            "may_act": visit.caller.role in OWN_SELLER_ROLES,
            "asins_max": ASINS_MAX,
            "ways": SHIPPING_WAYS,
        }
        return Page("validator.html", context, status, is_kept=False)

    return build


async def checked(request: Request, server: PageServer) -> Response:
    """Judge what the form names. Raises NotSignedIn, RoleForbids."""
    async with request.form(max_files=0, max_fields=10) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    caller = await run_in_threadpool(poster_of, request, fields.get("csrf", ""), server.sessions)
    seller_id = seller_written_by(caller, seller_named_in(request))
    entered = Entered(fields.get("asins", ""), fields.get("category", "").strip())
    visit = await server.visit_to(request, caller, seller_id)
    work = Work(server.desk.clock, caller.actor, uuid4())
    make = await run_in_threadpool(
        judged_page, server.desk, seller_id, entered, l10n_of(request), work
    )
    answer = await server.show_to(visit, make)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def judged_page(desk: Desk, seller_id: UUID, entered: Entered, l10n: L10n, work: Work) -> Build:
    lines = lines_in(entered.asins)
    if not 1 <= len(lines) <= ASINS_MAX or len(entered.category) > CATEGORY_LENGTH_MAX:
        return validator_page(entered, faults=[size_fault(len(lines), l10n)], status=422)
    asins = [each for each in lines if isinstance(each, str)]
    if not asins:
        return validator_page(
            entered, [each for each in lines if isinstance(each, NoAsin)], (), 422
        )
    category = entered.category or None
    try:
        judged = judgements(desk, seller_id, asins, category, l10n.language, work)
    except (SyncNotEnabled, UpstreamError) as error:
        status = 409 if isinstance(error, SyncNotEnabled) else 502
        return validator_page(entered, faults=[fault_of(error.code, l10n)], status=status)
    missing = [asin for asin in asins if asin not in judged]
    unanswered = [unanswered_fault(missing, l10n)] if missing else []
    answered = [each for each in lines if each not in missing]
    told = [each if isinstance(each, NoAsin) else judged[each] for each in answered]
    return validator_page(entered, told, unanswered)


def lines_in(typed: str) -> list[Line]:
    """What was typed, each once and in its place."""
    words = [each for each in re.split(r"[\s,、，;]+", typed) if each]
    return list(dict.fromkeys(line_in(word) for word in words))


def line_in(word: str) -> Line:
    try:
        return asin_of(word)
    except NotAJapaneseAsin:
        return NoAsin(word[:SEEN_LENGTH_MAX])


def size_fault(count: int, l10n: L10n) -> Fault:
    if 1 <= count <= ASINS_MAX:
        action = l10n.text("Copy the id of a lowest-level category, or leave it blank.")
        return Fault("", l10n.text("That is no id of a Mercari category."), action)
    said = l10n.plural("%(n)s ASIN was named.", "%(n)s ASINs were named.", count)
    action = l10n.text("Name at least one and at most %(max)s, one a line.", max=ASINS_MAX)
    return Fault("", said, action)


def fault_of(code: str, l10n: L10n) -> Fault:
    return Fault(code, title_of(code, l10n.language), suggested_action(code, l10n.language))


def unanswered_fault(asins: Sequence[str], l10n: L10n) -> Fault:
    said = l10n.text("Amazon gave no complete answer for %(asins)s.", asins=l10n.listed(asins))
    return Fault("", said, l10n.text("Nothing is known of them yet: check again in a few minutes."))


def rows_to_bind(judged: Sequence[Mapping[str, Any]], category: str) -> str:
    """Rows of an upload for what nothing stands in the way of; blank where there is none."""
    passing = [each["asin"] for each in judged if each["verdict"] in ("pass", "review")]
    rows = [f"{asin},{category},," for asin in passing]
    return "\n".join([",".join(COLUMNS), *rows]) if rows and category else ""


# --- one result ---------------------------------------------------------------------------------


def line_of(l10n: L10n, told: Mapping[str, Any] | NoAsin) -> dict[str, Any]:
    """A line of the form in words: its judgement, or why it has none."""
    if not isinstance(told, NoAsin):
        return result_of(l10n, told)
    said = fault_in_words("asin_malformed", {"value": told.text}, l10n.language)
    return {"no_asin": told.text, "code": NotAJapaneseAsin.code, "said": said}


def result_of(l10n: L10n, judged: Mapping[str, Any]) -> dict[str, Any]:
    """A judgement in the words and shapes of the page."""
    image, category = judged["image"], judged["category"]
    is_category_judged = category["match_rate"] is not None
    checks = [
        *judged["gates"], *judged["compliance"], {"name": "image", **image}, judged["warranty"]
    ]  # fmt: skip
    if is_category_judged:
        checks.insert(0, {"name": "category", **category})
    faults = [found for each in checks for found in each["findings"] if is_fault(found)]
    return {
        **judged,
        "word": VERDICTS[judged["verdict"]],
        "said": sentence_of(l10n, judged["verdict"], len(faults)),
        "is_category_judged": is_category_judged,
        "no_category": NO_CATEGORY,
        "checks": [(CHECKS[each["name"]], shown_verdict(each)) for each in checks],
        "findings": [finding_line(l10n, found) for each in checks for found in each["findings"]],
        "unknown": [
            (CHECKS[each["name"]], unknown_step(l10n, each, image["said"])) for each in checks
            if each["verdict"] == "unknown" and not each["findings"]
        ],
    }  # fmt: skip


def is_fault(found: Mapping[str, Any]) -> bool:
    return not found["code"].startswith("W-")


def sentence_of(l10n: L10n, verdict: str, count: int) -> str:
    if verdict != "fail":
        return l10n.text(SENTENCES[verdict])
    return l10n.plural(
        "%(n)s thing stands in the way: mend it as shown, then check again.",
        "%(n)s things stand in the way: mend them as shown, then check again.",
        max(1, count),
    )


def shown_verdict(check: Mapping[str, Any]) -> Word:
    """An advisory check decides nothing, so it is no attention mark."""
    word = VERDICTS[check["verdict"]]
    return word._replace(kind="none") if check["is_advisory"] else word


def unknown_step(l10n: L10n, check: Mapping[str, Any], image_said: str | None) -> str:
    """What to do about a check that found nothing out."""
    if check["name"] == "image" and image_said:
        return image_said
    return l10n.text(UNKNOWN_STEPS.get(check["name"], TOO_LITTLE))


def finding_line(l10n: L10n, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **found,
        "kind": "fail" if is_fault(found) else "warn",
        "title": title_of(found["code"], l10n.language),
        "who": l10n.text(who_mends(found["code"])),
        "is_yours": found["who_acts"] == "seller",
    }
