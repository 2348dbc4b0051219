"""The Merkle tree of RFC 6962 and RFC 9162 (section 2.1): roots, proofs, and how it grows.

What is stored of a tree are its leaf hashes (level 0) and the roots of its full subtrees of 256
leaves (level 1), 65,536 leaves (level 2) and so on: the hashes that C2SP tlog-tiles serves. All
else is computed from at most 255 of them a level.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

Read = Callable[[int, int, int], Sequence[bytes]]
"""`read(level, first, count)`: stored hashes of a level, from the one numbered `first` on."""


class ProofRefused(Exception):
    """The proof does not show what it should."""


class Subtree(NamedTuple):
    """The root of a full subtree of 256 ** level leaves, numbered from the left."""

    level: int
    number: int
    hash: bytes


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, read: Read) -> bytes:
    """The root of the tree over the first `size` leaves."""
    return span_root(0, size, read) if size else hashlib.sha256().digest()


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """Audit path of a leaf, from its sibling up. Raises IndexError for a leaf outside the tree."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + largest_power_below(end - start)
        if index < middle:
            proof.append(span_root(middle, end, read))
            end = middle
        else:
            proof.append(span_root(start, middle, read))
            start = middle
    return proof[::-1]


def consistency_proof(old_size: int, size: int, read: Read) -> list[bytes]:
    """What shows that a tree is the beginning of a later one. Raises IndexError."""
    if not 0 <= old_size <= size:
        raise IndexError(f"a tree of {old_size} is not the beginning of one of {size}")
    if old_size in (0, size):
        return []
    proof: list[bytes] = []
    start, end = 0, size
    while old_size != end:
        middle = start + largest_power_below(end - start)
        if old_size <= middle:
            proof.append(span_root(middle, end, read))
            end = middle
        else:
            proof.append(span_root(start, middle, read))
            start = middle
    if start:
        proof.append(span_root(start, end, read))
    return proof[::-1]


def completed(size: int, leaves: Sequence[bytes], read: Read) -> list[Subtree]:
    """The subtrees that become full when these leaf hashes follow the first `size` leaves."""
    made: list[Subtree] = []
    level, first, hashes = 0, size, leaves
    while hashes:
        begun = first % TILE_WIDTH
        tile = [*read(level, first - begun, begun), *hashes] if begun else list(hashes)
        number = (first - begun) // TILE_WIDTH
        level += 1
        hashes = [
            fold(tile[start : start + TILE_WIDTH])
            for start in range(0, len(tile) - TILE_WIDTH + 1, TILE_WIDTH)
        ]
        made += [Subtree(level, number + n, each) for n, each in enumerate(hashes)]
        first = number
    return made


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree_root: bytes
) -> None:
    """RFC 9162, 2.1.3.2; `leaf` is the leaf's hash. Raises ProofRefused."""
    if not 0 <= index < size:
        raise ProofRefused(f"leaf {index} is not in a tree of {size}")
    number, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if number % 2 or number == last:
            found = node_hash(sibling, found)
            while number % 2 == 0 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    if found != tree_root:
        raise ProofRefused(f"leaf {index} is not what the tree of {size} has there")


def verify_consistency(
    old_size: int, size: int, old_root: bytes, tree_root: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162, 2.1.4.2: the older tree is the beginning of the newer. Raises ProofRefused."""
    if old_size > size:
        raise ProofRefused(f"a tree of {old_size} can't be the beginning of one of {size}")
    if old_size in (0, size):
        known = tree_root if old_size else hashlib.sha256().digest()
        if proof or old_root != known:
            raise ProofRefused(f"another tree of {old_size}, or a proof where none is needed")
        return
    hashes = [*([old_root] if old_size & (old_size - 1) == 0 else []), *proof]
    if not hashes:
        raise ProofRefused("the proof is too short")
    number, last = old_size - 1, size - 1
    while number % 2:
        number, last = number >> 1, last >> 1
    old_found = found = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if number % 2 or number == last:
            old_found, found = node_hash(sibling, old_found), node_hash(sibling, found)
            while number % 2 == 0 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        number, last = number >> 1, last >> 1
    if last or old_found != old_root or found != tree_root:
        raise ProofRefused(f"the tree of {size} does not begin with that of {old_size}")


def span_root(start: int, end: int, read: Read) -> bytes:
    """The root over leaves that begin at a multiple of the span's next power of two."""
    count = end - start
    if count & (count - 1):
        middle = start + largest_power_below(count)
        return node_hash(span_root(start, middle, read), span_root(middle, end, read))
    level, rest = divmod(count.bit_length() - 1, TILE_HEIGHT)
    return fold(read(level, start >> (TILE_HEIGHT * level), 1 << rest))


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes), 2)]
    return hashes[0]


def largest_power_below(count: int) -> int:
    """The largest power of two that is smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)
