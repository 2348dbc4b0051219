"""Text as rows of pixels, from letters drawn once and kept beside this file (glyphs.bin).

The letters are from Noto Sans CJK JP, under the SIL Open Font License (glyphs.LICENSE).
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

SIDE = 40
"""Pixels of a letter's square; a full-width letter fills it."""

BLANK_PIXELS = 14
GLYPHS = Path(__file__).with_name("glyphs.bin")

_BYTES_PER_LETTER = SIDE * SIDE // 8


@cache
def letters() -> dict[str, tuple[int, tuple[int, ...]]]:
    """Each letter's width, and its rows from the top as numbers: the highest bit is leftmost."""
    content = zlib.decompress(GLYPHS.read_bytes())
    end = content.index(b"\0", 2)
    text = content[2:end].decode()
    widths = content[end + 1 : end + 1 + len(text)]
    squares = content[end + 1 + len(text) :]
    return {
        letter: (widths[place], _rows(squares, place * _BYTES_PER_LETTER))
        for place, letter in enumerate(text)
    }


def _rows(squares: bytes, start: int) -> tuple[int, ...]:
    step = SIDE // 8
    return tuple(
        int.from_bytes(squares[start + row * step : start + (row + 1) * step])
        for row in range(SIDE)
    )


def width_of(text: str) -> int:
    """Pixels that the text takes at its own size; a letter that was never drawn takes none."""
    drawn = letters()
    return sum(BLANK_PIXELS if letter == " " else drawn.get(letter, (0, ()))[0] for letter in text)


@cache
def rows_of_text(text: str, scale: int = 1) -> tuple[bytes, ...]:
    """The text as `SIDE` × scale rows of one byte a pixel: 1 is ink. Wider by the same scale."""
    drawn = letters()
    rows = []
    for row in range(SIDE):
        pieces = []
        for letter in text:
            width, bits = drawn.get(letter, (BLANK_PIXELS if letter == " " else 0, ()))
            line = f"{bits[row]:0{SIDE}b}" if bits else "0" * SIDE
            pieces.append(line[:width])
        ink = "".join(pieces).translate(_PIXELS).encode("latin-1")
        rows += [_widened(ink, scale)] * scale
    return tuple(rows)


_PIXELS = str.maketrans("01", "\0\1")


def _widened(ink: bytes, scale: int) -> bytes:
    if scale == 1:
        return ink
    return b"".join(ink[place : place + 1] * scale for place in range(len(ink)))
