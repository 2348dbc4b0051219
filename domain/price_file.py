"""Reading a CSV of the seller's own prices on other channels: bytes in, prices or faults out."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence

from domain.errors import PricingRefused
from domain.rules.pricing_faults import CHANNEL_PRICES_MAX, FAULTS_MAX, faults_of_prices
from domain.rules.repricing import ChannelPrice
from domain.upload_file import decoded, fault_of_bytes, without_trailing_blanks
from domain.values import NotAnAsin, asin_from

COLUMNS = ("asin", "channel", "price_jpy")

_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def read_prices(content: bytes) -> tuple[ChannelPrice, ...]:
    """Every row of the file; columns by name, in any order, and no others.

    Raises PricingRefused naming each cell that is wrong, `row 1` being the first below the header.
    """
    header, *rows = lines_of(content)
    names = [plain(name).lower() for name in header]
    if sorted(names) != sorted(COLUMNS):
        raise refused({"file": "pricing_columns"})
    if len(rows) > CHANNEL_PRICES_MAX:
        raise refused({"file": "pricing_prices_max"})
    cells = [dict(zip(names, map(plain, row), strict=False)) for row in rows]
    malformed = {
        f"row {number}/price_jpy": "pricing_whole_yen"
        for number, each in enumerate(cells, start=1)
        if not _WHOLE_NUMBER.fullmatch(each.get("price_jpy", ""))
    }
    if malformed:
        raise refused(dict(list(malformed.items())[:FAULTS_MAX]))
    prices = tuple(price_in(each) for each in cells)
    if faults := faults_of_prices(prices):
        raise refused({by_row(place): key for place, key in faults.items()})
    return prices


def lines_of(content: bytes) -> Sequence[list[str]]:
    """The file's lines, the header first. Raises PricingRefused."""
    text = None if fault_of_bytes(content) else decoded(content)
    if text is None:
        raise refused({"file": "pricing_not_csv"})
    try:
        lines = without_trailing_blanks(list(csv.reader(io.StringIO(text), strict=True)))
    except csv.Error:
        raise refused({"file": "pricing_not_csv"}) from None
    if not lines:
        raise refused({"file": "pricing_no_prices"})
    return lines


def price_in(cells: Mapping[str, str]) -> ChannelPrice:
    return ChannelPrice(
        asin=normalised(cells.get("asin", "")),
        channel=cells.get("channel", ""),
        price_jpy=int(cells["price_jpy"]),
    )


def plain(cell: str) -> str:
    """Full-width letters and digits folded, spaces around them dropped."""
    return unicodedata.normalize("NFKC", cell).strip()


def normalised(text: str) -> str:
    """An ASIN as it is kept; any other text as it is, to be refused."""
    try:
        return asin_from(text)
    except NotAnAsin:
        return text


def by_row(place: str) -> str:
    """`prices/0/asin` as people count the rows of a file: `row 1/asin`."""
    parts = place.split("/")
    return f"row {int(parts[1]) + 1}/{parts[2]}" if len(parts) == 3 else "file"


def refused(rules: Mapping[str, str]) -> PricingRefused:
    return PricingRefused(f"mend: {', '.join(rules)}", rules=rules)
