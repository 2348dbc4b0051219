"""The formats of a bundle's files, all of C2SP, read strictly: what is unclear is refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTE_KEY, COSIGNATURE_KEY = 1, 4
PROOF = "c2sp.org/tlog-proof@v1"
LEAF_KEYS = [
    "position", "prev", "recorded_at", "seller", "state_sha256", "stream", "topic", "v", "version",
]  # fmt: skip
DECIMAL = re.compile(r"[1-9][0-9]{0,17}|0")


class Refused(Exception):
    """The bundle does not prove what it should; the message says where."""


class Key(NamedTuple):
    """A public key under its name."""

    name: str
    key_id: bytes
    kind: int
    public: bytes


class Note(NamedTuple):
    """A signed text: its lines, and (name, key id, signature) of each who signed."""

    text: str
    signatures: Sequence[tuple[str, bytes, bytes]]


class Checkpoint(NamedTuple):
    """A log's name, size and root, and the note that says so."""

    origin: str
    size: int
    root: bytes
    note: Note


def read_note(text: str) -> Note:
    """c2sp.org/signed-note."""
    body, gap, lines = text.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise Refused("damaged: a note is a text, an empty line and signatures")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, name, material = ([*line.split(" "), "", ""])[:3]
        content = decoded(material)
        if dash != "—" or line.count(" ") != 2 or len(content) < 5:
            raise Refused(f"damaged: no signature line: {line[:60]!r}")
        signatures.append((name, content[:4], content[4:]))
    return Note(f"{body}\n", signatures)


def read_checkpoint(text: str) -> Checkpoint:
    """c2sp.org/tlog-checkpoint."""
    note = read_note(text)
    lines = note.text.split("\n")
    if len(lines) < 4 or not DECIMAL.fullmatch(lines[1]):
        raise Refused("damaged: a checkpoint is a log's name, a size and a root")
    return Checkpoint(lines[0], int(lines[1]), hash_in(lines[2]), note)


def read_key(text: str) -> Key:
    """A key as c2sp.org/signed-note writes it: name+id+base64."""
    name, _, rest = text.strip().partition("+")
    mark, _, material = rest.partition("+")
    content = decoded(material)
    if not name or len(content) != 33 or content[0] not in (NOTE_KEY, COSIGNATURE_KEY):
        raise Refused(f"no Ed25519 key: {text[:60]!r}")
    key_id = hashlib.sha256(f"{name}\n".encode() + content).digest()[:4]
    if key_id.hex() != mark:
        raise Refused(f"the key's id is {key_id.hex()}, not {mark[:8]}")
    return Key(name, key_id, content[0], content[1:])


def read_proof(text: str, name: str) -> tuple[int, list[bytes], str]:
    """c2sp.org/tlog-proof: number of the leaf, hashes from its sibling up, checkpoint."""
    head, _, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    if first != PROOF or not lines:
        raise Refused(f"damaged: {name} is no {PROOF}")
    if lines[0].startswith("extra "):
        lines = lines[1:]
    word, _, number = lines[0].partition(" ")
    if word != "index" or not DECIMAL.fullmatch(number):
        raise Refused(f"damaged: {name} has no index")
    return int(number), [hash_in(line) for line in lines[1:]], checkpoint


def read_consistency(text: str) -> tuple[int, list[bytes], str]:
    """The body of c2sp.org/tlog-witness add-checkpoint."""
    head, _, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, size = first.partition(" ")
    if word != "old" or not DECIMAL.fullmatch(size):
        raise Refused("damaged: consistency begins with `old` and a size")
    return int(size), [hash_in(line) for line in lines], checkpoint


def read_leaf(content: bytes, number: int) -> dict[str, Any]:
    """RFC 8785 JSON of just these keys, so that two leaves never say the same in two ways."""
    leaf = json.loads(content)
    if not isinstance(leaf, dict) or list(leaf) != LEAF_KEYS or leaf["v"] != 1:
        raise Refused(f"leaf {number} is not of a kind that is known")
    again = json.dumps(leaf, separators=(",", ":"), ensure_ascii=False).encode()
    if again != content or not all(type(leaf[key]) is int for key in ("position", "version")):
        raise Refused(f"damaged: leaf {number} is not in canonical form")
    return leaf


def ensure_signed(note: Note, keys: Sequence[Key], what: str) -> None:
    if not any(has_signed(note, key) for key in keys):
        names = ", ".join(sorted({f"{each.name} ({each.key_id.hex()})" for each in keys}))
        raise Refused(f"{what} is not signed by {names}")


def has_signed(note: Note, key: Key) -> bool:
    for name, key_id, signature in note.signatures:
        if (name, key_id) != (key.name, key.key_id):
            continue
        message, content = note.text.encode(), signature
        if key.kind == COSIGNATURE_KEY:
            at_second = int.from_bytes(signature[:8], "big")
            message = f"cosignature/v1\ntime {at_second}\n".encode() + message
            content = signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(content, message)
        except InvalidSignature:
            continue
        return True
    return False


def hash_in(line: str) -> bytes:
    content = decoded(line)
    if len(content) != 32:
        raise Refused(f"damaged: no SHA-256 hash: {line[:60]!r}")
    return content


def decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"damaged: no base64: {text[:60]!r}") from None
    if base64.b64encode(content).decode() != text:
        raise Refused(f"damaged: no canonical base64: {text[:60]!r}")
    return content
