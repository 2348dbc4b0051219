"""Where an image ends in its file: JPEG, PNG, GIF and WebP walked by their own lengths.

What lies after the end is no image: a ZIP, a script, or a picture's second face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_STANDALONE = {0x01, *range(0xD0, 0xD9)}


class NotWhole(ValueError):
    """The file ends, or goes astray, before its image does."""


def format_of(image: bytes) -> str | None:
    """JPEG, PNG, GIF or WEBP by the first bytes; None for anything else."""
    if image.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if image[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    return "WEBP" if image[:4] == b"RIFF" and image[8:12] == b"WEBP" else None


def bytes_after_end(image: bytes) -> int:
    """How many bytes follow the image, zeros and line ends not counted. Raises NotWhole."""
    walk = _WALKS.get(format_of(image) or "")
    if walk is None:
        raise NotWhole("no image")
    try:
        end = walk(image)
    except IndexError as error:
        raise NotWhole("the file ends too early") from error
    if end > len(image):
        raise NotWhole("the file ends too early")
    return len(image[end:].strip(b"\0\r\n"))


def _end_of_jpeg(image: bytes) -> int:
    place = 2
    while True:
        place = image.find(b"\xff", place)
        if place < 0:
            raise NotWhole("the file ends too early")
        while image[place] == 0xFF:
            place += 1
        marker = image[place]
        place += 1
        if marker == 0xD9:
            return place
        if marker != 0 and marker not in _STANDALONE:
            place += int.from_bytes(image[place : place + 2])


def _end_of_png(image: bytes) -> int:
    place = 8
    while image[place + 4 : place + 8] != b"IEND":
        place += 12 + int.from_bytes(image[place : place + 4])
        if place + 8 > len(image):
            raise NotWhole("the file ends too early")
    return place + 12


def _end_of_webp(image: bytes) -> int:
    length = int.from_bytes(image[4:8], "little")
    return 8 + length + length % 2


def _end_of_gif(image: bytes) -> int:
    place = 13 + _colours(image[10])
    while image[place] != 0x3B:
        if image[place] == 0x21:
            place = _after_blocks(image, place + 2)
        elif image[place] == 0x2C:
            place = _after_blocks(image, place + 11 + _colours(image[place + 9]))
        else:
            raise NotWhole("not a GIF block")
    return place + 1


def _colours(flags: int) -> int:
    return 3 << (flags % 8 + 1) if flags & 0x80 else 0


def _after_blocks(image: bytes, place: int) -> int:
    while image[place]:
        place += 1 + image[place]
    return place + 1


_WALKS: Mapping[str, Callable[[bytes], int]] = {
    "JPEG": _end_of_jpeg,
    "PNG": _end_of_png,
    "GIF": _end_of_gif,
    "WEBP": _end_of_webp,
}
