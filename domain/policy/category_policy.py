"""Policy data of the category match: what names stand for which Mercari category, by version.

One folder a version, kept for ever, so that a match can be worked out again years later.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal

from domain.values import Value

CURRENT_CATEGORY_VERSION = "2026-12"

Path = tuple[str, ...]
Voice = Literal["path", "product_type", "title"]
Verdict = Literal["named", "near", "silent", "elsewhere"]
Audience = Literal["women", "men", "kids", "baby"]
AudienceWord = Literal["women", "men", "kids", "baby", "both", "child"]


class Caps(Value):
    """The highest rates where the product may not be for the people the category is for."""

    other_audience: float
    own_category_exists: float
    audience_unknown: float


class WordMarks(Value):
    """What may follow a product's name in a text, and names that no category is kept for."""

    for_marks: tuple[str, ...]
    with_marks: tuple[str, ...]
    neutral_endings: tuple[str, ...]
    unlisted: tuple[str, ...]


class CategoryPolicy(Value):
    """One version of the data. In a Mercari path `*` stands for any one name.

    A path that is no leaf stands for all leaves below it. `paths` are Amazon browse paths whose
    categories are set, whatever their names say; `contexts` are the only categories that the
    names below an Amazon department can mean.
    """

    version: str
    match_rate_pct_min: float
    title_characters_max: int
    points: Mapping[Voice, Mapping[Verdict, float]]
    caps: Caps
    audience_words: Mapping[AudienceWord, tuple[str, ...]]
    audience_names: Mapping[AudienceWord, tuple[str, ...]]
    marks: WordMarks
    words: Mapping[Path, tuple[str, ...]]
    product_types: Mapping[str, tuple[Path, ...]]
    contexts: Mapping[str, tuple[Path, ...]]
    paths: Mapping[Path, tuple[Path, ...]]

    def __hash__(self) -> int:
        return hash(self.version)

    def points_of(self, path: Verdict, product_type: Verdict, title: Verdict) -> float:
        """The points of three verdicts together."""
        points = self.points
        return points["path"][path] + points["product_type"][product_type] + points["title"][title]


@cache
def category_policy_of(version: str = CURRENT_CATEGORY_VERSION) -> CategoryPolicy:
    """The data of that version. Raises FileNotFoundError for a version that never was."""
    folder = resources.files("domain.policy") / f"categories-{version}"
    settings = tomllib.loads((folder / "settings.toml").read_text("utf-8"))
    paths: dict[Path, list[Path]] = defaultdict(list)
    for row in rows_of(folder / "paths.csv"):
        paths[path_of(row["amazon_path"])].append(path_of(row["mercari_path"]))
    return CategoryPolicy(
        version=version,
        marks=WordMarks.model_validate(settings.pop("words")),
        words={
            path_of(row["mercari_path"]): names_of(row["words"])
            for row in rows_of(folder / "words.csv")
        },
        product_types={
            row["product_type"]: tuple(map(path_of, names_of(row["mercari_paths"])))
            for row in rows_of(folder / "product_types.csv")
        },
        contexts={
            row["amazon_name"]: tuple(map(path_of, names_of(row["mercari_paths"])))
            for row in rows_of(folder / "contexts.csv")
        },
        paths={amazon: tuple(found) for amazon, found in paths.items()},
        **settings,
    )


def rows_of(file: Traversable) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text("utf-8").splitlines()))


def path_of(text: str) -> Path:
    """Split a category path written as names joined by ` > `, root first."""
    return tuple(name.strip() for name in text.split(" > ") if name.strip())


def names_of(text: str) -> tuple[str, ...]:
    """Split names written with `|` between them; an empty text holds none."""
    return tuple(name.strip() for name in text.split("|") if name.strip())
