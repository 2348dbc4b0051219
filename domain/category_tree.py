"""CategoryTree: a shop's leaves as they were when something was decided by them, kept once.

Facts and state only: a tree never changes, another one is another stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import ClassVar
from uuid import UUID, uuid5

from domain.application import AsinSync, Change
from domain.errors import VersionConflict
from domain.facts import Fact
from domain.ports import MercariCategory
from domain.stamps import Work


class Recorded(Fact):
    """The leaves of a shop's tree: each id's path."""

    TOPIC: ClassVar[str] = "category_tree.recorded"
    leaves: Mapping[str, tuple[str, ...]]


TreeFact = Recorded


def leaves_of(categories: Sequence[MercariCategory]) -> dict[str, tuple[str, ...]]:
    """Only a leaf can hold a listing."""
    return {each.category_id: each.path for each in categories if each.is_leaf}


def tree_id_of(seller_id: UUID, leaves: Mapping[str, tuple[str, ...]]) -> UUID:
    """The same leaves, the same stream."""
    text = json.dumps(sorted(leaves.items()), ensure_ascii=False)
    return uuid5(seller_id, f"tree:{sha256(text.encode()).hexdigest()}")


def recorded_tree(
    app: AsinSync, seller_id: UUID, leaves: Mapping[str, tuple[str, ...]], work: Work
) -> UUID:
    """The stream that holds these leaves, begun where this is the first decision by them."""
    tree_id = tree_id_of(seller_id, leaves)
    if tree_id in app.recorded_trees:
        return tree_id
    with suppress(VersionConflict):  # somebody else was first: it is the same tree
        if not app.facts_of(tree_id):
            app.record(Change(tree_id, 0, [Recorded(stamp=work.stamp(), leaves=leaves)]))
    app.recorded_trees.add(tree_id)
    return tree_id
