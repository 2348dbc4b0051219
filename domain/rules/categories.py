"""Does the Mercari category that the seller chose hold this Amazon product? A rate and a reason.

Curated mapping first (the longest Amazon path that the policy knows), text similarity for the rest.
Deterministic, explainable, no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz

from domain.policy import Policy
from domain.values import Value

EXACT_RATE_PCT = 100.0
SAME_PARENT_RATE_PCT = 80.0
SAME_ROOT_RATE_PCT = 50.0
ALTERNATIVES_MAX = 3


class CategoryMatch(Value):
    """How well a Mercari path fits, 0–100 with two decimals, and the best other paths."""

    match_rate: float
    reason: str
    mapped_path: tuple[str, ...] = ()
    alternatives: tuple[tuple[tuple[str, ...], float], ...] = ()


def match_category(
    policy: Policy,
    browse_path: Sequence[str],
    title: str | None,
    chosen: Sequence[str],
    leaves: Mapping[tuple[str, ...], str],
) -> CategoryMatch:
    """Rate the chosen Mercari path; `leaves` maps each leaf path of the shop to its id."""
    mapped = mapped_path(policy, tuple(browse_path))
    rate, reason = rate_of(mapped, tuple(chosen), browse_path, title)
    alternatives: list[tuple[tuple[str, ...], float]] = []
    if rate < policy.match_rate_pct_min:
        alternatives = best_leaves(mapped, browse_path, title, leaves)
    return CategoryMatch(
        match_rate=rate,
        reason=reason,
        mapped_path=mapped or (),
        alternatives=tuple(alternatives),
    )


def mapped_path(policy: Policy, browse_path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The curated Mercari path of the longest known beginning of the Amazon path."""
    for length in range(len(browse_path), 0, -1):
        if found := policy.category_map.get(browse_path[:length]):
            return found
    return None


def rate_of(
    mapped: tuple[str, ...] | None,
    chosen: tuple[str, ...],
    browse_path: Sequence[str],
    title: str | None,
) -> tuple[float, str]:
    """The rate and its reason in words; a curated mapping decides, else the texts are compared."""
    if mapped is None:
        return similarity(browse_path, title, chosen), "compared by words: no curated mapping"
    if mapped == chosen:
        return EXACT_RATE_PCT, f"{' > '.join(browse_path)} is sold under {' > '.join(mapped)}"
    shared = sum(1 for ours, theirs in zip(mapped, chosen, strict=False) if ours == theirs)
    reason = f"{' > '.join(browse_path)} belongs under {' > '.join(mapped)}"
    if shared and mapped[:shared] == chosen[:shared] and shared >= len(mapped) - 1:
        return SAME_PARENT_RATE_PCT, reason
    return (SAME_ROOT_RATE_PCT if mapped[:1] == chosen[:1] else 0.0), reason


def similarity(browse_path: Sequence[str], title: str | None, mercari_path: Sequence[str]) -> float:
    """Word likeness of the two paths' ends, 0–100; the title can only help the leaf."""
    if not browse_path or not mercari_path:
        return 0.0
    leaves = fuzz.ratio(browse_path[-1], mercari_path[-1])
    paths = fuzz.token_set_ratio(" ".join(browse_path), " ".join(mercari_path))
    in_title = 100.0 if title and mercari_path[-1] in title else 0.0
    return round(max(0.7 * leaves + 0.3 * paths, 0.5 * paths + 0.4 * in_title), 2)


def best_leaves(
    mapped: tuple[str, ...] | None,
    browse_path: Sequence[str],
    title: str | None,
    leaves: Mapping[tuple[str, ...], str],
) -> list[tuple[tuple[str, ...], float]]:
    """Up to three leaves of the shop that fit better, best first."""
    if mapped is not None and mapped in leaves:
        siblings = [
            (path, SAME_PARENT_RATE_PCT)
            for path in sorted(leaves)
            if path[:-1] == mapped[:-1] and path != mapped
        ]
        return [(mapped, EXACT_RATE_PCT), *siblings][:ALTERNATIVES_MAX]
    rated = [(path, similarity(browse_path, title, path)) for path in leaves]
    return sorted(rated, key=lambda pair: (-pair[1], pair[0]))[:ALTERNATIVES_MAX]
