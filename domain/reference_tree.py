"""A category tree to match against where no shop is at hand: Mercari's, as far as it is known.

Its ids are the sandbox's. A shop's own tree, read from Mercari, goes before it everywhere else.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def reference_paths() -> Mapping[str, tuple[str, ...]]:
    """Every node's path by its id, in the order of the file."""
    text = resources.files("domain").joinpath("reference_tree.csv").read_text("utf-8")
    return {
        row["category_id"]: tuple(row["path"].split(" > "))
        for row in csv.DictReader(text.splitlines())
    }


@cache
def reference_tree() -> Mapping[str, tuple[str, ...]]:
    """The leaves: nodes that no other path goes through."""
    paths = reference_paths()
    inner = {path[:length] for path in paths.values() for length in range(1, len(path))}
    return {category_id: path for category_id, path in paths.items() if path not in inner}
