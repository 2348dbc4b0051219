"""Does the Mercari category that the seller chose hold this Amazon product? A rate and a reason.

Amazon's browse path, product type and title each say where the product belongs; the policy weighs
what they say. Deterministic, explainable, no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz, process

from domain.error_codes import Language
from domain.policy.category_policy import CategoryPolicy, Path, Verdict
from domain.rules.category_evidence import Evidence, evidence_of
from domain.rules.category_index import CategoryTree, Leaves, indexed, plain_path
from domain.texts import rule_text
from domain.values import Value

ALTERNATIVES_MAX = 3
RATE_PCT_MAX = 100.0
LIKENESS_RATE_PCT_MAX = 60.0


class CategoryMatch(Value):
    """How well a Mercari path fits, 0–100 with two decimals, and the best other leaves.

    `reason` is a key of the wording tables (`domain/texts`), and `values` fill its placeholders;
    `mapped_path` is the chosen leaf where it fits, else the best other one that does, if any.
    """

    match_rate: float
    reason: str
    values: Mapping[str, str] = {}
    mapped_path: Path = ()
    alternatives: tuple[tuple[Path, float], ...] = ()


def match_category(
    policy: CategoryPolicy,
    browse_path: Sequence[str],
    product_type: str | None,
    title: str | None,
    chosen: Sequence[str],
    leaves: Mapping[Path, str],
) -> CategoryMatch:
    """Rate the chosen Mercari path; `leaves` maps each leaf path of the shop to its id."""
    tree = indexed(policy, frozenset(leaves))
    evidence = evidence_of(tree, browse_path, product_type, title)
    leaf = tree.by_plain_path.get(plain_path(chosen))
    if leaf is not None:
        rate, reason, values = judged(tree, evidence, leaf)
        if rate >= policy.match_rate_pct_min:
            return CategoryMatch(match_rate=rate, reason=reason, values=values, mapped_path=leaf)
    else:
        rate, reason, values = 0.0, "category_not_in_tree", {"chosen": shown(chosen)}
    alternatives = best_others(tree, evidence, leaf)
    best, best_rate = alternatives[0] if alternatives else ((), 0.0)
    return CategoryMatch(
        match_rate=rate,
        reason=reason,
        values={**values, "best": shown(best)},
        mapped_path=best if best_rate >= policy.match_rate_pct_min else (),
        alternatives=alternatives,
    )


def judged(
    tree: CategoryTree, evidence: Evidence, leaf: Path
) -> tuple[float, str, Mapping[str, str]]:
    """The rate of one leaf, the key of the reason, and the values its wording needs."""
    values = {
        "chosen": shown(leaf),
        "amazon": evidence.path_text or "—",
        "product_type": evidence.product_type or "—",
        "title_name": evidence.title_name or "—",
        "audience": evidence.audience_name or "—",
    }
    if leaf in evidence.curated:
        return RATE_PCT_MAX, "category_curated", values
    rate = rate_by_evidence(tree, evidence, leaf)
    cap, reason = cap_by_audience(tree, evidence, leaf)
    if rate >= tree.policy.match_rate_pct_min and rate > cap:
        return cap, reason, values
    if rate >= tree.policy.match_rate_pct_min:
        return rate, reason_for(evidence, leaf), values
    return min(rate, cap), reason_against(tree, evidence, leaf), values


def rate_by_evidence(tree: CategoryTree, evidence: Evidence, leaf: Path) -> float:
    """What speaks for the leaf, in points; where nothing does, the likeness of the texts.

    Points above the line of a match are spread from there to 100, so that only a leaf that path
    and title both name gets all of it.
    """
    verdicts = evidence.verdicts(leaf)
    likeness = likeness_pct(evidence, leaf)
    if not {"named", "near"} & set(verdicts):
        return round(likeness * LIKENESS_RATE_PCT_MAX / 100, 2)
    policy = tree.policy
    points = policy.points_of(*verdicts)
    line, most = policy.match_rate_pct_min, policy.points_of("named", "silent", "named")
    if points > line:
        points = line + (points - line) * (RATE_PCT_MAX - line) / (most - line)
    return round(min(points + likeness / 100, RATE_PCT_MAX), 2)


def likeness_pct(evidence: Evidence, leaf: Path) -> float:
    """How like the leaf's name is to the end of the browse path, or to the title without one."""
    return fuzz.ratio(evidence.likeness_text, leaf[-1])


