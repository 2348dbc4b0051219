"""The text of Amazon's listings report (GET_MERCHANT_LISTINGS_ALL_DATA), row by row.

In Japan it comes in Shift_JIS with Japanese headers, or in UTF-8 with English ones; columns come
and go (facts/amazon-sp-api §4). A row that can't be read is skipped and counted.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from domain.ports import ReportedListing, ReportedStatus
from infra.amazon.answers import channel_of, yen_in

log = logging.getLogger(__name__)

REPORT_TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
UNPACKED_BYTES_MAX = 512 * 2**20
LINE_BYTES_MAX = 2**20
BROKEN_ROWS_MAX = 10
BROKEN_SHARE_MAX = 0.05
_PIECE_BYTES = 2**16
_GZIP_WINDOW = 31
_MARK = b"\xef\xbb\xbf"

_CHARSET = re.compile(r'charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)
_CODECS = {
    "utf8": "utf-8", "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "ms932": "cp932",
    "cp932": "cp932", "windows31j": "cp932", "iso88591": "cp1252", "cp1252": "cp1252",
    "windows1252": "cp1252", "usascii": "cp1252",
}  # fmt: skip
"""Python knows no windows-31j, and its own shift_jis lacks letters that Amazon uses."""

_COLUMNS = {
    "sellersku": "sku", "出品者sku": "sku", "asin1": "asin", "asin": "asin",
    "productid": "product_id", "商品id": "product_id",
    "productidtype": "product_id_type", "商品idタイプ": "product_id_type",
    "price": "price", "価格": "price", "quantity": "quantity", "数量": "quantity",
    "fulfillmentchannel": "channel", "fulfilmentchannel": "channel",
    "フルフィルメントチャンネル": "channel", "status": "status", "ステータス": "status",
}  # fmt: skip
_STATUSES: dict[str, ReportedStatus] = {
    "active": "active", "出品中": "active", "inactive": "inactive", "停止中": "inactive",
    "incomplete": "incomplete", "不完全": "incomplete",
}  # fmt: skip
_PRODUCT_ID_IS_ASIN = "1"
_ASIN = re.compile(r"[0-9A-Z]{10}")
_QUANTITY = re.compile(r"[0-9]{1,9}")


class MalformedReport(ValueError):
    """The document is not a listings report that can be believed."""


def unpacked(content: bytes, bytes_max: int = UNPACKED_BYTES_MAX) -> Iterator[bytes]:
    """A gzip file in small pieces. Raises MalformedReport for a damaged or too large one."""
    size = 0
    try:
        for piece in _inflated(content):
            size += len(piece)
            if size > bytes_max:
                raise MalformedReport("the report is too large")
            yield piece
    except zlib.error as error:
        raise MalformedReport(f"the gzip stream is damaged: {error}") from error


def _inflated(content: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    for place in range(0, len(content), _PIECE_BYTES):
        packed = content[place : place + _PIECE_BYTES]
        while packed:
            yield unpacker.decompress(packed, _PIECE_BYTES)
            packed = unpacker.unconsumed_tail
    if not unpacker.eof or unpacker.unused_data:
        raise MalformedReport("the gzip stream does not end where it should")


def listings_in(pieces: Iterable[bytes], content_type: str) -> list[ReportedListing]:
    """The rows that can be read. Raises MalformedReport where too many can't."""
    codecs = codecs_of(content_type)
    lines = _lines(pieces)
    first = next(lines, b"").removeprefix(_MARK)
    header = _decoded(first, codecs)
    if header is None:
        raise MalformedReport("the header is in another charset than it says")
    columns = _columns(header.split("\t"))
    width = header.count("\t") + 1
    found: list[ReportedListing] = []
    broken = 0
    for line in lines:
        listing = _listing(line, codecs, columns, width)
        if listing:
            found.append(listing)
            continue
        broken += bool(line)
        _ensure_few(broken, len(found))
    if broken > len(found):
        raise MalformedReport(f"{broken} of {broken + len(found)} rows can't be read")
    if broken:
        log.warning("%d of %d rows of a listings report skipped", broken, broken + len(found))
    return found


def codecs_of(content_type: str) -> tuple[str, ...]:
    """What to decode a line with, in this order. Raises MalformedReport for an unknown charset."""
    named = _CHARSET.search(content_type)
    if named is None:
        return ("utf-8", "cp932")
    codec = _CODECS.get(re.sub(r"[-_]", "", named[1].lower()))
    if codec is None:
        raise MalformedReport(f"its charset is {named[1]}")
    return (codec,)


def _ensure_few(broken: int, read: int) -> None:
    if broken > BROKEN_ROWS_MAX and broken > BROKEN_SHARE_MAX * (broken + read):
        raise MalformedReport(f"{broken} of {broken + read} rows can't be read")


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A line feed is no part of any letter, in Shift_JIS either."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise MalformedReport("a line is too long")
        yield from (line.removesuffix(b"\r") for line in whole)
    yield rest.removesuffix(b"\r")


def _decoded(line: bytes, codecs: Sequence[str]) -> str | None:
    for codec in codecs:
        try:
            return line.decode(codec)
        except UnicodeDecodeError:
            continue
    return None


def _columns(headers: Sequence[str]) -> dict[str, int]:
    """Where each column that we read is. Raises MalformedReport."""
    places: dict[str, int] = {}
    for place, header in enumerate(headers):
        spelt = re.sub(r"[\s\-_・]", "", unicodedata.normalize("NFKC", header)).casefold()
        name = _COLUMNS.get(spelt)
        if name in places:
            raise MalformedReport(f"two columns are called {header}")
        if name:
            places[name] = place
    if "sku" not in places:
        raise MalformedReport("there is no column of SKUs")
    return places


def _listing(
    line: bytes, codecs: Sequence[str], columns: Mapping[str, int], width: int
) -> ReportedListing | None:
    """The row; None for one that is in another charset, out of line, or has no SKU."""
    text = _decoded(line, codecs)
    cells = text.split("\t") if text else []
    if len(cells) != width or not cells[columns["sku"]]:
        return None
    row = {name: cells[place].strip() for name, place in columns.items()}
    quantity = row.get("quantity", "")
    return ReportedListing(
        sku=cells[columns["sku"]],
        asin=_asin(row),
        status=_STATUSES.get(row.get("status", "").casefold(), "unknown"),
        price_jpy=yen_in(row.get("price", "")),
        quantity=int(quantity) if _QUANTITY.fullmatch(quantity) else None,
        channel=channel_of(row.get("channel", "")),
    )


def _asin(row: Mapping[str, str]) -> str | None:
    told = row.get("asin", "")
    if not told and row.get("product_id_type") == _PRODUCT_ID_IS_ASIN:
        told = row.get("product_id", "")
    return told if _ASIN.fullmatch(told) else None
