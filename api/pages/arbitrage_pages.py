"""The reviewers' page of arbitrage: open suspicions of every seller, with evidence and prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.arbitrage import deciding, seller_of
from api.auth import REVIEWER_ROLES, RoleForbids, poster_of
from api.desk import Caller, Desk
from api.form_length import ensure_length
from api.ids import inner_id, public_id
from api.l10n import L10n
from api.pages.charts import PricePlot, PriceSteps, price_plot
from api.pages.page_frame import Page, StaffVisit
from api.pages.page_server import PageServer, Refused
from api.query_values import number_in
from api.words import ARBITRAGE_RULES, CONFIRMATION_CAUSES, DISMISSAL_CAUSES
from domain.arbitrage import Evidence, get_suspicion
from domain.policy import policy_of
from domain.rules.pricing import bounds_of
from domain.sellers import change_seller
from domain.stamps import Work
from projections import arbitrage_signs, suspicions
from projections.suspicions import SuspicionRow

PATH = "/review/arbitrage"
PAGE_LENGTH = 10
PLOTS_MAX = 3
"""So many of a suspicion's bindings show their prices; each is a history to be read."""
FORM_BYTES_MAX = 64 * 1024


def add_arbitrage_review(router: APIRouter, server: PageServer) -> None:
    """The page, and the form of each suspicion on it."""

    @router.get(PATH)
    async def review(request: Request) -> Response:
        return await server.show_staff(request, review_page)

    @router.post(PATH)
    async def decide(request: Request) -> Response:
        ensure_length(request, FORM_BYTES_MAX)
        try:
            return await decided(request, server)
        except Refused as refused:
            return server.refusal(request, refused)


def review_page(desk: Desk, visit: StaffVisit) -> Page:
    """Open suspicions, the oldest first. Raises RoleForbids, Unreadable."""
    reviewer_among(visit.caller)
    after = number_in(visit.query("after")) or 0
    with desk.reading_for_staff() as connection:
        rows = suspicions.open_suspicions(connection, after, PAGE_LENGTH + 1)
    shown = rows[:PAGE_LENGTH]
    context = {
        "suspicions": [shown_suspicion(desk, row, visit.l10n) for row in shown],
        "next": f"{PATH}?after={shown[-1].position}" if len(rows) > PAGE_LENGTH else None,
        "is_first": after == 0,
        "dismissal_causes": DISMISSAL_CAUSES,
        "confirmation_causes": CONFIRMATION_CAUSES,
        "done": visit.query("done"),
    }
    return Page("review_arbitrage.html", context, is_kept=False)


def reviewer_among(caller: Caller) -> Caller:
    """Raises RoleForbids."""
    if caller.role not in REVIEWER_ROLES:
        raise RoleForbids(REVIEWER_ROLES)
    return caller


def shown_suspicion(desk: Desk, row: SuspicionRow, l10n: L10n) -> dict[str, Any]:
    """One suspicion with its evidence, and the prices of its first bindings."""
    known = seller_of(desk, row.seller_id)
    suspicion = get_suspicion(known.arbitrage, row.suspicion_id)
    with desk.reading_for(row.seller_id) as connection:
        _, on_sale = suspicions.progress(connection)
    seller = public_id("sel", row.seller_id)
    return {
        "id": public_id("sus", row.suspicion_id),
        "seller": seller,
        "shop_name": known.shop_name,
        "rule": l10n.text(ARBITRAGE_RULES[row.rule]),
        "is_about_price": row.rule == "price_above_policy",
        "raised_at": row.raised_at,
        "on_sale": on_sale,
        "evidence": [
            {
                "row": each,
                "href": f"/bindings/{public_id('bnd', each.binding_id)}?seller_id={seller}",
                "plot": plot_of(desk, row, each) if number < PLOTS_MAX else None,
            }
            for number, each in enumerate(suspicion.evidence)
        ],
    }


def plot_of(desk: Desk, row: SuspicionRow, evidence: Evidence) -> PricePlot | None:
    """The binding's prices over its time above policy; None for a rule that is about no price."""
    if row.rule != "price_above_policy":
        return None
    amazon: list[tuple[datetime, int]] = []
    shown: list[tuple[datetime, int]] = []
    for recorded in desk.history(row.seller_id, evidence.binding_id):
        told = arbitrage_signs.prices_in(recorded) | arbitrage_signs.listing_in(recorded)
        at = arbitrage_signs.moment_of(recorded)
        if (price := told.get("amazon_price_jpy")) is not None:
            amazon.append((at, price))
        if (price := told.get("shown_price_jpy")) is not None:
            shown.append((at, price))
    return price_plot(amazon, limits_of(amazon), shown, evidence.since, desk.clock())


def limits_of(amazon: PriceSteps) -> list[tuple[datetime, int]]:
    """The highest price that today's policy allows for each of Amazon's."""
    rate = Decimal(policy_of().float_rate_max)
    return [(at, bounds_of(price, rate).price_jpy_max) for at, price in amazon]


async def decided(request: Request, server: PageServer) -> Response:
    """Confirm or dismiss, and go back to the page once the views have it."""
    async with request.form(max_files=0, max_fields=10) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    csrf = fields.get("csrf", "")
    caller = reviewer_among(await run_in_threadpool(poster_of, request, csrf, server.sessions))
    decision = fields.get("decision", "")
    position = await run_in_threadpool(acted, server.desk, caller, decision, fields)
    await server.projected(position)
    return RedirectResponse(f"{PATH}?done={decision}", 303)


def acted(desk: Desk, caller: Caller, decision: str, fields: dict[str, str]) -> int | None:
    """Raises NotFound, WrongState, ReviewRefused."""
    seller_id = inner_id("sel", fields.get("seller_id", ""))
    suspicion_id = inner_id("sus", fields.get("suspicion_id", ""))
    work = Work(desk.clock, caller.actor, suspicion_id)
    cause, reason = fields.get("cause", "other"), fields.get("reason", "")
    decide = deciding(suspicion_id, decision, cause, reason, work)
    return change_seller(desk.app, seller_id, decide)
