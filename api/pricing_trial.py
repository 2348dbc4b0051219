"""A dry run of pricing rules: which live listings would change, from what to what, and why.

Nothing is saved, and no marketplace is asked: it goes by what was last read from Amazon.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import Connection

from api.desk import Desk
from api.ids import public_id
from domain.error_codes import Language
from domain.policy import Policy, policy_of
from domain.pricing import ChangePricingRules, ensure_rules_hold
from domain.rules.fees import day_in_japan, net_jpy, period_of
from domain.rules.pricing import bounds_of
from domain.rules.repricing import Priced, PricingRules, price_at_day_start, priced
from domain.seller import Seller
from domain.stamps import Work
from domain.texts import rule_text
from projections import channel_prices, price_bases
from projections.price_bases import LivePrice, day_start_of

SHOWN_MAX = 500
"""So many listings are named; all are counted."""


class Move(NamedTuple):
    """What would become of one listing's price, and what a sale leaves before and after."""

    row: LivePrice
    to: Priced
    net_from_jpy: int
    net_to_jpy: int


class Trial(NamedTuple):
    """What rules would do to the live listings; `moves` are the first of those that change."""

    live: int
    would_change: int
    moves: list[Move]


def tried(desk: Desk, seller: Seller, rules: PricingRules, work: Work) -> Trial:
    """Work out every live price by these rules. Raises PricingRefused for rules that can't hold."""
    ensure_rules_hold(ChangePricingRules(stamp=work.stamp(), rules=rules))
    with desk.reading_for(seller.seller_id) as connection:
        own_prices = channel_prices.known(connection) if rules.follows_own_prices else {}
        knowing = seller.model_copy(update={"own_prices": own_prices})
        return trial_of(connection, knowing, rules, work.clock())


def trial_of(
    connection: Connection[Any], seller: Seller, rules: PricingRules, now: datetime
) -> Trial:
    policy, rows = policy_of(), price_bases.live(connection)
    fees = period_of(policy.repricing, day_in_japan(now))
    moves = [
        Move(row, to, net_jpy(fees, row.price_jpy), net_jpy(fees, to.price_jpy))
        for row in rows
        if (to := price_under(policy, seller, rules, row, now)) is not None
    ]
    return Trial(len(rows), len(moves), moves[:SHOWN_MAX])


def price_under(
    policy: Policy, seller: Seller, rules: PricingRules, row: LivePrice, now: datetime
) -> Priced | None:
    """The price that the next sweep would list at; None where it would leave it alone."""
    in_force = seller.rules_in_force(row.asin, now, rules)
    start = price_at_day_start(day_start_of(row), now, row.price_jpy)
    to = priced(policy, row.amazon_price_jpy, row.float_rate, in_force, start)
    bounds = bounds_of(row.amazon_price_jpy, Decimal(policy.float_rate_max))
    return to if to.price_jpy != row.price_jpy and bounds.hold(to.price_jpy) else None


def trial_answer(trial: Trial, language: Language) -> dict[str, Any]:
    return {
        "live": trial.live,
        "would_change": trial.would_change,
        "items": [move_answer(move, language) for move in trial.moves],
    }


def move_answer(move: Move, language: Language) -> dict[str, Any]:
    row = move.row
    return {
        "id": public_id("bnd", row.binding_id),
        "asin": row.asin,
        "title": row.title,
        "status": row.status,
        "amazon_price_jpy": row.amazon_price_jpy,
        "observed_at": row.observed_at,
        "from_price_jpy": row.price_jpy,
        "to_price_jpy": move.to.price_jpy,
        "net_from_jpy": move.net_from_jpy,
        "net_to_jpy": move.net_to_jpy,
        "reasons": reasons_answer(move.to, language),
    }


def reasons_answer(to: Priced, language: Language) -> list[dict[str, Any]]:
    """What each rule does, in order, and in the reader's words."""
    return [
        {
            "rule": each.rule,
            "outcome": each.outcome,
            "from_price_jpy": each.from_price_jpy,
            "to_price_jpy": each.to_price_jpy,
            "said": rule_text(f"price_{each.rule}_{each.outcome}", each.values, language),
        }
        for each in to.reasons
    ]
