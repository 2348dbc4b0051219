"""What looks like a watermark: known wording, repetition, pale or slanted text, things in corners.

Heuristic. What is found may refuse a picture; that nothing is found does not prove it free.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.images import Mark
from infra.images.backdrop import Backdrop, Mask
from infra.images.patterns import find_pattern
from infra.images.reading import Line

REPEATS_MIN = 3
WORD_LENGTH_MIN = 2
PALE_CONTRAST_MAX = 78
SLANT_DEGREES_MIN = 12
BACKDROP_SHARE_MIN = 0.5
STRADDLE_SHARE_MIN = 0.15
WIDE_TEXT_SHARE = 0.45
LARGE_TEXT_SHARE = 0.085
CORNER_SHARE = 0.22
CORNER_MARK_AREA_SHARE_MIN = 0.0008
CORNER_MARK_AREA_SHARE_MAX = 0.04
SMALL_TEXT_SHARE_MAX = 0.045

WORDING = re.compile(
    r"©|\(c\)|ⓒ|copyright|allrightsreserved|rightsreserved|www\.|https?:|\.com\b|\.cn\b|\.net\b|"
    r"\.co\.jp|\.shop\b|\.store\b|@[a-z0-9_]{3,}|微信|vx[:：]|wechat|qq[:：]?\d{5,}|1688|淘宝|天猫|拼多多|"
    r"旗舰店|旗艦店|专营店|专卖店|官方店|厂家直销|批发|盗图|必究|水印|无断|無断|転載|転用|禁止|無断使用|"
    r"[a-z0-9-]{3,}\.(?:jp|com?|cn|net|org|shop|store|tw|hk|kr|info|biz|xyz|top|vip)(?![a-z])|"
    r"(?<!\d)(?:\+?\d{1,3}-)?\d{2,4}-\d{3,4}-\d{4}(?!\d)|sample|サンプル|見本|preview|watermark|shutterstock|gettyimages|alamy|pixta|tel[:：.]?\d|電話[:：]?\d|"
    r"电话[:：]?\d|手机[:：]?\d|line(?:id)?[:：]|instagram|tiktok|youtube"
)


@dataclass(frozen=True)
class Seen:
    """A line with what the marks are told by. Contrast is in grey levels, sizes are shares."""

    line: Line
    contrast: float
    slant_degrees: float
    backdrop_share: float
    width_share: float
    height_share: float
    corner: str


def find_marks(grey: NDArray[np.uint8], backdrop: Backdrop, lines: Sequence[Line]) -> list[Mark]:
    """Every sign of a watermark, the surest sign of each line only."""
    seen = [look_at(line, grey, backdrop.mask) for line in lines]
    marks = [mark for each in seen if (mark := mark_of(each, seen))]
    marks += find_pattern(backdrop)
    return marks + list(find_corner_marks(backdrop, lines, grey.shape))


def mark_of(seen: Seen, others: Sequence[Seen]) -> Mark | None:
    signs = [(kind, score) for kind, score in signs_of(seen, others) if score]
    if not signs:
        return None
    kind, score = max(signs, key=lambda sign: sign[1])
    return Mark(kind=kind, score=score, evidence=seen.line.text)


def signs_of(seen: Seen, others: Sequence[Seen]) -> Iterator[tuple[str, float]]:
    words = bare(seen.line.text)
    is_pale = seen.contrast < PALE_CONTRAST_MAX
    is_slanted = seen.slant_degrees >= SLANT_DEGREES_MIN
    is_print = not is_pale and not is_slanted and not seen.backdrop_share
    yield "wording", (0.6 if is_print else 0.9) * bool(WORDING.search(spelt(seen.line.text)))
    yield "repeated_text", 0.9 * is_repeated(seen, others)
    if len(words) < WORD_LENGTH_MIN:
        return
    if not is_pale:
        yield "corner_text", 0.55 * is_small_in_corner(seen)
        return
    yield "pale_text", 0.8 * (seen.backdrop_share >= BACKDROP_SHARE_MIN)
    yield "slanted_text", (0.8 if seen.backdrop_share > 0 else 0.7) * is_slanted
    yield "wide_text", 0.8 * is_straddling(seen)
    yield "wide_text", 0.6 * is_large(seen)
    yield "corner_text", 0.65 * bool(seen.corner)


def is_repeated(seen: Seen, others: Sequence[Seen]) -> bool:
    """The same words again and again; a single sign, as which a logo is read, on the background."""
    words = bare(seen.line.text)
    alike = [other for other in others if bare(other.line.text) == words]
    if len(words) >= WORD_LENGTH_MIN:
        return len(alike) >= REPEATS_MIN
    return sum(other.backdrop_share >= BACKDROP_SHARE_MIN for other in alike) > REPEATS_MIN


def is_large(seen: Seen) -> bool:
    return seen.height_share >= LARGE_TEXT_SHARE and seen.width_share >= WIDE_TEXT_SHARE


def is_small_in_corner(seen: Seen) -> bool:
    return bool(
        seen.corner
        and seen.height_share <= SMALL_TEXT_SHARE_MAX
        and seen.backdrop_share >= BACKDROP_SHARE_MIN
    )


def is_straddling(seen: Seen) -> bool:
    """Text on a product ends where the product ends; this runs on over the background."""
    is_across = STRADDLE_SHARE_MIN <= seen.backdrop_share < BACKDROP_SHARE_MIN
    return is_across and seen.width_share >= WIDE_TEXT_SHARE


def spelt(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def bare(text: str) -> str:
    return "".join(letter for letter in spelt(text) if letter.isalnum())


def look_at(line: Line, grey: NDArray[np.uint8], mask: Mask) -> Seen:
    """Where a line lies, how it is turned and how far its ink is from its ground."""
    height, width = grey.shape
    start, end = line.corners[0], line.corners[1]
    text_width = float(np.linalg.norm(end - start))
    text_height = float(np.linalg.norm(line.corners[3] - start))
    degrees = abs(float(np.degrees(np.arctan2(*(end - start)[::-1]))))
    return Seen(
        line=line,
        contrast=contrast_of(line, grey),
        slant_degrees=min(degrees % 90, 90 - degrees % 90),
        backdrop_share=backdrop_share(line, grey.shape, mask),
        width_share=text_width / width,
        height_share=min(text_height, text_width) / height,
        corner=corner_of(*(line.corners.mean(axis=0) / (width, height))),
    )


def contrast_of(line: Line, grey: NDArray[np.uint8]) -> float:
    """Grey levels between the strokes and what lies around each of them."""
    patch = straightened(line, grey)
    if patch.size < 16:
        return 255.0
    size = min(255, max(3, min(patch.shape) * 4 // 5 | 1))
    distance = cv2.absdiff(patch, cv2.medianBlur(patch, size))
    return float(np.percentile(distance, 88))


def straightened(line: Line, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The line's patch, turned upright, at its own size."""
    corners = line.corners
    width = max(1, round(float(np.linalg.norm(corners[1] - corners[0]))))
    height = max(1, round(float(np.linalg.norm(corners[3] - corners[0]))))
    upright = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    turn = cv2.getPerspectiveTransform(corners, upright)
    return np.asarray(cv2.warpPerspective(grey, turn, (width, height)), dtype=np.uint8)


