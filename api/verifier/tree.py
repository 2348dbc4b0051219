"""What a proof shows of a Merkle tree, by RFC 9162, sections 2.1.3.2 and 2.1.4.2."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .formats import Checkpoint, Refused


def ensure_grown(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """RFC 9162, 2.1.4.2."""
    fault = Refused("the log was rewritten: it does not begin with the checkpoint that you kept")
    if old.size in (0, new.size):
        if old.root != (new.root if old.size else hashlib.sha256().digest()):
            raise fault
        return
    hashes = [*([old.root] if old.size & (old.size - 1) == 0 else []), *proof]
    if not hashes:
        raise fault
    number, last = old.size - 1, new.size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise fault
        if number & 1 or number == last:
            before, after = pair(sibling, before), pair(sibling, after)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            after = pair(after, sibling)
        number, last = number >> 1, last >> 1
    if last or before != old.root or after != new.root:
        raise fault


def root_by_inclusion(
    leaf: bytes, number: int, size: int, proof: Sequence[bytes], name: str
) -> bytes:
    """RFC 9162, 2.1.3.2."""
    if number >= size:
        raise Refused(f"leaf {number} is not under a checkpoint of {size} leaves")
    last, found = size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Refused(f"{name} is too long")
        if number & 1 or number == last:
            found = pair(sibling, found)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            found = pair(found, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise Refused(f"{name} is too short")
    return found


def pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
