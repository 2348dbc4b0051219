"""People: invited by e-mail, let in by an identity provider's word, revoked, forgotten.

One stream a person, in its seller's history or, for staff, in the platform's. Neither name nor
e-mail is in a fact: they stand in a table, where they can be erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime

from domain.callers import PersonCaller
from domain.contacts import is_address
from domain.errors import PersonRefused, SignInRefused
from domain.facts import Fact
from domain.texts import rule_text
from domain.values import PLATFORM_ID, Value

PersonRole = Literal["admin", "reviewer", "support", "auditor", "seller"]
PERSON_ROLES: tuple[PersonRole, ...] = get_args(PersonRole)
INVITATION_LIFETIME = timedelta(days=14)
SIGN_IN_LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=1)
CALLBACK_PATH = "/sign-in/back"
NAME_LENGTH_MAX = 100

# --- facts --------------------------------------------------------------------------------------


class Invited(Fact):
    """Whoever proves to own an e-mail address may come in with this role."""

    TOPIC: ClassVar[str] = "person.invited"
    role: PersonRole


class Joined(Fact):
    """The person signed in for the first time: the invitation is taken."""

    TOPIC: ClassVar[str] = "person.joined"


class Revoked(Fact):
    """The person opens nothing any more; open sessions ended with it."""

    TOPIC: ClassVar[str] = "person.revoked"


class Forgotten(Fact):
    """Name, e-mail and the provider's name for the person were erased."""

    TOPIC: ClassVar[str] = "person.forgotten"


PersonFact = Invited | Joined | Revoked | Forgotten

# --- state --------------------------------------------------------------------------------------


class Person(Value):
    """One who was invited. `email` and `name` are None once they were erased."""

    person_id: UUID
    role: PersonRole
    seller_id: UUID | None
    email: str | None
    name: str | None
    invited_at: AwareDatetime
    joined_at: AwareDatetime | None
    revoked_at: AwareDatetime | None

    @property
    def log_id(self) -> UUID:
        """Whose history tells of this person."""
        return self.seller_id or PLATFORM_ID

    @property
    def caller(self) -> PersonCaller:
        return PersonCaller(
            key_id=self.person_id.hex, role=self.role, seller_id=self.seller_id,
            label=self.name or self.email or "",
        )  # fmt: skip

    def is_invitation_over(self, now: datetime) -> bool:
        return self.joined_at is None and now - self.invited_at >= INVITATION_LIFETIME


class Identity(Value):
    """Who somebody is, by a provider's word. An e-mail that it has not verified is None."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class SignInAnswer(Value):
    """What the provider's page led back with; texts of whoever asked for the address."""

    state: str = ""
    code: str = ""
    error: str = ""
    issuer: str = ""


class Arrival(Value):
    """Who came in, and where to go on; nobody yet where a set-up code is asked for first."""

    caller: PersonCaller | None
    following: str


class Installed(Arrival):
    """The first administrator came in."""

    caller: PersonCaller


class Provider(Value):
    """Whom people sign in with; the development provider lets anybody be anybody."""

    name: str
    is_development: bool


# --- decisions ----------------------------------------------------------------------------------


def ensure_invitable(email: str, role: str, seller_id: UUID | None) -> PersonRole:
    """Whoever may be invited so. Raises PersonRefused naming each part at fault."""
    rules = {}
    if not is_address(email):
        rules["email"] = "person_email"
    if role not in PERSON_ROLES:
        rules["role"] = "person_role"
    elif (role == "seller") != (seller_id is not None):
        rules["seller"] = "person_seller"
    if rules:
        raise PersonRefused(f"mend: {', '.join(rules)}", rules=rules)
    return next(each for each in PERSON_ROLES if each == role)


def ensure_not_last_admin(person: Person, everybody: Iterable[Person]) -> None:
    """Raises PersonRefused where nobody could invite anybody any more."""
    admins = {
        each.person_id
        for each in everybody
        if each.role == "admin" and each.joined_at and each.revoked_at is None
    }
    if admins == {person.person_id}:
        raise PersonRefused("the last administrator", rules={"person": "person_last_admin"})


def plain_name(text: object) -> str | None:
    """A provider's name for somebody as it may be shown; None for what is none."""
    if not isinstance(text, str):
        return None
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable.strip()[:NAME_LENGTH_MAX] or None


def refused(rule: str, **values: str) -> SignInRefused:
    """The refusal for this reason, in English for the log; `rule` is its key in the texts."""
    return SignInRefused(rule_text(rule, values, "en"), rule, values)
