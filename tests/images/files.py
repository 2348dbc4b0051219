"""Image files for tests: good ones of every kind, and ones that were made to do harm."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
HTML = b"<!doctype html><title>Sign in</title>"


def picture(width: int = 600, height: int = 600, *, colour: str = "white") -> Image.Image:
    """A box in the middle of one colour."""
    made = Image.new("RGB", (width, height), colour)
    inner = (width * 3 // 10, height * 3 // 10, width * 7 // 10, height * 7 // 10)
    ImageDraw.Draw(made).rectangle(inner, fill=(40, 90, 160))
    return made


def saved(made: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    content = BytesIO()
    made.save(content, kind, **options)
    return content.getvalue()


def jpeg(**options: object) -> bytes:
    return saved(picture(), "JPEG", quality=90, **options)


def cmyk_jpeg() -> bytes:
    return saved(picture().convert("CMYK"), "JPEG", quality=95)


def palette_png() -> bytes:
    return saved(picture().convert("P", palette=Image.Palette.ADAPTIVE), "PNG")


def see_through_png() -> bytes:
    """The background is transparent black: only on white is it white."""
    layered = picture().convert("RGBA")
    levels = np.asarray(layered).copy()
    levels[levels[:, :, :3].min(axis=2) > 250] = (0, 0, 0, 0)
    return saved(Image.fromarray(levels), "PNG")


def sixteen_bit_png() -> bytes:
    grey = np.asarray(picture().convert("L")).astype(np.uint16) * 257
    return saved(Image.fromarray(grey), "PNG")


def animated_webp() -> bytes:
    """The second picture is red all over."""
    others = [Image.new("RGB", (600, 600), "red")]
    return saved(picture(), "WEBP", save_all=True, append_images=others, duration=50, lossless=True)


def gif() -> bytes:
    return saved(picture(), "GIF")


def turned_jpeg() -> bytes:
    """Stored lying; its EXIF says to turn it upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(picture(900, 600), "JPEG", exif=exif)


def jpeg_with_zip() -> bytes:
    return jpeg() + b"PK\x03\x04" + bytes(26) + b"payload" + b"PK\x05\x06" + bytes(18)


def gif_with_script() -> bytes:
    return gif() + b"*/=1;alert(document.cookie)//"


def gif_that_is_script() -> bytes:
    return b"GIF89a/*" + bytes(20) + b"*/=1;alert(document.cookie)//"


def png_of(width: int, height: int) -> bytes:
    """A black PNG of that size in a few kilobytes at most; nothing is drawn to make it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
