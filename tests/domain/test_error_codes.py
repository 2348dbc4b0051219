"""The table of error codes is complete, consistent and written in the language it claims."""

from __future__ import annotations

import re
import string
import unicodedata

import pytest

from domain.error_codes import ERROR_CODES, LANGUAGES, REASONS, Language, error_code, reason
from domain.submission import ROWS_MAX, Fault, without_repeats
from domain.upload_file import BYTES_MAX, THRESHOLD_MAX, read_sheet
from domain.values import MERCARI_PRICE_JPY_MAX, MERCARI_PRICE_JPY_MIN

SPEC_CODES = {
    *(f"E-{number}" for number in range(400, 420)),
    *("E-501", "E-502", "E-901", "E-902", "E-903", "E-904", "E-905", "E-906", "E-907"),
    *("W-101", "W-102", "W-103", "W-104", "W-105", "W-106"),
}
FAMILIES = {"E-4": "refused", "E-5": "certification", "E-9": "system", "W-1": "warning"}
FILE_AND_ROW_FAULTS = {
    *("too_many_rows", "missing_column", "empty_file", "too_large", "nul_byte", "undecodable"),
    *("not_csv", "duplicate_column", "asin_malformed", "asin_repeated", "category_missing"),
    *("price_not_whole", "price_out_of_range", "threshold_not_whole", "workbook", "no_text"),
}
TITLE_COLUMNS_MAX = {"zh": 36, "ja": 36, "en": 45}
KANA = re.compile(r"[\u3041-\u30ff]")
CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
POLITE_ENDING = re.compile(r"(?:です|ます|ません|ください)$")
HALF_WIDTH_PUNCTUATION = re.compile(r"[\u3041-\u9fff][,;:()~?!]|[,;:()~?!][\u3041-\u9fff]")
PREDICATE_ENDING = re.compile(r"(?:です|ます|ません|ない|る|い)$")
SENTENCE_END = {"zh": "。", "ja": "。", "en": "."}


HEADER = b"asin,mercari_category_id,suggested_price_jpy,stock_threshold\n"
FAULTY_UPLOADS = [
    b"",
    b"x" * (BYTES_MAX + 1),
    HEADER + b"\x00",
    b"%PDF-1.7",
    b"PK\x03\x04",
    b"\xff\xff\xff",
    HEADER + b'"B0C7KXQ4TN"x,1,,\n',
    b"asin,asin\nB0C7KXQ4TN,1\n",
    HEADER + b"B0C7KXQ4TN,1,,\n" * (ROWS_MAX + 1),
    HEADER + b"B12,1,,\nB0C7KXQ4TN,1,,\nB0C7KXQ4TN,1,,\nB09ZD3M8RW,,,\n",
    HEADER + b"B0BT2H6VPL,1,12.5,\nB0D1F9YJQX,1,120,\nB0CM5W4KZ8,1,,many\n",
]


def faults_in(content: bytes) -> list[Fault]:
    """The faults of the file and of its rows, repeats among them."""
    sheet = read_sheet(content)
    rows = without_repeats(sheet.rows)
    return [*sheet.faults, *(row.fault for row in rows if row.fault is not None)]


def sentences_of(lang: Language) -> list[str]:
    """Every meaning, action and reason in that language."""
    texts = [entry.texts[lang] for entry in ERROR_CODES.values()]
    explained = [sentence for text in texts for sentence in (text.meaning, text.action)]
    return explained + [entry.texts[lang] for entry in REASONS.values()]


def titles_of(lang: Language) -> list[str]:
    return [entry.texts[lang].title for entry in ERROR_CODES.values()]


