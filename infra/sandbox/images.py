"""Main images: a product on white with its name on a Japanese label, in the standard library.

800 × 800 pixels. A flaw asked for is drawn in, so that the pre-check has something to find.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from infra.sandbox.goods import ImageFlaw, draw, flaw_of, kind_of, kinds, number_of
from infra.sandbox.lettering import SIDE, rows_of_text, width_of

SIDE_PIXELS = 800

WATERMARKS = ("www.hoshizora-market.example", "hoshizora-market.example")
FOREIGN_LABELS = ("PREMIUM QUALITY", "优质产品 进口原料", "BEST CHOICE", "精选面料 匠心工艺")

LOOKS = 4
_IMAGES_KEPT = 512
_MARGIN_PIXELS = 110
_CORNER_PIXELS = 90
_LABEL_PADDING_PIXELS = 24
_LINE_STEP_PIXELS = 16
_MARK_TOPS = (20, 105, 190, 580, 665, 750)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Places in the palette; a watermark's pixel is one of these plus _MARKED.
_GROUND, _GOODS, _LABEL, _INK, _MARKED = 0, 1, 2, 3, 4
_MARK_STRENGTH = 0.28
_MARK_GREY = 110

Canvas = list[bytearray]
Colour = tuple[int, int, int]


def image_of(asin: str, flaw: ImageFlaw | None = None, replaced: int = 0) -> bytes:
    """A PNG; all products of one sort have one of four pictures, each the same to the byte.

    One that was `replaced` so often is a picture of its own, with bytes that no other has.
    """
    picture = _picture_of(asin, flaw)
    if not replaced:
        return picture
    own = _chunk(b"tEXt", f"Comment\0{asin} {replaced}".encode("latin-1"))
    return picture[: -len(_END)] + own + _END


def _picture_of(asin: str, flaw: ImageFlaw | None) -> bytes:
    number = number_of(asin)
    if number is None:
        return _drawn(draw("image", asin) % len(kinds()), draw("look", asin) % LOOKS, flaw)
    kind = kind_of(number, flaw_of(number))
    return _drawn(kinds().index(kind), draw("look", number) % LOOKS, flaw)


@lru_cache(_IMAGES_KEPT)
def _drawn(kind_place: int, look: int, flaw: ImageFlaw | None) -> bytes:
    lot = draw("image", kind_place, look)
    canvas = _with_shape(lot % 3)
    label = FOREIGN_LABELS[look] if flaw == "no_japanese_label" else kinds()[kind_place].noun
    if flaw == "watermark":
        _mark(canvas, WATERMARKS[look % len(WATERMARKS)])
    _stick_label(canvas, label)
    goods = (40 + lot // 3 % 130, 40 + lot // 400 % 130, 40 + lot // 60_000 % 130)
    ground = (150, 190, 214) if flaw == "coloured_background" else (255, 255, 255)
    return _png(canvas, [ground, goods, (255, 252, 240), (24, 24, 28)])


def _with_shape(shape: int) -> Canvas:
    canvas = []
    for y in range(SIDE_PIXELS):
        half = _half_width_pixels(shape, abs(y - SIDE_PIXELS // 2))
        blank = bytes(SIDE_PIXELS // 2 - half)
        canvas.append(bytearray(blank + bytes([_GOODS]) * (2 * half) + blank))
    return canvas


def _half_width_pixels(shape: int, height: int) -> int:
    """Half the width of the shape at that height from its middle: disc, box or bottle."""
    radius = SIDE_PIXELS // 2 - _MARGIN_PIXELS
    if height >= radius:
        return 0
    if shape == 0:
        return int((radius**2 - height**2) ** 0.5)
    width = radius if shape == 1 else radius * 3 // 4
    inset = max(0, height - (radius - _CORNER_PIXELS))
    return width - _CORNER_PIXELS + int((_CORNER_PIXELS**2 - inset**2) ** 0.5)


def _stick_label(canvas: Canvas, text: str) -> None:
    """A light label in the middle with one line a word, as large as fits."""
    lines = text.split(" ")
    room = SIDE_PIXELS - 2 * _MARGIN_PIXELS - 6 * _LABEL_PADDING_PIXELS
    scale = 2 if max(map(width_of, lines)) * 2 <= room else 1
    step = SIDE * scale + _LINE_STEP_PIXELS
    width = max(map(width_of, lines)) * scale + 2 * _LABEL_PADDING_PIXELS
    height = step * len(lines) + 2 * _LABEL_PADDING_PIXELS
    left, top = (SIDE_PIXELS - width) // 2, (SIDE_PIXELS - height) // 2
    for row in canvas[top : top + height]:
        row[left : left + width] = bytes([_LABEL]) * width
    for place, line in enumerate(lines):
        start = (SIDE_PIXELS - width_of(line) * scale) // 2
        _write(canvas, line, scale, start, top + _LABEL_PADDING_PIXELS + place * step)


def _write(canvas: Canvas, text: str, scale: int, left: int, top: int) -> None:
    for row, ink in zip(canvas[top:], rows_of_text(text, scale), strict=False):
        row[left : left + len(ink)] = ink.replace(b"\0", bytes([_LABEL])).replace(
            b"\1", bytes([_INK])
        )


def _mark(canvas: Canvas, text: str) -> None:
    """Lines of the text over product and background alike, above and below the label."""
    ink = rows_of_text(f"{text}   " * 4, 1)
    for turn, top in enumerate(_MARK_TOPS):
        start = turn % 2 * SIDE_PIXELS // 4
        for row, line in zip(canvas[top:], ink, strict=False):
            marks = line[start : start + SIDE_PIXELS].ljust(SIDE_PIXELS, b"\0")
            row[:] = bytes(pixel + _MARKED * mark for pixel, mark in zip(row, marks, strict=True))


def _png(canvas: Canvas, colours: list[Colour]) -> bytes:
    palette = [*colours, *map(_marked, colours)]
    header = struct.pack(">IIBBBBB", SIDE_PIXELS, SIDE_PIXELS, 8, 3, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(row) for row in canvas)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", bytes(level for colour in palette for level in colour)),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _END,
        )
    )


def _marked(colour: Colour) -> Colour:
    """What a see-through grey makes of a light colour, or see-through white of a dark one."""
    grey = _MARK_GREY if sum(colour) > 3 * 128 else 255
    red, green, blue = (round(level + (grey - level) * _MARK_STRENGTH) for level in colour)
    return red, green, blue


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


_END = _chunk(b"IEND", b"")
