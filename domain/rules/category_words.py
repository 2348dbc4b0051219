"""Finds names of products in titles and browse paths, and tells the product from what it is for.

Japanese puts the product last: in スマートウォッチバンド the band is sold, not the watch.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from domain.policy.category_policy import WordMarks

_MARK = "ー"
_BRAND = re.compile(r"\[[^\]]*\]")
_SPACES = re.compile(r"\s+")
_SLASHES = str.maketrans(
    {"’": "'", "/": "・", "·": "・", "〜": "~", "‐": "-", "‑": "-", "–": "-", "—": "-"}
)
_SHORT_NAME_LENGTH_MAX = 3


class Found(NamedTuple):
    """A known name in a text; `is_product` where it names the product itself."""

    name: str
    is_product: bool


def spelled(text: str) -> str:
    """The spelling in which texts are compared: width, case, `/`, spaces, a last `ー` are one."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_SLASHES)
    return _SPACES.sub(" ", folded).strip().removesuffix(_MARK)


plain = lru_cache(maxsize=16_384)(spelled)
"""The same for names that come again and again: of categories and of browse nodes."""


def without_brands(title: str) -> str:
    """Amazon writes the brand of fashion in square brackets; it names no product."""
    return _BRAND.sub(" ", unicodedata.normalize("NFKC", title))


def script_of(character: str) -> str:
    """The script, as far as it tells where a Japanese word ends; empty for a separator."""
    if "ァ" <= character <= "ヺ" or character == _MARK:
        return "katakana"
    if "一" <= character <= "鿿" or character == "々":
        return "kanji"
    if character.isascii() and character.isalnum():
        return "latin"
    return ""


class WordBook:
    """All known names, ready to be found in a text; the longest name at a place counts."""

    def __init__(self, names: Iterable[str], marks: WordMarks) -> None:
        self._names = frozenset(map(plain, names)) - {""}
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for name in self._names:
            lengths[name[0]].add(len(name))
        self._lengths = {
            first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()
        }
        self._outside_marks = (*marks.for_marks, *marks.with_marks)
        self._neutral_endings = marks.neutral_endings

    def find(self, text: str) -> list[Found]:
        """The names in a plain text from left to right."""
        places = list(self._places(text))
        starts = {start for _, start, _ in places}
        ends = {end for _, _, end in places}
        return [
            Found(name, self._is_product(text, start, end, starts, ends))
            for name, start, end in places
        ]

    def _places(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Each name with where it starts and ends, a last `ー` included."""
        place = 0
        while place < len(text):
            name = self._name_at(text, place)
            if not name:
                place += 1
                continue
            end = place + len(name)
            end += text.startswith(_MARK, end)
            yield name, place, end
            place = end

    def _name_at(self, text: str, start: int) -> str:
        for length in self._lengths.get(text[start], ()):
            name = text[start : start + length]
            if name in self._names and not is_cut_from_latin(text, start, start + len(name)):
                return name
        return ""

    def _is_product(
        self, text: str, start: int, end: int, starts: set[int], ends: set[int]
    ) -> bool:
        """False for a name within a longer word, and before marks such as 用 and 付き."""
        if end in starts or text.startswith(self._outside_marks, end):
            return False
        if is_end_of_longer_word(text, start, end) and start not in ends:
            return False
        if end == len(text) or text.startswith(self._neutral_endings, end):
            return True
        script = script_of(text[end])
        return not script or script == "latin" or script != script_of(text[end - 1])


def is_cut_from_latin(text: str, start: int, end: int) -> bool:
    """True where a name in Latin letters would begin or end within a longer run of them."""
    before = text[start - 1 : start] + text[start]
    after = text[end - 1] + text[end : end + 1]
    return any(len(pair) == 2 and pair.isascii() and pair.isalnum() for pair in (before, after))


def is_end_of_longer_word(text: str, start: int, end: int) -> bool:
    """True for a short katakana name that an unknown katakana word ends with."""
    if start == 0 or end - start > _SHORT_NAME_LENGTH_MAX:
        return False
    return script_of(text[start - 1]) == script_of(text[start]) == "katakana"
