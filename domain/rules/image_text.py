"""Is a label that was read in a picture Japanese, and does it show the name that the title has.

It judges text as OCR gives it, so letters that look alike count as the same. Standard library only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from domain.values import Value

KANA_MIN = 2
RUN_LENGTH_MIN = 2
NAME_LENGTH_MIN = 3
LONG_RUN_LENGTH_MIN = 5
LONG_RUN_SHARE_MIN = 0.5

_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_CJK = re.compile(r"[ぁ-ゖァ-ヺー々〆一-鿿㐀-䶿]")
_KANJI = re.compile(r"[一-鿿㐀-䶿]")
_WORD = re.compile(r"[^\W_]")

_UNSAFE_KANA = frozenset("カニロタエハトヘベペノミオチソンツシへべぺ")
"""Kana that look like kanji or like each other's strokes: in a Chinese line they are misread."""

_LOOK_ALIKE = str.maketrans(
    "口力二工夕卜八一丶-‐–—―〜~ぁぃぅぇぉゃゅょっゎゐゑ顏說稅淸靑產黃綠增敎眞髮",
    "ろかにえたとはーー" + "ー" * 7 + "あいうえおやゆよつわいえ顔説税清青産黄緑増教真髪",
)
_PROMOTION = re.compile(
    r"送料無料|即日発送|当日発送|翌日配達|あす楽|ぽいんと\d*倍|期間限定|数量限定|限定|新品|正規品|公式|"
    r"日本製|国産|中国製|日本語|説明書|付き|つき|保証|安心|人気|おすすめ|らんきんぐ|第?\d+位|せーる|"
    r"割引|税込|新商品|新登場|新発売|最新|お得|大特価|特価|高品質"
)
_QUANTITY = re.compile(
    r"\d+(?:\.\d+)?(?:個|枚|本|点|組|袋|箱|缶|ぱつく|せつと|人|合|畳|段|色|歳|日|時間|円|倍|回|"
    r"ml|l|g|kg|cm|mm|m|w|v|mah|いんち|%)?(?:入り?|組|せつと)?"
)

How = Literal["kana", "kanji", "foreign", ""]


class Label(Value):
    """What tells the label's language, and the lines that do.

    `kanji`: characters that only Japan uses. `foreign`: characters that Japan does not use.
    """

    how: How
    lines: tuple[str, ...] = ()


def label_in(sure: Sequence[str], lines: Sequence[str]) -> Label:
    """Look for kana in all lines, then for Japan's own kanji in those that were read for sure.

    One letter that Japan does not use may be misread (剤 as 剂): it takes two to tell.
    """
    if kana := [line for line in lines if safe_kana_count(line) >= KANA_MIN]:
        return Label(how="kana", lines=tuple(kana))
    foreign = [line for line in sure if any(map(is_outside_japan, line))]
    if len({letter for line in foreign for letter in line if is_outside_japan(letter)}) > 1:
        return Label(how="foreign", lines=tuple(foreign))
    kanji = [line for line in sure if any(map(is_only_japanese, line))]
    return Label(how="kanji", lines=tuple(kanji)) if kanji and not foreign else Label(how="")


def safe_kana_count(line: str) -> int:
    return sum(1 for letter in _KANA.findall(line) if letter not in _UNSAFE_KANA)


def is_undecided_script(line: str) -> bool:
    """Whether it may be Japanese or Chinese: kanji that no other line tells apart."""
    return len(_KANJI.findall(line)) >= RUN_LENGTH_MIN


def is_telling(line: str) -> bool:
    """Whether there is a word in it at all."""
    return len(_WORD.findall(line)) > 1


@cache
def is_only_japanese(letter: str) -> bool:
    """A kanji of JIS that is neither in GB 2312 nor in Big5."""
    return bool(_KANJI.fullmatch(letter)) and charsets_of(letter) == {"shift_jis"}


@cache
def is_outside_japan(letter: str) -> bool:
    """A kanji that JIS does not have: a simplified or regional form."""
    return bool(_KANJI.fullmatch(letter)) and "shift_jis" not in charsets_of(letter)


def charsets_of(letter: str) -> set[str]:
    return {name for name in ("shift_jis", "gb2312", "big5") if has_letter(name, letter)}


def has_letter(charset: str, letter: str) -> bool:
    try:
        letter.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def name_share(line: str, title: str, brand: str | None = None) -> float:
    """How much of the line is part of the title's name, 0 to 1; 1 where a long part of it is.

    Quantities, promotion and the brand are no part of a name; a line without more counts 0.
    """
    name = folded(title)
    if brand:
        name = name.replace(folded(brand), "")
    label, wanted = cjk_in(line), "".join(_CJK.findall(name))
    if len(label) < RUN_LENGTH_MIN:
        return 0.0
    runs = list(common_runs(label, wanted))
    share, longest = sum(runs) / len(label), max(runs, default=0)
    if longest >= LONG_RUN_LENGTH_MIN and share >= LONG_RUN_SHARE_MIN:
        return 1.0
    is_long_enough = sum(runs) >= NAME_LENGTH_MIN or len(label) == RUN_LENGTH_MIN
    return share if is_long_enough else 0.0


def cjk_in(line: str) -> str:
    return "".join(_CJK.findall(folded(line)))


def folded(text: str) -> str:
    """Letters as they look: one width, one kana, no small ones; without quantity and promotion."""
    plain = unicodedata.normalize("NFKC", text).lower()
    kana = "".join(hiragana_of(letter) for letter in plain).translate(_LOOK_ALIKE)
    return _QUANTITY.sub("", _PROMOTION.sub("", kana))


def hiragana_of(letter: str) -> str:
    return chr(ord(letter) - 0x60) if "ァ" <= letter <= "ヶ" else letter


def common_runs(label: str, wanted: str) -> Iterator[int]:
    """Lengths of the label's pieces that the other text holds too, each as long as can be."""
    place = 0
    while place < len(label):
        length = 0
        while place + length < len(label) and label[place : place + length + 1] in wanted:
            length += 1
        if length >= RUN_LENGTH_MIN:
            yield length
        place += max(length if length >= RUN_LENGTH_MIN else 1, 1)


def own_words(text: str) -> str:
    """Letters and digits only, folded: to see whether one text is part of another."""
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
