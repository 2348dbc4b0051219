"""The list of bindings, and one binding with its history, now or at any instant of its past."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi.encoders import jsonable_encoder

from api.answers import binding_answer, history_answer
from api.auth import OWN_SELLER_ROLES
from api.desk import Desk
from api.edit_text import differences_in
from api.l10n import L10n, mark
from api.log_text import (
    action_on,
    rule_in_words,
    seen_in_words,
    suggested_action,
    title_of,
    what_changed,
    who_acts,
    who_mends,
)
from api.pages.binding_diff import comparison_of
from api.pages.binding_story import story_of
from api.pages.page_frame import Build, Page, Past, Visit
from api.query_values import choice_in, cursor_after, moment_in, number_in, place_after
from api.words import CERTIFICATES, IMAGE_VERDICTS, STATUSES
from domain.asin_binding.facts import BindingFact
from domain.errors import NotFound
from domain.facts import Recorded
from domain.stamps import event_id_of
from domain.values import NotAnAsin, Value, asin_from
from projections import binding_counts, bindings
from projections.bindings import BindingRow

PAGE_LENGTH = 35
TIMELINE_LENGTH = 25
INSTANTS_MAX = 40
VIEWS = ("timeline", "diff", "json", "event")


class Compared(Value):
    """One value as it was decided and as Mercari showed it. `now` is set on a page of the past."""

    label: str
    decided: str
    shown: str
    now: str
    is_same: bool


def bindings_page(desk: Desk, visit: Visit) -> Page:
    """The list, newest change first, by status, ASIN or error code."""
    status = choice_in(visit.query("status"), ("", *STATUSES)) or None
    code, filtered = visit.query("error_code"), visit.filtered_by("status", "asin", "error_code")
    place = place_after(visit.query("before"), filtered, 1)
    with desk.reading_for(visit.seller_id) as connection:
        counts = binding_counts.counts(connection)
        rows = bindings.page(
            connection,
            status=status,
            asin=plain_asin(visit.query("asin")),
            error_code=code,
            before=place[0] if place else None,
            limit=PAGE_LENGTH + 1,
        )
    shown = rows[:PAGE_LENGTH]
    context = {
        "rows": shown,
        "counts": counts,
        "status": status,
        "code": code,
        "code_title": title_of(code, visit.l10n.language),
        "code_action": suggested_action(code, visit.l10n.language),
        "asin": visit.query("asin") or "",
        "older": cursor_after(filtered, shown[-1].position) if len(rows) > PAGE_LENGTH else None,
        "title_of": title_of,
        "may_act": visit.caller.role in OWN_SELLER_ROLES,
    }
    return Page("bindings.html", context)


def plain_asin(text: str | None) -> str | None:
    """What was typed, as an ASIN; other text is looked for as it is, and not found."""
    try:
        return asin_from(text) if text else None
    except NotAnAsin:
        return text


def binding_page_of(binding_id: UUID) -> Build:
    """The page of one binding. Raises NotFound, Unreadable."""

    def binding_page(desk: Desk, visit: Visit) -> Page:
        view = choice_in(visit.query("view"), VIEWS)
        with desk.reading_for(visit.seller_id) as connection:
            live = bindings.one(connection, binding_id)
        if live is None:
            raise NotFound("no such binding")
        whole = desk.history(visit.seller_id, binding_id, at_version=live.version)
        past = past_asked_for(visit, whole)
        history = whole[: past.version] if past else whole
        row = live if past is None else bindings.fold_history(history) or live
        context = {
            "view": view,
            **now_and_then(visit, row, live, past),
            **travel_of(whole, row.version),
            **shown_in(view, desk, visit, whole, row),
        }
        return Page("binding.html", context, past=past)

    return binding_page


def now_and_then(
    visit: Visit, row: BindingRow, live: BindingRow, past: Past | None
) -> dict[str, object]:
    """What every view of the binding shows."""
    return {
        "row": row,
        "live": live,
        "compared": compared(visit.l10n, row, live, is_past=past is not None),
        "faults": faults_of(visit.l10n, row),
        "image": image_shown(row),
        "status": STATUSES[row.status],
        "status_now": STATUSES[live.status],
        "certificates": CERTIFICATES,
        "may_act": past is None and visit.caller.role in OWN_SELLER_ROLES,
        "may_ask_again": may_ask_again(live),
    }


def may_ask_again(row: BindingRow) -> bool:
    """Whether it can be checked again, as `decisions.ask_again` sees it."""
    return row.status not in ("blocked", "requested") or row.is_in_review


def may_withdraw(row: BindingRow) -> bool:
    """Whether a withdrawal changes anything, as `decisions.withdraw` sees it."""
    return row.status not in ("blocked", "withdrawn")


def travel_of(whole: Sequence[Recorded], version: int) -> dict[str, object]:
    """The instants of the history to travel to: every one where they are few, else a choice."""
    step = max(1, -(-len(whole) // INSTANTS_MAX))
    chosen = {*range(len(whole), 0, -step), 1, version}
    return {
        "versions": len(whole),
        "instants": [whole[each - 1] for each in sorted(chosen)],
        "shown_at": whole[version - 1].recorded_at,
    }


def shown_in(
    view: str, desk: Desk, visit: Visit, whole: Sequence[Recorded], row: BindingRow
) -> dict[str, object]:
    """What only this view shows. Raises NotFound, Unreadable."""
    if view == "diff":
        return {"comparison": comparison_of(visit, whole, row.version)}
    if view == "json":
        answer = binding_answer(row, visit.l10n)
        return {
            "json": json_text(answer),
            "last_fact": json_text(history_answer(whole[row.version - 1])),
        }
    if view == "event":
        version = number_in(visit.query("event")) or row.version
        story = story_of(desk, visit, whole, version)
        return {"story": story, "happened": timeline_of(visit.l10n, whole[:version])[0]}
    history = whole[: row.version]
    return {
        "timeline": timeline_of(visit.l10n, history),
        "left_out": max(0, len(history) - TIMELINE_LENGTH),
    }


def json_text(answer: object) -> str:
    """JSON to be read by people: as the API answers, indented."""
    return json.dumps(jsonable_encoder(answer), indent=2, ensure_ascii=False)


def image_shown(row: BindingRow) -> str | None:
    """The last verdict on the main image, as a message; None before there was a check."""
    if row.image_verdict is None and row.status in ("requested", "rejected"):
        return None
    return IMAGE_VERDICTS.get(row.image_verdict, IMAGE_VERDICTS[None])


def past_asked_for(visit: Visit, history: Sequence[Recorded]) -> Past | None:
    """The instant that the address names. Raises NotFound where nothing was there yet."""
    moment, version = moment_in(visit.query("as_of")), number_in(visit.query("at_version"))
    position = number_in(visit.query("at_position"))
    if moment is None and version is None and position is None:
        return None
    seen = [
        each
        for each in history
        if (moment is None or each.recorded_at <= moment)
        and (version is None or each.version <= version)
        and (position is None or each.position <= position)
    ]
    if not seen or (version is not None and version > history[-1].version):
        raise NotFound("no such binding at that instant")
    last = seen[-1]
    return Past(moment=moment or last.recorded_at, position=last.position, version=last.version)


def compared(l10n: L10n, row: BindingRow, live: BindingRow, *, is_past: bool) -> list[Compared]:
    """What was decided beside what Mercari showed, and, of the past, what is decided now."""

    def on_sale(value: bool) -> str:
        return l10n.text("On sale") if value else l10n.text("Off sale")

    def of(each: BindingRow) -> list[tuple[str, str, str]]:
        has_listing = each.listing_id is not None
        return [
            (mark("Price"), l10n.yen(each.price_jpy), l10n.yen(each.shown_price_jpy)),
            (mark("Stock"), l10n.count(each.stock), l10n.count(each.shown_stock)),
            (mark("Listing"), on_sale(each.status == "listed"),
             on_sale(each.is_on_sale) if has_listing else "—"),
        ]  # fmt: skip

    return [
        Compared(
            label=l10n.text(label), decided=decided, shown=shown,
            now=now if is_past else "", is_same=decided == shown,
        )
        for (label, decided, shown), (_, now, _) in zip(of(row), of(live), strict=True)
    ]  # fmt: skip


def timeline_of(l10n: L10n, history: Sequence[Recorded]) -> list[dict[str, object]]:
    """The newest facts, each with why it happened and where it stands in the log."""
    entries: list[dict[str, object]] = []
    shown = list(history[-TIMELINE_LENGTH:])
    versions = versions_by_id(shown[-1]) if shown else {}
    led_to = effects_in(shown, versions)
    for recorded in reversed(shown):
        fact: BindingFact = recorded.fact  # type: ignore[assignment]
        stamp = fact.stamp
        entries.append(
            {
                "recorded": recorded,
                "said": what_changed(fact, l10n),
                "topic": fact.TOPIC,
                "differences": differences_in(fact, l10n),
                "stamp": stamp,
                "caused_by": versions.get(stamp.cause.causation_id or UUID(int=0)),
                "led_to": led_to.get(recorded.version, []),
                "kind": kind_of(recorded),
            }
        )
    return entries


def versions_by_id(newest: Recorded) -> dict[UUID, int]:
    """The version of every event of the stream, by the event's id, up to the newest."""
    stream = newest.originator_id
    return {event_id_of(stream, version): version for version in range(1, newest.version + 1)}


