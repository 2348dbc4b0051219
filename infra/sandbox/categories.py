"""The shop's category tree as the simulated Mercari gives it out: stable ids, leaves hold goods."""

from __future__ import annotations

from functools import cache
from typing import Any

from domain.reference_tree import reference_paths

Path = tuple[str, ...]


@cache
def tree() -> dict[str, Path]:
    """Every node of the tree: its id, and its names from the root down."""
    return dict(reference_paths())


@cache
def ids_by_path() -> dict[Path, str]:
    return {path: category_id for category_id, path in tree().items()}


@cache
def _parents() -> frozenset[Path]:
    return frozenset(path[:-1] for path in tree().values())


def is_leaf(category_id: str) -> bool:
    """False for an inner node and for an id that is not in the tree."""
    path = tree().get(category_id)
    return path is not None and path not in _parents()


@cache
def leaves() -> tuple[str, ...]:
    """The ids of all leaves, in the order of the file."""
    return tuple(category_id for category_id in tree() if is_leaf(category_id))


@cache
def records() -> tuple[dict[str, Any], ...]:
    """The whole tree in the shape of `ProductCategory`."""
    return tuple(
        {
            "id": category_id,
            "name": path[-1],
            "hasChild": path in _parents(),
            "parentId": ids_by_path().get(path[:-1]),
        }
        for category_id, path in tree().items()
    )


@cache
def _records_by_id() -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in records()}


def category_path(category_id: str) -> list[dict[str, Any]]:
    """The nodes from the root to this one, in the shape of `ProductCategory`."""
    path = tree()[category_id]
    ids = [ids_by_path()[path[:depth]] for depth in range(1, len(path) + 1)]
    return [_records_by_id()[one] for one in ids]
