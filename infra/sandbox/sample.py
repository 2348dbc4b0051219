"""A seller's upload to try the service with: 500 rows, of which about 88 % can be listed.

The rest fails for the reasons that goods.Flaw names: by the goods, by the offer, or by the row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from infra.sandbox.categories import ids_by_path, leaves
from infra.sandbox.goods import Product, draw, product_of
from infra.sandbox.world import offer_unedited

SAMPLE_SIZE = 500
HEADER = ("asin", "mercari_category_id", "suggested_price_jpy", "stock_threshold")

_UNKNOWN_CATEGORY_ID = "sbx-99-99-99"
_FLOAT_PCT_RANGE = (-12, 12)
_STOCK_THRESHOLD_MAX = 3


def write_sample_csv(path: Path, seller: str) -> None:
    """Write the upload of the seller of that name: her first 500 products, UTF-8, LF."""
    path.write_bytes(csv_of(row_of(seller, number) for number in range(SAMPLE_SIZE)))


def csv_of(rows: Iterable[tuple[str, str, str, int]]) -> bytes:
    """A file of these rows, with the header."""
    lines = StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    return lines.getvalue().encode()


def row_of(seller: str, number: int) -> tuple[str, str, str, int]:
    """One row; every tenth leaves the price to the seller's default."""
    product = product_of(number)
    lot = draw("row", seller, number)
    price_jpy = offer_unedited(seller, product).price_jpy
    is_blank = lot % 10 == 0 and product.flaw != "price_out_of_range"
    suggested = "" if is_blank else str(_suggested_price_jpy(product, price_jpy, lot))
    return product.asin, _category_id(product), suggested, lot // 1000 % (_STOCK_THRESHOLD_MAX + 1)


def _suggested_price_jpy(product: Product, price_jpy: int, lot: int) -> int:
    """Amazon's price with a float of whole percents, in whole tens; flawed rows leave ±15 %."""
    low, high = _FLOAT_PCT_RANGE
    float_pct = low + lot // 10 % (high - low + 1)
    if product.flaw == "price_out_of_range":
        float_pct = 40 if float_pct >= 0 else -40
    return round(price_jpy * (100 + float_pct) / 1000) * 10


def _category_id(product: Product) -> str:
    """The leaf that fits, but for the rows that are wrong on purpose."""
    if product.flaw == "unknown_category":
        return _UNKNOWN_CATEGORY_ID
    right = ids_by_path()[product.mercari_path]
    if product.flaw == "wrong_category":
        return leaves()[(leaves().index(right) + len(leaves()) // 2) % len(leaves())]
    return right
