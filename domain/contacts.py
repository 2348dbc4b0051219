"""Contacts: whom a seller wants told by mail, in which language, about what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

from domain.error_codes import LANGUAGES, Language
from domain.errors import Refusal
from domain.values import Value

Topic = Literal["stock", "breaker", "brake"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
CONTACTS_MAX = 10
_ADDRESS_LENGTH_MAX = 254
_LOCAL_LENGTH_MAX = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")


class ContactRefused(Refusal):
    """A contact can't be kept as given; `rules` says which part breaks which."""

    code = "invalid-request"


class Contact(Value):
    """An address, and what it is told in which language."""

    email: str
    language: Language = "en"
    topics: tuple[Topic, ...] = TOPICS


class ContactState(Value):
    """A contact with the last mail to it, and what failed since."""

    contact: Contact
    sent_at: datetime | None = None
    retry_at: datetime | None = None
    error: str | None = None


def is_address(text: str) -> bool:
    """True for a plain address of printable ASCII: nothing that could end a mail's header line."""
    found = _ADDRESS.fullmatch(text)
    return (
        found is not None
        and len(text) <= _ADDRESS_LENGTH_MAX
        and len(found[1]) <= _LOCAL_LENGTH_MAX
    )


def contact_from(place: str, email: str, language: str, topics: Sequence[str]) -> Contact:
    """The contact as it is kept. Raises ContactRefused naming the parts under `place`."""
    address = email.strip()
    rules = {
        f"{place}{part}": f"contact_{part}"
        for part, is_fine in (
            ("email", is_address(address)),
            ("language", language in LANGUAGES),
            ("topics", bool(topics) and set(topics) <= set(TOPICS)),
        )
        if not is_fine
    }
    if rules:
        raise ContactRefused(f"mend: {', '.join(rules)}", rules=rules)
    kept = tuple(topic for topic in TOPICS if topic in topics)
    return Contact.model_validate({"email": address, "language": language, "topics": kept})


def ensure_few(contacts: Sequence[Contact]) -> None:
    """Raises ContactRefused for more contacts than are kept, or one address twice."""
    rules = {}
    if len(contacts) > CONTACTS_MAX:
        rules["contacts"] = "contact_count"
    if len({each.email.casefold() for each in contacts}) < len(contacts):
        rules["email"] = "contact_twice"
    if rules:
        raise ContactRefused(f"mend: {', '.join(rules)}", rules=rules)
