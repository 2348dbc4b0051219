"""The list of bindings, and one binding with its history, now or at any instant of its past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.auth import OWN_SELLER_ROLES
from api.desk import Desk
from api.l10n import L10n, mark
from api.log_text import (
    difference_in_words,
    rule_in_words,
    seen_in_words,
    suggested_action,
    title_of,
    what_changed,
    who_acts,
    who_in_words,
)
from api.page_frame import Build, Page, Past, Visit
from api.query_values import moment_in, number_in
from api.words import CERTIFICATES, IMAGE_VERDICTS, STATUSES
from domain.asin_binding.facts import BindingFact, DriftFound
from domain.errors import NotFound
from domain.facts import Recorded
from domain.stamps import event_id_of
from domain.values import NotAnAsin, Value, asin_from
from projections import bindings
from projections.bindings import BindingRow

PAGE_LENGTH = 50
TIMELINE_LENGTH = 200


class Compared(Value):
    """One value as it was decided and as Mercari showed it. `now` is set on a page of the past."""

    label: str
    decided: str
    shown: str
    now: str
    is_same: bool


def bindings_page(desk: Desk, visit: Visit) -> Page:
    """Bindings, newest change first, by status, ASIN or error code."""
    status, code = visit.query("status"), visit.query("error_code")
    before = number_in(visit.query("before"))
    with desk.reading_for(visit.seller_id) as connection:
        counts = bindings.counts(connection)
        rows = bindings.page(
            connection,
            status=status,
            asin=plain_asin(visit.query("asin")),
            error_code=code,
            before=before,
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
        "older": shown[-1].position if len(rows) > PAGE_LENGTH else None,
        "title_of": title_of,
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
        with desk.reading_for(visit.seller_id) as connection:
            live = bindings.one(connection, binding_id)
        if live is None:
            raise NotFound("no such binding")
        history = desk.history(visit.seller_id, binding_id, at_version=live.version)
        past = past_asked_for(visit, history)
        if past is not None:
            history = [each for each in history if each.version <= past.version]
        row = live if past is None else bindings.fold_history(history) or live
        context = {
            "row": row,
            "live": live,
            "compared": compared(visit.l10n, row, live, is_past=past is not None),
            "timeline": timeline_of(visit.l10n, history),
            "left_out": max(0, len(history) - TIMELINE_LENGTH),
            "faults": faults_of(visit.l10n, row),
            "image": image_shown(row),
            "status": STATUSES[row.status],
            "status_now": STATUSES[live.status],
            "certificates": CERTIFICATES,
            "may_act": past is None and visit.caller.role in OWN_SELLER_ROLES,
            "may_ask_again": live.status not in ("blocked", "requested") or live.is_in_review,
        }
        return Page("binding.html", context, past=past)

    return binding_page


def image_shown(row: BindingRow) -> str | None:
    """The last verdict on the main image, as a message; None before there was a check."""
    if row.image_verdict is None and row.status in ("requested", "rejected"):
        return None
    return IMAGE_VERDICTS.get(row.image_verdict, IMAGE_VERDICTS[None])


def past_asked_for(visit: Visit, history: Sequence[Recorded]) -> Past | None:
    """The instant named by `as_of` or `at_version`. Raises NotFound where nothing was there yet."""
    moment, version = moment_in(visit.query("as_of")), number_in(visit.query("at_version"))
    if moment is None and version is None:
        return None
    seen = [
        each
        for each in history
        if (moment is None or each.recorded_at <= moment)
        and (version is None or each.version <= version)
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
    versions = {event_id_of(each.originator_id, each.version): each.version for each in history}
    for recorded in reversed(history[-TIMELINE_LENGTH:]):
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
                "kind": kind_of(recorded),
            }
        )
    return entries


def differences_in(fact: BindingFact, l10n: L10n) -> list[str]:
    """Each field that somebody edited on Mercari, from what to what."""
    if not isinstance(fact, DriftFound):
        return []
    return [difference_in_words(each, l10n) for each in fact.differences]


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
        "action": suggested_action(code, language),
        "who": l10n.text(who_in_words(code)),
        "is_yours": who_acts(code) == "seller",
        "seen": seen_in_words(found["seen"], language) if found else "",
        "rule": rule_in_words(found, language) if found else "",
        "source": found["source"] if found else "",
    }
