"""The tree against what golang.org/x/mod's sumdb/tlog makes: every root and proof, none altered.

`tests/foreign/vectors.json` is printed by `tests/foreign/go/make_vectors.go`, which says what is
in it; where Go is at hand a test there prints it anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domain.transparency.merkle import (
    ProofRefused,
    completed,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

FILE = Path(__file__).parents[1] / "foreign" / "vectors.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
HASHES = [base64.b64decode(each) for each in VECTORS["hashes"]]
ROOTS = {size: HASHES[place] for size, place in VECTORS["roots"]}
TINY = 20


def proofs(kind: str) -> Iterator[tuple[int, int, list[bytes]]]:
    """Size, index or old size, and the hashes."""
    for size, number, places in VECTORS[kind]:
        yield size, number, [HASHES[place] for place in places]


@cache
def levels() -> list[list[bytes]]:
    """What is stored of the largest tree, by level."""
    stored: list[list[bytes]] = [
        [leaf_hash(f"leaf {n}".encode()) for n in range(max(ROOTS))],
        [],
        [],
    ]
    for subtree in completed(0, stored[0], read):
        assert subtree.number == len(stored[subtree.level])
        stored[subtree.level].append(subtree.hash)
    return stored


def read(level: int, first: int, count: int) -> Sequence[bytes]:
    return levels()[level][first : first + count]


def altered(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """One bit of each hash changed, each hash left out, one too many, two exchanged."""
    for place, each in enumerate(proof):
        flipped = bytes([each[0] ^ 1]) + each[1:]
        yield [*proof[:place], flipped, *proof[place + 1 :]]
        yield [*proof[:place], *proof[place + 1 :]]
    yield [*proof, HASHES[0]]
    if len(proof) > 1:
        yield [proof[1], proof[0], *proof[2:]]


def test_the_roots_are_those_of_go() -> None:
    assert {size: root(size, read) for size in ROOTS} == ROOTS


def test_the_inclusion_proofs_are_those_of_go() -> None:
    differ = [
        (size, index)
        for size, index, proof in proofs("inclusion")
        if inclusion_proof(index, size, read) != proof
    ]
    assert differ == []


def test_the_consistency_proofs_are_those_of_go() -> None:
    differ = [
        (size, old_size)
        for size, old_size, proof in proofs("consistency")
        if consistency_proof(old_size, size, read) != proof
    ]
    assert differ == []


def test_every_proof_is_accepted() -> None:
    for size, index, proof in proofs("inclusion"):
        verify_inclusion(read(0, index, 1)[0], index, size, proof, ROOTS[size])
    for size, old_size, proof in proofs("consistency"):
        if old_size in ROOTS:
            verify_consistency(old_size, size, ROOTS[old_size], ROOTS[size], proof)


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], top: bytes) -> bool:
    try:
        verify_inclusion(leaf, index, size, proof, top)
    except ProofRefused:
        return False
    return True


def has_grown(
    old_size: int, size: int, old_root: bytes, top: bytes, proof: Sequence[bytes]
) -> bool:
    try:
        verify_consistency(old_size, size, old_root, top, proof)
    except ProofRefused:
        return False
    return True


def test_no_altered_inclusion_proof_is_accepted() -> None:
    passed = [
        (size, index)
        for size, index, proof in proofs("inclusion")
        for wrong in altered(proof)
        if is_included(read(0, index, 1)[0], index, size, wrong, ROOTS[size])
    ]
    assert passed == []


def test_no_altered_consistency_proof_is_accepted() -> None:
    passed = [
        (size, old_size)
        for size, old_size, proof in proofs("consistency")
        for wrong in altered(proof)
        if old_size in ROOTS and has_grown(old_size, size, ROOTS[old_size], ROOTS[size], wrong)
    ]
    assert passed == []


def test_a_proof_holds_for_one_leaf_index_and_root_only() -> None:
    passed = []
    for size, index, proof in proofs("inclusion"):
        leaf, other = read(0, index, 1)[0], read(0, (index + 1) % size, 1)[0]
        passed += [
            (size, index, what)
            for what, wrong in {
                "leaf": size > 1 and is_included(other, index, size, proof, ROOTS[size]),
                "index": is_included(leaf, index + 1, size, proof, ROOTS[size]),
                "negative": is_included(leaf, -1, size, proof, ROOTS[size]),
                "root": is_included(leaf, index, size, proof, HASHES[1]) and size != 2,
            }.items()
            if wrong
        ]
    assert passed == []


def test_a_consistency_proof_holds_for_its_two_roots_only() -> None:
    passed = []
    for size, old_size, proof in proofs("consistency"):
        if old_size < size and old_size in ROOTS:
            old_root, top = ROOTS[old_size], ROOTS[size]
            passed += [
                (size, old_size, what)
                for what, wrong in {
                    "roots exchanged": has_grown(old_size, size, top, old_root, proof),
                    "sizes exchanged": has_grown(size, old_size, old_root, top, proof),
                    "old root": has_grown(old_size, size, top, top, proof),
                    "root": has_grown(old_size, size, old_root, old_root, proof),
                }.items()
                if wrong
            ]
    assert passed == []


def turns(index: int, size: int) -> str:
    """The way up from a leaf: on which side of it each sibling stands."""
    if size == 1:
        return ""
    middle = 1 << ((size - 1).bit_length() - 1)
    if index < middle:
        return turns(index, middle) + "right "
    return turns(index - middle, size - middle) + "left "


def test_a_proof_does_not_hold_for_a_place_with_another_way_up() -> None:
    tiny = [each for each in proofs("inclusion") if each[0] <= TINY]
    passed = [
        (size, index, claimed_size, claimed)
        for size, index, proof in tiny
        for claimed_size, claimed, _ in tiny
        if turns(claimed, claimed_size) != turns(index, size)
        and is_included(read(0, index, 1)[0], claimed, claimed_size, proof, ROOTS[size])
    ]
    assert passed == []


def test_a_consistency_proof_does_not_hold_for_sizes_that_need_more_or_fewer_hashes() -> None:
    tiny = [each for each in proofs("consistency") if each[0] <= TINY and each[0] != each[1]]
    passed = [
        (size, old_size, claimed_size, claimed)
        for size, old_size, proof in tiny
        for claimed_size, claimed, needed in tiny
        if len(needed) != len(proof)
        and has_grown(claimed, claimed_size, ROOTS[old_size], ROOTS[size], proof)
    ]
    assert passed == []


def test_two_trees_of_one_size_have_one_root() -> None:
    same = [size for size in ROOTS if has_grown(size, size, ROOTS[size], ROOTS[size], [])]
    assert same == list(ROOTS)
    assert not any(has_grown(size, size, ROOTS[size], HASHES[-1], []) for size in ROOTS)


def test_however_the_leaves_arrive_the_same_is_stored() -> None:
    chance, stored = random.Random(3), [list[bytes](), list[bytes](), list[bytes]()]
    leaves = levels()[0]
    while len(stored[0]) < len(leaves):
        size = len(stored[0])
        batch = leaves[size : size + chance.choice([1, 2, 255, 256, 257, 5000])]
        for subtree in completed(size, batch, lambda at, first, n: stored[at][first : first + n]):
            assert subtree.number == len(stored[subtree.level])
            stored[subtree.level].append(subtree.hash)
        stored[0] += batch
    assert stored == levels()


def test_the_tree_of_no_leaves_has_the_hash_of_no_bytes() -> None:
    assert root(0, read) == hashlib.sha256().digest()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 5), (64, 64)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(IndexError):
        inclusion_proof(index, size, read)


@pytest.mark.parametrize(("old_size", "size"), [(-1, 5), (6, 5)])
def test_there_is_no_proof_that_a_tree_shrank(old_size: int, size: int) -> None:
    with pytest.raises(IndexError):
        consistency_proof(old_size, size, read)