def backdrop_share(line: Line, shape: tuple[int, ...], mask: Mask) -> float:
    """How much of the line's frame is over the background, its ink left out of account."""
    height, width = shape
    scale = np.array([mask.shape[1] / width, mask.shape[0] / height])
    centre = line.corners.mean(axis=0)
    frame = ((line.corners - centre) * 1.15 + centre) * scale
    steps = np.linspace(0, 1, 24)[:, None]
    points = (
        np.concatenate(
            [frame[place] * (1 - steps) + frame[(place + 1) % 4] * steps for place in range(4)]
        )
        .round()
        .astype(int)
    )
    columns = points[:, 0].clip(0, mask.shape[1] - 1)
    rows = points[:, 1].clip(0, mask.shape[0] - 1)
    return float(mask[rows, columns].mean())


def corner_of(x: float, y: float) -> str:
    """Which corner a place is in, as shares of the picture; empty where it is in none."""
    across = "left" if x < CORNER_SHARE else "right" if x > 1 - CORNER_SHARE else ""
    down = "top" if y < CORNER_SHARE else "bottom" if y > 1 - CORNER_SHARE else ""
    return f"{down} {across}" if across and down else ""


def find_corner_marks(
    backdrop: Backdrop, lines: Sequence[Line], shape: tuple[int, ...]
) -> Iterator[Mark]:
    """Small things apart from the product, each in a corner of a background that is white."""
    if backdrop.white <= 0:
        return
    darkest = backdrop.small.min(axis=2)
    ink = (darkest < 245).astype(np.uint8)
    joined = cv2.dilate(ink, np.ones((5, 5), np.uint8))
    count, _, boxes, centres = cv2.connectedComponentsWithStats(joined)
    size = np.array(ink.shape[::-1])
    for place in range(1, count):
        area = boxes[place][2] * boxes[place][3] / ink.size
        where = corner_of(*(centres[place] / size))
        is_small = CORNER_MARK_AREA_SHARE_MIN <= area <= CORNER_MARK_AREA_SHARE_MAX
        if where and is_small and not holds_words(boxes[place], size, lines, shape):
            yield Mark(kind="corner_mark", score=0.65, evidence=where)


def holds_words(
    box: NDArray[np.int32], size: NDArray[np.int64], lines: Sequence[Line], shape: tuple[int, ...]
) -> bool:
    """Whether a line lies in this box: then the line is judged, not the box."""
    left, top, width, height = box[:4]
    for line in lines:
        x, y = line.corners.mean(axis=0) / (shape[1], shape[0]) * size
        if left <= x <= left + width and top <= y <= top + height:
            return True
    return False
