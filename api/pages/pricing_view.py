"""The page of pricing rules: a form, what the rules would change, and only then a way to save."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson

from api.desk import Desk
from api.ids import public_id
from api.l10n import mark
from api.log_text import reasons_in_words
from api.pages.page_frame import Build, Page, Visit
from api.pages.pricing_form import COLUMNS, fields_of, rules_of_form
from api.pricing_bodies import rules_answer
from api.pricing_trial import Move, Trial, tried
from domain.application import acting_for
from domain.errors import PricingRefused
from domain.policy import policy_of
from domain.rules.repricing import LOWEST, PricingRules
from domain.stamps import Work
from domain.texts import rule_text
from projections import channel_prices

LABELS: Mapping[str, str] = {
    "follow": mark("Follow my own price on"),
    "floor_jpy": mark("Lowest price (yen)"),
    "floor_net_jpy": mark("Lowest net proceeds (yen)"),
    "ceiling_jpy": mark("Highest price (yen)"),
    "daily_brake_pct": mark("Most it may move in a day (%%)"),
    "avoid_fee_cliff": mark("Lower ¥5,001–¥5,112 to ¥5,000, where a sale leaves more"),
    "charm": mark("Ending"),
    "overrides": mark("ASINs with rules of their own"),
    "file": mark("The file"),
}


class Shown(NamedTuple):
    """What the page shows beside the form."""

    fields: Mapping[str, str]
    faults: Mapping[str, str] = {}
    trial: Trial | None = None
    rules: PricingRules | None = None


def pricing_page(desk: Desk, visit: Visit) -> Page:
    """The rules as they stand."""
    with acting_for(visit.seller_id):
        owner = desk.app.seller(visit.seller_id)
    return page_of(desk, visit, Shown(fields_of(owner.pricing_rules or PricingRules())))


def trial_page_of(fields: Mapping[str, str]) -> Build:
    """What the rules of a form would change, or what is wrong with them; nothing is saved."""

    def trial_page(desk: Desk, visit: Visit) -> Page:
        with acting_for(visit.seller_id):
            owner = desk.app.seller(visit.seller_id)
        try:
            rules = rules_of_form(fields)
            work = Work(desk.clock, visit.caller.actor, uuid4())
            shown = Shown(fields, trial=tried(desk, owner, rules, work), rules=rules)
        except PricingRefused as refused:
            shown = Shown(fields, faults=refused.fields["rules"])
        return page_of(desk, visit, shown)

    return trial_page


def refused_page_of(faults: Mapping[str, str]) -> Build:
    """The rules as they stand, and what is wrong with a file of prices."""

    def refused_page(desk: Desk, visit: Visit) -> Page:
        with acting_for(visit.seller_id):
            owner = desk.app.seller(visit.seller_id)
        fields = fields_of(owner.pricing_rules or PricingRules())
        return page_of(desk, visit, Shown(fields, faults=faults))

    return refused_page


def page_of(desk: Desk, visit: Visit, shown: Shown) -> Page:
    repricing = policy_of().repricing
    with desk.reading_for(visit.seller_id) as connection:
        known = channel_prices.known(connection)
    own_prices = [own for prices in known.values() for own in prices]
    context: dict[str, Any] = {
        "fields": shown.fields,
        "labels": LABELS,
        "columns": COLUMNS,
        "lowest": LOWEST,
        "channels": sorted({own.channel for own in own_prices}),
        "own_price_count": len(own_prices),
        "followed_hours": repricing.channel_price_seconds_max // 3600,
        "endings": repricing.charm_endings,
        "faults": [fault_of(visit, place, key) for place, key in shown.faults.items()],
        "trial": shown.trial,
        "moves": [move_line(visit, move) for move in shown.trial.moves] if shown.trial else [],
    }
    if shown.rules is not None:
        text = orjson.dumps(rules_answer(shown.rules)).decode()
        context |= {"rules": text, "proof": proof_of(desk, visit.seller_id, text)}
    is_kept = shown.trial is None and not shown.faults
    return Page("pricing_rules.html", context, is_kept=is_kept)


def fault_of(visit: Visit, place: str, key: str) -> tuple[str, str]:
    """Where it is wrong, as the form names it, and the rule."""
    head, *rest = place.split("/")
    name = place_name(visit, head)
    values = {"columns": ", ".join(COLUMNS)}
    return " · ".join([name, *rest]), rule_text(key, values, visit.l10n.language)


def place_name(visit: Visit, head: str) -> str:
    """A field by its label, `row 2` of a file in the reader's words, anything else as it is."""
    if head.startswith("row "):
        return visit.l10n.text("row %(row)s", row=head.removeprefix("row "))
    return visit.l10n.text(LABELS[head]) if head in LABELS else head


def move_line(visit: Visit, move: Move) -> dict[str, Any]:
    """One listing that would change, in the reader's language."""
    row, l10n = move.row, visit.l10n
    reasons = [each.model_dump() for each in move.to.reasons]
    return {
        "asin": row.asin,
        "href": visit.url(f"/bindings/{public_id('bnd', row.binding_id)}"),
        "title": row.title or "",
        "before": l10n.yen(row.price_jpy),
        "after": l10n.yen(move.to.price_jpy),
        "net_before": l10n.yen(move.net_from_jpy),
        "net_after": l10n.yen(move.net_to_jpy),
        "why": reasons_in_words(reasons, l10n.language),
    }


def proof_of(desk: Desk, seller_id: UUID, rules: str) -> str:
    """Says that these very rules were tried: only what a dry run showed can be saved."""
    content = f"pricing:{seller_id}:{rules}".encode()
    return hmac.digest(desk.session_secret, content, "sha256").hex()


def is_proof_of(desk: Desk, seller_id: UUID, rules: str, proof: str) -> bool:
    return hmac.compare_digest(proof_of(desk, seller_id, rules).encode(), proof.encode())
