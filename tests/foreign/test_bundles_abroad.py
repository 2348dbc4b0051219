"""The project's own bundles, judged with none of the project's code on the path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import pytest

from domain.transparency.bundle import proof_files
from infra.installation import Installation
from tests.foreign import tools
from tests.foreign.mutations import CONSISTENCY
from tests.foreign.tools import NotHere, verdict
from tests.infra.transparency_scene import TransparencyScene, as_superuser

EACH_TOOL = pytest.mark.parametrize("tool", tools.TOOLS)
REWRITE: LiteralString = """
    UPDATE asin_sync_events
    SET state = replace(convert_from(state, 'UTF8'), '12000', '99000')::bytea
    WHERE originator_id = %s
"""
LOSE_THE_LOG = "TRUNCATE tlog_leaves, tlog_subtrees, tlog_checkpoints CASCADE"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def history(scene: TransparencyScene, folder: Path, *, is_rewritten: bool = False) -> Path:
    """The bundle of a stream of 7 events, and the checkpoint that an auditor kept when it had 3.

    Rewritten, a superuser changed one of the 3 since and had the whole log made and signed anew.
    """
    seller_id = uuid4()
    stream = scene.binding(seller_id, 3)
    scene.sign()
    kept = str(scene.checkpoint(seller_id))
    if is_rewritten:
        with as_superuser(scene.installation) as connection:
            connection.execute(REWRITE, (stream,))
            connection.execute(LOSE_THE_LOG)
        scene.forget("emptied.sqlite")
    scene.bindings(seller_id, 60, 5)
    scene.more(seller_id, stream, 3, 4)
    scene.sign()
    files = dict(proof_files(scene.bundle(seller_id, stream, int(kept.split("\n")[1]))))
    return write(folder, files | {"checkpoint.old": kept.encode()})


@pytest.fixture(scope="module")
def bundles(
    module_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Path]]:
    """An honest one and a rewritten one."""
    scene = TransparencyScene(module_installation)
    folder = tmp_path_factory.mktemp("bundles")
    yield history(scene, folder / "honest"), history(scene, folder / "rewritten", is_rewritten=True)
    scene.close()


def judged(tool: str, folder: Path) -> tuple[bool, str]:
    try:
        return verdict(tool, folder)
    except NotHere as reason:
        pytest.skip(f"{tool} NOT RUN ({reason})")


@EACH_TOOL
def test_a_bundle_of_ours_extends_the_checkpoint_that_was_kept(
    tool: str, bundles: tuple[Path, Path]
) -> None:
    accepted, said = judged(tool, bundles[0])
    assert accepted, said


@EACH_TOOL
def test_who_kept_a_checkpoint_sees_that_a_superuser_rewrote_an_event(
    tool: str, bundles: tuple[Path, Path]
) -> None:
    accepted, said = judged(tool, bundles[1])
    assert accepted == (tool not in CONSISTENCY), said


@EACH_TOOL
def test_without_that_checkpoint_the_rewritten_history_looks_right(
    tool: str, bundles: tuple[Path, Path]
) -> None:
    """The limit of what a bundle alone can prove."""
    kept = bundles[1] / "checkpoint.old"
    kept.rename(bundles[1] / "put-away")
    accepted, said = judged(tool, bundles[1])
    (bundles[1] / "put-away").rename(kept)
    assert accepted, said
