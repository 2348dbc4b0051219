"""Verifies a folder of evidence offline with the commands of aics-tlog, and nothing of ours.

    python -I verify_bundle.py FOLDER [KEYS]

KEYS is a file of keys that was not taken from the folder; without it FOLDER/log.vkey is believed.
It runs in an environment that holds aics-tlog and its one dependency. Each command is what
`aics-tlog COMMAND …` does, without a process for each. The history of the stream is not checked.
Prints OK and exits with 0, or FAIL with the reason and exits with 1.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from aics_tlog.cli import main as aics_tlog
from aics_tlog.note import parse_note, parse_vkey, verify_note

PROOF = "c2sp.org/tlog-proof@v1"


class Failed(Exception):
    """What did not verify."""


def main(folder: Path, keys: Path) -> str:
    vkeys = keys.read_text("utf-8").splitlines()
    checkpoint = (folder / "checkpoint").read_text("utf-8")
    size, root = signed_by_one_of(vkeys, folder / "checkpoint")
    old = grown(folder, vkeys, checkpoint) if (folder / "checkpoint.old").exists() else ""
    leaves = sorted((folder / "leaves").iterdir(), key=lambda path: int(path.name))
    demand(bool(leaves), "no leaves")
    for leaf in leaves:
        included(leaf, folder / "proofs" / f"{leaf.name}.tlog-proof", checkpoint)
    version = head(folder, vkeys, checkpoint)
    return f"OK aics-tlog {len(leaves)} of {size} leaves, root {root}, head {version}{old}"


def demand(holds: bool, why: str) -> None:
    if not holds:
        raise Failed(why)


def command(*arguments: object) -> dict[str, object]:
    """What the command said. Raises Failed when it refused."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = aics_tlog([str(argument) for argument in arguments])
    if code:
        raise Failed(f"{arguments[0]}: {json.loads(said.getvalue())['error']}")
    return dict(json.loads(said.getvalue()))


def signed_by_one_of(vkeys: list[str], note: Path) -> tuple[object, object]:
    """Size and root of a checkpoint that is signed under the name of its origin."""
    origin = note.read_text("utf-8").partition("\n")[0]
    mine = [vkey for vkey in vkeys if vkey.partition("+")[0] == origin]
    refusal = Failed(f"no key under the name {origin:.80}")
    for vkey in mine:
        try:
            said = command("verify-checkpoint", "--note", note, "--log-key", vkey)
        except Failed as failed:
            refusal = failed
        else:
            return said["size"], said["root"]
    raise refusal


def included(leaf: Path, proof: Path, checkpoint: str) -> None:
    text, _, signed = proof.read_text("utf-8").partition("\n\n")
    version, *lines = text.split("\n")
    lines = lines[1:] if lines[0].startswith("extra ") else lines
    demand((version, lines[0]) == (PROOF, f"index {leaf.name}"), f"no proof of {leaf.name}")
    demand(signed == checkpoint, f"proof {leaf.name} holds another checkpoint")
    _, size, root = checkpoint.split("\n")[:3]
    with tempfile.NamedTemporaryFile("w") as hashes:
        print(*lines[1:], sep="\n", file=hashes, flush=True)
        command(
            "verify-inclusion", "--leaf", leaf, "--index", leaf.name, "--size", size,
            "--root", root, "--proof", hashes.name,
        )  # fmt: skip


def grown(folder: Path, vkeys: list[str], checkpoint: str) -> str:
    old_size, old_root = signed_by_one_of(vkeys, folder / "checkpoint.old")
    if (folder / "checkpoint.old").read_text("utf-8") == checkpoint:
        return ", the same as before"
    text, _, signed = (folder / "consistency").read_text("utf-8").partition("\n\n")
    first, *lines = text.split("\n")
    demand(first == f"old {old_size}", "the consistency file begins with another size")
    demand(signed == checkpoint, "the consistency file holds another checkpoint")
    _, size, root = checkpoint.split("\n")[:3]
    with tempfile.NamedTemporaryFile("w") as hashes:
        print(*lines, sep="\n", file=hashes, flush=True)
        command(
            "verify-consistency", "--old-size", old_size, "--new-size", size,
            "--old-root", old_root, "--new-root", root, "--proof", hashes.name,
        )  # fmt: skip
    return f", grown from {old_size}"


def head(folder: Path, vkeys: list[str], checkpoint: str) -> str:
    """The last version that the head names; no command opens a note that is no checkpoint."""
    note = parse_note((folder / "head").read_bytes())
    lines = note.text.splitlines()
    keys = [parse_vkey(vkey) for vkey in vkeys if vkey.partition("+")[0] == lines[1]]
    demand(verify_note(note, keys), "head is not signed by a key of its origin")
    demand(len(lines) == 6 and lines[0] == "asin-sync head v1", "head is no head of a stream")
    demand([lines[1], *lines[4:]] == checkpoint.split("\n")[:3], "head is of another checkpoint")
    return lines[3]


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    try:
        print(main(given[0], given[1] if len(given) > 1 else given[0] / "log.vkey"))
    except (Failed, OSError, ValueError, IndexError) as error:
        print(f"FAIL {error}")
        sys.exit(1)
