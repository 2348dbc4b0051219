"""What Amazon's browse path, product type and title each say about where a product belongs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.policy.category_policy import Audience, Path, Verdict
from domain.rules.category_index import AUDIENCES, NO_LEAVES, CategoryTree, Leaves, plain_path
from domain.rules.category_words import spelled, without_brands

_SIZE = re.compile(r"(?<!\d)(\d{2,3})(?=\s*(?:cm|センチ|-|~|・|\s|$))")
_BABY_SIZES_CM = range(50, 96, 5)
_KIDS_SIZES_CM = range(100, 171, 10)
LIKENESS_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Reading:
    """The leaves that one text names, the likely ones among them, and the leaves around them."""

    named: Leaves = NO_LEAVES
    near: Leaves = NO_LEAVES
    is_spoken: bool = False

    def verdict(self, leaf: Path) -> Verdict:
        if not self.is_spoken:
            return "silent"
        if leaf in self.named:
            return "named"
        return "near" if leaf in self.near else "elsewhere"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The three readings, whom the product is for, and the texts that a reason quotes."""

    path: Reading
    product_type_reading: Reading
    title: Reading
    curated: Leaves
    audience: frozenset[Audience]
    path_text: str
    product_type: str
    title_name: str
    audience_name: str
    likeness_text: str
    _verdicts: dict[Path, tuple[Verdict, Verdict, Verdict]] = field(default_factory=dict)

    def verdicts(self, leaf: Path) -> tuple[Verdict, Verdict, Verdict]:
        """What path, product type and title say of the leaf."""
        if leaf not in self._verdicts:
            readings = (self.path, self.product_type_reading, self.title)
            path, product_type, title = (reading.verdict(leaf) for reading in readings)
            self._verdicts[leaf] = path, product_type, title
        return self._verdicts[leaf]

    def candidates(self, tree: CategoryTree) -> Leaves:
        """Every leaf that any voice speaks for."""
        readings = (self.path, self.product_type_reading, self.title)
        return self.curated.union(*(reading.named | reading.near for reading in readings))

    def may_be_for(self, tree: CategoryTree, leaf: Path) -> bool:
        """True where the leaf is for these people, or for other children and they have no like."""
        audience = tree.audiences[leaf]
        if audience & self.audience:
            return True
        are_children = audience | self.audience <= AUDIENCES["child"]
        return are_children and not any(
            tree.audiences[like] & self.audience for like in tree.likes[leaf]
        )

    def has_own_category(self, tree: CategoryTree, leaf: Path) -> bool:
        """True for a product for men where a leaf of like names is for men alone."""
        return self.audience == AUDIENCES["men"] and any(
            tree.audiences[like] == self.audience and like[0] == leaf[0]
            for like in tree.likes[leaf]
        )


def evidence_of(
    tree: CategoryTree, browse_path: Sequence[str], product_type: str | None, title: str | None
) -> Evidence:
    """Read all three; the title is read for what path and product type leave possible."""
    nodes = plain_path(browse_path)
    words = spelled(without_brands((title or "")[: tree.policy.title_characters_max]))
    audience, audience_name = audience_in(tree, nodes, words)
    context = context_of(tree, nodes)
    path = read_path(tree, nodes, context)
    of_type = read_type(tree, product_type, audience)
    possible = path.named | path.near | of_type.named | of_type.near
    possible = suited(tree, possible or context, audience)
    in_title, title_name = read_title(tree, words, possible)
    return Evidence(
        path=path,
        product_type_reading=of_type,
        title=in_title,
        curated=tree.curated.get(nodes, NO_LEAVES),
        audience=audience,
        path_text=" > ".join(browse_path),
        product_type=product_type or "",
        title_name=title_name,
        audience_name=audience_name,
        likeness_text=nodes[-1] if nodes else words[:LIKENESS_CHARACTERS_MAX],
    )


def context_of(tree: CategoryTree, nodes: Path) -> Leaves:
    """The leaves that names below the Amazon department can mean.

    A department below another counts where it lies within it: キッズ＆ベビー below ファッション
    does, but ゲーム below おもちゃ means other games.
    """
    found = frozenset(tree.leaves)
    for node in nodes:
        if (within := tree.contexts.get(node, found)) <= found:
            found = within or found
    return found


def read_path(tree: CategoryTree, nodes: Path, context: Leaves) -> Reading:
    """The deepest node that means something here, narrowed by the nodes above it.

    A node that names several products (乳液・クリーム) comes near each of them and names none.
    """
    for depth in range(len(nodes) - 1, -1, -1):
        names = names_of_node(tree, nodes[depth])
        meant = [tree.named[name] & context for name in names if name in tree.named]
        meant = [leaves for leaves in meant if leaves]
        grouped = context & leaves_of(tree.grouped, names)
        if depth == 0 and nodes[0] in tree.contexts:
            grouped = context
        if meant or grouped:
            is_certain = len(set(meant)) == 1
            named = narrowed(tree, meant[0], nodes[:depth]) if is_certain else NO_LEAVES
            near = narrowed(tree, grouped, nodes[:depth]).union(*meant)
            return Reading(named, near, is_spoken=True)
        if any(name in tree.unlisted for name in names):
            return Reading(is_spoken=True)
    return Reading()


