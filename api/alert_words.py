"""The words for a stock alert: what it is, how it ended, what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from api.l10n import L10n, mark
from api.words import Word
from projections.stock_alerts import Alert

REASONS: Mapping[str, Word] = {
    "sold_out": Word("fail", mark("Sold out on Amazon")),
    "at_threshold": Word("warn", mark("At the threshold")),
    "last_units": Word("warn", mark("Last units kept back")),
}
OVERSELL = Word("fail", mark("Could oversell"))
ENDINGS: Mapping[str | None, str] = {
    "restocked": mark("Stock rose again"),
    "off_market": mark("No longer on sale"),
}
ADVICE: Mapping[str, str] = {
    "sold_out": mark(
        "Restock on Amazon, or withdraw the binding. Mercari shows 0 until there is stock."
    ),
    "at_threshold": mark(
        "Restock on Amazon, or upload the row again with a lower threshold. "
        "Mercari shows 0 until then."
    ),
    "last_units": mark(
        "Restock on Amazon, or keep fewer last units back in your settings. "
        "Mercari shows 0 until then."
    ),
}
TOPICS_IN_WORDS: Mapping[str, str] = {
    "stock": mark("Stock alerts"),
    "breaker": mark("A marketplace keeps failing"),
    "brake": mark("Many changes wait for you"),
}
OVERSELL_ADVICE = mark(
    "Mercari still shows more than Amazon holds: it is being corrected. "
    "Check the newest orders, and cancel what you can't ship."
)


def word_of(alert: Alert) -> Word:
    """What the alert is; that Mercari could oversell goes before the rest."""
    return OVERSELL if alert.could_oversell else REASONS[alert.reason]


def advice_of(alert: Alert, l10n: L10n) -> str:
    """What the seller can do."""
    return l10n.text(OVERSELL_ADVICE if alert.could_oversell else ADVICE[alert.reason])
