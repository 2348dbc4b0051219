"""One short sentence for a line of the log or a fact of a history, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.edit_text import edited, edits_in_words
from api.l10n import TONGUES, L10n
from api.words import (
    AMAZON_STATUSES,
    ATTEMPTS,
    FATES,
    LISTING_FIELDS,
    MARKETPLACES,
    PROOFS,
    SWEEPS,
    TERMINATION_CAUSES,
    WHO_ACTS,
    WHO_MENDS,
)
from domain.asin_binding.facts import (
    BindingFact,
    DriftFound,
    Mapped,
    Rejected,
    Requested,
    Validated,
)
from domain.error_codes import ERROR_CODES, REASONS, Language, WhoActs, reason
from domain.texts import rule_text, rule_texts
from projections.submissions import RowRow
from projections.sync_log import LogRow, binding_lines

Detail = Mapping[str, Any]
SEEN_LENGTH_MAX = 120
OFF_SALE = "E-404"


def what_happened(row: LogRow, l10n: L10n) -> str:
    """The line in words. The error code's own meaning and action are not repeated in it."""
    return sentence(row.operation, row.outcome, row.detail, row.error_code, l10n)


def what_changed(fact: BindingFact, l10n: L10n) -> str:
    """A fact of a binding's history in words."""
    match fact:
        case Requested():
            category = fact.terms.mercari_category_id
            return l10n.text("Binding asked for in category %(category)s", category=category)
        case Validated():
            price, stock = l10n.yen(fact.price_jpy), l10n.count(fact.stock)
            said = l10n.text(
                "Every check passed: %(price)s, stock %(stock)s", price=price, stock=stock
            )
            told = [each.model_dump() for each in fact.reasons]
            return " · ".join([said, *reasons_in_words(told, l10n.language)])
        case Mapped():
            path = " > ".join(fact.category_path)
            rate = l10n.decimal(fact.match_rate)
            return l10n.text("Category holds at %(rate)s%%: %(path)s", rate=rate, path=path)
        case Rejected():
            codes = dict.fromkeys(found.code for found in fact.findings)
            titles = l10n.listed([title_of(code, l10n.language) for code in codes])
            return l10n.text("Not accepted: %(reasons)s", reasons=titles)
        case DriftFound():
            return " · ".join(edits_in_words(fact.differences, l10n))
        case _:
            lines = binding_lines(fact)
            return " · ".join(
                sentence(each.operation, each.outcome, each.detail, each.error_code, l10n)
                for each in lines
            )


def suggested_action(code: str | None, language: Language) -> str:
    """The next step for this code; empty where there is none."""
    row = ERROR_CODES.get(code or "")
    return row.texts[language].action if row else ""


def action_on(found: Detail, language: Language) -> str:
    """The next step for this finding; some rules have one of their own."""
    key = f"action_{found['rule']}"
    own = key in rule_texts()
    return rule_text(key, {}, language) if own else suggested_action(found["code"], language)


def actions_for(codes: Sequence[str], language: Language) -> str:
    """The next step for each of these codes, one a line; each with its code where several."""
    if len(codes) == 1:
        return suggested_action(codes[0], language)
    colon = TONGUES[language].colon
    return "\n".join(f"{code}{colon}{suggested_action(code, language)}" for code in codes)


def row_in_words(row: RowRow, l10n: L10n) -> str:
    """Why a row of an upload was not listed; empty where it was, or still may be."""
    if said := fault_in_words(row.detail, row.values, l10n.language):
        return said
    if row.findings:
        return "\n".join(found(each, each["code"], l10n) for each in row.findings)
    return l10n.listed([title_of(code, l10n.language) for code in row.codes or ()])


def who_acts(code: str | None) -> WhoActs | None:
    row = ERROR_CODES.get(code or "")
    return row.who_acts if row else None


def who_in_words(code: str | None) -> str:
    """Who mends this code, as a message to be translated; nobody is asked about an unknown one."""
    return WHO_ACTS[who_acts(code) or "automatic"]


