"""A seller as tests need one: registered, linked to the sandbox, enabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from domain import seller, uploads
from domain.application import AsinSync, acting_for
from domain.sellers import change_seller, register_seller
from domain.stamps import Work
from infra.demo import authorised_by_sandbox
from infra.installation import Installation
from infra.sandbox.sample import csv_of, row_of
from tests.sandbox_server import SandboxServer


@dataclass(frozen=True)
class LinkedSeller:
    """The seller's id here, and its name in the sandbox."""

    seller_id: UUID
    name: str
    amazon_seller_id: str


def linked_seller(
    installation: Installation,
    sandbox: SandboxServer,
    work: Work,
    *,
    product_count: int = 40,
    is_enabled: bool = True,
    name: str | None = None,
) -> LinkedSeller:
    """Make a new seller in the sandbox and link it here."""
    name = name or f"seller-{uuid4().hex[:8]}"
    account = sandbox.control("sellers", name=name, product_count=product_count)
    app = installation.app
    seller_id = register_seller(app, account["amazon_seller_id"], name, work)
    installation.secrets.store(seller_id, "amazon_refresh_token", account["refresh_token"])
    installation.secrets.store(seller_id, "mercari_access_token", account["mercari_token"])
    stamp = work.stamp()
    amazon = seller.LinkAmazon(stamp=stamp)
    mercari = seller.LinkMercari(stamp=stamp, shop_id=account["shop_id"])
    settings = seller.ChangeSettings(
        stamp=stamp, default_float_rate=Decimal(0), reinstatement="automatic"
    )
    change_seller(app, seller_id, lambda it: seller.link_amazon(it, amazon))
    change_seller(app, seller_id, lambda it: seller.link_mercari(it, mercari))
    change_seller(app, seller_id, lambda it: seller.change_settings(it, settings))
    brands = seller.AuthoriseBrands(stamp=stamp, authorisations=authorised_by_sandbox())
    change_seller(app, seller_id, lambda it: seller.authorise_brands(it, brands))
    if is_enabled:
        enable = seller.EnableSync(stamp=stamp)
        change_seller(app, seller_id, lambda it: seller.enable_sync(it, enable))
    return LinkedSeller(seller_id, name, account["amazon_seller_id"])


def upload_products(
    app: AsinSync, seller: LinkedSeller, numbers: Sequence[int], work: Work
) -> UUID:
    """Send these products of the catalogue as a CSV, like the sample's rows."""
    content = csv_of(row_of(seller.name, number) for number in numbers)
    with acting_for(seller.seller_id):
        owner = app.seller(seller.seller_id)
        received = uploads.receive_file(app, owner, "rows.csv", content, uuid4().hex, work)
    return received.submission_id
