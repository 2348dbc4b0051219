"""One verification, from the files of a bundle to what is proved, what is not, or a refusal."""

from __future__ import annotations

import base64
import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .formats import (
    Checkpoint,
    Key,
    Refused,
    ensure_signed,
    has_signed,
    read_checkpoint,
    read_consistency,
    read_key,
    read_leaf,
    read_note,
    read_proof,
)
from .policy import read_policy
from .tree import ensure_grown, root_by_inclusion

BYTES_MAX = 200_000_000
FILES_MAX = 100_000
HEAD = "asin-sync head v1"
LOOKED_AT = ("log.vkey", "checkpoint", "head", "consistency")
LOOKED_INTO = ("events/", "leaves/", "proofs/")
NAMES_MAX = 8


class Event(NamedTuple):
    """One proved event: what its leaf says, and its content as stored."""

    leaf: Mapping[str, Any]
    content: bytes


class Verdict(NamedTuple):
    """What was proved, line by line; `fault` is None where all of it holds."""

    proved: Sequence[str]
    unproved: Sequence[str]
    events: Sequence[Event]
    fault: str | None = None


def verify(
    bundle: Path, key: str | None = None, held: str | None = None, policy: str | None = None
) -> Verdict:
    """Check a bundle: a zip file, or its folder. See `verify_files`."""
    try:
        files = read_bundle(bundle)
    except Refused as refusal:
        return Verdict((), (), (), str(refusal))
    except (ValueError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        return Verdict((), (), (), damage(error))
    return verify_files(files, key, held, policy)


def verify_files(
    files: Mapping[str, bytes],
    key: str | None = None,
    held: str | None = None,
    policy: str | None = None,
) -> Verdict:
    """Check a bundle's files, by name.

    `key` is the log's key from another source than the bundle, `held` a checkpoint that you kept,
    `policy` a C2SP tlog-policy. Never raises for what a bundle may hold.
    """
    check = Check()
    try:
        check.run(files, key, held, policy)
    except Refused as refusal:
        return Verdict(check.proved, check.unproved, (), str(refusal))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return Verdict(check.proved, check.unproved, (), damage(error))
    return Verdict(check.proved, check.unproved, check.events)


def damage(error: Exception) -> str:
    return f"damaged: {type(error).__name__}: {error}"[:300]


class Check:
    """One verification, step by step, each raising Refused."""

    def __init__(self) -> None:
        self.proved: list[str] = []
        self.unproved: list[str] = []
        self.events: list[Event] = []

    def run(
        self, files: Mapping[str, bytes], key: str | None, held: str | None, policy: str | None
    ) -> None:
        keys = self.trusted_keys(files, key)
        checkpoint = read_checkpoint(text_of(files, "checkpoint"))
        ensure_signed(checkpoint.note, keys, "the checkpoint")
        if any(each.name != checkpoint.origin for each in keys):
            raise Refused(f"the key is not that of the log {checkpoint.origin}")
        self.proved.append(f"checkpoint of {checkpoint.size} leaves signed by {checkpoint.origin}")
        self.check_policy(checkpoint, policy)
        self.check_events(files, checkpoint)
        self.check_head(files, checkpoint, keys)
        self.check_growth(files, checkpoint, keys, held)
        self.name_renderings(files)

    def trusted_keys(self, files: Mapping[str, bytes], key: str | None) -> list[Key]:
        if key is not None:
            return [read_key(line) for line in key.split("\n") if line.strip()]
        keys = [read_key(line) for line in text_of(files, "log.vkey").splitlines()]
        if not keys:
            raise Refused("log.vkey has no key")
        marks = ", ".join(each.key_id.hex() for each in keys)
        self.unproved.append(
            f"that the key is the operator's: it came with the bundle. Compare {marks}, or --key"
        )
        return keys

    def check_policy(self, checkpoint: Checkpoint, policy: str | None) -> None:
        if policy is None:
            self.unproved.append("that others saw the same log: give a --policy with witnesses")
            return
        witnesses, is_enough, rule = read_policy(policy)
        seen = {name for name, key in witnesses.items() if has_signed(checkpoint.note, key)}
        if not is_enough(seen):
            named = ", ".join(sorted(seen)) or "nobody"
            raise Refused(f"cosigned by {named}; the policy's quorum `{rule}` is not reached")
        self.proved.append(f"cosigned by {', '.join(sorted(seen)) or 'nobody'} (quorum {rule})")

    def check_events(self, files: Mapping[str, bytes], checkpoint: Checkpoint) -> None:
        """Each event is its leaf's, each leaf is in the tree, and they form one chain."""
        proofs = sorted(name for name in files if name.startswith("proofs/"))
        if not proofs:
            raise Refused("the bundle has no proof")
        found = [self.proved_leaf(files, name, checkpoint) for name in proofs]
        found.sort(key=lambda each: each[1]["version"])
        self.check_chain(files, found, checkpoint)
        for kind, wanted in (
            ("leaves/", {f"leaves/{number}" for number, *_ in found}),
            ("events/", {f"events/{leaf['version']}.json" for _, leaf, _ in found}),
        ):
            extra = {name for name in files if name.startswith(kind)} - wanted
            if extra:
                raise Refused(f"{min(extra)} has no proof")
        first, last = self.events[0].leaf, self.events[-1].leaf
        self.proved.append(
            f"{len(found)} events of {last['stream']}, recorded {first['recorded_at']} to"
            f" {last['recorded_at']}, unchanged, in this order, none missing between them"
        )

    def proved_leaf(
        self, files: Mapping[str, bytes], name: str, checkpoint: Checkpoint
    ) -> tuple[int, dict[str, Any], bytes]:
        number, hashes, signed = read_proof(text_of(files, name), name)
        if signed != text_of(files, "checkpoint"):
            raise Refused(f"{name} is of another checkpoint")
        leaf = files.get(f"leaves/{number}")
        if name != f"proofs/{number}.tlog-proof" or leaf is None:
            raise Refused(f"{name} has no leaf {number}")
        hash_ = hashlib.sha256(b"\0" + leaf).digest()
        if root_by_inclusion(hash_, number, checkpoint.size, hashes, name) != checkpoint.root:
            raise Refused(f"leaf {number} is not in the tree of the checkpoint")
        return number, read_leaf(leaf, number), hash_

    def check_chain(
        self,
        files: Mapping[str, bytes],
        found: Sequence[tuple[int, dict[str, Any], bytes]],
        checkpoint: Checkpoint,
    ) -> None:
        previous: bytes | None = None
        seller, stream = checkpoint.origin.rpartition("/")[2], found[0][1]["stream"]
        last_number = last_position = -1
        for version, (number, leaf, hash_) in enumerate(found, start=1):
            where = f"version {version}"
            if (leaf["seller"], leaf["stream"]) != (seller, stream):
                raise Refused(f"leaf {number} is of another history or another seller")
            if leaf["version"] != version:
                raise Refused(f"{where} is missing")
            if leaf["prev"] != (previous.hex() if previous else None):
                raise Refused(f"{where} does not follow what stands before it")
            if number <= last_number or leaf["position"] <= last_position:
                raise Refused(f"{where} was logged before what stands before it")
            content = files.get(f"events/{version}.json")
            if content is None or hashlib.sha256(content).hexdigest() != leaf["state_sha256"]:
                raise Refused(f"events/{version}.json is not what was logged")
            previous, last_number, last_position = hash_, number, leaf["position"]
            self.events.append(Event(leaf, content))

    def check_head(
        self, files: Mapping[str, bytes], checkpoint: Checkpoint, keys: Sequence[Key]
    ) -> None:
        note = read_note(text_of(files, "head"))
        ensure_signed(note, keys, "the head")
        leaf = self.events[-1].leaf
        root = base64.b64encode(checkpoint.root).decode()
        lines = [HEAD, checkpoint.origin, leaf["stream"], None, str(checkpoint.size), root]
        said = note.text.split("\n")[:-1]
        if len(said) != len(lines) or any(
            want is not None and have != want for have, want in zip(said, lines, strict=True)
        ):
            raise Refused("the head is of another history, or of another checkpoint")
        if said[3] != str(leaf["version"]):
            raise Refused(f"the history ends with version {said[3]}, not {leaf['version']}")
        self.proved.append(
            f"the operator signed that version {leaf['version']} is the last under the checkpoint"
        )

    def check_growth(
        self,
        files: Mapping[str, bytes],
        checkpoint: Checkpoint,
        keys: Sequence[Key],
        held: str | None,
    ) -> None:
        if held is None:
            self.unproved.append(
                "that the log was not rewritten before: give a --checkpoint that you kept"
            )
            return
        old = read_checkpoint(held)
        ensure_signed(old.note, keys, "the checkpoint that you kept")
        if old.origin != checkpoint.origin:
            raise Refused(f"the checkpoint that you kept is of {old.origin}")
        if old.size > checkpoint.size:
            raise Refused("the bundle is older than the checkpoint that you kept: get a new one")
        hashes: list[bytes] = []
        if 0 < old.size < checkpoint.size:
            old_size, hashes, signed = read_consistency(text_of(files, "consistency"))
            if old_size != old.size or signed != text_of(files, "checkpoint"):
                raise Refused(
                    f"the consistency proof is from {old_size} leaves, your checkpoint has"
                    f" {old.size}: export the bundle with --since"
                )
        ensure_grown(old, checkpoint, hashes)
        self.proved.append(f"the log of {old.size} leaves that you kept is the beginning of it")

    def name_renderings(self, files: Mapping[str, bytes]) -> None:
        """What is in the bundle and was not looked at."""
        others = sorted(
            name for name in files if name not in LOOKED_AT and not name.startswith(LOOKED_INTO)
        )
        if others:
            named = [name if name.isprintable() else repr(name) for name in others[:NAMES_MAX]]
            more = ["and more"] if len(others) > NAMES_MAX else []
            self.unproved.append(
                f"what {', '.join(named + more)} say: they are to be read, only events/ is proved"
            )


def read_bundle(bundle: Path) -> dict[str, bytes]:
    """Name and content of each file of a zip or a folder."""
    if bundle.is_dir():
        files = [file for file in sorted(bundle.rglob("*")) if file.is_file()]
        ensure_bounded(len(files), sum(file.stat().st_size for file in files))
        return {file.relative_to(bundle).as_posix(): file.read_bytes() for file in files}
    with zipfile.ZipFile(bundle) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        ensure_bounded(len(entries), sum(entry.file_size for entry in entries))
        if len({entry.filename for entry in entries}) < len(entries):
            raise Refused("damaged: the same name stands in the bundle twice")
        return {entry.filename: archive.read(entry) for entry in entries}


def ensure_bounded(count: int, size_bytes: int) -> None:
    if count > FILES_MAX or size_bytes > BYTES_MAX:
        raise Refused(f"damaged: {count} files of {size_bytes} bytes are no bundle")


def text_of(files: Mapping[str, bytes], name: str) -> str:
    if name not in files:
        raise Refused(f"the bundle has no {name}")
    return files[name].decode()


def told(verdict: Verdict) -> Iterator[str]:
    """The verdict as lines to read."""
    for event in verdict.events:
        leaf = event.leaf
        yield f"  {leaf['version']:>5}  {leaf['recorded_at']}  {leaf['topic']}"
    yield from (f"proved      {line}" for line in verdict.proved)
    yield from (f"not proved  {line}" for line in verdict.unproved)
    yield f"REFUSED     {verdict.fault}" if verdict.fault else "VERIFIED"
