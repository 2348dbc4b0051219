"""What script a text is written in: told apart by its characters, nothing else."""

from __future__ import annotations

import re

_KANA = re.compile(r"[ぁ-ゖァ-ヺｦ-ﾝ]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")


def has_kana(text: str) -> bool:
    return bool(_KANA.search(text))


def has_japanese(text: str) -> bool:
    """Kana, or kanji that are all in use in Japan: 天然木香炉 may be Japanese, 电动牙刷 is not."""
    return has_kana(text) or (bool(_HAN.search(text)) and not foreign_han(text))


def foreign_han(text: str) -> str:
    """The Chinese characters of the text that Japan's own character set does not have."""
    return "".join(dict.fromkeys(each for each in _HAN.findall(text) if not is_in_jis(each)))


def is_in_jis(character: str) -> bool:
    try:
        character.encode("euc_jp")
    except UnicodeEncodeError:
        return False
    return True


def kana_share(text: str) -> float:
    """Kana among the letters of a text, 0-1; running Japanese is rarely below a third."""
    kana = len(_KANA.findall(text))
    letters = kana + len(_HAN.findall(text)) + len(_LATIN.findall(text))
    return kana / letters if letters else 0.0
