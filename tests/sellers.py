"""A seller as tests need one: registered, linked to the sandbox, enabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from domain import seller, uploads
from domain.admissions import apply_as_seller
from domain.application import AsinSync, acting_for
from domain.sellers import change_seller
from domain.stamps import Work
from infra.demo import admit, authorised_by_sandbox, sample_application
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
    application = sample_application(name, work)
    seller_id = apply_as_seller(app, account["amazon_seller_id"], name, application, work)
    admit(installation, seller_id, account, work, is_approved=is_enabled)
    stamp = work.stamp()
    settings = seller.ChangeSettings(
        stamp=stamp, default_float_rate=Decimal(0), reinstatement="automatic"
    )
    change_seller(app, seller_id, lambda it: seller.change_settings(it, settings))
    brands = seller.AuthoriseBrands(stamp=stamp, authorisations=authorised_by_sandbox())
    change_seller(app, seller_id, lambda it: seller.authorise_brands(it, brands))
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
