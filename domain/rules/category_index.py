"""A shop's category tree, indexed once by the names, product types and audiences of the policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from domain.policy.category_policy import Audience, AudienceWord, CategoryPolicy, Path
from domain.rules.category_words import WordBook, plain

OTHER = "その他"
ANY_NAME = "*"
WEAK_SIGN = "~"
"""Before a name that counts only where no other is found; twice, only where none with one is."""
INSIDE_SIGN = "^"
"""Before a name, mostly of a series, that counts within longer words too."""
AUDIENCES: Mapping[AudienceWord, frozenset[Audience]] = {
    "women": frozenset({"women"}),
    "men": frozenset({"men"}),
    "kids": frozenset({"kids"}),
    "baby": frozenset({"baby"}),
    "both": frozenset({"women", "men"}),
    "child": frozenset({"kids", "baby"}),
}

Leaves = frozenset[Path]
Meanings = Mapping[str, Leaves]
NO_LEAVES: Leaves = frozenset()


class CategoryTree:
    """What each name, product type and Amazon department can mean in this shop.

    `named` holds the leaves that a name stands for by itself, `grouped` those below a name.
    """

    def __init__(self, policy: CategoryPolicy, leaves: Iterable[Path]) -> None:
        self.policy = policy
        self.leaves: tuple[Path, ...] = tuple(sorted(leaves))
        self.by_plain_path = {plain_path(path): path for path in self.leaves}
        below: defaultdict[Path, set[Path]] = defaultdict(set)
        for leaf in self.leaves:
            for pattern in patterns_of(leaf):
                below[pattern].add(leaf)
        self._below = {pattern: frozenset(found) for pattern, found in below.items()}
        self.named, self.grouped, self.weak = self._names()
        self.types = {name: self._any_of(paths) for name, paths in policy.product_types.items()}
        self.contexts = {
            plain(name): self._any_of(paths) for name, paths in policy.contexts.items()
        }
        self.curated = {
            plain_path(path): self._any_of(found) for path, found in policy.paths.items()
        }
        self.audiences = {leaf: audience_of(policy, leaf) for leaf in self.leaves}
        self.likes = self._likes()
        self.unlisted = frozenset(map(plain, policy.marks.unlisted))
        self.words = WordBook([*self.named, *self.grouped, *self.unlisted], policy.marks)
        self.counting_inside = frozenset(
            plain(bare(name))
            for names in policy.words.values()
            for name in names
            if INSIDE_SIGN in signs_of(name)
        )
        self.audience_words = {
            plain(name): AUDIENCES[word]
            for word, names in policy.audience_words.items()
            for name in names
        }
        self.child_words = frozenset(map(plain, policy.audience_words["child"]))
        self.audience_book = WordBook(self.audience_words, policy.marks)

    def _any_of(self, patterns: Iterable[Path]) -> Leaves:
        return NO_LEAVES.union(*(self._below.get(pattern, NO_LEAVES) for pattern in patterns))

    def _names(self) -> tuple[Meanings, Meanings, list[Meanings]]:
        """The policy's names, and what the shop itself calls its leaves and groups.

        The weak ones also by how weak they are; for a browse path they name a group.
        """
        named: defaultdict[str, Leaves] = defaultdict(frozenset)
        grouped: defaultdict[str, Leaves] = defaultdict(frozenset)
        weak: list[defaultdict[str, Leaves]] = [defaultdict(frozenset), defaultdict(frozenset)]
        for pattern, found in self._below.items():
            is_leaf = all(len(leaf) == len(pattern) for leaf in found)
            for name in self._own_names(pattern):
                (named if is_leaf else grouped)[plain(name)] |= found
            for name in self.policy.words.get(pattern, ()):
                weakness = signs_of(name).count(WEAK_SIGN)
                (named if is_leaf and not weakness else grouped)[plain(bare(name))] |= found
                if weakness:
                    weak[weakness - 1][plain(bare(name))] |= found
        return named, grouped, [*weak]

    def _own_names(self, pattern: Path) -> tuple[str, ...]:
        """What the shop calls it, unless that only says for whom it is or that it is the rest."""
        audience_names = {name for names in self.policy.audience_names.values() for name in names}
        silent = {OTHER, ANY_NAME, *audience_names}
        return () if ANY_NAME in pattern or pattern[-1] in silent else (pattern[-1],)

    def _likes(self) -> Mapping[Path, Leaves]:
        """For each leaf: those that share a name with it and are for other people."""
        likes: defaultdict[Path, set[Path]] = defaultdict(set)
        for alike in self.named.values():
            for leaf in alike:
                audience = self.audiences[leaf]
                likes[leaf] |= {other for other in alike if self.audiences[other] != audience}
        return {leaf: frozenset(likes[leaf]) for leaf in self.leaves}


@lru_cache(maxsize=32)
def indexed(policy: CategoryPolicy, leaves: frozenset[Path]) -> CategoryTree:
    return CategoryTree(policy, leaves)


def signs_of(name: str) -> str:
    """The signs before a name of the policy."""
    return name.removesuffix(bare(name))


def bare(name: str) -> str:
    """A name of the policy without its sign."""
    return name.lstrip(WEAK_SIGN + INSIDE_SIGN)


def plain_path(path: Iterable[str]) -> Path:
    return tuple(map(plain, path))


def patterns_of(leaf: Path) -> Iterator[Path]:
    """Every beginning of the path, also with `*` in the place of one name."""
    for length in range(1, len(leaf) + 1):
        beginning = leaf[:length]
        yield beginning
        for place in range(1, length):
            yield (*beginning[:place], ANY_NAME, *beginning[place + 1 :])


def audience_of(policy: CategoryPolicy, leaf: Path) -> frozenset[Audience]:
    """Whom the leaf is for by the names in its path; empty where it is for anybody."""
    found: frozenset[Audience] = frozenset()
    for word, names in policy.audience_names.items():
        if any(name in leaf for name in names):
            found |= AUDIENCES[word]
    return found
