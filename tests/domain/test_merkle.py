"""The Merkle tree: published vectors, any growth, every proof, every damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.transparency.merkle import (
    ProofRefused,
    completed,
    consistency_proof,
    inclusion_proof,
    largest_power_below,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves of Certificate Transparency's reference tests, and the root over the first n.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f")  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


class Stored:
    """A tree as the tables hold it, grown batch by batch."""

    def __init__(self, *batches: Sequence[bytes]) -> None:
        self.hashes: dict[tuple[int, int], bytes] = {}
        self.leaves: list[bytes] = []
        for batch in batches:
            made = completed(len(self.leaves), batch, self.read)
            for number, each in enumerate(batch, start=len(self.leaves)):
                self.hashes[0, number] = each
            for level, number, each in made:
                assert (level, number) not in self.hashes
                self.hashes[level, number] = each
            self.leaves += batch

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        return [self.hashes[level, number] for number in range(first, first + count)]


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    middle = largest_power_below(len(leaves))
    return node_hash(by_definition(leaves[:middle]), by_definition(leaves[middle:]))


def hashes(first: int, count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4)) for number in range(first, first + count)]


def grown(*counts: int) -> Stored:
    firsts = [sum(counts[:number]) for number in range(len(counts))]
    return Stored(*(hashes(first, count) for first, count in zip(firsts, counts, strict=True)))


def refused(check: Callable[..., None], *given_: object) -> bool:
    try:
        check(*given_)
    except ProofRefused:
        return True
    return False


def test_the_roots_of_certificate_transparencys_reference_tests() -> None:
    tree = Stored([leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES])
    assert [root(size, tree.read).hex() for size in range(9)] == list(ROOTS)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_however_it_grew_a_tree_has_the_root_of_its_leaves(counts: list[int]) -> None:
    tree = grown(*counts)
    for size in {sum(counts[: n + 1]) for n in range(len(counts))}:
        assert root(size, tree.read) == by_definition(tree.leaves[:size])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1_500), st.data())
def test_every_leaf_is_proved_and_nothing_else_at_its_place(size: int, data: st.DataObject) -> None:
    tree = grown(size)
    index = data.draw(st.integers(0, size - 1))
    tree_root = root(size, tree.read)
    proof = inclusion_proof(index, size, tree.read)
    assert len(proof) <= size.bit_length()
    verify_inclusion(tree.leaves[index], index, size, proof, tree_root)
    wrong = leaf_hash(b"another")
    assert refused(verify_inclusion, wrong, index, size, proof, tree_root)
    assert refused(verify_inclusion, tree.leaves[index], index, size, [*proof, wrong], tree_root)
    assert refused(verify_inclusion, tree.leaves[index], size, size, proof, tree_root)
    for number in range(len(proof)):
        damaged = [*proof[:number], wrong, *proof[number + 1 :]]
        assert refused(verify_inclusion, tree.leaves[index], index, size, damaged, tree_root)
        shorter = proof[:number] + proof[number + 1 :]
        assert refused(verify_inclusion, tree.leaves[index], index, size, shorter, tree_root)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1_500), st.data())
def test_a_tree_is_proved_to_begin_with_each_older_one_and_no_other(
    size: int, data: st.DataObject
) -> None:
    tree = grown(size)
    old_size = data.draw(st.integers(0, size))
    old_root, new_root = (root(each, tree.read) for each in (old_size, size))
    proof = consistency_proof(old_size, size, tree.read)
    verify_consistency(old_size, size, old_root, new_root, proof)
    wrong = leaf_hash(b"another")
    assert refused(verify_consistency, old_size, size, wrong, new_root, proof)
    assert refused(verify_consistency, old_size, size, old_root, wrong, proof) == (old_size > 0)
    assert refused(verify_consistency, old_size, size, old_root, new_root, [*proof, wrong])
    for number in range(len(proof)):
        damaged = [*proof[:number], wrong, *proof[number + 1 :]]
        assert refused(verify_consistency, old_size, size, old_root, new_root, damaged)


def test_what_is_outside_of_a_tree_has_no_proof() -> None:
    tree = grown(5)
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(IndexError):
            inclusion_proof(index, size, tree.read)
    with pytest.raises(IndexError):
        consistency_proof(6, 5, tree.read)
    assert refused(verify_consistency, 6, 5, b"", b"", [])


def test_a_million_leaves_need_no_more_than_twenty_hashes() -> None:
    asked: list[int] = []

    def read(level: int, first: int, count: int) -> list[bytes]:
        asked.append(count)
        return hashes(first, count)

    assert len(inclusion_proof(999_999, 1_000_000, read)) <= 20
    assert max(asked) <= 128
