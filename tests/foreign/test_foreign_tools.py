"""The foreign verifiers themselves: they accept what is right and refuse each thing that is not."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.foreign import tools
from tests.foreign.bundles import Key, Log, canonical
from tests.foreign.mutations import CONSISTENCY, MUTATIONS, Scene
from tests.foreign.tools import NotHere, verdict

PLACE, SIZE, OLD_SIZE = 1, 23, 13
FLIPS = 200
EACH_TOOL = pytest.mark.parametrize("tool", tools.TOOLS)
LOG = Log("one", 1, SIZE)
OTHER = Log("two", 2, SIZE)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "right"
    LOG.write_bundle(folder, PLACE, SIZE, OLD_SIZE)
    return folder


@pytest.fixture
def scene(right: Path, tmp_path: Path) -> Scene:
    folder = tmp_path / "bundle"
    shutil.copytree(right, folder)
    return Scene(LOG, OTHER, folder, PLACE, SIZE, OLD_SIZE)


@pytest.fixture
def judge(tool: str) -> str:
    """A tool that is ready."""
    try:
        tools.ready(tool)
    except NotHere as reason:
        pytest.skip(f"{tool} NOT RUN ({reason})")
    return tool


@EACH_TOOL
def test_a_right_bundle_is_accepted(judge: str, right: Path) -> None:
    accepted, said = verdict(judge, right)
    assert accepted, said
    assert str(SIZE) in said


@EACH_TOOL
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_a_tool_looks_at_it_does_not_let_pass(
    judge: str, mutation: str, scene: Scene, right: Path
) -> None:
    MUTATIONS[mutation].spoil(scene)
    accepted, said = verdict(judge, scene.folder, right / "log.vkey")
    assert accepted == (judge not in MUTATIONS[mutation].found_by), said


@EACH_TOOL
def test_damaged_keys_get_a_verdict(judge: str, scene: Scene) -> None:
    (scene.folder / "log.vkey").write_bytes(bytes(range(256)))
    accepted, said = verdict(judge, scene.folder)
    assert not accepted, said


@EACH_TOOL
@pytest.mark.parametrize(("size", "old_size"), [(1, None), (1, 0), (8, 8), (16, 8), (300, 257)])
def test_trees_of_every_shape_are_accepted(
    judge: str, size: int, old_size: int | None, tmp_path: Path
) -> None:
    Log("one", 1, size).write_bundle(tmp_path / "bundle", 0, size, old_size)
    accepted, said = verdict(judge, tmp_path / "bundle")
    assert accepted, said


@EACH_TOOL
def test_a_checkpoint_signed_with_the_key_before_is_accepted(judge: str, scene: Scene) -> None:
    before = Log("one", 7, OLD_SIZE)
    (scene.folder / "checkpoint.old").write_text(before.checkpoint(OLD_SIZE), "utf-8")
    accepted, said = verdict(judge, scene.folder)
    assert not accepted, said
    vkeys = f"{LOG.key.vkey}\n{before.key.vkey}\n"
    (scene.folder / "log.vkey").write_text(vkeys, "utf-8")
    accepted, said = verdict(judge, scene.folder)
    assert accepted, said


@pytest.mark.parametrize("tool", sorted(CONSISTENCY))
def test_the_empty_log_had_the_root_of_no_leaves(judge: str, scene: Scene) -> None:
    LOG.write_consistency(scene.folder, SIZE, 0)
    accepted, said = verdict(judge, scene.folder)
    assert accepted, said
    root = LOG.checkpoint(SIZE).split("\n")[2]
    wrong = LOG.key.signed(f"{LOG.origin}\n0\n{root}\n")
    (scene.folder / "checkpoint.old").write_text(wrong, "utf-8")
    accepted, said = verdict(judge, scene.folder)
    assert not accepted, said


@EACH_TOOL
def test_signatures_of_unknown_witnesses_are_left_alone(judge: str, scene: Scene) -> None:
    checkpoint = (scene.folder / "checkpoint").read_text("utf-8")
    text = checkpoint.partition("\n\n")[0]
    cosignature = Key("witness.example/w1", 3).signed(f"{text}\n").rpartition("\n\n")[2]
    files = ["checkpoint", "consistency", *(f"proofs/{n}.tlog-proof" for n in indexes(scene))]
    for name in files:
        file = scene.folder / name
        file.write_text(file.read_text("utf-8") + cosignature, "utf-8")
    accepted, said = verdict(judge, scene.folder)
    assert accepted, said


def indexes(scene: Scene) -> range:
    return range(scene.place, scene.size, len(scene.log.streams))


def skip_a_version(leaf: dict[str, Any]) -> bytes:
    return canonical({**leaf, "version": leaf["version"] + 1})


def name_another_before(leaf: dict[str, Any]) -> bytes:
    return canonical({**leaf, "prev": LOG.hashes[0].hex()})


def name_none_before(leaf: dict[str, Any]) -> bytes:
    return canonical({**leaf, "prev": None})


def name_another_stream(leaf: dict[str, Any]) -> bytes:
    return canonical({**leaf, "stream": str(LOG.streams[0])})


def name_another_seller(leaf: dict[str, Any]) -> bytes:
    return canonical({**leaf, "seller": str(OTHER.seller)})


def place_it_earlier(leaf: dict[str, Any]) -> bytes:
    return canonical({**leaf, "position": 3})


def write_it_another_way(leaf: dict[str, Any]) -> bytes:
    return json.dumps(leaf).encode()


@pytest.mark.parametrize("tool", ["go"])
@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (skip_a_version, "is not version 8 of"),
        (name_another_before, "does not follow leaf"),
        (name_none_before, "only the first version has none before it"),
        (name_another_stream, "is not version 8 of"),
        (name_another_seller, "is not version 8 of"),
        (place_it_earlier, "does not follow leaf"),
        (write_it_another_way, "is not canonical JSON"),
    ],
)
def test_a_history_that_its_log_signed_must_hang_together(
    judge: str, lie: Callable[[dict[str, Any]], bytes], reason: str, tmp_path: Path
) -> None:
    log = Log("one", 1, SIZE)
    log.leaves[-1] = lie(json.loads(log.leaves[-1]))
    log.write_bundle(tmp_path / "bundle", PLACE, SIZE, OLD_SIZE)
    accepted, said = verdict(judge, tmp_path / "bundle")
    assert (accepted, reason in said) == (False, True), said


@pytest.mark.parametrize("tool", ["go"])
def test_one_flipped_bit_anywhere_is_found(judge: str, scene: Scene) -> None:
    chance = random.Random(7)
    files = sorted(path for path in scene.folder.rglob("*") if path.is_file())
    passed = []
    for file in chance.choices(files, [path.stat().st_size for path in files], k=FLIPS):
        content = file.read_bytes()
        place, bit = chance.randrange(len(content)), chance.randrange(8)
        flipped = bytes([content[place] ^ 1 << bit])
        file.write_bytes(content[:place] + flipped + content[place + 1 :])
        if verdict(judge, scene.folder)[0]:
            passed.append(f"{file.name}, byte {place}, bit {bit}")
        file.write_bytes(content)
    assert passed == []


@pytest.mark.parametrize("tool", ["go"])
def test_the_vectors_are_as_go_makes_them(judge: str) -> None:
    made = tools.say([str(tools.ready(judge) / "make_vectors")], tools.ROOT).stdout
    assert made == (tools.HERE / "vectors.json").read_text("utf-8")


def test_a_tool_that_gives_no_verdict_is_broken(
    right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tools.TOOLS["openssl"]._replace(
        missing=lambda: None, command=lambda folder: ["sh", "-c", "exit 1"]
    )
    monkeypatch.setitem(tools.TOOLS, "openssl", silent)
    with pytest.raises(tools.Broken):
        verdict("openssl", right)
