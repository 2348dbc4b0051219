"""Pricing rules as a form without JavaScript holds them: text in, rules out, and back."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from api.pricing_bodies import rule_answer, rules_in
from domain.errors import PricingRefused
from domain.rules.repricing import PriceRule, PricingRules

RULES = tuple(PriceRule.model_fields)
COLUMNS = ("asin", *RULES, "off")
"""The columns of the lines for single ASINs."""

_WHOLE_NUMBER = re.compile(r"[0-9]{1,12}")
TRUE, FALSE = ("yes", "true", "1", "on"), ("no", "false", "0")


def fields_of(rules: PricingRules) -> dict[str, str]:
    """The rules as the form shows them."""
    return {**texts_of(rules.everywhere), "overrides": lines_of(rules)}


def texts_of(rule: PriceRule) -> dict[str, str]:
    return {name: text_of(value) for name, value in rule_answer(rule).items()}


def text_of(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def lines_of(rules: PricingRules) -> str:
    """The rules of single ASINs as CSV, with the columns that are in use."""
    if not rules.overrides:
        return ""
    rows = [{"asin": own.asin, **texts_of(own), "off": " ".join(own.off)}
            for own in rules.overrides]  # fmt: skip
    used = [name for name in COLUMNS if name == "asin" or any(row[name] for row in rows)]
    file = io.StringIO()
    writer = csv.DictWriter(file, used, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def rules_of_form(fields: Mapping[str, str]) -> PricingRules:
    """What the form asks for; blank fields ask for nothing. Raises PricingRefused."""
    general = {name: meant(name, fields.get(name, "")) for name in RULES}
    overrides = overrides_in(fields.get("overrides", ""))
    return rules_in({"rules": {**general, "overrides": overrides}})


def overrides_in(text: str) -> list[dict[str, Any]]:
    """Lines for single ASINs, the first naming the columns. Raises PricingRefused."""
    lines = [line for line in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in line)]
    if not lines:
        return []
    names = [plain(name).lower() for name in lines[0]]
    if "asin" not in names or not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
        raise PricingRefused("mend: overrides", rules={"overrides": "pricing_rule_columns"})
    return [override_of(dict(zip(names, line, strict=False))) for line in lines[1:]]


def override_of(cells: Mapping[str, str]) -> dict[str, Any]:
    named = {name: meant(name, cells.get(name, "")) for name in RULES}
    off = plain(cells.get("off", "")).split()
    return {"asin": plain(cells.get("asin", "")), **named, "off": off}


def meant(name: str, text: str) -> object:
    """A field's value; text that can't be one stays text, to be refused by name."""
    given = plain(text)
    if not given:
        return None
    if name in ("floor_jpy", "floor_net_jpy", "ceiling_jpy"):
        return int(given) if _WHOLE_NUMBER.fullmatch(given) else given
    if name == "avoid_fee_cliff":
        return True if given.lower() in TRUE else False if given.lower() in FALSE else given
    return given


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
