"""What a forger or a bad disk makes of a bundle, and which of the verifiers find it.

Each one is done to a copy of a bundle; `keys` are the log's, had before. What a tool does not look
at it can't find: openssl sees signatures alone, and only our own Go program follows the history.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.foreign.bundles import Log, canonical

SIGNATURES = frozenset({"go", "sigstore", "aics-tlog", "openssl"})
INCLUSION = SIGNATURES - {"openssl"}
CONSISTENCY = INCLUSION - {"sigstore"}
HISTORY = frozenset({"go"})


class Scene(NamedTuple):
    """Two logs and the bundle that is spoilt; `last` is the index of its last leaf."""

    log: Log
    other: Log
    folder: Path
    place: int
    size: int
    old_size: int

    @property
    def last(self) -> int:
        return range(self.place, self.size, len(self.log.streams))[-1]


class Mutation(NamedTuple):
    found_by: frozenset[str]
    spoil: Callable[[Scene], None]


def swap(file: Path, pattern: str, change: Callable[[str], str]) -> None:
    """Change the first text of the file that the pattern finds."""
    text = file.read_text("utf-8")
    changed = re.sub(pattern, lambda found: change(found[0]), text, count=1, flags=re.MULTILINE)
    assert changed != text, f"{pattern} changes nothing in {file.name}"
    file.write_text(changed, "utf-8")


def next_letter(text: str) -> str:
    """The same with another first letter, still base64 or hexadecimal."""
    return ("b" if text[0] == "a" else "a") + text[1:]


def proof_of(scene: Scene) -> Path:
    return scene.folder / "proofs" / f"{scene.last}.tlog-proof"


def change_leaf(scene: Scene) -> None:
    swap(scene.folder / "leaves" / str(scene.last), r'(?<="state_sha256":")\w+', next_letter)


def change_proof_hash(scene: Scene) -> None:
    swap(proof_of(scene), r"^[\w+/]{43}=$", next_letter)


def drop_proof_hash(scene: Scene) -> None:
    swap(proof_of(scene), r"^[\w+/]{43}=\n", lambda _: "")


def change_index(scene: Scene) -> None:
    swap(proof_of(scene), r"(?<=^index )\d+$", lambda number: str(int(number) - 1))


def rename_leaf(scene: Scene) -> None:
    """The leaf and its proof moved to another index, by name and by line."""
    swap(proof_of(scene), r"(?<=^index )\d+$", lambda number: str(int(number) - 1))
    leaf = scene.folder / "leaves" / str(scene.last)
    leaf.rename(leaf.with_name(str(scene.last - 1)))
    proof_of(scene).rename(proof_of(scene).with_name(f"{scene.last - 1}.tlog-proof"))


def change_checkpoint_size(scene: Scene) -> None:
    swap(scene.folder / "checkpoint", r"^\d+$", lambda number: str(int(number) + 1))


def change_root(scene: Scene) -> None:
    swap(scene.folder / "checkpoint", r"^[\w+/]{43}=$", next_letter)


def change_signature(scene: Scene) -> None:
    swap(scene.folder / "checkpoint", r"[\w+/]{60}=$", next_letter)


def change_old_signature(scene: Scene) -> None:
    swap(scene.folder / "checkpoint.old", r"[\w+/]{60}=$", next_letter)


def change_consistency_hash(scene: Scene) -> None:
    swap(scene.folder / "consistency", r"^[\w+/]{43}=$", next_letter)


def change_old_size(scene: Scene) -> None:
    swap(scene.folder / "consistency", r"(?<=^old )\d+$", lambda number: str(int(number) - 1))


def change_head_version(scene: Scene) -> None:
    swap(scene.folder / "head", r"^\d+$", lambda number: str(int(number) - 1))


def change_head_stream(scene: Scene) -> None:
    swap(scene.folder / "head", r"^\w+-\w+-", next_letter)


def fork(scene: Scene) -> None:
    """The log's own key has signed two histories: the old checkpoint is of the other."""
    forked = Log("one", 1, scene.old_size)
    forked.leaves[-1] = canonical({"v": 1})
    (scene.folder / "checkpoint.old").write_text(forked.checkpoint(scene.old_size), "utf-8")


def sign_with_another_key(scene: Scene) -> None:
    """All of it made anew by somebody else, under the same name."""
    forger = Log("one", 9, scene.size)
    made = scene.folder / "made"
    forger.write_bundle(made, scene.place, scene.size, scene.old_size)
    for file in made.rglob("*"):
        if file.is_file():
            file.replace(scene.folder / file.relative_to(made))


def take_checkpoint_of_another_seller(scene: Scene) -> None:
    checkpoint = scene.other.checkpoint(scene.size)
    (scene.folder / "checkpoint").write_text(checkpoint, "utf-8")


def take_head_of_another_size(scene: Scene) -> None:
    """An honest head, of an earlier checkpoint: one with a last event fewer."""
    earlier = scene.folder / "earlier"
    scene.log.write_bundle(earlier, scene.place, scene.old_size, None)
    (earlier / "head").replace(scene.folder / "head")


def mix_in_a_leaf_of_another_log(scene: Scene) -> None:
    (scene.folder / "leaves" / str(scene.last)).write_bytes(scene.other.leaves[scene.last])


def cut_last_event_off(scene: Scene) -> None:
    (scene.folder / "leaves" / str(scene.last)).unlink()
    proof_of(scene).unlink()
    max((scene.folder / "events").iterdir(), key=lambda path: int(path.stem)).unlink()


def mix_in_another_stream(scene: Scene) -> None:
    """Its leaves are in the log too, with proofs that hold."""
    other = scene.folder / "other"
    scene.log.write_bundle(other, (scene.place + 1) % 3, scene.size, None)
    for kind in ("leaves", "proofs"):
        for file in (other / kind).iterdir():
            file.replace(scene.folder / kind / file.name)


def change_event(scene: Scene) -> None:
    swap(scene.folder / "events" / "1.json", r"\d+", lambda number: str(int(number) + 1))


def swap_events(scene: Scene) -> None:
    first, second = (scene.folder / "events" / f"{version}.json" for version in (1, 2))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def cut_checkpoint_short(scene: Scene) -> None:
    file = scene.folder / "checkpoint"
    file.write_bytes(file.read_bytes()[:40])


def empty_head(scene: Scene) -> None:
    (scene.folder / "head").write_bytes(b"")


def garble_proof(scene: Scene) -> None:
    proof_of(scene).write_bytes(bytes(range(256)))


def lose_leaves(scene: Scene) -> None:
    for file in (scene.folder / "leaves").iterdir():
        file.unlink()


MUTATIONS = {
    each.__name__: Mutation(found_by, each)
    for found_by, spoils in (
        (SIGNATURES, (
            change_checkpoint_size, change_root, change_signature, change_old_signature,
            change_head_version, change_head_stream, sign_with_another_key,
            take_checkpoint_of_another_seller, take_head_of_another_size, cut_checkpoint_short,
            empty_head,
        )),
        (INCLUSION, (
            change_leaf, change_proof_hash, drop_proof_hash, change_index, rename_leaf,
            mix_in_a_leaf_of_another_log, garble_proof, lose_leaves,
        )),
        (CONSISTENCY, (change_consistency_hash, change_old_size, fork)),
        (HISTORY, (cut_last_event_off, mix_in_another_stream, change_event, swap_events)),
    )
    for each in spoils
}  # fmt: skip
