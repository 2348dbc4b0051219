"""A product as Amazon showed it at one moment: the input of every check, kept with the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime

from domain.ports import AmazonItem, AmazonOffer, AmazonStatus, FulfilmentChannel
from domain.values import Value


class Certificate(Value):
    """A certificate on file at Amazon; `number` may be empty where a mark carries none."""

    kind: str
    number: str = ""


class Product(Value):
    """One ASIN, its own offer and its catalogue entry.

    `certificates` is None where Amazon did not expose the attribute: neither present nor absent.
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
    observed_at: AwareDatetime


def product_of(
    asin: str, offers: Sequence[AmazonOffer], item: AmazonItem | None, observed_at: datetime
) -> Product:
    """Join an offer and a catalogue entry; no offer at all reads as inactive ("no_offer")."""
    offer = chosen_offer(offers)
    catalogue = (
        {}
        if item is None
        else {
            "title": item.title,
            "brand": item.brand,
            "browse_path": item.browse_path,
            "image_url": item.image_url,
            "product_type": item.product_type,
            "certificates": certificates_in(item.attributes),
        }
    )
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
        } | ({"title": offer.title} if offer.title else {})
    return Product(asin=asin, observed_at=observed_at, **(catalogue | own))


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
    """Read `regulatory_compliance_certification` (facts/amazon-sp-api §1.4); None = not exposed."""
    entries = attributes.get("regulatory_compliance_certification")
    if not isinstance(entries, list):
        return None
    return tuple(
        Certificate(kind=str(entry["regulation_type"]), number=str(entry.get("value") or ""))
        for entry in entries
        if isinstance(entry, dict) and entry.get("regulation_type")
    )
