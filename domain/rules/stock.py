"""Stock: what Mercari may sell is what Amazon holds, less the seller's threshold (SPEC §5)."""

from __future__ import annotations


def mercari_stock(amazon_quantity: int, threshold: int) -> int:
    """max(0, Amazon quantity − threshold), in units."""
    return max(0, amazon_quantity - threshold)


def is_at_threshold(amazon_quantity: int, threshold: int) -> bool:
    """True when the last unit above the threshold is gone: the moment of the stock alert W-103."""
    return amazon_quantity <= threshold