def who_mends(code: str | None) -> str:
    """The same as a message that stands alone."""
    return WHO_MENDS[who_acts(code) or "automatic"]


def title_of(code: str | None, language: Language) -> str:
    """The label of this code; the code itself where the table has none."""
    row = ERROR_CODES.get(code or "")
    return row.texts[language].title if row else code or ""


def rule_in_words(found: Detail, language: Language) -> str:
    """The rule that a finding was held against."""
    return closed_up(rule_text(found["rule"], found.get("values") or {}, language))


def reasons_in_words(reasons: Sequence[Detail], language: Language) -> list[str]:
    """What the seller's rules did to a price, one sentence a rule."""
    return [
        rule_text(f"price_{each['rule']}_{each['outcome']}", each["values"], language)
        for each in reasons
    ]


def seen_in_words(seen: str, language: Language) -> str:
    """The value seen, or values; some have a wording of their own, such as `not_exposed`."""
    words = [
        rule_text(f"seen_{each}", {}, language) if f"seen_{each}" in rule_texts() else each
        for each in seen.split(", ")
    ]
    return closed_up(", ".join(words))


def closed_up(text: str) -> str:
    """Recorded rates such as `92 %`, written as all others are."""
    return re.sub(r"(?<=\d) %", "%", text)


def broken_rules(rules: Mapping[str, str], language: Language) -> list[dict[str, str]]:
    """Each field that breaks a rule, with the rule in the reader's language."""
    return [{"field": name, "detail": rule_text(key, {}, language)} for name, key in rules.items()]


def fault_in_words(key: str | None, values: Detail | None, language: Language) -> str:
    """Why a file or a row was refused; empty where nothing is known of it."""
    return reason(key, language, **(values or {})) if key and key in REASONS else ""


def sentence(operation: str, outcome: str, detail: Detail, code: str | None, l10n: L10n) -> str:
    """What a line of the log says."""
    group, _, subject = operation.partition(".")
    if guard := GUARDS.get(group):
        return guard(subject, detail, code, l10n)
    if "upstream" in detail:
        return attempt(operation, detail, code, l10n)
    if operation.startswith("sweep."):
        return sweep(operation, detail, l10n)
    if operation == "upload":
        return upload(outcome, detail, code, l10n)
    say = SENTENCES.get(operation)
    return say(detail, code, l10n) if say else title_of(code, l10n.language) or operation


def attempt(operation: str, detail: Detail, code: str | None, l10n: L10n) -> str:
    """An attempt that did not succeed, and when the next one comes."""
    name = l10n.text({**SWEEPS, **ATTEMPTS}.get(operation, operation))
    if "rows" in detail:
        name = l10n.plural("Check of %(n)s row", "Check of %(n)s rows", detail["rows"])
    why = title_of(code, l10n.language)
    said = l10n.text("%(title)s: %(seen)s", title=name, seen=why)
    if detail.get("retry_at"):
        time = l10n.clock(datetime.fromisoformat(detail["retry_at"]))
        return l10n.text("%(said)s · next try %(time)s", said=said, time=time)
    if operation in SWEEPS:
        return l10n.text("%(said)s · left as it is until the next sweep", said=said)
    return l10n.text("%(said)s · not tried again", said=said)


def sweep(operation: str, detail: Detail, l10n: L10n) -> str:
    if detail.get("stopped_by"):
        return l10n.text(
            "%(name)s stopped early: %(bindings)s bindings, of which %(failed)s were left unread",
            name=l10n.text(SWEEPS.get(operation, operation)),
            bindings=detail["bindings"],
            failed=detail["failed"],
        )
    return l10n.text(
        "%(name)s: %(bindings)s bindings read, %(changed)s changed, %(failed)s failed",
        name=l10n.text(SWEEPS.get(operation, operation)),
        bindings=detail["bindings"],
        changed=detail["changed"],
        failed=detail["failed"],
    )


