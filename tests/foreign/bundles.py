"""Bundles of evidence made straight from the specifications, with none of the project's code.

The tree is RFC 6962, section 2.1, word for word; it knows nothing of tiles. Notes and checkpoints
are C2SP's signed-note and tlog-checkpoint. A proof's file is C2SP's tlog-proof:

> The first line MUST be the string `c2sp.org/tlog-proof@v1`.
> The second line MAY start with the string `extra` followed by a space and base64-encoded opaque
> extra data. If no extra data is present, this line is omitted.
> The next line MUST start with the string `index` followed by a space and the zero-based index of
> the entry in the log, represented as an ASCII decimal with no leading zeroes.
> The next zero or more non-empty lines are the base64-encoded Merkle inclusion proof […], one
> SHA-256 hash per line, starting from the leaf's sibling hash up to the root's child hash.
> After the inclusion proof lines and an empty line, the checkpoint issued by the log is included
> verbatim.

The consistency file is the body of tlog-witness's add-checkpoint:

> The request body MUST be a sequence of an old size line, zero or more consistency proof lines,
> and an empty line, followed by a checkpoint. The old size line MUST consist of the string `old`,
> a single space, and the tree size of the previous checkpoint encoded as an ASCII decimal.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMES = UUID("6b1f7c3e-2f52-4c0e-9f4c-3d1c1d6a1d11")


def tree_hash(hashes: Sequence[bytes]) -> bytes:
    """MTH of 2.1, over leaf hashes."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return hashlib.sha256(b"\x01" + tree_hash(hashes[:k]) + tree_hash(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PATH of 2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), tree_hash(hashes[k:])]
    return [*path(m - k, hashes[k:]), tree_hash(hashes[:k])]


def proof(m: int, hashes: Sequence[bytes], *, is_known: bool = True) -> list[bytes]:
    """SUBPROOF of 2.1.2; the whole PROOF with `is_known`."""
    if m == len(hashes):
        return [] if is_known else [tree_hash(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*proof(m, hashes[:k], is_known=is_known), tree_hash(hashes[k:])]
    return [*proof(m - k, hashes[k:], is_known=False), tree_hash(hashes[:k])]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    return 1 << (n - 1).bit_length() - 1


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Key:
    """An Ed25519 key under a name, as signed-note has it."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        public = b"\x01" + self._private.public_key().public_bytes_raw()
        self._id = hashlib.sha256(f"{name}\n".encode() + public).digest()[:4]
        self.vkey = f"{name}+{self._id.hex()}+{base64_of(public)}"

    def signed(self, text: str) -> str:
        signature = base64_of(self._id + self._private.sign(text.encode()))
        return f"{text}\n— {self.name} {signature}\n"


class Log:
    """The log of a seller, over some streams that take turns."""

    def __init__(self, seller: str, seed: int, size: int) -> None:
        self.seller = uuid5(NAMES, seller)
        self.origin = f"audit.example/asin-binding/t/{self.seller}"
        self.key = Key(self.origin, seed)
        self.streams = [uuid5(NAMES, f"{seller} {number}") for number in range(3)]
        self.leaves: list[bytes] = []
        self.events: list[bytes] = []
        for position in range(size):
            self.append(position)

    def append(self, position: int) -> None:
        version, place = position // len(self.streams) + 1, position % len(self.streams)
        before = self.hashes[position - len(self.streams)].hex() if version > 1 else None
        event = canonical({"price_jpy": 1000 + position, "title": f"電池 {position}"})
        leaf = {
            "position": position + 17,
            "prev": before,
            "recorded_at": f"2026-11-24T09:{position // 60:02}:{position % 60:02}.000000Z",
            "seller": str(self.seller),
            "state_sha256": hashlib.sha256(event).hexdigest(),
            "stream": str(self.streams[place]),
            "topic": "asin_binding.price_adjusted",
            "v": 1,
            "version": version,
        }
        self.leaves.append(canonical(leaf))
        self.events.append(event)

    @property
    def hashes(self) -> list[bytes]:
        return [hashlib.sha256(b"\x00" + leaf).digest() for leaf in self.leaves]

    def checkpoint(self, size: int) -> str:
        root = base64_of(tree_hash(self.hashes[:size]))
        return self.key.signed(f"{self.origin}\n{size}\n{root}\n")

    def write_bundle(self, folder: Path, place: int, size: int, old_size: int | None) -> None:
        """The history of one stream among the first `size` leaves."""
        hashes, checkpoint = self.hashes[:size], self.checkpoint(size)
        indexes = range(place, size, len(self.streams))
        for kind in ("leaves", "proofs", "events"):
            (folder / kind).mkdir(parents=True)
        for version, index in enumerate(indexes, start=1):
            lines = lines_of(path(index, hashes))
            text = f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n{checkpoint}"
            (folder / "leaves" / str(index)).write_bytes(self.leaves[index])
            (folder / "proofs" / f"{index}.tlog-proof").write_text(text, "utf-8")
            (folder / "events" / f"{version}.json").write_bytes(self.events[index])
        body = [self.origin, self.streams[place], len(indexes), size, base64_of(tree_hash(hashes))]
        head = "\n".join(map(str, ["asin-sync head v1", *body]))
        (folder / "head").write_text(self.key.signed(f"{head}\n"), "utf-8")
        (folder / "checkpoint").write_text(checkpoint, "utf-8")
        (folder / "log.vkey").write_text(f"{self.key.vkey}\n", "utf-8")
        if old_size is not None:
            self.write_consistency(folder, size, old_size)

    def write_consistency(self, folder: Path, size: int, old_size: int) -> None:
        hashes = proof(old_size, self.hashes[:size]) if old_size else []
        text = f"old {old_size}\n{lines_of(hashes)}\n{self.checkpoint(size)}"
        (folder / "consistency").write_text(text, "utf-8")
        (folder / "checkpoint.old").write_text(self.checkpoint(old_size), "utf-8")


def canonical(value: dict[str, object]) -> bytes:
    """RFC 8785 for what has no fractions and no members outside ASCII."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()  # fmt: skip


def lines_of(hashes: Sequence[bytes]) -> str:
    return "".join(f"{base64_of(each)}\n" for each in hashes)
