"""Every message of pages, log and forms is translated, and no translation is left over."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import api
import domain
from api.l10n import L10NS, as_forms, catalogue_of, language_of
from api.problems import TITLES
from api.words import EVENT_KINDS
from domain.catalogue import BY_TOPIC
from domain.error_codes import LANGUAGES, Language

FOLDER = Path(api.__file__).parent
DOMAIN = Path(domain.__file__).parent
KEYWORDS = {"_": None, "mark": None, "text": None, "ngettext": (1, 2), "plural": (1, 2)}
NAMES = {
    "Amazon", "Mercari", "ASIN", "ASINs", "CSV", "JST", "API", "ID", "UTF", "MiB", "JIS", "GB",
    "co", "jp", "https", "Shift", "PSE", "PSC", "TELEC", "PDF", "JPEG", "PNG", "MB",
    "Webhook", "URL", "Pro", "Seller", "Sync", "Parquet", "JSON", "Lines",
}  # fmt: skip
TRANSLATIONS: tuple[Language, ...] = ("zh", "ja")
FULL_WIDTH = r"[\u3001-\u301f\u3040-\u30ff\u3400-\u9fff\uff01-\uff60]"
HALF_WIDTH_MARK = re.compile(rf"{FULL_WIDTH} ?[,:;]|[,:;] ?{FULL_WIDTH}")


def messages_in_use() -> set[str]:
    """The source text of every message; of a plural, its singular."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    found = extract_from_dir(str(FOLDER), methods, keywords=KEYWORDS)
    return {each[2] if isinstance(each[2], str) else each[2][0] for each in found}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_message_is_missing_and_none_is_left_over(language: Language) -> None:
    translated = {
        each.id if isinstance(each.id, str) else each.id[0]
        for each in catalogue_of(language)
        if each.id and all([each.string] if isinstance(each.string, str) else each.string)
    }
    assert translated == messages_in_use()


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_keeps_the_values_and_leaves_no_english(language: Language) -> None:
    for each in catalogue_of(language):
        if not each.id:
            continue
        source = each.id if isinstance(each.id, str) else each.id[0]
        target = each.string if isinstance(each.string, str) else each.string[0]
        values = re.compile(r"%\((\w+)\)s")
        assert set(values.findall(target)) == set(values.findall(source)), source
        words = set(re.findall(r"[A-Za-z]{2,}", values.sub("", target)))
        assert words <= NAMES, (source, words - NAMES)


def texts_of(entry: object, language: Language, is_in: bool = False) -> Iterator[str]:
    """Every text in this language below an entry of a `.toml` file."""
    if isinstance(entry, dict):
        for name, value in entry.items():
            yield from texts_of(value, language, is_in or name == language)
    elif is_in:
        yield str(entry)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_commas_and_colons_beside_chinese_and_japanese_are_full_width(language: Language) -> None:
    files = [*(DOMAIN / "texts").glob("*.toml"), DOMAIN / "error_codes.toml"]
    texts = [text for file in files for text in texts_of(tomllib.loads(file.read_text()), language)]
    texts += [title[language] for title in TITLES.values()]
    for each in catalogue_of(language):
        texts += as_forms(each.string)
    values = re.compile(r"%\(\w+\)s|%%|\{\w+[^}]*\}")
    assert [text for text in texts if HALF_WIDTH_MARK.search(values.sub("値", text))] == []


def test_each_beginning_of_the_types_of_events_has_words() -> None:
    assert set(EVENT_KINDS) == {topic.partition(".")[0] + "." for topic in BY_TOPIC}


@pytest.mark.parametrize(
    ("wanted", "remembered", "header", "language"),
    [
        ("ja", "zh", "en", "ja"),
        ("xx", "zh", "en", "zh"),
        (None, None, "fr, ja;q=0.5, zh-CN;q=0.8", "zh"),
        (None, None, "ja-JP", "ja"),
        (None, None, "fr;q=abc, zh;q=0", "en"),
        (None, None, "", "en"),
    ],
)
def test_the_language_asked_for_comes_before_the_remembered_and_the_browsers(
    wanted: str | None, remembered: str | None, header: str, language: str
) -> None:
    assert language_of(wanted, remembered, header) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_are_shown_in_japan_and_yen_without_decimals(language: Language) -> None:
    l10n = L10NS[language]
    moment = datetime(2026, 11, 22, 15, 0, 30, tzinfo=UTC)
    assert l10n.clock(moment) == "00:00:30"
    assert "23" in l10n.stamp(moment)
    assert l10n.yen(9480) == "¥9,480"
    assert l10n.percent(0.9954) == "99.54"
