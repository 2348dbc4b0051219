"""The part of the control that tells of changes: who is told, and what each change is called."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from infra.sandbox.control_fields import BadInput, Fields
from infra.sandbox.notifications import ACCOUNT, SPELLINGS, TYPES, account_payload, payload_of
from infra.sandbox.postman import Forwarder, Postman
from infra.sandbox.shop import Record
from infra.sandbox.world import Offer, OfferState, Seller, World

DUPLICATES_MAX = 20
STATUSES_MAX = 3


class Tidings:
    """Called by the control after each change of the world."""

    def __init__(self, world: World, postman: Postman) -> None:
        self._world = world
        self._postman = postman

    def price_moved(self, seller: Seller, asin: str) -> None:
        for offer in self._world.offers(seller, asin)[:1]:
            self._tell(seller, "ANY_OFFER_CHANGED", offer)

    def quantity_moved(self, seller: Seller, asin: str, before: list[Offer]) -> None:
        """Stock has a type of its own for each channel; sold out or back is a new status too."""
        for old, offer in zip(before, self._world.offers(seller, asin), strict=True):
            is_fba = offer.channel == "AMAZON_JP"
            stock = "FBA_INVENTORY_AVAILABILITY_CHANGES"
            self._tell(seller, stock if is_fba else "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", offer)
            if (old.quantity == 0) != (offer.quantity == 0):
                self._tell(seller, "LISTINGS_ITEM_STATUS_CHANGE", offer)

    def state_moved(self, seller: Seller, state: OfferState, before: list[Offer]) -> None:
        """Every SKU has its own status; a suspension has issues too."""
        for offer in (replace(each, state=state) for each in before):
            self._tell(seller, "LISTINGS_ITEM_STATUS_CHANGE", offer)
            if state != "deleted":
                self._tell(seller, "LISTINGS_ITEM_ISSUES_CHANGE", offer)

    def content_moved(self, asin: str, attribute: str | None) -> None:
        """A catalogue entry is everybody's who sells it; without an attribute its kind moved."""
        for seller in self._world.sellers():
            for offer in self._world.offers(seller, asin)[:1]:
                if attribute is None:
                    self._tell(seller, "ITEM_PRODUCT_TYPE_CHANGE", offer)
                else:
                    said = {"AttributesChanged": [attribute]}
                    self._tell(seller, "BRANDED_ITEM_CONTENT_CHANGE", offer, said)

    def account_moved(self, seller: Seller) -> None:
        now = self._world.find_seller(seller.number) or seller
        self._postman.tell(now, ACCOUNT, account_payload(now))

    def sold(self, seller: Seller, listing_id: str, sku_code: str, quantity: int) -> None:
        self._postman.tell_sold(seller, listing_id, sku_code, quantity)

    def send(self, seller: Seller, kind: str, asin: str | None, said: Record) -> Record:
        """One by hand, for each SKU of the ASIN; `said` may be untrue."""
        if kind == ACCOUNT:
            sent = [self._postman.tell(seller, kind, {**account_payload(seller), **said})]
        else:
            offers = self._world.offers(seller, asin or "")
            if not offers:
                raise BadInput(f"{seller.name} does not sell {asin}.")
            sent = [self._tell(seller, kind, offer, said) for offer in offers]
        if None in sent:
            raise BadInput(f"Nobody is told of {seller.name}: see /_sandbox/forwarder.")
        return {"sent": sent}

    def forwarder(self, fields: Fields, seller: Seller) -> Record:
        """Where notifications go; fields that are not given stay as they are."""
        changes: dict[str, Any] = {
            name: fields.optional_text(name) for name in ("url", "key", "mercari_url")
        }
        changes["spelling"] = (
            fields.choice("spelling", SPELLINGS) if fields.has("spelling") else None
        )
        changes["duplicates"] = fields.optional_number("duplicates", 0, DUPLICATES_MAX)
        changes["delay_seconds"] = fields.optional_seconds("delay_seconds")
        changes["shuffle"] = fields.optional_flag("shuffle")
        changes["is_on"] = fields.optional_flag("is_on")
        given = {name: value for name, value in changes.items() if value is not None}
        return shown(self._postman.change(seller, given))

    def _tell(
        self, seller: Seller, kind: str, offer: Offer, said: Record | None = None
    ) -> Record | None:
        payload = payload_of(kind, seller, offer, self._world.clock(), said or {})
        return self._postman.tell(seller, kind, payload)


def said_in(fields: Fields) -> Record:
    """What a notification sent by hand claims: its status, comma-separated."""
    status = fields.optional_text("status")
    return {} if status is None else {"Status": status.split(",")[:STATUSES_MAX]}


def type_in(fields: Fields) -> str:
    return fields.choice("type", TYPES)


def shown(forwarder: Forwarder) -> Record:
    """Without its secrets."""
    return {
        **asdict(forwarder),
        "key": bool(forwarder.key),
        "mercari_url": bool(forwarder.mercari_url),
    }
