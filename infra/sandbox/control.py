"""The hand that moves the simulated world: JSON routes under /_sandbox/, part of no upstream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.sandbox import identity
from infra.sandbox.consent import ConsentRefused, Consents, asked_in
from infra.sandbox.control_fields import BadInput, Fields
from infra.sandbox.control_notifications import Tidings, said_in, type_in
from infra.sandbox.faults import FAULT_KINDS, UPSTREAMS, Fault, Gate, json_answer
from infra.sandbox.goods import CATALOGUE_SIZE, IMAGE_FLAWS
from infra.sandbox.identity import IdentityProvider, IdentityRefused
from infra.sandbox.lwa import LoginWithAmazon
from infra.sandbox.mercari import MercariShopsApi
from infra.sandbox.shop import Record, Shops
from infra.sandbox.world import OfferState, Seller, UnknownSeller, World

PRODUCT_COUNT_DEFAULT = 500
QUANTITY_MAX = 1_000_000
PRICE_JPY_MAX = 99_999_999

_WITHHOLDING = ("hang", "created_but_timed_out")

Answer = Callable[[Fields], Record]


class Control:
    """One method a route: it reads its fields, moves the world, and tells how it now stands."""

    def __init__(
        self,
        world: World,
        shops: Shops,
        gate: Gate,
        login: LoginWithAmazon,
        mercari: MercariShopsApi,
        tidings: Tidings,
        consents: Consents,
        provider: IdentityProvider,
    ) -> None:
        self._identity = provider
        self._consents = consents
        self._tidings = tidings
        self._world = world
        self._shops = shops
        self._gate = gate
        self._login = login
        self._mercari = mercari

    def routes(self) -> list[Route]:
        answers: list[tuple[str, str, Answer]] = [
            ("POST", "sellers", self._add_seller),
            ("GET", "world", self._show_world),
            ("POST", "price", self._price),
            ("POST", "quantity", self._quantity),
            ("POST", "suspend", self._state("suspended")),
            ("POST", "reactivate", self._state("on_sale")),
            ("POST", "delete", self._state("deleted")),
            ("POST", "category", self._category),
            ("POST", "title", self._title),
            ("POST", "image", self._image),
            ("POST", "account", self._account),
            ("POST", "revoke", self._revoke),
            ("POST", "consent", self._consent),
            ("POST", "consent-scope", self._consent_scope),
            ("POST", "identity", self._sign_in),
            ("POST", "catalogue", self._catalogue),
            ("POST", "shop", self._shop),
            ("POST", "listings/{sku_code:path}", self._edit_listing),
            ("POST", "sell", self._sell),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", self._clear_faults),
            ("POST", "forwarder", self._forwarder),
            ("POST", "notify", self._notify),
            ("GET", "calls", self._calls),
            ("DELETE", "calls", self._clear_calls),
        ]
        return [
            Route(f"/_sandbox/{path}", _endpoint(answer), methods=[method])
            for method, path, answer in answers
        ]

    def _add_seller(self, fields: Fields) -> Record:
        """Idempotent by name; for a revoked seller it is the way to link again."""
        name = fields.text("name")
        count = fields.optional_number("product_count", 0, CATALOGUE_SIZE)
        seller = self._world.add_seller(name, PRODUCT_COUNT_DEFAULT if count is None else count)
        return {
            "name": seller.name,
            "amazon_seller_id": seller.amazon_seller_id,
            "refresh_token": self._login.refresh_token(seller),
            "mercari_token": self._mercari.token(seller),
            "shop_id": seller.shop_id,
            "product_count": seller.product_count,
        }

    def _catalogue(self, fields: Fields) -> Record:
        seller = self._seller(fields)
        count = fields.number("product_count", 0, CATALOGUE_SIZE)
        self._world.set_product_count(seller, count)
        return self._shown_seller(seller)

    def _account(self, fields: Fields) -> Record:
        seller = self._seller(fields)
        self._world.set_suspended(seller, fields.flag("suspended"))
        self._tidings.account_moved(seller)
        return self._shown_seller(seller)

    def _revoke(self, fields: Fields) -> Record:
        seller = self._seller(fields)
        self._world.revoke(seller)
        return self._shown_seller(seller)

    def _consent(self, fields: Fields) -> Record:
        """Answer a consent address as the seller would on its page; tell where that leads."""
        try:
            asked = asked_in(dict(parse_qsl(urlsplit(fields.text("url")).query)))
        except ConsentRefused as problem:
            raise BadInput(str(problem)) from problem
        is_allowed = fields.optional_flag("allow") is not False
        leads_to = self._consents.decide(asked, self._seller(fields), is_allowed=is_allowed)
        return {"leads_to": leads_to}

    def _consent_scope(self, fields: Fields) -> Record:
        """What the seller's next codes are exchanged for; without a scope, what was asked for."""
        seller = self._seller(fields)
        self._consents.answer_scope(seller, fields.optional_text("scope"))
        return {"scope": self._consents.scope_of(seller)}

    def _sign_in(self, fields: Fields) -> Record:
        """Answer a sign-in's address as a person would on its page; tell where that leads."""
        try:
            asked = identity.asked_in(dict(parse_qsl(urlsplit(fields.text("url")).query)))
            leads_to = self._identity.decide(
                asked, fields.optional_text("person") or "admin",
                is_allowed=fields.optional_flag("allow") is not False,
                fault=fields.optional_text("fault") or "",
            )  # fmt: skip
        except IdentityRefused as problem:
            raise BadInput(str(problem)) from problem
        return {"leads_to": leads_to}

    def _shop(self, fields: Fields) -> Record:
        seller = self._seller(fields)
        self._world.set_shop_closed(seller, fields.flag("closed"))
        return self._shown_seller(seller)

    def _price(self, fields: Fields) -> Record:
        seller, asin = self._owned(fields)
        price_jpy = fields.number("price_jpy", 1, PRICE_JPY_MAX)
        self._world.edit_offers(seller, asin, price_jpy=price_jpy)
        self._tidings.price_moved(seller, asin)
        return self._shown_asin(seller, asin)

    def _quantity(self, fields: Fields) -> Record:
        seller, asin = self._owned(fields)
        quantity = fields.number("quantity", 0, QUANTITY_MAX)
        before = self._world.offers(seller, asin)
        self._world.edit_offers(seller, asin, quantity=quantity)
        self._tidings.quantity_moved(seller, asin, before)
        return self._shown_asin(seller, asin)

    def _state(self, state: OfferState) -> Answer:
        def answer(fields: Fields) -> Record:
            seller, asin = self._seller(fields), self._asin(fields)
            if state != "on_sale":
                self._check_owned(seller, asin)
            before = self._world.offers(seller, asin)
            self._world.edit_offers(seller, asin, state=state)
            moved = before or self._world.offers(seller, asin)
            self._tidings.state_moved(seller, state, moved)
            return self._shown_asin(seller, asin)

        return answer

    def _category(self, fields: Fields) -> Record:
        seller, asin = self._seller(fields), self._asin(fields)
        names = [name.strip() for name in fields.text("browse_path").split(" > ")]
        if not all(names):
            raise BadInput("browse_path must be names joined by ' > ', the department first.")
        self._world.edit_product(asin, browse_path=" > ".join(names))
        self._tidings.content_moved(asin, None)
        return self._shown_asin(seller, asin)

    def _title(self, fields: Fields) -> Record:
        seller, asin = self._seller(fields), self._asin(fields)
        self._world.edit_product(asin, title=fields.text("title"))
        self._tidings.content_moved(asin, "item_name")
        return self._shown_asin(seller, asin)

    def _image(self, fields: Fields) -> Record:
        """The seller replaces the main image: `flaw` says what is wrong with the new one."""
        seller, asin = self._seller(fields), self._asin(fields)
        flaw = fields.choice("flaw", ("none", *IMAGE_FLAWS))
        self._world.replace_image(asin, next((each for each in IMAGE_FLAWS if each == flaw), None))
        self._tidings.content_moved(asin, "main_product_image_locator")
        return self._shown_asin(seller, asin)

    def _edit_listing(self, fields: Fields) -> Record:
        """A change by the seller's own hand in the shop's pages."""
        seller = self._seller(fields)
        variant = self._variant(seller, fields)
        price_jpy = fields.optional_number("price_jpy", 300, 9_999_999)
        stock = fields.optional_number("stock", 0, QUANTITY_MAX)
        is_on_sale = fields.optional_flag("is_on_sale")
        changes: Record = {} if price_jpy is None else {"price": price_jpy}
        for field, name in (("title", "name"), ("description", "description")):
            if text := fields.optional_text(field):
                changes[name] = text
        if is_on_sale is not None:
            changes["status"] = "OPENED" if is_on_sale else "UNOPENED"
        listing = self._shops.change(variant["product"], changes)
        if stock is not None:
            self._shops.set_stock(variant, stock)
            listing = self._shops.change(listing, {})
        return _shown_listing(listing)

    def _sell(self, fields: Fields) -> Record:
        """A customer buys: the stock falls."""
        seller = self._seller(fields)
        variant = self._variant(seller, fields)
        quantity = fields.number("quantity", 1, QUANTITY_MAX)
        if quantity > variant["stockQuantity"]:
            raise BadInput(f"Only {variant['stockQuantity']} of {variant['skuCode']} are left.")
        self._shops.set_stock(variant, variant["stockQuantity"] - quantity)
        listing_id = variant["product"]["id"]
        self._tidings.sold(seller, listing_id, variant["skuCode"], quantity)
        return _shown_listing(self._shops.change(variant["product"], {}))

    def _add_fault(self, fields: Fields) -> Record:
        """`seconds`: how long a hanging answer is withheld, else how long the outage lasts."""
        upstream = fields.choice("upstream", UPSTREAMS)
        kind = fields.choice("kind", FAULT_KINDS)
        seconds = fields.optional_seconds("seconds")
        ends = seconds is not None and kind not in _WITHHOLDING
        fault = Fault(
            upstream=upstream,
            kind=kind,
            operation=fields.optional_text("operation"),
            remaining=fields.optional_number("count", 1, QUANTITY_MAX),
            seconds=seconds,
            ends_at=self._world.clock() + timedelta(seconds=seconds or 0) if ends else None,
        )
        self._gate.faults.append(fault)
        return self._shown_faults()

    def _clear_faults(self, _fields: Fields) -> Record:
        self._gate.faults.clear()
        return self._shown_faults()

    def _forwarder(self, fields: Fields) -> Record:
        """Where the seller's notifications go, how they are spelt and how badly they travel."""
        return self._tidings.forwarder(fields, self._seller(fields))

    def _notify(self, fields: Fields) -> Record:
        """Send one notification by hand; a `status` given need not be true."""
        asin = self._asin(fields) if fields.has("asin") else None
        return self._tidings.send(self._seller(fields), type_in(fields), asin, said_in(fields))

    def _calls(self, _fields: Fields) -> Record:
        return {**self._gate.calls()}

    def _clear_calls(self, _fields: Fields) -> Record:
        self._gate.counts.clear()
        return {**self._gate.calls()}

    def _show_world(self, fields: Fields) -> Record:
        """With an ASIN: the product, its offers and listings; without: the sellers and faults."""
        if fields.has("asin"):
            return self._shown_asin(self._seller(fields), self._asin(fields))
        sellers = [self._shown_seller(seller) for seller in self._world.sellers()]
        return {"sellers": sellers, **self._shown_faults()}

    def _shown_seller(self, seller: Seller) -> Record:
        now = self._world.find_seller(seller.number) or seller
        return {**asdict(now), "listings": self._shops.count(seller.number)}

    def _shown_faults(self) -> Record:
        return {"faults": [asdict(fault) for fault in self._gate.faults]}

    def _shown_asin(self, seller: Seller, asin: str) -> Record:
        product = self._world.find_product(asin)
        offers = [asdict(offer) for offer in self._world.offers(seller, asin)]
        listings = self._shops.with_sku_prefix(seller.number, asin)
        return {
            "seller": seller.name,
            "product": asdict(product) if product else None,
            "offers": [{**offer, "product": asin} for offer in offers],
            "listings": [_shown_listing(listing) for listing in listings],
        }

    def _seller(self, fields: Fields) -> Seller:
        return self._world.seller_named(fields.optional_text("seller"))

    def _asin(self, fields: Fields) -> str:
        asin = fields.text("asin")
        if self._world.find_product(asin) is None:
            raise BadInput(f"The catalogue holds no ASIN {asin}.")
        return asin

    def _owned(self, fields: Fields) -> tuple[Seller, str]:
        seller, asin = self._seller(fields), self._asin(fields)
        self._check_owned(seller, asin)
        return seller, asin

    def _check_owned(self, seller: Seller, asin: str) -> None:
        if not self._world.offers(seller, asin):
            raise BadInput(f"{seller.name} does not sell {asin}.")

    def _variant(self, seller: Seller, fields: Fields) -> Record:
        sku_code = fields.text("sku_code")
        variant = self._shops.find_variant(seller.number, sku_code=sku_code)
        if variant is None:
            raise BadInput(f"{seller.name}'s shop has no SKU {sku_code}.")
        return variant


def _shown_listing(listing: Record) -> Record:
    names = [category["name"] for category in listing["categories"]]
    return {
        "listing_id": listing["id"],
        "title": listing["name"],
        "price_jpy": listing["price"],
        "is_on_sale": listing["status"] == "OPENED",
        "category_id": listing["categoryId"],
        "category_path": " > ".join(names),
        "stock": {one["skuCode"]: one["stockQuantity"] for one in listing["variants"]},
        "updated_at": listing["updatedAt"],
    }


def _endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            given = await _given(request)
            return json_answer(200, answer(Fields({**given, **request.path_params})))
        except (BadInput, UnknownSeller) as problem:
            return json_answer(400, {"error": str(problem)})

    return endpoint


async def _given(request: Request) -> dict[str, Any]:
    """The fields of the request: the query of a GET, the JSON object of anything else."""
    if request.method == "GET":
        return dict(request.query_params)
    body = await request.body()
    try:
        given = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise BadInput("The body is not JSON.") from error
    if not isinstance(given, dict):
        raise BadInput("The body must be a JSON object.")
    return given
