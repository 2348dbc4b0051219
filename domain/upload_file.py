"""Reading an uploaded CSV: bytes in; rows, and the faults of file and rows, out. Nothing else.

Columns are found by name in any order; extra ones are ignored, so a failure report can be sent
again. Source: SPEC §5, INTERFACE "CSV".
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence

from charset_normalizer import from_bytes

from domain.rules.precheck import Terms
from domain.submission import ROWS_MAX, Fault, Row
from domain.values import MERCARI_PRICE_JPY_MAX, MERCARI_PRICE_JPY_MIN, NotAnAsin, asin_from

COLUMNS = ("asin", "mercari_category_id", "suggested_price_jpy", "stock_threshold")
BYTES_MAX = 1024 * 1024
THRESHOLD_MAX = 1_000_000
CELL_LENGTH_MAX = 200
TEMPLATE = "\ufeff" + ",".join(COLUMNS) + "\r\nB0EXAMPLE1,sbx-example,,1\r\n"

SIGNATURES: Mapping[bytes, str] = {
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF",
}  # fmt: skip
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How a file begins that is no text at all."""

_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")
_LEGACY_ENCODINGS = ("cp932", "gb18030")


class Sheet:
    """What a file holds: `rows` when it has no `faults`."""

    def __init__(self, rows: Sequence[Row] = (), faults: Sequence[Fault] = ()) -> None:
        self.rows = tuple(rows)
        self.faults = tuple(faults)


def read_sheet(content: bytes) -> Sheet:
    """Read the file; a file with a fault gives no rows at all."""
    if fault := fault_of_bytes(content):
        return Sheet(faults=[fault])
    text = decoded(content)
    if text is None:
        return Sheet(faults=[Fault(key="undecodable")])
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        lines = list(reader)
    except csv.Error:
        return Sheet(faults=[Fault(key="not_csv", values={"line": reader.line_num})])
    return sheet_of(without_trailing_blanks(lines))


def fault_of_bytes(content: bytes) -> Fault | None:
    """What can be said before decoding."""
    if content.startswith(WORKBOOKS):
        return Fault(key="workbook")
    for signature, name in SIGNATURES.items():
        if content.startswith(signature):
            return Fault(key="no_text", values={"format": name})
    if len(content) > BYTES_MAX:
        return Fault(key="too_large", values={"bytes": len(content), "bytes_max": BYTES_MAX})
    if not content.strip(b"\xef\xbb\xbf\r\n\t "):
        return Fault(key="empty_file")
    if b"\x00" in content:
        return Fault(key="nul_byte", values={"offset": content.index(b"\x00")})
    return None


def decoded(content: bytes) -> str | None:
    """UTF-8, else Shift_JIS or GB18030 where only one of them fits; None when in doubt."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(content, cp_isolation=list(_LEGACY_ENCODINGS)).best()
    if best is None or best.encoding not in _LEGACY_ENCODINGS:
        return None
    return str(best)


def without_trailing_blanks(lines: list[list[str]]) -> list[list[str]]:
    """Spreadsheets leave empty rows behind; those at the end don't count."""
    length = len(lines)
    while length and not any(cell.strip() for cell in lines[length - 1]):
        length -= 1
    return lines[:length]


def sheet_of(lines: list[list[str]]) -> Sheet:
    """Header and rows to a sheet; nothing but blank cells is an empty file."""
    if not lines:
        return Sheet(faults=[Fault(key="empty_file")])
    names = [unicodedata.normalize("NFKC", name).strip().lower() for name in lines[0]]
    faults = header_faults(names)
    data = lines[1:]
    if not data and not faults:
        faults = [Fault(key="empty_file")]
    if len(data) > ROWS_MAX:
        values = {"rows": len(data), "rows_max": ROWS_MAX}
        faults.append(Fault(key="too_many_rows", values=values))
    if faults:
        return Sheet(faults=faults)
    cells = [dict(zip(names, line, strict=False)) for line in data]
    return Sheet(rows=[row_of(number, each) for number, each in enumerate(cells, start=1)])


def header_faults(names: Sequence[str]) -> list[Fault]:
    missing = [column for column in ("asin", "mercari_category_id") if column not in names]
    repeated = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    return [
        *(Fault(key="missing_column", values={"column": name}) for name in missing),
        *(Fault(key="duplicate_column", values={"column": name}) for name in repeated),
    ]


def row_of(number: int, cells: Mapping[str, str]) -> Row:
    """One data row; the first fault found settles it."""
    own = {name: (cells.get(name) or "")[:CELL_LENGTH_MAX] for name in COLUMNS}
    plain = {name: undefused(cell) for name, cell in own.items()}
    try:
        asin = asin_from(plain["asin"])
    except NotAnAsin:
        fault = Fault(key="asin_malformed", values={"value": plain["asin"][:40]})
        return Row(number=number, asin=plain["asin"][:40], own=own, fault=fault)
    if terms_wrong := terms_fault(plain):
        return Row(number=number, asin=asin, own=own, fault=terms_wrong)
    price = plain["suggested_price_jpy"]
    terms = Terms(
        mercari_category_id=plain["mercari_category_id"],
        suggested_price_jpy=int(price) if price else None,
        stock_threshold=int(plain["stock_threshold"] or 0),
    )
    return Row(number=number, asin=asin, own=own, terms=terms)


def terms_fault(cells: Mapping[str, str]) -> Fault | None:
    """The fault of category, price or threshold; blank price and threshold are the defaults."""
    if not cells["mercari_category_id"]:
        return Fault(key="category_missing")
    price, threshold = cells["suggested_price_jpy"], cells["stock_threshold"]
    if price and not _WHOLE_NUMBER.fullmatch(price):
        return Fault(key="price_not_whole", values={"value": price[:40]})
    if price and not MERCARI_PRICE_JPY_MIN <= int(price) <= MERCARI_PRICE_JPY_MAX:
        return Fault(code="E-409", key="price_out_of_range", values={"value": price[:40]})
    if threshold and not (
        _WHOLE_NUMBER.fullmatch(threshold) and 0 <= int(threshold) <= THRESHOLD_MAX
    ):
        return Fault(key="threshold_not_whole", values={"value": threshold[:40]})
    return None


def undefused(cell: str) -> str:
    """A cell as its author meant it: full-width folded, without the `'` our reports add."""
    text = unicodedata.normalize("NFKC", cell).strip()
    meant = text.removeprefix("'").lstrip()
    return meant if meant.startswith(("=", "+", "-", "@")) else text
