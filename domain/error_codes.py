"""What each error code means and what to do about it, in Chinese, Japanese and English (SPEC §10).

The texts lie in `error_codes.toml`; which code applies is decided elsewhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

from domain.values import Value

Language = Literal["zh", "ja", "en"]
Severity = Literal["refused", "certification", "system", "warning"]
WhoActs = Literal["seller", "mercari", "automatic"]

LANGUAGES: tuple[Language, ...] = ("zh", "ja", "en")


class Text(Value):
    """One code in one language: a label, the rule in one sentence, the next step."""

    title: str
    meaning: str
    action: str


class ErrorCode(Value):
    """A row of the table. `is_retried`: by us, unasked; `is_blocking`: for ever."""

    code: str
    severity: Severity
    who_acts: WhoActs
    is_retried: bool
    is_blocking: bool
    texts: Mapping[Language, Text]


class Reason(Value):
    """Why a file or a row is refused; `values` says what each placeholder of the texts holds."""

    values: Mapping[str, str]
    texts: Mapping[Language, str]


def error_code(code: str) -> ErrorCode:
    """The row of this code. Raises KeyError with the code for one that is not in the table."""
    return ERROR_CODES[code]


def reason(key: str, lang: Language, /, **values: object) -> str:
    """The fault `key` in words. Raises KeyError for an unknown fault or a value not given."""
    return REASONS[key].texts[lang].format_map(values)


def with_texts(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A table entry with its languages under `texts`. Raises KeyError where one is missing."""
    texts = {language: entry[language] for language in LANGUAGES}
    return {"texts": texts} | {name: entry[name] for name in entry if name not in texts}


_TABLE = tomllib.loads(resources.files("domain").joinpath("error_codes.toml").read_text("utf-8"))

REASONS: Mapping[str, Reason] = {
    key: Reason.model_validate(with_texts(entry))
    for table in ("file_fault", "row_fault")
    for key, entry in _TABLE.pop(table).items()
}
ERROR_CODES: Mapping[str, ErrorCode] = {
    code: ErrorCode.model_validate({"code": code, **with_texts(entry)})
    for code, entry in _TABLE.items()
}
