"""Reading an upload: any encoding, any column order; bad files and rows say why, none raises."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.error_codes import REASONS
from domain.submission import ROWS_MAX
from domain.upload_file import BYTES_MAX, COLUMNS, TEMPLATE, Sheet, read_sheet

HEADER = ",".join(COLUMNS)
ENCODINGS = ["utf-8", "utf-8-sig", "cp932", "gb18030"]
NOTE = "この商品は新品未使用です、ご購入前に必ずプロフィールをお読みください"

GOOD_ROWS = st.lists(
    st.tuples(
        st.from_regex(r"B[0-9A-Z]{9}", fullmatch=True),
        st.from_regex(r"sbx-[a-z]{1,8}", fullmatch=True),
        st.just("") | st.integers(300, 9_999_999).map(str),
        st.just("") | st.integers(0, 1_000_000).map(str),
    ),
    min_size=1,
    max_size=8,
)


def read(*lines: str, encoding: str = "utf-8") -> Sheet:
    return read_sheet("\r\n".join([HEADER, *lines]).encode(encoding))


def fault_keys(sheet: Sheet) -> list[str]:
    assert not (sheet.faults and sheet.rows)
    return [fault.key for fault in sheet.faults]


def written(names: Sequence[str], rows: Sequence[dict[str, str]], newline: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@settings(deadline=None, max_examples=30)
@given(
    rows=GOOD_ROWS,
    encoding=st.sampled_from(ENCODINGS),
    newline=st.sampled_from(["\n", "\r\n"]),
    names=st.permutations([*COLUMNS, "note"]),
)
def test_whatever_the_encoding_line_end_and_column_order_the_rows_are_the_same(
    rows: list[tuple[str, ...]], encoding: str, newline: str, names: list[str]
) -> None:
    cells = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    plain = read_sheet(written(COLUMNS, cells, "\r\n").encode())
    noted = written(names, [{**each, "note": NOTE} for each in cells], newline)
    sheet = read_sheet(noted.encode(encoding))
    assert (sheet.faults, sheet.rows) == ((), plain.rows)
    assert [row.asin for row in sheet.rows] == [row[0] for row in rows]
    assert [row.number for row in sheet.rows] == list(range(1, len(rows) + 1))


@settings(deadline=None, max_examples=200)
@given(
    content=st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda tail: HEADER.encode() + b"\r\n" + tail)
    | st.text(alphabet="asin,\"\r\n\t\u3000\ufeff あ'=０", max_size=60).map(str.encode)
)
@example(b",")
@example(b" ,\n")
@example("\u3000".encode())
@example(b"\xef\xbb\xbf\xef\xbb\xbf,")
@example(b'"')
@example(b"a\rb")
@example(b'"' + b"x" * 200_000 + b'"')
def test_whatever_the_bytes_the_sheet_has_faults_or_rows_and_never_raises(content: bytes) -> None:
    sheet = read_sheet(content)
    assert bool(sheet.faults) != bool(sheet.rows)
    keys = [*sheet.faults, *(row.fault for row in sheet.rows if row.fault)]
    assert all(fault.key in REASONS for fault in keys)
    assert all(set(REASONS[fault.key].values) <= set(fault.values) for fault in keys)
    assert all((row.terms is None) == (row.fault is not None) for row in sheet.rows)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n\r\n", "empty_file"),
        (b",,,\r\n,,,\r\n", "empty_file"),
        (HEADER.encode(), "empty_file"),
        (HEADER.encode() + b"\r\n,,,\r\n", "empty_file"),
        (b"a" * (2 * 1024 * 1024), "too_large"),
        (b"asin,mercari_category_id\r\nB0EXAMPLE1\x00,a", "nul_byte"),
        ((HEADER + "\r\nB0EXAMPLE1,a,,").encode("utf-16"), "nul_byte"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "no_text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "no_text"),
        (b"PK\x03\x04\x14\x00[Content_Types].xml", "workbook"),
        (b"PK\x03\x04" + b"a" * (2 * 1024 * 1024), "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
        (HEADER.encode() + b"\r\n\xff\xfe\xff\x81\xff,a,,", "undecodable"),
        (b'asin,mercari_category_id\r\n"B0EXAMPLE1"x,a', "not_csv"),
        (b'asin,mercari_category_id\r\n"B0EXAMPLE1,a', "not_csv"),
        (b"B0EXAMPLE1,sbx-bag,1000,1", "missing_column"),
        (b"asin,asin,mercari_category_id\r\nB0EXAMPLE1,B0EXAMPLE2,a", "duplicate_column"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_whole_with_its_reason(
    content: bytes, key: str
) -> None:
    assert key in fault_keys(read_sheet(content))


def test_a_missing_header_names_both_columns_that_must_be_there() -> None:
    sheet = read_sheet(b"B0EXAMPLE1,sbx-bag,1000,1")
    names = [fault.values["column"] for fault in sheet.faults if fault.key == "missing_column"]
    assert names == ["asin", "mercari_category_id"]


def test_five_hundred_rows_are_read_and_one_more_is_refused_whole() -> None:
    rows = [f"B{number:09},sbx-bag,," for number in range(ROWS_MAX + 1)]
    assert (ROWS_MAX, len(read(*rows[:-1]).rows)) == (500, 500)
    (fault,) = read(*rows).faults
    assert (fault.code, fault.key, fault.values["rows"]) == ("E-400", "too_many_rows", 501)


def test_every_fault_of_a_file_has_a_reason_of_its_own() -> None:
    rows = [f"B{number:09},a" for number in range(501)]
    sheet = read_sheet("\n".join(["asin,other", *rows]).encode())
    assert fault_keys(sheet) == ["missing_column", "too_many_rows"]


def test_blank_rows_at_the_end_do_not_count() -> None:
    rows = [f"B{number:09},sbx-bag,," for number in range(500)]
    assert len(read(*rows, "", ",,,", " , ,\u3000,").rows) == 500


def test_a_file_of_exactly_one_mebibyte_is_read() -> None:
    start = f"{HEADER},note\r\nB0EXAMPLE1,sbx-bag,,,".encode()
    cells = b'"' + b"x" * 100_000 + b'",'
    padded = start + cells * 10
    full = padded + b"x" * (BYTES_MAX - len(padded))
    assert len(read_sheet(full).rows) == 1
    assert fault_keys(read_sheet(full + b"x")) == ["too_large"]


@pytest.mark.parametrize(
    ("price", "code", "key"),
    [
        ("0", "E-409", "price_out_of_range"),
        ("-5", "E-409", "price_out_of_range"),
        ("299", "E-409", "price_out_of_range"),
        ("1000000000", "E-409", "price_out_of_range"),
        ("1.5", "E-400", "price_not_whole"),
        ("1e9", "E-400", "price_not_whole"),
        ("¥1000", "E-400", "price_not_whole"),
        ("NaN", "E-400", "price_not_whole"),
        ("9" * 5000, "E-400", "price_not_whole"),
    ],
)
def test_a_price_that_can_not_be_refuses_its_row_only(price: str, code: str, key: str) -> None:
    first, second = read(f"B0EXAMPLE1,sbx-bag,{price},1", "B0EXAMPLE2,sbx-bag,,").rows
    assert first.fault is not None
    assert (first.fault.code, first.fault.key) == (code, key)
    assert second.fault is None


@pytest.mark.parametrize("price", ["300", "9999999", "１０００", " 1000 "])
def test_a_whole_price_in_mercari_s_range_is_taken(price: str) -> None:
    (row,) = read(f"B0EXAMPLE1,sbx-bag,{price},").rows
    assert row.terms is not None
    assert row.terms.suggested_price_jpy in (300, 1_000, 9_999_999)


@pytest.mark.parametrize("threshold", ["-1", "1.5", "1000001", "many"])
def test_a_threshold_that_can_not_be_refuses_its_row(threshold: str) -> None:
    (row,) = read(f"B0EXAMPLE1,sbx-bag,,{threshold}").rows
    assert row.fault is not None
    assert row.fault.key == "threshold_not_whole"


@pytest.mark.parametrize("asin", ["", "A0EXAMPLE1", "B0EXAMPLE", "B0EXAMPLE12", "B0-XAMPLE1", "="])
def test_a_malformed_asin_refuses_its_row_and_is_kept_as_it_was(asin: str) -> None:
    first, second = read(f"{asin},sbx-bag,1000,1", "B0EXAMPLE2,sbx-bag,,").rows
    assert first.fault is not None
    assert (first.fault.code, first.fault.key, first.asin) == ("E-400", "asin_malformed", asin)
    assert second.fault is None


@pytest.mark.parametrize("asin", [" b0example1 ", "Ｂ０ＥＸＡＭＰＬＥ１", "'B0EXAMPLE1"[1:]])
def test_an_asin_is_taken_trimmed_full_width_or_in_lower_case(asin: str) -> None:
    (row,) = read(f"{asin},sbx-bag,,").rows
    assert row.asin == "B0EXAMPLE1"


def test_a_row_without_a_category_is_refused() -> None:
    (row,) = read("B0EXAMPLE1,,1000,1").rows
    assert row.fault is not None
    assert (row.fault.code, row.fault.key) == ("E-400", "category_missing")


def test_a_report_s_defusing_mark_is_taken_off_again() -> None:
    (row,) = read("B0EXAMPLE1,'=sbx,,").rows
    assert row.terms is not None
    assert row.terms.mercari_category_id == "=sbx"


def test_a_short_row_reads_as_blanks_and_a_long_one_is_cut() -> None:
    short, long = read("B0EXAMPLE1,sbx-bag", "B0EXAMPLE2,sbx-bag,,,more,and,more").rows
    assert (short.fault, long.fault) == (None, None)


def test_the_template_is_a_file_that_can_be_sent() -> None:
    sheet = read_sheet(TEMPLATE.encode())
    assert (len(sheet.rows), sheet.rows[0].fault) == (1, None)
