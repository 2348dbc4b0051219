"""The category match: how often it is right on the held-out pairs, and how long it takes."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator
from statistics import median

from domain.policy.category_policy import category_policy_of
from domain.rules.categories import match_category
from tests.bench.measurement import Measurement
from tests.labelled_pairs import Pair, leaves_of_the_shop, pairs

ROUNDS = 3
TREE_LEAVES = 500


def categories() -> Iterator[Measurement]:
    """Precision and recall at the policy's line, and the median time of one match."""
    counts = Counter[tuple[str, str]]()
    policy, leaves = category_policy_of(), leaves_of_the_shop()
    for pair in pairs("held_out"):
        match = match_category(
            policy, pair.browse_path, pair.product_type, pair.title, pair.chosen, leaves
        )
        outcome = outcome_of(pair, match.match_rate >= policy.match_rate_pct_min)
        counts[pair.department, outcome] += 1
        counts["all", outcome] += 1
    departments = sorted({department for department, _ in counts} - {"all"})
    for name, rate in (("category_precision", precision), ("category_recall", recall)):
        shares = ", ".join(f"{each} {rate(counts, each):.3f}" for each in departments)
        yield Measurement(
            name, rate(counts, "all"), "share", None, None,
            gate=0.97 if rate is precision else 0.90, is_ratio_gated=False,
            note=f"{shares}; {counts.total() // 2} held-out pairs",
        )  # fmt: skip
    yield from decision_times()


def outcome_of(pair: Pair, is_match: bool) -> str:
    return ("right" if is_match == pair.fits else "wrong") + (" yes" if is_match else " no")


def precision(counts: Counter[tuple[str, str]], department: str) -> float:
    """Of the pairs taken as a match, the share that is one."""
    right = counts[department, "right yes"]
    return right / max(right + counts[department, "wrong yes"], 1)


def recall(counts: Counter[tuple[str, str]], department: str) -> float:
    """Of the pairs that are a match, the share that was taken as one."""
    right = counts[department, "right yes"]
    return right / max(right + counts[department, "wrong no"], 1)


def decision_times() -> Iterator[Measurement]:
    """One match against a tree of 500 leaves, and one that has to find alternatives."""
    policy, leaves = category_policy_of(), dict(leaves_of_the_shop())
    for number in range(TREE_LEAVES - len(leaves)):
        leaves["その他のショップ", "棚", f"その他{number}"] = f"more-{number}"
    times_ms: dict[bool, list[float]] = {True: [], False: []}
    gc.disable()
    for _ in range(ROUNDS):
        for pair in pairs("tuning"):
            began_at = time.perf_counter()
            match = match_category(
                policy, pair.browse_path, pair.product_type, pair.title, pair.chosen, leaves
            )
            times_ms[bool(match.alternatives)].append((time.perf_counter() - began_at) * 1000)
    gc.enable()
    every = sorted(times_ms[True] + times_ms[False])
    yield Measurement(
        "category_match_ms", median(every), "ms", None, None,
        gate=0.3, is_ratio_gated=False, is_lower_better=True,
        note=f"{TREE_LEAVES} leaves; p99 {every[len(every) * 99 // 100]:.2f} ms; "
        f"with alternatives median {median(times_ms[True]):.2f} ms",
    )  # fmt: skip
