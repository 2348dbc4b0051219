"""Policy data: the figures and lists the rules decide by, one file for each version, kept for ever.

Every decision records the version it was made under, so that it can be made again years later.
"""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from domain.values import Value

CURRENT_VERSION = "2026-11"


class CertificateRule(Value):
    """Goods under `mercari_prefix` need one of `kinds`; `source` names the law or paper."""

    mercari_prefix: tuple[str, ...]
    kinds: tuple[str, ...]
    name: str
    source: str


class UnsupportedRule(Value):
    """Goods under `amazon_prefix`, or with one of `words` in the title, can't be synced."""

    reason: str
    amazon_prefix: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    source: str


class Policy(Value):
    """One version of the rules' data. Rates are fractions unless the name says percent."""

    version: str
    match_rate_pct_min: float
    float_rate_max: str
    stale_reading_seconds_max: int
    stock_threshold_default: int
    warranty_days_default: int
    certificates: tuple[CertificateRule, ...]
    unsupported: tuple[UnsupportedRule, ...]
    category_map: dict[tuple[str, ...], tuple[str, ...]]


@cache
def policy_of(version: str = CURRENT_VERSION) -> Policy:
    """The policy of that version. Raises FileNotFoundError for a version that never was."""
    folder = resources.files(__package__)
    data: dict[str, Any] = tomllib.loads((folder / f"{version}.toml").read_text("utf-8"))
    with (folder / data.pop("category_map")).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    category_map = {path_of(row["amazon_path"]): path_of(row["mercari_path"]) for row in rows}
    return Policy(version=version, category_map=category_map, **data)


def path_of(text: str) -> tuple[str, ...]:
    """Split a category path written as names joined by ` > `, root first."""
    return tuple(name.strip() for name in text.split(" > ") if name.strip())
