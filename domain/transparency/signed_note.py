"""Signed notes, checkpoints, cosignatures and proofs in the formats of C2SP.

c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof and tlog-witness: formats that
programs of other hands read. All signatures are Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NOTE, COSIGNATURE = 0x01, 0x04
"""The kinds of key: one signs a note's text, the other a checkpoint seen at a time."""
HEAD = "asin-sync head v1"
PROOF = "c2sp.org/tlog-proof@v1"


class NoteRefused(Exception):
    """It is no signed note, or nobody that is trusted has signed it."""


class Signature(NamedTuple):
    """One signature line; `content` follows the key's four-byte id."""

    name: str
    key_id: bytes
    content: bytes

    @property
    def line(self) -> str:
        return f"— {self.name} {encoded(self.key_id + self.content)}\n"


class Verifier(NamedTuple):
    """Who may sign: a name and a public key."""

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        marked = f"{self.name}\n".encode() + bytes([self.kind]) + self.public_key
        return hashlib.sha256(marked).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as c2sp.org/signed-note writes it."""
        material = encoded(bytes([self.kind]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def has_signed(self, text: str, signature: Signature) -> bool:
        """False for another's signature, or for one of another text."""
        if (signature.name, signature.key_id) != (self.name, self.key_id):
            return False
        message, content = text.encode(), signature.content
        if self.kind == COSIGNATURE:
            if len(content) != 72 or content[0] > 0x7F:
                return False
            message, content = cosigned(text, cosigned_at(signature)), content[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(content, message)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key under a name."""

    def __init__(self, name: str, seed: bytes, kind: int = NOTE) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, kind, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        return self._signature(self._key.sign(text.encode()))

    def cosign(self, text: str, at_second: int) -> Signature:
        """That the checkpoint was seen, and nothing in conflict with it, at that POSIX time."""
        return self._signature(
            struct.pack(">Q", at_second) + self._key.sign(cosigned(text, at_second))
        )

    def _signature(self, content: bytes) -> Signature:
        return Signature(self.verifier.name, self.verifier.key_id, content)


class Note(NamedTuple):
    """A text, ending in a newline, and the signatures under it."""

    text: str
    signatures: Sequence[Signature]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(each.line for each in self.signatures)}"

    def signed_by(self, verifiers: Iterable[Verifier]) -> list[Verifier]:
        """Those who have signed it."""
        return [
            each for each in verifiers
            if any(each.has_signed(self.text, signature) for signature in self.signatures)
        ]  # fmt: skip


class Checkpoint(NamedTuple):
    """The state of a log: its name, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{encoded(self.root)}\n"


def read_note(content: str) -> Note:
    """Raises NoteRefused."""
    text, gap, lines = content.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NoteRefused("a signed note is a text, an empty line and signatures")
    return Note(f"{text}\n", [read_signature(line) for line in lines[:-1].split("\n")])


def read_signature(line: str) -> Signature:
    """Raises NoteRefused."""
    dash, _, rest = line.partition(" ")
    name, _, material = rest.partition(" ")
    content = decoded(material)
    if dash != "—" or not name or len(content) < 5:
        raise NoteRefused(f"no signature line: {line[:80]!r}")
    return Signature(name, content[:4], content[4:])


def read_checkpoint(text: str) -> Checkpoint:
    """The first three lines; further ones are allowed. Raises NoteRefused."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not is_decimal(lines[1]) or lines[-1]:
        raise NoteRefused("a checkpoint is a log's name, its size and its root, a line each")
    root = decoded(lines[2])
    if len(root) != 32:
        raise NoteRefused("a checkpoint's root is one SHA-256 hash in base64")
    return Checkpoint(lines[0], int(lines[1]), root)


def read_vkey(text: str) -> Verifier:
    """Raises NoteRefused."""
    name, _, rest = text.strip().partition("+")
    key_id, _, material = rest.partition("+")
    content = decoded(material)
    if not name or len(content) != 33 or content[0] not in (NOTE, COSIGNATURE):
        raise NoteRefused(f"no Ed25519 key in the form name+id+base64: {text[:80]!r}")
    verifier = Verifier(name, content[0], content[1:])
    if verifier.key_id.hex() != key_id:
        raise NoteRefused(f"the key's id is {verifier.key_id.hex()}, not {key_id[:8]}")
    return verifier


def head_text(origin: str, stream: str, version: int, size: int, root: bytes) -> str:
    """That this version is the stream's last among the first `size` leaves of the log."""
    return f"{HEAD}\n{origin}\n{stream}\n{version}\n{size}\n{encoded(root)}\n"


def tlog_proof(index: int, hashes: Sequence[bytes], checkpoint: str) -> str:
    """One leaf's proof as a file that stands by itself."""
    lines = "".join(f"{encoded(each)}\n" for each in hashes)
    return f"{PROOF}\nindex {index}\n{lines}\n{checkpoint}"


def consistency_file(old_size: int, hashes: Sequence[bytes], checkpoint: str) -> str:
    """The body of a witness's add-checkpoint: a newer checkpoint, and that it grew from the old."""
    lines = "".join(f"{encoded(each)}\n" for each in hashes)
    return f"old {old_size}\n{lines}\n{checkpoint}"


def read_consistency_file(content: str) -> tuple[int, list[bytes], str]:
    """Old size, proof, and the checkpoint as signed. Raises NoteRefused."""
    head, gap, checkpoint = content.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, size = first.partition(" ")
    hashes = [decoded(line) for line in lines]
    if not gap or word != "old" or not is_decimal(size) or len(hashes) > 63:
        raise NoteRefused("begin with `old` and a size, then one hash a line, then a checkpoint")
    if any(len(each) != 32 for each in hashes):
        raise NoteRefused("each line of the proof is one SHA-256 hash in base64")
    return int(size), hashes, checkpoint


def cosigned(text: str, at_second: int) -> bytes:
    return f"cosignature/v1\ntime {at_second}\n{text}".encode()


def cosigned_at(signature: Signature) -> int:
    """The POSIX time of a cosignature."""
    return int(struct.unpack(">Q", signature.content[:8])[0])


def is_decimal(text: str) -> bool:
    """Plain digits, no leading zero, no more than a size can have."""
    return text.isascii() and text.isdigit() and len(text) < 19 and str(int(text)) == text


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def decoded(text: str) -> bytes:
    """Raises NoteRefused."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteRefused(f"no base64: {text[:80]!r}") from None
    if encoded(content) != text:
        raise NoteRefused(f"no canonical base64: {text[:80]!r}")
    return content
