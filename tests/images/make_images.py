"""Draws labelled main images: `python -m tests.images.make_images FOLDER --seed N [--hard]`.

The same seed gives the same pictures. They are drawings, so they test the rules, not how well the
rules do on photographs: a seed is another draw from the same distribution and vocabulary.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.images.words import (
    BRANDS,
    CONTACT_MARKS,
    EXTRAS,
    GOODS,
    LEGAL_MARKS,
    NAME_MARKS,
    OTHER_SPELLINGS,
    PHRASE_MARKS,
    SMALL_PRINT,
)  # fmt: skip

SIDE = 800
FONTS = {
    "ja": (
        ("NotoSansCJK-Bold.ttc", 0), ("NotoSansCJK-Regular.ttc", 0), ("NotoSerifCJK-Bold.ttc", 0),
        ("ipag.ttf", 0), ("ipam.ttf", 0), ("TakaoPGothic.ttf", 0), ("TakaoPMincho.ttf", 0),
    ),
    "zh": (
        ("NotoSansCJK-Bold.ttc", 2), ("NotoSansCJK-Regular.ttc", 2), ("NotoSerifCJK-Bold.ttc", 2),
    ),
    "en": (("NotoSansCJK-Bold.ttc", 0), ("NotoSerifCJK-Regular.ttc", 0), ("ipagp.ttf", 0)),
}  # fmt: skip
APT_LINE = "apt-get install fonts-noto-cjk fonts-ipafont fonts-takao"

WHITE = ("plain", "plain", "shadow", "touching")
OTHER = ("coloured", "gradient", "cluttered", "near_white", "framed")
OTHER_HARD = (*OTHER, "half", "cream", "near_white")
MARKS = ("tiled_text", "contact_line", "legal_line", "corner_logo", "centre_text")
MARKS_HARD = (*MARKS, "tiled_logo", "scribble", "centre_text")
LABELS = ("ja", "ja", "ja", "zh", "en", "none")

Pixels = NDArray[np.uint8]


class FontsMissing(Exception):
    """A font that the pictures need is not there; the message says what to install."""


@dataclass(frozen=True)
class Truth:
    """What a picture was drawn with."""

    number: int
    background: str
    is_white: bool
    mark: str
    has_mark: bool
    mark_words: str
    mark_text: str
    mark_alpha: float
    language: str
    has_japanese: bool
    label: str
    font: str
    text_pixels: int
    is_vertical: bool
    title: str
    brand: str
    is_name_in_title: bool
    jpeg_quality: int


def pictures(seed: int, count: int, *, is_hard: bool = False) -> Iterator[tuple[Truth, bytes]]:
    """That many labelled pictures as JPEG. Raises FontsMissing."""
    for number in range(count):
        lot = Random(f"{seed}:{is_hard}:{number}")
        yield Painter(lot, is_hard=is_hard).paint(number)


class Painter:
    """Draws one picture."""

    def __init__(self, lot: Random, *, is_hard: bool) -> None:
        self.lot = lot
        self.is_hard = is_hard

    def paint(self, number: int) -> tuple[Truth, bytes]:
        lot = self.lot
        background = lot.choice(WHITE if lot.random() < 0.5 else self.either(OTHER, OTHER_HARD))
        mark = lot.choice(self.either(MARKS, MARKS_HARD)) if lot.random() < 0.5 else "none"
        language = lot.choice(LABELS)
        names = lot.choice(GOODS)
        label = "" if language == "none" else names[("ja", "zh", "en").index(language)]
        title, brand, is_same = self.title_of(names[0])
        picture = self.background(background)
        area = self.product(picture, background)
        font, size, is_vertical = self.label(picture, area, label, language)
        words, text, alpha = self.mark(picture, mark)
        quality = lot.randint(35, 85) if self.is_hard else lot.randint(75, 95)
        truth = Truth(
            number=number, background=background, is_white=background in WHITE, mark=mark,
            has_mark=mark != "none", mark_words=words, mark_text=text, mark_alpha=round(alpha, 2),
            language=language, has_japanese=language == "ja", label=label, font=font,
            text_pixels=size, is_vertical=is_vertical, title=title, brand=brand,
            is_name_in_title=language == "ja" and is_same, jpeg_quality=quality,
        )  # fmt: skip
        return truth, self.developed(picture, background, quality)

    def either(self, normal: Sequence[str], hard: Sequence[str]) -> Sequence[str]:
        return hard if self.is_hard else normal

    def title_of(self, name: str) -> tuple[str, str, bool]:
        """A title as sellers write them; one in eight calls the thing by other words."""
        brand = self.lot.choice(BRANDS)
        other = OTHER_SPELLINGS.get(name)
        is_same = other is None or self.lot.random() < 0.5
        shown = name if is_same else str(other)
        extras = self.lot.sample(EXTRAS, 3)
        return f"{brand} {extras[0]} {shown} {extras[1]} {extras[2]}", brand, is_same

    def background(self, kind: str) -> Image.Image:
        lot = self.lot
        if kind in WHITE:
            return Image.new("RGB", (SIDE, SIDE), "white")
        if kind == "near_white":
            level = lot.randint(226, 243)
            return Image.new("RGB", (SIDE, SIDE), (level, level, level - lot.randint(0, 3)))
        if kind == "cream":
            return Image.new("RGB", (SIDE, SIDE), (250, 244, lot.randint(214, 232)))
        if kind == "coloured":
            return Image.new("RGB", (SIDE, SIDE), self.colour(90, 235))
        if kind == "gradient":
            return self.gradient(self.colour(120, 250), self.colour(60, 200))
        scene = self.scene()
        if kind == "cluttered":
            return scene
        framed = Image.new("RGB", (SIDE, SIDE), "white")
        if kind == "half":
            framed.paste(scene.crop((0, 0, SIDE, SIDE // 2)), (0, SIDE // 2))
            return framed
        border = lot.randint(24, 70)
        framed.paste(scene.resize((SIDE - 2 * border,) * 2), (border, border))
        return framed

    def gradient(self, start: tuple[int, ...], end: tuple[int, ...]) -> Image.Image:
        share = np.linspace(0, 1, SIDE)[:, None, None]
        rows = np.array(start) * (1 - share) + np.array(end) * share
        return Image.fromarray(np.broadcast_to(rows, (SIDE, SIDE, 3)).astype(np.uint8))

    def scene(self) -> Image.Image:
        """A room without words: a table, a wall, and things on them."""
        lot = self.lot
        picture = self.gradient(self.colour(120, 230), self.colour(80, 200))
        drawing = ImageDraw.Draw(picture)
        drawing.rectangle((0, lot.randint(450, 600), SIDE, SIDE), fill=self.colour(70, 190))
        for _ in range(lot.randint(8, 18)):
            x, y, size = lot.randint(-60, SIDE), lot.randint(-60, SIDE), lot.randint(40, 220)
            box = (x, y, x + size, y + lot.randint(30, 200))
            shape = drawing.ellipse if lot.random() < 0.5 else drawing.rectangle
            shape(box, fill=self.colour(40, 240))
        return picture.filter(ImageFilter.GaussianBlur(lot.uniform(1, 4)))

    def colour(self, low: int, high: int) -> tuple[int, int, int]:
        red, green, blue = (self.lot.randint(low, high) for _ in range(3))
        if max(red, green, blue) - min(red, green, blue) < 30:
            blue = low if blue > (low + high) // 2 else high
        return red, green, blue

    def product(self, picture: Image.Image, background: str) -> tuple[int, int, int, int]:
        """Draw the product with its shading; the box that its label may use."""
        lot = self.lot
        half_width, half_height = lot.randint(150, 290), lot.randint(190, 310)
        x = SIDE // 2 + lot.randint(-40, 40)
        y = SIDE // 2 + lot.randint(-30, 30)
        if background == "touching":
            y = SIDE - half_height + lot.randint(10, 40)
        if background == "shadow":
            self.shadow(picture, x, y + half_height, half_width)
        mask = self.silhouette(x, y, half_width, half_height)
        picture.paste(self.surface(), (0, 0), mask)
        inner = (int(half_width * 0.78), int(half_height * 0.6))
        return x - inner[0], y - inner[1], x + inner[0], y + inner[1]

    def silhouette(self, x: int, y: int, half_width: int, half_height: int) -> Image.Image:
        mask = Image.new("L", (2 * SIDE, 2 * SIDE))
        drawing = ImageDraw.Draw(mask)
        box = tuple(
            2 * v for v in (x - half_width, y - half_height, x + half_width, y + half_height)
        )
        left, top, right, bottom = box
        kind = self.lot.choice(("box", "bottle", "disc", "pouch", "tube"))
        if kind == "disc":
            drawing.ellipse(box, fill=255)
        elif kind == "bottle":
            drawing.rounded_rectangle((left, top + 160, right, bottom), 90, fill=255)
            middle, neck = (left + right) // 2, half_width // 2
            drawing.rectangle((middle - neck, top, middle + neck, top + 200), fill=255)
        elif kind == "tube":
            points = [(left, top), (right, top), (right - 90, bottom), (left + 90, bottom)]
            drawing.polygon(points, fill=255)
        else:
            drawing.rounded_rectangle(box, 14 if kind == "box" else 120, fill=255)
        return mask.resize((SIDE, SIDE), Image.Resampling.BOX)

    def surface(self) -> Image.Image:
        """The product's colour, rounder towards its sides; on the hard set often a pale one."""
        pale = self.is_hard and self.lot.random() < 0.3
        base = np.array(self.colour(200, 245) if pale else self.colour(35, 215))
        light = 1 - 0.35 * np.abs(np.linspace(-1, 1, SIDE)) ** 2
        rows = np.broadcast_to((base * light[:, None])[None], (SIDE, SIDE, 3))
        return Image.fromarray(rows.astype(np.uint8))

    def shadow(self, picture: Image.Image, x: int, y: int, half_width: int) -> None:
        mask = Image.new("L", picture.size)
        box = (x - half_width, y - 24, x + half_width, y + 24)
        ImageDraw.Draw(mask).ellipse(box, fill=self.lot.randint(60, 130))
        picture.paste((90, 90, 95), (0, 0), mask.filter(ImageFilter.GaussianBlur(12)))

    def label(
        self, picture: Image.Image, area: tuple[int, int, int, int], text: str, language: str
    ) -> tuple[str, int, bool]:
        """Write the label on the product: font, size, and whether from top to bottom."""
        if not text:
            return "", 0, False
        lot = self.lot
        left, top, right, bottom = area
        is_vertical = self.is_hard and language == "ja" and lot.random() < 0.15
        name, index = lot.choice(FONTS[language])
        room = (bottom - top) if is_vertical else (right - left)
        size = lot.randint(18, 46) if self.is_hard else lot.randint(30, 64)
        advance = size * 0.62 if language == "en" else size
        size = max(16, min(size, int(size * room * 0.92 / (advance * len(text)))))
        drawn = self.written(text, font_of(name, index, size), is_vertical=is_vertical)
        small = lot.choice(SMALL_PRINT[language])
        is_panel = lot.random() < 0.7
        below = self.written(small, font_of(name, index, max(14, size // 2)))
        patch = self.patch(drawn, below, is_panel=is_panel, base=picture.getpixel((left, top)))
        patch = patch.rotate(lot.uniform(-4, 4), Image.Resampling.BICUBIC, expand=True)
        x = (left + right - patch.width) // 2
        y = lot.randint(top, max(top, bottom - patch.height))
        picture.paste(patch, (x, y), patch)
        return name, size, is_vertical

    def written(
        self, text: str, font: ImageFont.FreeTypeFont, *, is_vertical: bool = False
    ) -> Image.Image:
        """The ink as a mask that just holds it."""
        lines = list(text) if is_vertical else [text]
        step = int(font.size * 1.08)
        width = int(max(font.getlength(line) for line in lines)) + 8
        mask = Image.new("L", (width, step * len(lines) + 10))
        for place, line in enumerate(lines):
            ImageDraw.Draw(mask).text((4, step * place), line, font=font, fill=255)
        return mask

    def patch(
        self, drawn: Image.Image, below: Image.Image, *, is_panel: bool, base: object
    ) -> Image.Image:
        """Name and small print on a panel of their own, or straight on the product."""
        size = (max(drawn.width, below.width) + 24, drawn.height + below.height + 26)
        panel = self.lot.choice(((255, 255, 255), (250, 246, 225), (25, 30, 60), (150, 30, 40)))
        ground = sum(panel if is_panel else base) / 3  # type: ignore[arg-type]
        ink = (20, 20, 24) if ground > 140 else (250, 250, 250)
        patch = Image.new("RGBA", size, (*panel, 255) if is_panel else (*ink, 0))
        patch.paste((*ink, 255), (12, 8), drawn)
        patch.paste((*ink, 255), (12, drawn.height + 14), below)
        return patch

    def mark(self, picture: Image.Image, kind: str) -> tuple[str, str, float]:
        """Lay a watermark over the picture: sort of words, the words, how strong."""
        if kind == "none":
            return "", "", 0.0
        lot = self.lot
        words, text = self.mark_words(kind)
        alpha = lot.uniform(0.12, 0.4) if self.is_hard else lot.uniform(0.25, 0.6)
        layer = Image.new("L", picture.size)
        getattr(self, f"lay_{kind}")(layer, text)
        strength = layer.point(lambda level: int(level * alpha))
        dark = lot.random() < 0.6
        picture.paste((70, 70, 70) if dark else self.colour(60, 200), (0, 0), strength)
        return words, text, alpha

    def mark_words(self, kind: str) -> tuple[str, str]:
        lot = self.lot
        if kind == "contact_line":
            return "phrase", lot.choice(CONTACT_MARKS)
        if kind == "legal_line":
            return "phrase", lot.choice(LEGAL_MARKS)
        if kind in ("tiled_logo", "scribble"):
            return "none", ""
        if lot.random() < 0.5:
            return "phrase", lot.choice((*PHRASE_MARKS, *CONTACT_MARKS))
        return "name", lot.choice(NAME_MARKS)

    def mark_font(self, low: int, high: int) -> ImageFont.FreeTypeFont:
        name, index = self.lot.choice((("NotoSansCJK-Bold.ttc", 2), ("NotoSansCJK-Regular.ttc", 0)))
        return font_of(name, index, self.lot.randint(low, high))

    def lay_tiled_text(self, layer: Image.Image, text: str) -> None:
        lot = self.lot
        tile = self.written(text, self.mark_font(22, 34))
        tile = tile.rotate(lot.choice((0, 20, 30, 35, -30)), Image.Resampling.BICUBIC, expand=True)
        self.tile(layer, tile, tile.width + lot.randint(20, 90), tile.height + lot.randint(30, 80))

    def lay_tiled_logo(self, layer: Image.Image, _text: str) -> None:
        tile = self.logo(self.lot.randint(36, 60))
        step = tile.width + self.lot.randint(40, 100)
        self.tile(layer, tile, step, step)

    def tile(self, layer: Image.Image, tile: Image.Image, across: int, down: int) -> None:
        shift = self.lot.choice((0, across // 2))
        for row, y in enumerate(range(-down // 2, SIDE, down)):
            for x in range(-across + row % 2 * shift, SIDE, across):
                layer.paste(tile, (x, y), tile)

    def lay_contact_line(self, layer: Image.Image, text: str) -> None:
        drawn = self.written(text, self.mark_font(26, 44))
        y = self.lot.choice(
            (self.lot.randint(10, 60), SIDE - drawn.height - self.lot.randint(8, 60))
        )
        layer.paste(drawn, (self.lot.randint(16, max(17, SIDE - drawn.width - 16)), y), drawn)

    def lay_legal_line(self, layer: Image.Image, text: str) -> None:
        drawn = self.written(text, self.mark_font(18, 28))
        layer.paste(drawn, (SIDE - drawn.width - 14, SIDE - drawn.height - 8), drawn)

    def lay_corner_logo(self, layer: Image.Image, text: str) -> None:
        logo = self.logo(self.lot.randint(50, 84))
        drawn = self.written(text, self.mark_font(18, 28))
        width, height = max(logo.width, drawn.width), logo.height + drawn.height
        x = self.lot.choice((14, SIDE - width - 14))
        y = self.lot.choice((12, SIDE - height - 12))
        layer.paste(logo, (x, y), logo)
        layer.paste(drawn, (x, y + logo.height), drawn)

    def lay_centre_text(self, layer: Image.Image, text: str) -> None:
        size = int(min(130, SIDE * 0.9 / max(1, len(text)) * (1.5 if text.isascii() else 1)))
        name, index = self.lot.choice(FONTS["zh"])
        drawn = self.written(text, font_of(name, index, max(40, size)))
        drawn = drawn.rotate(self.lot.choice((0, 0, 25, 40)), Image.Resampling.BICUBIC, expand=True)
        x, y = (SIDE - drawn.width) // 2, (SIDE - drawn.height) // 2 + self.lot.randint(-90, 90)
        layer.paste(drawn, (x, y), drawn)

    def lay_scribble(self, layer: Image.Image, _text: str) -> None:
        x, y = self.lot.randint(480, 620), self.lot.randint(690, 750)
        points = [(x, y)]
        for _ in range(14):
            x += self.lot.randint(2, 16)
            points.append((x, y + self.lot.randint(-26, 26)))
        ImageDraw.Draw(layer).line(points, fill=255, width=3, joint="curve")

    def logo(self, side: int) -> Image.Image:
        """A sign without letters."""
        mask = Image.new("L", (side, side))
        drawing = ImageDraw.Draw(mask)
        drawing.ellipse((1, 1, side - 2, side - 2), outline=255, width=max(3, side // 10))
        corners = self.lot.randint(3, 6)
        inner = (side / 2, side / 2, side / 3.6)
        drawing.regular_polygon(inner, corners, rotation=self.lot.randint(0, 90), fill=255)
        return mask

    def developed(self, picture: Image.Image, background: str, quality: int) -> bytes:
        """A camera's softness and grain, then JPEG; a retouched white stays white."""
        picture = picture.filter(ImageFilter.GaussianBlur(self.lot.uniform(0.3, 0.9)))
        grain = np.random.default_rng(self.lot.getrandbits(32)).normal(0, 2.0, (SIDE, SIDE, 1))
        levels = np.asarray(picture).astype(np.float32)
        noisy = (levels + grain).clip(0, 255)
        if background in WHITE:
            noisy = np.where(levels.min(axis=2, keepdims=True) >= 254, 255, noisy)
        content = BytesIO()
        Image.fromarray(noisy.astype(np.uint8)).save(content, "JPEG", quality=quality)
        return content.getvalue()


@cache
def font_files() -> dict[str, str]:
    """Paths of the installed fonts by file name."""
    found = subprocess.run(["fc-list", ":", "file"], capture_output=True, text=True, check=True)
    paths = [line.partition(":")[0].strip() for line in found.stdout.splitlines()]
    return {Path(path).name: path for path in paths}


@cache
def font_of(name: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    path = font_files().get(name)
    if path is None:
        raise FontsMissing(f"the font {name} is missing: {APT_LINE}")
    return ImageFont.truetype(path, size, index=index)


def missing_fonts() -> list[str]:
    """What of the fonts is not installed, for a message beside APT_LINE."""
    try:
        have = font_files()
    except (OSError, subprocess.CalledProcessError):
        return ["fc-list (apt-get install fontconfig)"]
    return sorted({name for fonts in FONTS.values() for name, _ in fonts if name not in have})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--hard", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (options.folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [each.name for each in fields(Truth)])
        rows.writeheader()
        for truth, image in pictures(options.seed, options.count, is_hard=options.hard):
            (options.folder / f"{truth.number:04d}.jpg").write_bytes(image)
            rows.writerow(asdict(truth))


if __name__ == "__main__":
    main()