def effects_in(history: Sequence[Recorded], versions: Mapping[UUID, int]) -> dict[int, list[int]]:
    """Which versions of the binding each of its versions led to."""
    found: dict[int, list[int]] = {}
    for each in history:
        cause = versions.get(each.fact.stamp.cause.causation_id or UUID(int=0))
        if cause is not None:
            found.setdefault(cause, []).append(each.version)
    return found


def kind_of(recorded: Recorded) -> str:
    """The shape beside an entry."""
    name = recorded.fact.TOPIC.partition(".")[2]
    shapes = {
        "rejected": "fail", "blocked": "fail", "attempt_failed": "retry", "suspended": "warn",
        "mapping_broken": "warn", "drift_found": "warn", "listed": "ok",
        "listing_confirmed": "ok", "validated": "ok", "mapped": "ok", "reinstated": "ok",
    }  # fmt: skip
    return shapes.get(name, "none")


def faults_of(l10n: L10n, row: BindingRow) -> list[dict[str, object]]:
    """What is wrong or worth a warning: what was seen, the rule, and the next step."""
    held = (*(row.error_codes or ()), *(row.warning_codes or ()))
    findings = [found for found in row.findings or [] if found["code"] in held]
    told = {found["code"] for found in findings}
    return [fault_of(l10n, found["code"], found) for found in findings] + [
        fault_of(l10n, code, None) for code in held if code not in told
    ]


def fault_of(l10n: L10n, code: str, found: dict[str, Any] | None) -> dict[str, object]:
    language = l10n.language
    return {
        "code": code,
        "kind": "warn" if code.startswith("W-") else "fail",
        "title": title_of(code, language),
        "action": action_on(found, language) if found else suggested_action(code, language),
        "who": l10n.text(who_mends(code)),
        "is_yours": who_acts(code) == "seller",
        "seen": seen_in_words(found["seen"], language) if found else "",
        "rule": rule_in_words(found, language) if found else "",
        "source": found["source"] if found else "",
    }