def leaves_of(meanings: Mapping[str, Leaves], names: Sequence[str]) -> Leaves:
    return NO_LEAVES.union(*(meanings.get(name, NO_LEAVES) for name in names))


def names_of_node(tree: CategoryTree, node: str) -> list[str]:
    """The node as a whole where it is a known name, else the names of products in it."""
    if node in tree.named or node in tree.grouped or node in tree.unlisted:
        return [node]
    return [found.name for found in tree.words.find(node) if found.is_product]


def narrowed(tree: CategoryTree, leaves: Leaves, above: Path) -> Leaves:
    """The leaves that also lie within the groups that the nodes above name, as far as any do."""
    for node in reversed(above):
        names = names_of_node(tree, node)
        if node in tree.contexts or not all(name in tree.grouped for name in names):
            continue
        leaves = leaves & leaves_of(tree.grouped, names) or leaves
    return leaves


def read_type(
    tree: CategoryTree, product_type: str | None, audience: frozenset[Audience]
) -> Reading:
    """A product type names a leaf where it stands for one alone among those for the audience."""
    leaves = tree.types.get((product_type or "").strip().upper())
    if leaves is None:
        return Reading()
    leaves = suited(tree, leaves, audience) or leaves
    is_certain = len({leaf[-1] for leaf in leaves}) == 1
    return Reading(leaves if is_certain else NO_LEAVES, leaves, is_spoken=True)


def suited(tree: CategoryTree, leaves: Leaves, audience: frozenset[Audience]) -> Leaves:
    """The leaves for these people; for people unknown, none that has a like leaf for anybody."""
    return frozenset(
        leaf
        for leaf in leaves
        if not tree.audiences[leaf]
        or tree.audiences[leaf] & audience
        or (not audience and all(tree.audiences[like] for like in tree.likes[leaf]))
    )


def read_title(tree: CategoryTree, words: str, possible: Leaves) -> tuple[Reading, str]:
    """The product named first counts, and any that is named twice; later names come near.

    Names of products that are not possible say nothing: a title is full of them.
    """
    strengths: list[list[tuple[str, Leaves]]] = [[] for _ in (tree.named, *tree.weak)]
    for name, is_product in tree.words.find(words):
        if not is_product and name not in tree.counting_inside:
            continue
        for meanings, said in zip((tree.named, *tree.weak), strengths, strict=True):
            if leaves := meanings.get(name, NO_LEAVES) & possible:
                said.append((name, leaves))
                break
        else:
            if name in tree.unlisted and not strengths[0]:
                strengths[0].append((name, NO_LEAVES))
    strongest = next((said for said in strengths if said), [])
    if not strongest:
        return Reading(), ""
    first_name, first = strongest[0]
    counts = Counter(leaf for _, leaves in strongest for leaf in leaves)
    named = first.union(leaf for leaf, times in counts.items() if times > 1)
    return Reading(named, frozenset(counts), is_spoken=True), first_name


def audience_in(tree: CategoryTree, nodes: Path, words: str) -> tuple[frozenset[Audience], str]:
    """Whom the product is for: the deepest word in the path, as the title narrows or widens it."""
    in_title, title_name = audience_of_text(tree, words)
    for node in reversed(nodes):
        in_path, name = audience_of_text(tree, node)
        if in_path:
            audience = in_path & in_title or in_path
            if in_title >= AUDIENCES["both"]:
                audience |= in_title
            return by_size(audience, words), name
    return by_size(in_title, words), title_name


def audience_of_text(tree: CategoryTree, text: str) -> tuple[frozenset[Audience], str]:
    """All audiences that the text names; words for any child count only beside no other."""
    found = [name for name, _ in tree.audience_book.find(text)]
    exact = [name for name in found if name not in tree.child_words]
    audience = frozenset[Audience]().union(*(tree.audience_words[name] for name in exact or found))
    return audience, found[0] if found else ""


def by_size(audience: frozenset[Audience], words: str) -> frozenset[Audience]:
    """Tell babies from older children by the sizes in centimetres, where both are possible."""
    if not audience >= AUDIENCES["child"]:
        return audience
    sizes = {int(size) for size in _SIZE.findall(words)}
    is_baby, is_kids = (not sizes.isdisjoint(r) for r in (_BABY_SIZES_CM, _KIDS_SIZES_CM))
    if is_baby == is_kids:
        return audience
    return audience - AUDIENCES["kids" if is_baby else "baby"]
