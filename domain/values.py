"""Values that are checked once, when they are made: ASINs, yen, ids of sellers and bindings."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict

AMAZON_JP_MARKETPLACE_ID = "A1VC38T7YXB528"
MERCARI_PRICE_JPY_MIN = 300
MERCARI_PRICE_JPY_MAX = 9_999_999
PLATFORM_ID = UUID(int=0)
"""The seller id of facts that concern no single seller, such as keys of Mercari's own staff."""

_ASIN = re.compile(r"(?:B[0-9A-Z]{9}|[0-9]{9}[0-9X])")
_NAMESPACE = uuid5(NAMESPACE_URL, "asin-sync")


class Value(BaseModel):
    """An immutable record compared by its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NotAnAsin(ValueError):
    """The text is not an ASIN: ten characters, beginning with B, or an ISBN-10."""


def asin_from(text: str) -> str:
    """Normalise what people paste: spaces, full-width characters, lower case. Raises NotAnAsin."""
    asin = unicodedata.normalize("NFKC", text).strip().upper()
    if not _ASIN.fullmatch(asin):
        raise NotAnAsin(text)
    return asin


def folded(text: str) -> str:
    """For comparing names and words: full width, case and spaces do not count."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def seller_id_of(amazon_seller_id: str) -> UUID:
    """The id of the seller who owns this Amazon.co.jp account (for example A2EXAMPLE12345)."""
    return uuid5(_NAMESPACE, f"seller:{amazon_seller_id}")


def binding_id_of(seller_id: UUID, asin: str) -> UUID:
    """The id of the one binding of (seller, ASIN): binding again continues its history."""
    return uuid5(seller_id, f"binding:{asin}")


def submission_id_of(seller_id: UUID, key: str) -> UUID:
    """The id of the upload sent under this idempotency key, so that sending twice meets itself."""
    return uuid5(seller_id, f"submission:{key}")


def sweep_id_of(seller_id: UUID, kind: str, due_at: datetime) -> UUID:
    """The id of one sweep: a seller, a kind and the moment it was due, to the microsecond."""
    return uuid5(seller_id, f"sweep:{kind}:{due_at.astimezone(UTC).isoformat()}")


def channel_prices_id_of(seller_id: UUID, lot: UUID) -> UUID:
    """The id of one lot of a seller's own prices on other channels."""
    return uuid5(seller_id, f"channel_prices:{lot}")


def suspicion_id_of(seller_id: UUID, version: int) -> UUID:
    """The id of the suspicion that is raised at this version of the seller's stream."""
    return uuid5(seller_id, f"suspicion:{version}")


def hint_id_of(seller_id: UUID, notification_id: str) -> UUID:
    """What the facts that a marketplace's notification led to have in common."""
    return uuid5(seller_id, f"notification:{notification_id}")


def sku_code_of(asin: str, binding_id: UUID) -> str:
    """The SKU code of the binding's listing: Mercari's only natural key, so it must never vary."""
    return f"{asin}-{binding_id.hex[:12]}"
