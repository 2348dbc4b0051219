"""Verifies an audit path, as whoever gets one does; the service itself only makes them."""

from __future__ import annotations

from collections.abc import Sequence

from domain.transparency.merkle import ProofRefused, node_hash


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
