"""What somebody edited on Mercari by hand, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from api.l10n import L10n
from api.words import LISTING_FIELDS
from domain.asin_binding.facts import BindingFact, Difference, DriftFound


def edits_in_words(differences: Sequence[Difference], l10n: L10n) -> list[str]:
    """One sentence for the fields that were put back, one for those that were kept."""
    names: dict[str, list[str]] = {}
    for each in differences:
        names.setdefault(each.outcome, []).append(l10n.text(LISTING_FIELDS[each.field]))
    return [edited(outcome, l10n.listed(fields), l10n) for outcome, fields in names.items()]


def edited(outcome: str, field: str, l10n: L10n) -> str:
    if outcome == "put_back":
        return l10n.text("Edited on Mercari by hand and put back: %(field)s", field=field)
    return l10n.text("Edited on Mercari by hand and kept: %(field)s", field=field)


def differences_in(fact: BindingFact, l10n: L10n) -> list[str]:
    """Each field that somebody edited on Mercari, from what to what."""
    if not isinstance(fact, DriftFound):
        return []
    return [difference_in_words(each, l10n) for each in fact.differences]


def difference_in_words(each: Difference, l10n: L10n) -> str:
    """A field that was edited by hand, from what was last seen to what is shown now."""
    values = (value_in_words(each.field, value, l10n) for value in (each.expected, each.seen))
    before, after = values
    field = l10n.text(LISTING_FIELDS[each.field])
    if each.field in UNREADABLE_FIELDS or not after:
        value = l10n.text("changed") if after else l10n.text("gone")
        return l10n.text("%(field)s: %(value)s", field=field, value=value)
    return l10n.text("%(field)s: %(before)s → %(after)s", field=field, before=before, after=after)


UNREADABLE_FIELDS = ("description",)
"""Only the hash of a text is kept."""


def value_in_words(field: str, value: str, l10n: L10n) -> str:
    """A value of a listing as its record keeps it: as text."""
    match field:
        case "price_jpy":
            return l10n.yen(int(value))
        case "stock":
            return l10n.count(int(value))
        case "is_on_sale":
            return l10n.text("On sale") if value == "True" else l10n.text("Off sale")
        case _:
            return value
