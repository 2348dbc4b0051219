"""From an image's bytes to its facts. Runs in a process of its own: the bytes are a stranger's.

Nothing is decoded before its size is known, and nothing that can't be decoded is an error of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from domain.images import ImageFacts
from infra.images.backdrop import look_at_backdrop, shrunk
from infra.images.containers import NotWhole, bytes_after_end, format_of
from infra.images.engine import can_read, engine_name

if TYPE_CHECKING:
    from infra.images.reading import Line, TextReader

PIXELS_MAX = 25_000_000
SIDE_PIXELS_MIN = 300
READING_SIDE_PIXELS_MAX = 1024
SURE_LINE_SCORE_MIN = 0.85
LINES_MAX = 60
MARKS_MAX = 20

Image.MAX_IMAGE_PIXELS = None  # `check_size` is stricter, and comes before anything is decoded


class Unusable(Exception):
    """The image itself is at fault; the message is one of the domain's FILE_FAULTS, and a value."""


class Measurer:
    """Measures images one after another; reads their text where the OCR is installed."""

    def __init__(self) -> None:
        self._engine = engine_name()
        self._reader: TextReader | None = None
        self._find_marks: Any = None
        if can_read():
            reading = import_module("infra.images.reading")
            reading.forbid_network()
            self._reader = reading.TextReader()
            self._find_marks = import_module("infra.images.marks").find_marks

    def measure(self, image: bytes) -> ImageFacts:
        """The facts of one image. Raises Unusable."""
        picture = decoded(image)
        backdrop = look_at_backdrop(picture)
        facts = ImageFacts(
            sha256=sha256(image).hexdigest(),
            engine=self._engine,
            width=picture.width,
            height=picture.height,
            white_background=round(backdrop.white, 3),
            is_text_read=self._reader is not None,
        )
        if self._reader is None:
            return facts
        legible = shrunk(picture, READING_SIDE_PIXELS_MAX)
        lines = self._reader.read(np.asarray(legible))[:LINES_MAX]
        marks = self._find_marks(np.asarray(legible.convert("L")), backdrop, lines)
        return facts.model_copy(
            update={
                "marks": tuple(marks[:MARKS_MAX]),
                "lines": texts_of(lines, SURE_LINE_SCORE_MIN, 2.0),
                "doubtful_lines": texts_of(lines, 0.0, SURE_LINE_SCORE_MIN),
            }
        )


def texts_of(lines: Sequence[Line], score_min: float, score_below: float) -> tuple[str, ...]:
    return tuple(line.text for line in lines if score_min <= line.score < score_below)


def decoded(image: bytes) -> Image.Image:
    """The picture, upright, in RGB, on white where it is transparent. Raises Unusable."""
    if format_of(image) is None:
        raise Unusable("not_an_image" if image else "empty")
    try:
        check_end(image)
        return turned_to_rgb(image)
    except Unusable:
        raise
    except NotWhole as error:
        raise Unusable("unreadable") from error
    except Exception as error:  # a decoder may raise anything for bytes made to break it
        raise Unusable("unreadable") from error


def turned_to_rgb(image: bytes) -> Image.Image:
    with Image.open(BytesIO(image), formats=["JPEG", "PNG", "WEBP", "GIF"]) as opened:
        check_size(*opened.size)
        opened.load()
        return flattened(ImageOps.exif_transpose(opened))


def check_end(image: bytes) -> None:
    if extra := bytes_after_end(image):
        raise Unusable(f"bytes_after_end: {extra} bytes")


def check_size(width: int, height: int) -> None:
    size = f"{width} × {height}"
    if width * height > PIXELS_MAX:
        raise Unusable(f"too_many_pixels: {size}")
    if min(width, height) < SIDE_PIXELS_MIN:
        raise Unusable(f"too_small: {size}")


def flattened(picture: Image.Image) -> Image.Image:
    """RGB; what is see-through shows white, and 16 bits a channel are brought to 8."""
    if picture.mode.startswith("I") or picture.mode == "F":
        levels = np.asarray(picture, dtype=np.float64) / 257
        return Image.fromarray(levels.clip(0, 255).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")
