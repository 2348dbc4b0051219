"""What the page of onboarding shows: whose turn it is and until when, each step, each document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from api.admission_words import ENTITIES, FIELDS, PROGRESS, STAGES, STATES
from api.application_answers import application_answer
from api.desk import Desk
from api.l10n import L10n, mark
from api.log_text import broken_rules, fault_in_words, suggested_action, title_of
from api.pages.page_frame import Build, Page, StaffVisit, Visit
from api.words import Kind
from domain.business_days import JST
from domain.errors import FileRefused, Refusal, WrongState
from domain.policy import policy_of

Turn = Literal["seller", "mercari", "nobody"]
LINKS: Mapping[str, str] = {"amazon": mark("Link Amazon.co.jp"), "mercari": mark("Link Mercari")}
WHOSE_TURN: Mapping[Turn, str] = {"seller": mark("Your turn"), "mercari": mark("Mercari's turn")}


class Verdict(NamedTuple):
    """The next step in one sentence, and who has to take it."""

    kind: Kind
    turn: Turn
    said: str
    more: str = ""


class Unfit(NamedTuple):
    """What was just refused, and where its form is."""

    item: str
    refusal: Refusal


def onboarding_page_of(unfit: Unfit | None = None, status: int = 200) -> Build:
    """The page; with what was just refused beside its form."""

    def onboarding_page(desk: Desk, visit: Visit) -> Page:
        answer = application_answer(desk, visit.caller, visit.seller_id, visit.l10n)
        context = {
            "application": answer,
            "reviews": {each["stage"]: review_line(each, visit) for each in answer["reviews"]},
            "by_stage": {
                stage: [each for each in answer["items"] if each["stage"] == stage]
                for stage in STAGES
            },
            "verdict": verdict_of(answer, today_of(visit.now), visit.l10n),
            "turns": WHOSE_TURN,
            "links": {name: answer[f"is_{name}_linked"] for name in LINKS},
            "link_names": LINKS,
            "stages": STAGES,
            "states": STATES,
            "entities": ENTITIES,
            "labels": FIELDS,
            "days": policy_of().onboarding.review_business_days,
            "may_file": visit.caller.role in ("seller", "service"),
            "unfit": unfit_in_words(unfit, visit.l10n) if unfit else {"item": ""},
        }
        return Page("onboarding.html", context, status, is_kept=False)

    return onboarding_page


def today_of(now: datetime) -> date:
    return now.astimezone(JST).date()


def verdict_of(answer: Mapping[str, Any], today: date, l10n: L10n) -> Verdict:
    """What comes next, looked for in the order of the steps."""
    if answer["is_sync_enabled"]:
        more = l10n.text("Bind your ASINs by uploading a CSV: each row is checked and listed.")
        return Verdict("ok", "nobody", l10n.text("ASIN Sync is on."), more)
    for review in answer["reviews"]:
        if review["progress"] == "in_review":
            return in_review(review, answer, today, l10n)
        if review["progress"] in ("open", "returned"):
            return still_to_do(review["stage"], answer, l10n)
    if answer["entity"] is None:
        said = l10n.text("No application is on file for this seller. Ask Mercari.")
        return Verdict("warn", "mercari", said)
    return Verdict(
        "fail", "mercari", l10n.text("Mercari has switched ASIN Sync off. Ask there why.")
    )


def in_review(
    review: Mapping[str, Any], answer: Mapping[str, Any], today: date, l10n: L10n
) -> Verdict:
    due_on, name = date.fromisoformat(review["due_on"]), STAGES[review["stage"]]
    stage = l10n.text(name)
    if due_on < today:
        said = l10n.text("%(stage)s: Mercari should have answered by %(date)s and will do so soon.",
                         stage=stage, date=l10n.full_day(due_on))  # fmt: skip
        return Verdict("warn", "mercari", said)
    said = l10n.text(
        "%(stage)s: Mercari answers by %(date)s.", stage=stage, date=l10n.full_day(due_on)
    )
    steps = steps_left("asin_sync", answer, l10n)
    more = l10n.text("Meanwhile you can prepare the next step: %(steps)s.",
                     steps=l10n.listed(steps)) if steps else ""  # fmt: skip
    return Verdict("wait", "mercari", said, more)


def still_to_do(stage: str, answer: Mapping[str, Any], l10n: L10n) -> Verdict:
    """What the seller has to bring before this review begins, or goes on."""
    back = [each for each in answer["items"] if each["state"] == "returned"]
    if back:
        said = l10n.plural(
            "%(n)s document was sent back: file what is asked for instead.",
            "%(n)s documents were sent back: file what is asked for instead.",
            len(back),
        )
        more = l10n.text("Only what was sent back is needed: %(items)s.",
                         items=l10n.listed([each["title"] for each in back]))  # fmt: skip
        return Verdict("warn", "seller", said, more)
    steps = steps_left(stage, answer, l10n)
    if stage == "pro_seller":
        said = l10n.plural(
            "%(n)s document is still missing.", "%(n)s documents are still missing.", len(steps)
        )
        more = l10n.text("The review begins by itself once the last one has come in.")
        return Verdict("warn", "seller", said, more)
    said = l10n.text("You are a Pro Seller. Still to do: %(steps)s.", steps=l10n.listed(steps))
    more = l10n.text("The second review begins by itself once all of this is done.")
    return Verdict("warn", "seller", said, more)


def steps_left(stage: str, answer: Mapping[str, Any], l10n: L10n) -> list[str]:
    """What is still missing for this review, the links first where it needs them."""
    links = [
        l10n.text(name)
        for link, name in LINKS.items()
        if stage == "asin_sync" and not answer[f"is_{link}_linked"]
    ]
    items = [
        each["title"]
        for each in answer["items"]
        if each["stage"] == stage and each["state"] != "filed"
    ]
    return [*links, *items]


def review_line(review: Mapping[str, Any], visit: Visit | StaffVisit) -> dict[str, Any]:
    """One review: how far it is, and until when it is promised or when it was decided."""
    l10n, due_on = visit.l10n, review["due_on"]
    return {
        **review,
        "word": PROGRESS[review["progress"]],
        "due": l10n.full_day(date.fromisoformat(due_on)) if due_on else "",
        "is_overdue": bool(due_on) and due_on < today_of(visit.now).isoformat(),
    }


def unfit_in_words(unfit: Unfit, l10n: L10n) -> dict[str, Any]:
    """A refusal in the reader's language: its code, what is wrong, what to send instead."""
    refused, language = unfit.refusal, l10n.language
    if isinstance(refused, FileRefused):
        said: Sequence[str] = [
            fault_in_words(key, values, language) for key, values in refused.faults
        ]
    elif isinstance(refused, WrongState):
        said = [l10n.text("This is not taken now: the review is under way.")]
    else:
        broken = broken_rules(refused.fields.get("rules", {}), language)
        said = [each["detail"] for each in broken]
    return {
        "item": unfit.item,
        "code": refused.code if refused.code.startswith("E-") else "",
        "title": title_of(refused.code, language),
        "said": said,
        "action": suggested_action(refused.code, language),
    }
