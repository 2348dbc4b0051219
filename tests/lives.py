"""Lives of a binding: what may happen to it in each status, for tests that need any history."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from domain import asin_binding
from domain.asin_binding import BindingFact
from domain.asin_binding.facts import ContentRefreshed, PriceAdjusted, StockAdjusted, TermsChanged
from tests.examples import (
    BINDING_ID,
    SUBMISSION_ID,
    attempt_failed,
    blocked,
    confirmed,
    drifted,
    listed,
    mapped,
    mapping_broken,
    reinstated,
    rejected,
    requested,
    stamp,
    suspended,
    the_terms,
    validated,
    withdrawn,
)

SEEN_LATER = stamp(observed=60)
MOVED: tuple[BindingFact, ...] = (
    TermsChanged(
        stamp=SEEN_LATER, terms=the_terms(stock_threshold=2), float_rate=Decimal("0.1"),
        amazon_price_jpy=9_000, amazon_quantity=8, price_jpy=9_900, stock=6,
        submission_id=SUBMISSION_ID, row=1,
    ),
    PriceAdjusted(
        stamp=SEEN_LATER, from_price_jpy=10_000, to_price_jpy=12_000, amazon_price_jpy=12_000,
        float_rate=Decimal(0),
    ),
    StockAdjusted(
        stamp=SEEN_LATER, from_stock=10, to_stock=3, amazon_quantity=3, stock_threshold=0
    ),
    ContentRefreshed(stamp=SEEN_LATER, title="新", image_url=None, browse_path=()),
)  # fmt: skip
STEPS: dict[str, Sequence[BindingFact]] = {
    "check": (validated(), mapped()),
    "list": (listed(),),
    "closed": (confirmed("list", is_on_sale=False),),
    "shown": (confirmed("update", price_jpy=9_000),),
    "down": (confirmed("take_down", is_on_sale=False),),
    "reject": (rejected(),), "break": (mapping_broken(),), "suspend": (suspended(),),
    "reinstate": (reinstated(),), "block": (blocked(),), "withdraw": (withdrawn(),),
    "ask": (requested(),), "fail": (attempt_failed(),),
    "sold": (confirmed("seen", stock=3),),
    "drift": (drifted("price_jpy", outcome="kept", price_jpy=9_500),),
    "edit": (drifted("description", title="another"),),
    "hand closed": (drifted("is_on_sale", outcome="kept", is_on_sale=False),),
    "listed with less": (listed(stock=8),),
    "gone": (drifted("listing", outcome="kept", is_gone=True),),
    **{each.TOPIC: (each,) for each in MOVED},
}  # fmt: skip
DRIFTS = ("drift", "edit", "hand closed", "gone")
MOVES = tuple(each.TOPIC for each in MOVED)
ALLOWED = {
    "requested": ("check", "reject", "withdraw", "fail", "down"),
    "rejected": ("ask", "withdraw", "down"),
    "mapped": (
        *MOVES,
        "list",
        "listed with less",
        "closed",
        "suspend",
        "ask",
        "withdraw",
        "fail",
        "break",
        "block",
    ),
    "listed": (
        *MOVES,
        *DRIFTS,
        "sold",
        "shown",
        "suspend",
        "ask",
        "withdraw",
        "fail",
        "break",
        "block",
    ),
    "suspended": (*MOVES, "reinstate", "down", "ask", "withdraw", "fail", "break", "block"),
    "unmapped": ("ask", "withdraw", "down", "fail"),
    "blocked": ("down", "fail"),
    "withdrawn": ("ask", "down", "fail"),
}


@st.composite
def lives(draw: st.DrawFn) -> list[BindingFact]:
    """A history in which every step is one that its status allows."""
    facts: list[BindingFact] = [requested()]
    state = asin_binding.fold(None, BINDING_ID, facts)
    for _ in range(draw(st.integers(0, 14))):
        assert state is not None
        step = draw(st.sampled_from(ALLOWED[state.status]))
        added = STEPS[step]
        if step in DRIFTS and state.listing is None:
            continue
        if step == "reinstate":
            added = (reinstated(is_listed=state.listing is not None),)
        facts += added
        state = asin_binding.fold(state, BINDING_ID, added)
    return facts
