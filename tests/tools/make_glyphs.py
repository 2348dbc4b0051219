"""Draws the sandbox's letters once, from Noto Sans CJK JP: `python -m tests.tools.make_glyphs`.

The result is committed, so that the sandbox needs neither Pillow nor a font. The file: zlib over
a count of two bytes, the letters in UTF-8 ended by a zero, one width a letter, and for each letter
`SIDE` rows of one bit a pixel. Needs: apt-get install fonts-noto-cjk; pip install pillow.
"""

from __future__ import annotations

import subprocess
import zlib
from string import ascii_letters, digits

from PIL import Image, ImageDraw, ImageFont

from infra.sandbox.images import FOREIGN_LABELS, WATERMARKS
from infra.sandbox.lettering import GLYPHS, SIDE
from infra.sandbox.tables import rows_of

FONT = "NotoSansCJK-Bold.ttc"
BASELINE = 34


def main() -> None:
    letters = letters_needed()
    font = ImageFont.truetype(font_file(), 38, index=0)
    drawn = [drawn_letter(letter, font) for letter in letters]
    content = b"".join(
        (
            len(letters).to_bytes(2),
            letters.encode() + b"\0",
            bytes(width for width, _ in drawn),
            b"".join(rows for _, rows in drawn),
        )
    )
    GLYPHS.write_bytes(zlib.compress(content, 9))
    print(f"{len(letters)} letters, {GLYPHS.stat().st_size} bytes")


def letters_needed() -> str:
    """Every character of goods.csv and of the flawed labels, and Latin letters and digits."""
    texts = [value for row in rows_of("goods.csv") for value in row.values()]
    wanted = set("".join([*texts, *FOREIGN_LABELS, *WATERMARKS, ascii_letters, digits, ".-:/@"]))
    return "".join(sorted(wanted - {" ", "　"}))


def font_file() -> str:
    found = subprocess.run(["fc-list", ":", "file"], capture_output=True, text=True, check=True)
    for line in found.stdout.splitlines():
        if FONT in line:
            return line.partition(":")[0]
    raise SystemExit(f"{FONT} is missing: apt-get install fonts-noto-cjk")


def drawn_letter(letter: str, font: ImageFont.FreeTypeFont) -> tuple[int, bytes]:
    width = min(SIDE, max(1, round(font.getlength(letter))))
    cell = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(cell).text((0, BASELINE), letter, font=font, fill=255, anchor="ls")
    return width, cell.point(lambda level: 255 * (level > 127)).convert("1").tobytes()


if __name__ == "__main__":
    main()
