"""The page of stock alerts: how many are open, which, since when, and what to do about each."""

from __future__ import annotations

from api.alert_words import ENDINGS, TOPICS_IN_WORDS, advice_of, word_of
from api.auth import OWN_SELLER_ROLES
from api.desk import Desk
from api.pages.page_frame import Page, Visit
from api.query_values import place_in
from domain.contacts import CONTACTS_MAX
from projections import stock_alerts
from projections.stock_alerts import State

PAGE_LENGTH = 50


def alerts_page(desk: Desk, visit: Visit) -> Page:
    """Open alerts first, newest first, then those that ended."""
    wanted = visit.query("state")
    state: State | None = "open" if wanted == "open" else "ended" if wanted == "ended" else None
    before = place_in(visit.query("before"))
    may_act = visit.caller.role in OWN_SELLER_ROLES
    with desk.reading_for(visit.seller_id) as connection:
        counts = stock_alerts.counts(connection)
        rows = stock_alerts.page(connection, state=state, before=before, limit=PAGE_LENGTH + 1)
    shown = rows[:PAGE_LENGTH]
    opened = [row for row in shown if row.is_open]
    last = shown[-1] if len(rows) > PAGE_LENGTH else None
    context = {
        "alerts": [
            {
                "row": row,
                "word": word_of(row),
                "ending": visit.l10n.text(ENDINGS[row.ended_by]) if row.ended_by else "",
            }
            for row in shown
        ],
        "advice": list({word_of(row): advice_of(row, visit.l10n) for row in opened}.items()),
        "open_count": sum(counts.values()),
        "state": state,
        "older": f"{last.is_open}.{last.place}" if last else None,
        "may_act": may_act,
        "contacts": desk.contacts(visit.seller_id) if may_act else [],
        "contacts_max": CONTACTS_MAX,
        "is_mail_on": desk.is_mail_on,
        "topics": TOPICS_IN_WORDS,
    }
    return Page("stock_alerts.html", context, is_kept=False)
