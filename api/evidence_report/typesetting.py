"""Sets text of several scripts on pages of a PDF, with the fonts that every viewer brings along.

No font is embedded: Latin is Helvetica, Japanese and Chinese are the CID fonts that Adobe's
standard names, and a viewer puts its own in their place. What none of them has is shown as 〓.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

LATIN, LATIN_BOLD, FIXED = "Helvetica", "Helvetica-Bold", "Courier"
JAPANESE, CHINESE = "HeiseiKakuGo-W5", "STSong-Light"
MISSING = "〓"
ORDERS = {
    "en": (("cp1252", LATIN), ("cp932", JAPANESE), ("gbk", CHINESE)),
    "ja": (("latin-1", LATIN), ("cp932", JAPANESE), ("gbk", CHINESE), ("cp1252", LATIN)),
    "zh": (("latin-1", LATIN), ("gbk", CHINESE), ("cp932", JAPANESE), ("cp1252", LATIN)),
}
"""Which font has a character, by what encodes it; the first that does, per language."""
NOT_FIRST = frozenset(
    "、。，．・：；？！）］｝」』】〉》〕”’ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々,.;:?!)]}%"
)
MARGIN, FOOT = 48.0, 52.0
WIDTH: float = A4[0]
HEIGHT: float = A4[1]
FONT = itemgetter(1)
OUTLINE = 0.2
GREY, BLACK = 0.38, 0.08


class Style(NamedTuple):
    """How a paragraph looks; sizes are points."""

    size: float = 9.0
    leading: float = 13.5
    is_bold: bool = False
    is_fixed: bool = False
    grey: float = BLACK
    space_before: float = 0.0
    space_after: float = 0.0


class Placed(NamedTuple):
    """One line at its place on a page; `text` None is a rule across the page."""

    x: float
    y: float
    text: str | None
    style: Style
    language: str


@cache
def registered() -> None:
    """The CID fonts, made known to the library once."""
    for name in (JAPANESE, CHINESE):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


@lru_cache(16_384)
def glyph(char: str, language: str, style: Style) -> tuple[str, str, float]:
    """The character as it is shown, its font, and how wide it is."""
    if not char.isprintable():
        char = " "
    font = next((font for code, font in ORDERS[language] if is_in(char, code)), None)
    if font is None:
        char, font = MISSING, JAPANESE
    if font == LATIN:
        font = FIXED if style.is_fixed else LATIN_BOLD if style.is_bold else LATIN
    return char, font, float(pdfmetrics.stringWidth(char, font, style.size))


def is_in(char: str, code: str) -> bool:
    """Beyond the plane of the oldest characters the CID fonts have none."""
    if ord(char) > 0xFFFF:
        return False
    try:
        char.encode(code)
    except UnicodeEncodeError:
        return False
    return True


def broken(text: str, width: float, language: str, style: Style) -> Iterator[str]:
    """Lines that fit: broken at spaces or between CJK characters, an id wherever it must be."""
    line, used, may_break = "", 0.0, 0
    for char in text:
        size = glyph(char, language, style)[2]
        if used + size > width and line and char not in NOT_FIRST:
            cut = may_break if may_break > len(line) // 2 else len(line)
            yield line[:cut].rstrip()
            line = line[cut:].lstrip()
            used, may_break = sum(glyph(each, language, style)[2] for each in line), 0
        line += char
        used += size
        if char == " " or not char.isascii():
            may_break = len(line)
    if line or not text:
        yield line


class Sheet:
    """Fills page after page from the top."""

    def __init__(self, language: str) -> None:
        registered()
        self.language = language
        self.pages: list[list[Placed]] = [[]]
        self._y = HEIGHT - MARGIN

    def paragraph(
        self, text: str, style: Style, indent: float = 0.0, *, language: str | None = None
    ) -> None:
        """One paragraph across the page."""
        tongue = language or self.language
        self._y -= style.space_before
        for line in broken(text, WIDTH - 2 * MARGIN - indent, tongue, style):
            self._need(style.leading)
            self._y -= style.leading
            self.pages[-1].append(Placed(MARGIN + indent, self._y, line, style, tongue))
        self._y -= style.space_after

    def pair(
        self, label: str, text: str, at: float, styles: tuple[Style, Style], *,
        language: str | None = None,
    ) -> None:  # fmt: skip
        """A label and, from `at` on, what it is; each is broken in its own column."""
        tongue = language or self.language
        left = broken(label, at - 8, self.language, styles[0])
        right = broken(text, WIDTH - 2 * MARGIN - at, tongue, styles[1])
        for one, other in longest(left, right):
            self._need(styles[1].leading)
            self._y -= styles[1].leading
            page = self.pages[-1]
            page.append(Placed(MARGIN, self._y, one, styles[0], self.language))
            page.append(Placed(MARGIN + at, self._y, other, styles[1], tongue))

    def rule(self, space: float = 8.0) -> None:
        """A line across the page, where more follows on it."""
        self._need(space + 40)
        self._y -= space
        self.pages[-1].append(Placed(MARGIN, self._y, None, Style(), self.language))

    def _need(self, height: float) -> None:
        if self._y - height < FOOT:
            self.pages.append([])
            self._y = HEIGHT - MARGIN

    def pdf(self, title: str, tag: str, foot: Callable[[int, int], str]) -> bytes:
        """The document; equal content gives equal bytes. `foot` says page and pages."""
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=1, lang=tag)
        canvas.setTitle(title)
        canvas.setAuthor("")
        for number, page in enumerate(self.pages, start=1):
            line = foot(number, len(self.pages))
            style = Style(8, grey=GREY)
            draw(canvas, [*page, Placed(MARGIN, FOOT / 2, line, style, self.language)])
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()


def longest(left: Iterator[str], right: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Both columns side by side, the shorter one filled up."""
    lefts, rights = list(left), list(right)
    for place in range(max(len(lefts), len(rights))):
        yield at(lefts, place), at(rights, place)


def at(lines: Sequence[str], place: int) -> str:
    return lines[place] if place < len(lines) else ""


def draw(canvas: Any, page: Sequence[Placed]) -> None:
    """A page's rules, then its lines, font by font."""
    canvas.setStrokeGray(0.75)
    canvas.setLineWidth(0.5)
    for placed in page:
        if placed.text is None:
            canvas.line(placed.x, placed.y, WIDTH - MARGIN, placed.y)
    canvas.setStrokeGray(BLACK)
    canvas.setLineWidth(OUTLINE)
    written = canvas.beginText()
    grey = None
    for placed in page:
        if placed.text:
            if placed.style.grey != grey:
                grey = placed.style.grey
                written.setFillGray(grey)
            write(written, placed)
    canvas.drawText(written)


def write(written: Any, placed: Placed) -> None:
    """One line; CJK has no bold of its own and gets an outline."""
    style = placed.style
    written.setTextOrigin(placed.x, placed.y)
    glyphs = [glyph(char, placed.language, style) for char in placed.text or ""]
    for font, run in groupby(glyphs, key=FONT):
        is_outlined = style.is_bold and font in (JAPANESE, CHINESE)
        if is_outlined:
            written.setTextRenderMode(2)
        written.setFont(font, style.size)
        written.textOut("".join([char for char, *_ in run]))
        if is_outlined:
            written.setTextRenderMode(0)
