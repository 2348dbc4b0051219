"""Labelled pairs of an Amazon product and a Mercari category: half to tune by, half held out."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from domain.policy.category_policy import path_of
from infra.sandbox.categories import leaves, tree

FOLDER = Path(__file__).parent / "labels"

Half = Literal["tuning", "held_out"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A product, a category that a seller might choose, and whether a person says it fits."""

    browse_path: tuple[str, ...]
    product_type: str | None
    title: str
    chosen: tuple[str, ...]
    fits: bool
    department: str


def pairs(half: Half) -> list[Pair]:
    with (FOLDER / f"category_pairs_{half}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Pair(
            browse_path=path_of(row["amazon_path"]),
            product_type=row["product_type"] or None,
            title=row["title"],
            chosen=path_of(row["mercari_category"]),
            fits=row["fits"] == "yes",
            department=row["department"],
        )
        for row in rows
    ]


def leaves_of_the_shop() -> Mapping[tuple[str, ...], str]:
    """The leaves of the simulated shop: path to id."""
    return {tree()[category_id]: category_id for category_id in leaves()}
