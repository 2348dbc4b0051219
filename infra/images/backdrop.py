"""How white is a picture's background, 0 to 1, and which pixels are background at all.

It looks at a small copy, in which JPEG's noise is averaged away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SMALL_SIDE_PIXELS = 400
WHITE_LEVEL = 250
LIGHT_LEVEL = 200
LIGHT_CHROMA_MAX = 40
EDGE_LEVELS_MIN = 8
RING_SHARE = 0.02
CORNER_SHARE = 0.04
FRAMED_AREA_SHARE = 0.6
FRAMED_FILL_SHARE = 0.88
FRAMED_SCORE_MAX = 0.2

Mask = NDArray[np.bool_]
Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class Backdrop:
    """The small copy and what is seen of its light background; `white` is the score.

    `mask` ends at every edge; `light` also goes through what is pale: a product, a watermark.
    """

    white: float
    mask: Mask
    light: Mask
    small: Levels


def look_at_backdrop(picture: Image.Image) -> Backdrop:
    """Score the background of an RGB picture."""
    small = np.asarray(shrunk(picture, SMALL_SIDE_PIXELS))
    darkest, lightest = small.min(axis=2), small.max(axis=2)
    light: Mask = (darkest >= LIGHT_LEVEL) & (lightest - darkest <= LIGHT_CHROMA_MAX)
    mask = seen_from_border(light & is_smooth(small))
    white = min(
        ramp(white_share(darkest[ring_of(darkest.shape)]), 0.45, 0.75),
        backdrop_score(darkest[mask]),
        ramp(white_corner_count(darkest), 1.0, 2.5),
    )
    if is_framed(darkest >= WHITE_LEVEL):
        white = min(white, FRAMED_SCORE_MAX)
    return Backdrop(white, mask, seen_from_border(light), small)


def shrunk(picture: Image.Image, side_pixels: int) -> Image.Image:
    """A copy that fits into the square, by box average; a smaller picture is left as it is."""
    width, height = picture.size
    scale = side_pixels / max(width, height)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture.resize(size, Image.Resampling.BOX)


def is_smooth(small: Levels) -> Mask:
    """No edge here: the nine pixels around differ little. It ends a run also at a pale product."""
    grey = small.mean(axis=2, dtype=np.float32)
    padded = np.pad(grey, 1, mode="edge")
    around = np.stack([padded[y : y + grey.shape[0], x : x + grey.shape[1]] for y, x in _AROUND])
    return np.asarray(np.ptp(around, axis=0) < EDGE_LEVELS_MIN)


_AROUND = [(y, x) for y in range(3) for x in range(3)]


def seen_from_border(passable: Mask) -> Mask:
    """What straight runs from the four sides reach."""
    return (
        np.logical_and.accumulate(passable, axis=0)
        | np.logical_and.accumulate(passable[::-1], axis=0)[::-1]
        | np.logical_and.accumulate(passable, axis=1)
        | np.logical_and.accumulate(passable[:, ::-1], axis=1)[:, ::-1]
    )


def ring_of(shape: tuple[int, ...]) -> Mask:
    """The outermost 2 % on each side."""
    width = max(2, round(RING_SHARE * min(shape)))
    ring = np.ones(shape, dtype=np.bool_)
    ring[width:-width, width:-width] = False
    return ring


def white_share(levels: Levels) -> float:
    return float(np.mean(levels >= WHITE_LEVEL)) if levels.size else 0.0


def backdrop_score(levels: Levels) -> float:
    """Mostly white, with a contact shadow allowed; a grey that is the same all over is not."""
    if not levels.size:
        return 0.0
    quartile, median = np.percentile(levels, (25, 50))
    return min(
        ramp(white_share(levels), 0.55, 0.80),
        ramp(float(median), 245, WHITE_LEVEL),
        ramp(float(quartile), 240, WHITE_LEVEL),
    )


def white_corner_count(levels: Levels) -> float:
    side = max(2, round(CORNER_SHARE * min(levels.shape)))
    corners = (
        levels[:side, :side], levels[:side, -side:], levels[-side:, :side], levels[-side:, -side:],
    )  # fmt: skip
    return sum(float(np.median(corner)) >= WHITE_LEVEL for corner in corners)


def is_framed(white: Mask) -> bool:
    """One full rectangle over most of the picture: a photograph in a white frame."""
    rows, columns = (np.flatnonzero(white.mean(axis=axis) < 0.5) for axis in (1, 0))
    if not (rows.size and columns.size):
        return False
    inside = white[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    is_large = inside.size >= FRAMED_AREA_SHARE * white.size
    return is_large and float(np.mean(~inside)) > FRAMED_FILL_SHARE


def ramp(value: float, low: float, high: float) -> float:
    """0 at `low` and below, 1 at `high` and above, straight in between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
