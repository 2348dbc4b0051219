"""The listings report as it has been seen: two charsets, two languages, columns that go."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ports import ReportedListing
from infra.amazon.listings_report import LINE_BYTES_MAX, MalformedReport, listings_in, unpacked

ENGLISH = (
    "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\tproduct-id-type\tasin1\t"
    "product-id\tpending-quantity\tfulfillment-channel\tstatus"
)
JAPANESE = (
    "商品名\t商品の説明\t出品ID\t出品者SKU\t価格\t数量\t商品IDタイプ\tASIN 1\t"
    "商品ID\t在庫数\tフルフィルメント・チャンネル\tステータス"
)
ROW = "腕時計①\t\t1\tSKU 1/JP\t3980\t4\t1\tB000000001\tB000000001\t0\tDEFAULT\tActive"
LISTING = ReportedListing(
    sku="SKU 1/JP", asin="B000000001", status="active", price_jpy=3980, quantity=4,
    channel="seller",
)  # fmt: skip


def read(*lines: str, charset: str = "UTF-8", codec: str = "utf-8") -> list[ReportedListing]:
    document = "".join(f"{line}\r\n" for line in lines).encode(codec)
    return listings_in([document], f"text/plain; charset={charset}")


def row(**cells: str) -> str:
    names = ENGLISH.split("\t")
    values = dict(zip(names, ROW.split("\t"), strict=True))
    return "\t".join(
        (values | {name.replace("_", "-"): cell for name, cell in cells.items()}).values()
    )


@pytest.mark.parametrize("charset", ["Shift_JIS", "Windows-31J", "windows-31j", "SJIS", "MS932"])
def test_japanese_headers_in_the_charsets_of_japan_are_read(charset: str) -> None:
    assert read(JAPANESE, ROW, charset=charset, codec="cp932") == [LISTING]


@pytest.mark.parametrize("header", [ENGLISH, JAPANESE])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig"])
def test_both_languages_are_read_in_utf8(header: str, codec: str) -> None:
    assert read(header, ROW, codec=codec) == [LISTING]


@pytest.mark.parametrize("codec", ["utf-8", "cp932"])
def test_a_document_that_does_not_say_its_charset_is_read_all_the_same(codec: str) -> None:
    for header in (ENGLISH, JAPANESE):
        document = f"{header}\n{ROW}\n".encode(codec)
        assert listings_in([document], "text/plain") == [LISTING]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Active", "active"), ("出品中", "active"), ("Inactive", "inactive"),
        ("停止中", "inactive"), ("Incomplete", "incomplete"), ("", "unknown"), ("新", "unknown"),
    ],
)  # fmt: skip
def test_the_words_for_a_status_are_known_in_both_languages(word: str, status: str) -> None:
    assert read(ENGLISH, row(status=word))[0].status == status


def test_a_report_without_a_status_column_tells_no_status() -> None:
    [listing] = read(ENGLISH.removesuffix("\tstatus"), ROW.removesuffix("\tActive"))
    assert listing == LISTING.model_copy(update={"status": "unknown"})


def test_deprecated_columns_are_nobodys_and_may_repeat() -> None:
    header = f"Deprecated column\tDeprecated column\t{ENGLISH}\tDeprecated column"
    assert read(header, f"x\t\t{ROW}\ty") == [LISTING]


@pytest.mark.parametrize(
    ("price", "expected"),
    [("3980", 3980), ("3980.00", 3980), ("3980.5", None), ("0", None), ("", None), ("1,980", None),
     ("３９８０", None), ("-1", None)],
)  # fmt: skip
def test_only_whole_yen_are_a_price(price: str, expected: int | None) -> None:
    assert read(ENGLISH, row(price=price))[0].price_jpy == expected


@pytest.mark.parametrize(
    ("quantity", "expected"), [("0", 0), ("4", 4), ("", None), ("-1", None), ("4.0", None)]
)
def test_a_quantity_that_is_not_given_is_none_never_zero(
    quantity: str, expected: int | None
) -> None:
    assert read(ENGLISH, row(quantity=quantity))[0].quantity == expected


@pytest.mark.parametrize(
    ("code", "channel"), [("AMAZON_JP", "fba"), ("DEFAULT", "seller"), ("", None), ("NEW", None)]
)
def test_a_channel_we_do_not_know_is_none(code: str, channel: str | None) -> None:
    assert read(ENGLISH, row(fulfillment_channel=code))[0].channel == channel


def test_the_product_id_is_the_asin_only_where_it_says_so() -> None:
    assert read(ENGLISH, row(asin1=""))[0].asin == "B000000001"
    assert read(ENGLISH, row(asin1="", product_id_type="4"))[0].asin is None
    assert read(ENGLISH, row(asin1="4901234567894", product_id_type="4"))[0].asin is None


def test_a_broken_row_is_skipped_counted_and_costs_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = ["a description that", "went on", row(seller_sku="")]
    with caplog.at_level(logging.WARNING):
        assert read(ENGLISH, *broken, *[ROW] * 4) == [LISTING] * 4
    assert caplog.messages == ["3 of 7 rows of a listings report skipped"]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["<html><body>Access denied</body></html>"],
        [ENGLISH.replace("seller-sku", "sku-of-somebody"), ROW],
        [ENGLISH.replace("item-name", "price"), ROW],
        [ENGLISH, "broken"],
        [ENGLISH, *[ROW] * 30, *["broken"] * 20],
        [ENGLISH, "x" * (LINE_BYTES_MAX + 1)],
    ],
)
def test_what_is_no_report_is_not_believed(lines: Iterable[str]) -> None:
    document = "\n".join(lines).encode()
    with pytest.raises(MalformedReport):
        listings_in([document], "text/plain; charset=UTF-8")


@pytest.mark.parametrize(
    ("header", "codec", "charset"),
    [
        (JAPANESE, "cp932", "UTF-8"),
        (ENGLISH, "cp932", "UTF-8"),
        (ENGLISH, "utf-8", "UTF-16"),
        (ENGLISH, "utf-8", "unicode_escape"),
    ],
)
def test_a_wrong_or_unknown_charset_is_not_believed(header: str, codec: str, charset: str) -> None:
    with pytest.raises(MalformedReport):
        read(header, ROW, charset=charset, codec=codec)


def test_a_header_alone_is_a_report_of_nothing() -> None:
    assert read(ENGLISH) == []


@settings(max_examples=100, deadline=None)
@given(cut=st.lists(st.integers(1, 400), max_size=6))
def test_however_the_bytes_arrive_the_rows_are_the_same(cut: list[int]) -> None:
    document = "\n".join([JAPANESE, *[ROW] * 5]).encode("cp932")
    places = sorted({min(place, len(document)) for place in cut})
    pieces = [document[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]
    assert listings_in(pieces, "text/plain; charset=Shift_JIS") == [LISTING] * 5


def test_a_packed_report_is_unpacked_within_its_limit() -> None:
    document = "\n".join([ENGLISH, *[ROW] * 2000]).encode()
    packed = gzip.compress(document)
    assert b"".join(unpacked(packed)) == document
    assert max(map(len, unpacked(packed))) <= 65_536
    with pytest.raises(MalformedReport, match="too large"):
        list(unpacked(packed, len(document) - 1))


DAMAGED = {
    "empty": b"",
    "not_packed": b"plain",
    "cut": gzip.compress(b"abc")[:-4],
    "and_more": gzip.compress(b"abc") + b"more",
    "overwritten": gzip.compress(b"abc" * 99)[:20] + b"\0" * 20,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_packing_is_not_believed(name: str) -> None:
    with pytest.raises(MalformedReport):
        list(unpacked(DAMAGED[name]))
