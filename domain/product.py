"""A product as Amazon showed it at one moment: the input of every check, kept with the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime

from domain.ports import AmazonItem, AmazonOffer, AmazonStatus, FulfilmentChannel
from domain.values import Value

CERTIFICATES = "regulatory_compliance_certification"


class Certificate(Value):
    """A certificate on file at Amazon; `number` may be empty where a mark carries none."""

    kind: str
    number: str = ""


class Product(Value):
    """One ASIN, its own offer and its catalogue entry.

    `certificates` is None where Amazon did not expose the attribute: neither present nor absent;
    `is_compliance_unknown` where the attribute was there but could not be read. `shipping_days` is
    the longest time to ship that Amazon states for a seller-fulfilled offer; None = not stated.
    """

    asin: str
    status: AmazonStatus
    status_reason: str | None = None
    sku: str | None = None
    title: str | None = None
    brand: str | None = None
    browse_path: tuple[str, ...] = ()
    product_type: str | None = None
    image_url: str | None = None
    price_jpy: int | None = None
    quantity: int | None = None
    channel: FulfilmentChannel | None = None
    certificates: tuple[Certificate, ...] | None = None
    is_compliance_unknown: bool = False
    shipping_days: int | None = None
    jan: str | None = None
    manual_languages: tuple[str, ...] | None = None
    observed_at: AwareDatetime

    @property
    def is_blank(self) -> bool:
        """Amazon shows nothing of it: no title, no place in its tree, no image."""
        return not (self.title or self.browse_path or self.image_url)


def product_of(
    asin: str, offers: Sequence[AmazonOffer], item: AmazonItem | None, observed_at: datetime
) -> Product:
    """Join an offer and a catalogue entry; no offer at all reads as inactive ("no_offer")."""
    offer = chosen_offer(offers)
    catalogue = {} if item is None else catalogue_fields(item)
    if offer is None:
        own: dict[str, Any] = {"status": "inactive", "status_reason": "no_offer"}
    else:
        own = {
            "status": offer.status,
            "status_reason": offer.status_reason,
            "sku": offer.sku,
            "price_jpy": offer.price_jpy,
            "quantity": offer.quantity,
            "channel": offer.channel,
            "shipping_days": offer.shipping_days,
        } | ({"title": offer.title} if offer.title else {})
    return Product(asin=asin, observed_at=observed_at, **(catalogue | own))


def catalogue_fields(item: AmazonItem) -> dict[str, Any]:
    certificates = certificates_in(item.attributes)
    return {
        "title": item.title,
        "brand": item.brand,
        "browse_path": item.browse_path,
        "image_url": item.image_url,
        "product_type": item.product_type,
        "certificates": certificates,
        "is_compliance_unknown": certificates is None and CERTIFICATES in item.attributes,
        "jan": jan_in(item.attributes),
        "manual_languages": manual_languages_in(item.attributes),
    }


def chosen_offer(offers: Sequence[AmazonOffer]) -> AmazonOffer | None:
    """Of several SKUs of one ASIN: FBA first, then the lowest price, then the SKU's name."""
    ranked = sorted(
        offers,
        key=lambda offer: (
            offer.channel != "fba",
            offer.price_jpy is None,
            offer.price_jpy or 0,
            offer.sku,
        ),
    )
    return ranked[0] if ranked else None


def certificates_in(attributes: Mapping[str, Any]) -> tuple[Certificate, ...] | None:
    """None where the attribute is not exposed, or is not a list of certificates.

    Source: facts/amazon-sp-api §1.4; which names Japan's product types use is inferred.
    """
    entries = attributes.get(CERTIFICATES)
    if not isinstance(entries, list) or not all(map(is_certificate, entries)):
        return None
    return tuple(
        Certificate(kind=str(entry["regulation_type"]), number=str(entry.get("value") or ""))
        for entry in entries
    )


def is_certificate(entry: Any) -> bool:
    return isinstance(entry, dict) and bool(entry.get("regulation_type"))


def jan_in(attributes: Mapping[str, Any]) -> str | None:
    """The EAN or JAN among `externally_assigned_product_identifier`, as it stands there."""
    for entry in entries_of(attributes, "externally_assigned_product_identifier"):
        if str(entry.get("type")).casefold() in ("ean", "jan") and entry.get("value"):
            return str(entry["value"])
    return None


def manual_languages_in(attributes: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The languages of the manual among `language` (inferred); None where Amazon says nothing."""
    found = tuple(
        str(entry["value"])
        for entry in entries_of(attributes, "language")
        if str(entry.get("type")).casefold() in ("manual", "instructions") and entry.get("value")
    )
    return found or None


def entries_of(attributes: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = attributes.get(name)
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]
