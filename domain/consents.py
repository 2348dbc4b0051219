"""Consent: a seller lets us read its Amazon.co.jp account, on Amazon's own page.

What is asked for, and which answers are refused; asking and exchanging are done elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime

from domain.errors import ConsentRefused, LinkRefused
from domain.seller import Seller
from domain.texts import rule_text
from domain.values import Value

SCOPES = ("products::read", "catalog:read")
"""Nothing more is asked for, and nothing else is taken (SPEC §2.5)."""
CONSENT_LIFETIME = timedelta(minutes=10)
CALLBACK_PATH = "/oauth/amazon/callback"

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_SHOP_ID = re.compile(r"[\x21-\x7e]{1,100}")


class Consent(Value):
    """Where the seller says yes or no, and until when the answer is taken."""

    consent_url: str
    expires_at: AwareDatetime


class ConsentAnswer(Value):
    """What Amazon's page led back with; texts of whoever asked for the callback."""

    state: str = ""
    selling_partner_id: str = ""
    code: str = ""
    error: str = ""


class Browser(Value):
    """Who is signed in where a consent is asked for or answered: session, and its key's seller."""

    session_hash: bytes
    seller_id: UUID | None


def ensure_answered(seller: Seller, answer: ConsentAnswer) -> None:
    """Raises ConsentRefused for a no, for no code, or for another account than the seller's."""
    if answer.error:
        raise refused("consent_denied" if answer.error == "access_denied" else "consent_failed")
    if answer.selling_partner_id != seller.amazon_seller_id:
        raise refused("consent_other_account", account=seller.amazon_seller_id)
    if not answer.code:
        raise refused("consent_failed")


def ensure_scopes(scopes: Collection[str]) -> None:
    """Raises ConsentRefused for a permission that is wider or narrower than what is asked for."""
    if sorted(scopes) != sorted(SCOPES):
        raise refused("consent_scopes")


def ensure_token(name: str, token: str) -> None:
    """Raises LinkRefused for what can't be a token, such as a line with blanks or other letters."""
    if not _TOKEN.fullmatch(token):
        raise LinkRefused(f"{name}: printable ASCII without blanks", rules={name: "link_token"})


def ensure_shop_id(shop_id: str) -> None:
    """Raises LinkRefused for what can't be the id of a shop."""
    if not _SHOP_ID.fullmatch(shop_id):
        raise LinkRefused("shop_id: printable ASCII", rules={"shop_id": "link_shop_id"})


def refused(rule: str, **values: str) -> ConsentRefused:
    """The refusal for this reason, in English for the log; `rule` is its key in the texts."""
    return ConsentRefused(rule_text(rule, values, "en"), rule, values)
