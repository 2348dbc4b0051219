"""Words, numbers, money and times in the reader's language; every way in says them through this.

English is the source text; `locale/*/messages.po` hold Chinese and Japanese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property, lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, dates, lists, numbers
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from domain.error_codes import LANGUAGES, Language

JST = ZoneInfo("Asia/Tokyo")
CLOCK, CLOCK_SHORT = "HH:mm:ss", "HH:mm"
NUMBERS_KEPT = 8_192


class Tongue(NamedTuple):
    """A language as the web, Babel and its speakers name it, how it writes a moment and a colon."""

    tag: str
    locale: str
    name: str
    stamp: str
    day: str
    colon: str


TONGUES: Mapping[Language, Tongue] = {
    "zh": Tongue("zh-CN", "zh_Hans_CN", "简体中文", "y年M月d日 HH:mm:ss", "M月d日", "："),
    "ja": Tongue("ja", "ja_JP", "日本語", "y年M月d日 HH:mm:ss", "M月d日", "："),
    "en": Tongue("en", "en_US", "English", "MMM d, y, HH:mm:ss", "MMM d", ": "),
}


def mark(message: str) -> str:
    """Name a message for the catalogues where it is data, to be translated when it is shown."""
    return message


def language_of(wanted: str | None, remembered: str | None, accept_language: str) -> Language:
    """The language asked for, else the remembered one, else the header's best; else English."""
    for choice in (wanted, remembered):
        if choice in LANGUAGES:
            return choice
    weighed: list[tuple[float, int, str]] = []
    for order, part in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        weighed.append((-as_weight(weight), order, tag.lower()))
    for negative, _, tag in sorted(weighed):
        for language in LANGUAGES:
            if negative < 0 and tag.split("-")[0] == language:
                return language
    return "en"


def as_weight(text: str) -> float:
    """A header's q value; 1 where there is none, 0 where it is not a number."""
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def catalogue_of(language: Language) -> Catalog:
    """The translations into one language, from its `.po` file."""
    path = resources.files("api").joinpath("locale", language, "messages.po")
    with path.open("rb") as file:
        return read_po(file, locale=TONGUES[language].locale)


class L10n:
    """One language. Times are shown in JST; rates are fractions and shown as percent."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.tongue = TONGUES[language]
        self.locale = Locale.parse(self.tongue.locale)

    @cached_property
    def _texts(self) -> Mapping[str, Sequence[str]]:
        if self.language == "en":
            return {}
        catalogue = catalogue_of(self.language)
        return {
            message.id if isinstance(message.id, str) else message.id[0]: as_forms(message.string)
            for message in catalogue
            if message.id
        }

    def text(self, message: str, /, **values: object) -> str:
        """The message in this language; `%(name)s` stands for a value."""
        found = self._texts.get(message, (message,))[0]
        return found % {name: self.shown(value) for name, value in values.items()}

    def plural(self, one: str, many: str, n: int, /, **values: object) -> str:
        """The message for a number, which `%(n)s` stands for. Chinese and Japanese have one."""
        forms = self._texts.get(one, (one, many))
        found = forms[min(len(forms) - 1, 0 if n == 1 else 1)]
        return found % {name: self.shown(each) for name, each in {"n": n, **values}.items()}

    def shown(self, value: object) -> str:
        return self.number(value) if isinstance(value, int) else str(value)

    def number(self, value: float) -> str:
        return self._written(value, None)

    def decimal(self, value: float, digits: int = 2) -> str:
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        return self._written(value, pattern)

    def _written(self, value: float, pattern: str | None) -> str:
        """Adding 0 makes a negative zero the other one, which it is equal to."""
        return number_text(value + 0, pattern, self.locale)

    def percent(self, rate: float, digits: int = 2) -> str:
        """A fraction as percent, without the sign: 0.992 is 99.20."""
        return self.decimal(100 * rate, digits)

    def yen(self, value: int | None) -> str:
        return "—" if value is None else f"¥{self.number(value)}"

    def count(self, value: int | None) -> str:
        return "—" if value is None else self.number(value)

    def clock(self, moment: datetime, pattern: str = CLOCK) -> str:
        return str(dates.format_datetime(moment, pattern, tzinfo=JST, locale=self.locale))

    def hour(self, moment: datetime) -> str:
        return self.clock(moment, CLOCK_SHORT)

    def day(self, moment: datetime) -> str:
        return self.clock(moment, self.tongue.day)

    def full_day(self, day: date) -> str:
        """A day with its year, in words where the language has them."""
        return str(dates.format_date(day, "long", locale=self.locale))

    def stamp(self, moment: datetime) -> str:
        """Day and time to the second, in JST; the zone is written beside it."""
        return self.clock(moment, self.tongue.stamp)

    def listed(self, words: Sequence[str]) -> str:
        """Several words joined as a list is in this language."""
        return str(lists.format_list(list(words), style="standard", locale=self.locale))


@lru_cache(maxsize=NUMBERS_KEPT)
def number_text(value: float, pattern: str | None, locale: Locale) -> str:
    """By the rules of the language; pages show the same numbers again and again."""
    return str(numbers.format_decimal(value, pattern, locale))


def as_forms(translation: object) -> Sequence[str]:
    return [translation] if isinstance(translation, str) else list(map(str, translation or ()))  # type: ignore[call-overload]


L10NS: Mapping[Language, L10n] = {language: L10n(language) for language in LANGUAGES}
