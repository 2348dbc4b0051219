"""Stock: what Mercari may sell is what Amazon holds, less the seller's threshold (SPEC §5)."""

from __future__ import annotations


def mercari_stock(amazon_quantity: int, threshold: int, last_units: int = 0) -> int:
    """max(0, Amazon quantity − threshold), in units; 0 where that is `last_units` or fewer.

    The last units are what gets oversold: Amazon may sell them before it is read again.
    """
    left = amazon_quantity - threshold
    return left if left > last_units else 0


def stock_left(
    wanted: int | None, shown_before: int | None, shown: int, *, is_written: bool = True
) -> int | None:
    """What is still wanted after the units sold on Mercari, which must not be put back.

    Where nothing was written in between, what Mercari fell by was sold. Where we wrote, it is how
    far Mercari fell below both what it showed before and what we wanted.
    """
    if wanted is None or shown_before is None:
        return wanted
    ceiling = min(wanted, shown_before) if is_written else shown_before
    return max(0, wanted - max(0, ceiling - shown))


def is_at_threshold(amazon_quantity: int, threshold: int) -> bool:
    """True when the last unit above the threshold is gone: the moment of the stock alert W-103."""
    return amazon_quantity <= threshold