def cap_by_audience(tree: CategoryTree, evidence: Evidence, leaf: Path) -> tuple[float, str]:
    """The most the leaf can get: less where it is, or may be, for other people."""
    caps = tree.policy.caps
    audience = tree.audiences[leaf]
    if audience and evidence.audience and not evidence.may_be_for(tree, leaf):
        return caps.other_audience, "category_other_audience"
    if audience and not evidence.audience and tree.likes[leaf]:
        return caps.audience_unknown, "category_audience_unknown"
    if not audience and evidence.has_own_category(tree, leaf):
        return caps.own_category_exists, "category_own_category_exists"
    return RATE_PCT_MAX, ""


def reason_for(evidence: Evidence, leaf: Path) -> str:
    """Which voice speaks for a leaf that fits."""
    path, product_type, _ = evidence.verdicts(leaf)
    if path == "named":
        return "category_named_by_path"
    if product_type == "named":
        return "category_named_by_type"
    return "category_named_by_title"


def reason_against(tree: CategoryTree, evidence: Evidence, leaf: Path) -> str:
    """Which voice speaks against a leaf that does not fit, or that too little speaks for it."""
    path, product_type, title = evidence.verdicts(leaf)
    against: Verdict = "elsewhere"
    if cap_by_audience(tree, evidence, leaf)[1] == "category_other_audience":
        return "category_other_audience"
    if path == against:
        return "category_path_elsewhere"
    if product_type == against:
        return "category_type_elsewhere"
    if title == against:
        return "category_title_elsewhere"
    return "category_path_too_short" if evidence.path_text else "category_no_path"


def best_others(
    tree: CategoryTree, evidence: Evidence, chosen: Path | None
) -> tuple[tuple[Path, float], ...]:
    """The three leaves with the highest rates above 0, the chosen one left out."""
    likely = evidence.candidates(tree)
    if len(likely - {chosen}) < ALTERNATIVES_MAX:
        likely |= most_alike(tree, evidence)
    rated = [(leaf, judged(tree, evidence, leaf)[0]) for leaf in likely if leaf != chosen]
    fitting = [(leaf, rate) for leaf, rate in rated if rate > 0]
    return tuple(sorted(fitting, key=lambda pair: (-pair[1], pair[0]))[:ALTERNATIVES_MAX])


def most_alike(tree: CategoryTree, evidence: Evidence) -> Leaves:
    """Leaves whose names are most like the text, where few are named by it."""
    found = process.extract(
        evidence.likeness_text,
        [leaf[-1] for leaf in tree.leaves],
        scorer=fuzz.ratio,
        limit=ALTERNATIVES_MAX + 1,
    )
    return frozenset(tree.leaves[place] for _, _, place in found)


def answer_of(
    match: CategoryMatch, line_pct: float, language: Language, leaves: Mapping[Path, str]
) -> dict[str, Any]:
    """The match as the command line and the API give it out, the reason in words."""
    return {
        "match_rate": match.match_rate,
        "verdict": "pass" if match.match_rate >= line_pct else "fail",
        "reason": rule_text(match.reason, match.values, language),
        "alternatives": [
            {"path": list(path), "mercari_category_id": leaves[path], "match_rate": rate}
            for path, rate in match.alternatives
        ],
    }


def shown(path: Sequence[str]) -> str:
    return " > ".join(path) or "—"
