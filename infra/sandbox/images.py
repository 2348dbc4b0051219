"""Main images: a plain product shape on white, drawn in the standard library, 500 × 500 pixels."""

from __future__ import annotations

import struct
import zlib
from functools import cache

from infra.sandbox.goods import draw

SIDE_PIXELS = 500

_MARGIN_PIXELS = 90
_CORNER_PIXELS = 60
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def image_of(asin: str) -> bytes:
    """A PNG whose shape and colour belong to the ASIN."""
    lot = draw("image", asin)
    colour = bytes(40 + lot // 200**place % 160 for place in range(3))
    palette = b"\xff\xff\xff" + colour
    header = struct.pack(">IIBBBBB", SIDE_PIXELS, SIDE_PIXELS, 8, 3, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", _pixels(lot % 3)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


@cache
def _pixels(shape: int) -> bytes:
    """Compressed rows of palette indices: 0 is white, 1 the product's colour."""
    rows = bytearray()
    for y in range(SIDE_PIXELS):
        half = _half_width_pixels(shape, abs(y - SIDE_PIXELS // 2))
        blank = bytes(SIDE_PIXELS // 2 - half)
        rows += b"\0" + blank + b"\1" * (2 * half) + blank
    return zlib.compress(bytes(rows), 9)


def _half_width_pixels(shape: int, height: int) -> int:
    """Half the width of the shape at that height from its middle: bottle, disc or box."""
    radius = SIDE_PIXELS // 2 - _MARGIN_PIXELS
    if height >= radius:
        return 0
    if shape == 0:
        return int((radius**2 - height**2) ** 0.5)
    width = radius if shape == 1 else radius // 2
    inset = max(0, height - (radius - _CORNER_PIXELS))
    return width - _CORNER_PIXELS + int((_CORNER_PIXELS**2 - inset**2) ** 0.5)