def braked(kind: str, detail: Detail, _: str | None, l10n: L10n) -> str:
    return l10n.text(
        "%(name)s would change %(drastic)s of %(listings)s listings: read again,"
        " %(confirmed)s confirmed, %(held)s held",
        name=sweep_name(kind, l10n),
        **{name: l10n.number(detail[name]) for name in BRAKE_COUNTS},
    )


def delayed(kind: str, detail: Detail, _: str | None, l10n: L10n) -> str:
    return l10n.text(
        "%(name)s: %(done)s of %(listings)s read, will end about %(projected)s,"
        " promised %(promise)s",
        name=sweep_name(kind, l10n),
        done=l10n.number(detail["done"]),
        listings=l10n.number(detail["listings"]),
        projected=moment(detail["projected_at"], l10n),
        promise=moment(detail["promised_at"], l10n),
    )


def skipped(kind: str, detail: Detail, _: str | None, l10n: L10n) -> str:
    return l10n.text(
        "%(name)s did not begin: the one of %(time)s is still under way",
        name=sweep_name(kind, l10n),
        time=moment(detail["running_since"], l10n),
    )


def paused(marketplace: str, detail: Detail, code: str | None, l10n: L10n) -> str:
    return l10n.text(
        "%(marketplace)s is left alone since %(since)s: %(why)s · next try %(time)s",
        marketplace=l10n.text(MARKETPLACES[marketplace]),
        since=moment(detail["since"], l10n),
        why=title_of(code, l10n.language),
        time=moment(detail["retry_at"], l10n),
    )


def resumed(marketplace: str, detail: Detail, _: str | None, l10n: L10n) -> str:
    return l10n.text(
        "%(marketplace)s answers again; it was left alone since %(since)s",
        marketplace=l10n.text(MARKETPLACES[marketplace]),
        since=moment(detail["since"], l10n),
    )


def drifted(_: str, detail: Detail, __: str | None, l10n: L10n) -> str:
    name = LISTING_FIELDS[detail["field"]]
    return edited(detail["outcome"], l10n.text(name), l10n)


def sweep_name(kind: str, l10n: L10n) -> str:
    return l10n.text(SWEEPS[f"sweep.{kind}"])


def moment(text: str, l10n: L10n) -> str:
    return l10n.clock(datetime.fromisoformat(text))


def wound_up(ending: str, detail: Detail, _: str | None, l10n: L10n) -> str:
    n = detail["bindings"]
    if ending == "withdraw":
        return l10n.plural(
            "%(n)s binding withdrawn, as the seller left",
            "%(n)s bindings withdrawn, as the seller left", n,
        )  # fmt: skip
    return l10n.plural(
        "%(n)s binding closed for good with the seller's status",
        "%(n)s bindings closed for good with the seller's status", n,
    )  # fmt: skip


BRAKE_COUNTS = ("drastic", "listings", "confirmed", "held")
GUARDS: Mapping[str, Callable[[str, Detail, str | None, L10n], str]] = {
    "brake": braked,
    "delay": delayed,
    "skip": skipped,
    "pause": paused,
    "resume": resumed,
    "drift": drifted,
    "wind_up": wound_up,
}


def upload(outcome: str, detail: Detail, code: str | None, l10n: L10n) -> str:
    if "filename" in detail:
        return l10n.text("%(file)s was refused whole", file=detail["filename"])
    if outcome != "ok":
        why = title_of(code, l10n.language)
        return l10n.text("Row %(row)s refused: %(why)s", row=detail["row"], why=why)
    counts = [
        f"{l10n.text(word.message)} {l10n.number(detail['counts'][fate])}"
        for fate, word in FATES.items()
        if fate in detail["counts"]
    ]
    return l10n.text("Upload finished: %(counts)s", counts=" · ".join(counts))


