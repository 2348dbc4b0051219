"""What the rules say, in Chinese, Japanese and English: one file a subject, one entry a rule.

An entry's placeholders are filled with a finding's `values`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from domain.error_codes import LANGUAGES, Language


@cache
def rule_texts() -> Mapping[str, Mapping[Language, str]]:
    """Every rule's wording by its key. Raises KeyError where one lacks a language."""
    files = sorted(resources.files(__package__).iterdir(), key=lambda file: file.name)
    return {
        key: {language: entry[language] for language in LANGUAGES}
        for file in files
        if file.name.endswith(".toml")
        for key, entry in tomllib.loads(file.read_text("utf-8")).items()
    }


def rule_text(key: str, values: Mapping[str, str], language: Language) -> str:
    """The rule in words; a key that is not in the tables is the wording itself, as it once was."""
    texts = rule_texts().get(key)
    return texts[language].format_map(values) if texts else key
