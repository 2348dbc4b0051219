"""Stock: what Mercari may sell is what Amazon holds, less the seller's threshold (SPEC §5)."""

from __future__ import annotations


def mercari_stock(amazon_quantity: int, threshold: int) -> int:
    """max(0, Amazon quantity − threshold), in units."""
    return max(0, amazon_quantity - threshold)


def stock_left(wanted: int | None, shown_before: int | None, shown: int) -> int | None:
    """What is still wanted after the units sold on Mercari, which must not be put back.

    Sold is how far Mercari fell below both what it showed before and what we wanted.
    """
    if wanted is None or shown_before is None:
        return wanted
    return wanted - max(0, min(wanted, shown_before) - shown)


def is_at_threshold(amazon_quantity: int, threshold: int) -> bool:
    """True when the last unit above the threshold is gone: the moment of the stock alert W-103."""
    return amazon_quantity <= threshold