def columns_of(text: str) -> int:
    """Width in columns: a CJK character takes two, a Latin one takes one."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def placeholders_of(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}


def test_the_table_holds_every_code_of_the_specification_and_no_other() -> None:
    assert set(ERROR_CODES) == SPEC_CODES
    assert all(error_code(code).code == code for code in SPEC_CODES)


def test_an_unknown_code_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match="E-999"):
        error_code("E-999")


@pytest.mark.parametrize("code", sorted(SPEC_CODES))
def test_the_severity_is_that_of_the_codes_family(code: str) -> None:
    assert error_code(code).severity == FAMILIES[code[:3]]


@pytest.mark.parametrize("code", sorted(SPEC_CODES))
def test_what_we_retry_is_the_system_family_and_nobody_else_has_to_act(code: str) -> None:
    entry = error_code(code)
    is_system = entry.severity == "system"
    assert (entry.is_retried, entry.who_acts == "automatic") == (is_system, is_system)


def test_only_a_hard_certificate_fault_blocks_for_ever() -> None:
    assert [code for code, entry in ERROR_CODES.items() if entry.is_blocking] == ["E-502"]


def test_only_arbitrage_waits_for_mercari() -> None:
    assert [code for code, entry in ERROR_CODES.items() if entry.who_acts == "mercari"] == ["E-415"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_two_codes_share_a_title_and_each_fits_its_column(lang: Language) -> None:
    titles = titles_of(lang)
    assert len(set(titles)) == len(titles)
    assert [title for title in titles if columns_of(title) > TITLE_COLUMNS_MAX[lang]] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_titles_are_labels_and_all_else_is_whole_sentences(lang: Language) -> None:
    end = SENTENCE_END[lang]
    assert [title for title in titles_of(lang) if not title or title.endswith(end)] == []
    assert [text for text in sentences_of(lang) if not text.endswith(end)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_meaning_is_one_sentence_and_an_action_at_most_two(lang: Language) -> None:
    ends = re.compile(r"。" if lang != "en" else r"\.(?:\s|$)")
    texts = [entry.texts[lang] for entry in ERROR_CODES.values()]
    assert [text.meaning for text in texts if len(ends.findall(text.meaning)) != 1] == []
    assert [text.action for text in texts if len(ends.findall(text.action)) > 2] == []


def test_chinese_is_simplified_polite_and_free_of_kana() -> None:
    texts = titles_of("zh") + sentences_of("zh")
    assert [text for text in texts if KANA.search(text) or "你" in text] == []
    for text in texts:
        text.encode("gb2312")


@pytest.mark.parametrize("lang", ["zh", "ja"])
def test_punctuation_beside_chinese_and_japanese_is_full_width(lang: Language) -> None:
    texts = titles_of(lang) + sentences_of(lang)
    assert [text for text in texts if HALF_WIDTH_PUNCTUATION.search(text)] == []


def test_japanese_titles_are_nouns() -> None:
    assert [text for text in titles_of("ja") if PREDICATE_ENDING.search(text)] == []


def test_japanese_has_kana_polite_endings_and_no_foreign_characters() -> None:
    sentences = sentences_of("ja")
    assert [text for text in sentences if not KANA.search(text)] == []
    ends = [each for text in sentences for each in text.split("。") if each]
    assert [each for each in ends if not POLITE_ENDING.search(each)] == []
    for text in titles_of("ja") + sentences:
        text.encode("cp932")


def test_english_has_no_chinese_or_japanese_characters() -> None:
    assert [text for text in titles_of("en") + sentences_of("en") if CJK.search(text)] == []


def test_every_fault_of_a_file_or_a_row_has_its_reason() -> None:
    assert set(REASONS) == FILE_AND_ROW_FAULTS


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("key", sorted(FILE_AND_ROW_FAULTS))
def test_a_reason_uses_all_its_documented_values_and_no_other(key: str, lang: Language) -> None:
    entry = REASONS[key]
    assert placeholders_of(entry.texts[lang]) == set(entry.values)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_reason_shows_the_values_of_the_fault(lang: Language) -> None:
    text = reason("too_many_rows", lang, rows=501, rows_max=ROWS_MAX)
    assert "501" in text
    assert "500" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_limits_named_in_a_reason_are_those_that_are_checked(lang: Language) -> None:
    price = reason("price_out_of_range", lang, value="120")
    assert str(MERCARI_PRICE_JPY_MIN) in price
    assert f"{MERCARI_PRICE_JPY_MAX:,}" in price
    assert f"{THRESHOLD_MAX:,}" in reason("threshold_not_whole", lang, value="x")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_braces_in_what_a_seller_typed_are_shown_as_typed(lang: Language) -> None:
    assert "{rows}{0}" in reason("asin_malformed", lang, value="{rows}{0}")


def test_every_fault_found_in_an_upload_can_be_put_in_words() -> None:
    faults = [fault for content in FAULTY_UPLOADS for fault in faults_in(content)]
    assert {fault.key for fault in faults} == FILE_AND_ROW_FAULTS
    for fault in faults:
        assert error_code(fault.code).severity == "refused"
        words = [reason(fault.key, lang, **fault.values) for lang in LANGUAGES]
        assert len(set(words)) == len(LANGUAGES)


def test_a_reason_without_its_value_or_of_an_unknown_fault_is_an_error() -> None:
    with pytest.raises(KeyError, match="rows_max"):
        reason("too_many_rows", "en", rows=501)
    with pytest.raises(KeyError, match="no_such_fault"):
        reason("no_such_fault", "en")
