"""What is wrong with a field of a request, in the reader's language instead of pydantic's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.error_codes import Language
from domain.texts import rule_text

KINDS: Mapping[str, str] = {
    "missing": "field_missing", "extra_forbidden": "field_unknown", "json_invalid": "field_json",
    "string_too_long": "field_too_long", "string_too_short": "field_too_short",
    "too_long": "field_too_many", "too_short": "field_too_few",
    "greater_than_equal": "field_at_least", "less_than_equal": "field_at_most",
    "literal_error": "field_choice", "enum": "field_choice",
    "instant": "field_instant", "unseen": "field_unseen", "no_null": "field_no_null",
    "string_type": "field_text", "string_pattern_mismatch": "field_pattern",
    "list_type": "field_list", "dict_type": "field_object", "model_type": "field_object",
    "model_attributes_type": "field_object",
}  # fmt: skip
"""By pydantic's types of faults; the rest is told by the beginning of its name."""
BEGINNINGS: Mapping[str, str] = {
    "int_": "field_whole_number", "float_": "field_number", "decimal_": "field_number",
    "finite_": "field_number", "bool_": "field_yes_or_no", "date_": "field_date",
    "datetime_": "field_instant", "timezone_": "field_instant",
}  # fmt: skip


LIMITS = ("ge", "le", "max_length", "min_length", "expected", "pattern")


def fault_of_field(fault: Mapping[str, Any], language: Language) -> str:
    """What the value has to be; limits and choices are named."""
    kind = fault["type"]
    key = KINDS.get(kind) or next(
        (told for start, told in BEGINNINGS.items() if kind.startswith(start)), "field_wrong"
    )
    context = {name: str(value) for name, value in fault.get("ctx", {}).items()}
    limit = next((context[name] for name in LIMITS if name in context), "")
    return rule_text(key, {"limit": limit}, language)