def found(detail: Detail, code: str | None, l10n: L10n) -> str:
    """A finding: what the code means, the rule it was held against, and what was seen."""
    seen = seen_in_words(str(detail.get("seen", "")), l10n.language)
    seen = seen if len(seen) <= SEEN_LENGTH_MAX else f"{seen[:SEEN_LENGTH_MAX]}…"
    title = title_of(code, l10n.language)
    if not detail.get("rule"):
        return l10n.text("%(title)s: %(seen)s", title=title, seen=seen) if seen else title
    rule = rule_in_words(detail, l10n.language)
    return l10n.text("%(title)s: %(rule)s (seen: %(seen)s)", title=title, rule=rule, seen=seen)


def reviewed(detail: Detail, _: str | None, l10n: L10n) -> str:
    if detail["verdict"] == "pass":
        return l10n.text("A reviewer accepted the main image")
    return l10n.text("A reviewer did not accept the main image")


def proved(detail: Detail, _: str | None, l10n: L10n) -> str:
    message = PROOFS[detail["kind"]]
    return l10n.text(message)


def image_judged(detail: Detail, code: str | None, l10n: L10n) -> str:
    if detail["verdict"] == "pass":
        return l10n.text("The new main image is fine")
    return found(detail, code, l10n) if code else l10n.text("The new main image was not inspected")


def shown(detail: Detail, _: str | None, l10n: L10n) -> str:
    price, stock = l10n.yen(detail["price_jpy"]), l10n.count(detail["stock"])
    return l10n.text("Mercari shows %(price)s, stock %(stock)s", price=price, stock=stock)


def price(detail: Detail, _: str | None, l10n: L10n) -> str:
    before, after = l10n.yen(detail["from"]), l10n.yen(detail["to"])
    moved = l10n.text("Price %(before)s → %(after)s", before=before, after=after)
    return " · ".join([moved, *reasons_in_words(detail.get("reasons", ()), l10n.language)])


def stock(detail: Detail, _: str | None, l10n: L10n) -> str:
    before, after = l10n.count(detail["from"]), l10n.count(detail["to"])
    return l10n.text("Stock %(before)s → %(after)s", before=before, after=after)


def terms(detail: Detail, _: str | None, l10n: L10n) -> str:
    price, stock = l10n.yen(detail["price_jpy"]), l10n.count(detail["stock"])
    said = l10n.text("New terms: %(price)s, stock %(stock)s", price=price, stock=stock)
    return " · ".join([said, *reasons_in_words(detail.get("reasons", ()), l10n.language)])


def moved(detail: Detail, _: str | None, l10n: L10n) -> str:
    return l10n.text("Amazon moved it from %(before)s to %(after)s",
                     before=detail["from"], after=detail["to"])  # fmt: skip


def suspended(detail: Detail, code: str | None, l10n: L10n) -> str:
    """By its status on Amazon where that is why, else by what the code means."""
    if code == OFF_SALE:
        status = l10n.text(AMAZON_STATUSES.get(detail["status"], detail["status"]))
        return l10n.text("Suspended: %(status)s", status=status)
    title = title_of(code, l10n.language)
    return l10n.text("Suspended: %(title)s (%(code)s)", title=title, code=code)


def terminated(detail: Detail, _: str | None, l10n: L10n) -> str:
    cause = TERMINATION_CAUSES[detail["cause"]]
    said = l10n.text(cause)
    return l10n.text("The Pro Seller status ended for good: %(cause)s", cause=said)


SENTENCES: Mapping[str, Callable[[Detail, str | None, L10n], str]] = {
    "check": found,
    "review": found,
    "reviewed": reviewed,
    "image": image_judged,
    "proof": proved,
    "block": found,
    "list": shown,
    "seen": shown,
    "update": shown,
    "take_down": lambda _detail, _code, l10n: l10n.text("Taken off sale on Mercari"),
    "price": price,
    "stock": stock,
    "terms": terms,
    "content": lambda _detail, _code, l10n: l10n.text("Title or image follows Amazon"),
    "category": moved,
    "suspend": suspended,
    "reinstate": lambda _detail, _code, l10n: l10n.text("Back on sale: active on Amazon again"),
    "terminate": terminated,
    "withdraw": lambda _detail, _code, l10n: l10n.text("Withdrawn by the seller"),
}
