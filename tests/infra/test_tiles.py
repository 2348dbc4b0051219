"""The whole log as files: every tile and entry in its place, and readable by other hands."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from domain.errors import NothingSigned
from domain.transparency.merkle import leaf_hash, root
from domain.transparency.signed_note import read_checkpoint
from infra.installation import Installation
from infra.transparency.log_tables import HashesMissing
from infra.transparency.tiles import export_tiles, tile_name
from tests.foreign import tools
from tests.foreign.tools import NotHere
from tests.infra.transparency_scene import TransparencyScene, as_superuser


@pytest.fixture
def scene(installation: Installation) -> Iterator[TransparencyScene]:
    made = TransparencyScene(installation)
    yield made
    made.close()


@pytest.fixture
def seller_id(scene: TransparencyScene) -> UUID:
    """A seller with 600 events, all signed."""
    made = uuid4()
    scene.bindings(made, 200, 3)
    scene.sign(batch_size=250)
    return made


def test_a_tile_is_named_by_its_number_and_by_its_width_while_it_is_not_full() -> None:
    assert tile_name(0, 256) == "000"
    assert tile_name(1_234_067, 256) == "x001/x234/067"
    assert tile_name(273, 112) == "273.p/112"


def test_the_files_hold_every_leaf_and_the_tree_over_them(
    installation: Installation, scene: TransparencyScene, seller_id: UUID, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert export_tiles(installation.database, seller_id, log) == 600
    names = {str(each.relative_to(log)) for each in log.rglob("*") if each.is_file()}
    assert names == {
        "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88",
    }  # fmt: skip
    leaves = [leaf for name in ("000", "001", "002.p/88") for leaf in entries(log, name)]
    tile = b"".join((log / f"tile/0/{name}").read_bytes() for name in ("000", "001"))
    tile += (log / "tile/0/002.p/88").read_bytes()
    assert b"".join(map(leaf_hash, leaves)) == tile
    subtrees = (log / "tile/1/000.p/2").read_bytes()

    def read(level: int, first: int, count: int) -> list[bytes]:
        content = subtrees if level else tile
        return [content[32 * n : 32 * n + 32] for n in range(first, first + count)]

    assert root(600, read) == read_checkpoint(scene.checkpoint(seller_id).text).root


def entries(folder: Path, name: str) -> Iterator[bytes]:
    content = (folder / "tile/entries" / name).read_bytes()
    while content:
        length = int.from_bytes(content[:2])
        yield content[2 : 2 + length]
        content = content[2 + length :]


def test_a_program_that_is_not_ours_proves_a_leaf_from_the_files(
    installation: Installation, scene: TransparencyScene, seller_id: UUID, tmp_path: Path
) -> None:
    try:
        python = tools.ready("aics-tlog") / "bin" / "python"
    except NotHere as error:
        pytest.skip(str(error))
    export_tiles(installation.database, seller_id, tmp_path / "log")
    for number, name in ((0, "000"), (300, "001"), (599, "002.p/88")):
        (tmp_path / "leaf").write_bytes([*entries(tmp_path / "log", name)][number % 256])
        (tmp_path / "key").write_text(installation.log_keys.verifiers(seller_id)[0].vkey)
        arguments = ["--leaf", "leaf", "--index", str(number), "--tiles", "log", "--vkey-file",
                     "key", "--checkpoint", "log/checkpoint"]  # fmt: skip
        answer = subprocess.run(
            [python, "-m", "aics_tlog", "verify-inclusion", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_an_event_that_is_not_as_it_was_logged_is_not_exported(
    installation: Installation, scene: TransparencyScene, seller_id: UUID, tmp_path: Path
) -> None:
    with as_superuser(installation) as connection:
        connection.execute("DELETE FROM asin_sync_events WHERE notification_id = 300")
    with pytest.raises(HashesMissing):
        export_tiles(installation.database, seller_id, tmp_path)
    with pytest.raises(NothingSigned):
        export_tiles(installation.database, uuid4(), tmp_path)
