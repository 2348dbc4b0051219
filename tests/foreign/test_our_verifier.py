"""Our verifier on bundles that none of our code made: it finds all that the foreign ones find."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.verifier.check import Verdict, verify
from tests.foreign.bundles import Log
from tests.foreign.mutations import MUTATIONS, Scene

PLACE, SIZE, OLD_SIZE = 1, 23, 13
LOG = Log("one", 1, SIZE)
OTHER = Log("two", 2, SIZE)


def judged(folder: Path) -> Verdict:
    """With the log's key from elsewhere, and the checkpoint beside the bundle as the one kept."""
    held = (folder / "checkpoint.old").read_text("utf-8")
    return verify(folder, key=LOG.key.vkey, held=held)


@pytest.mark.parametrize(("size", "old_size"), [(1, 0), (1, 1), (8, 8), (16, 8), (300, 257)])
def test_trees_of_every_shape_are_accepted(size: int, old_size: int, tmp_path: Path) -> None:
    Log("one", 1, size).write_bundle(tmp_path / "bundle", 0, size, old_size)
    verdict = judged(tmp_path / "bundle")
    assert (verdict.fault, len(verdict.events)) == (None, (size + 2) // 3)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_others_find_ours_finds(mutation: str, tmp_path: Path) -> None:
    LOG.write_bundle(tmp_path / "bundle", PLACE, SIZE, OLD_SIZE)
    scene = Scene(LOG, OTHER, tmp_path / "bundle", PLACE, SIZE, OLD_SIZE)
    assert judged(scene.folder).fault is None
    MUTATIONS[mutation].spoil(scene)
    assert judged(scene.folder).fault is not None
