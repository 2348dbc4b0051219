"""The facts of a seller; their topics are permanent. Secrets (tokens, keys) never enter one."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from domain.admission.facts import AdmissionFact
from domain.arbitrage import ArbitrageFact
from domain.facts import Fact
from domain.rules.brands import BrandAuthorisation
from domain.rules.repricing import PricingRules
from domain.rules.warranty import Warranty
from domain.sync_sweep import SweepKind
from domain.webhooks import WebhookFact

Reinstatement = Literal["automatic", "manual"]
ErasureGround = Literal["request", "abandoned_application", "retention_ended"]
HandEditedPrice = Literal["put_back", "keep"]
SecretKind = Literal["amazon_refresh_token", "mercari_access_token"]
Role = Literal["seller", "reviewer", "support", "auditor", "service", "admin"]
BRAKE_RATE = Decimal("0.10")
BRAKE_RATE_MIN = Decimal("0.01")
LAST_UNITS_MAX = 100


class Registered(Fact):
    """The seller exists; the shop name is a business name, not personal data."""

    TOPIC: ClassVar[str] = "seller.registered"
    amazon_seller_id: str
    shop_name: str


class AmazonLinked(Fact):
    """The seller gave permission to read Amazon.co.jp; the token itself is kept elsewhere.

    `scopes` are those of the consent; none where the seller gave us a token of its own making.
    """

    TOPIC: ClassVar[str] = "seller.amazon_linked"
    amazon_seller_id: str
    scopes: tuple[str, ...] = ()


class MercariLinked(Fact):
    """The seller gave permission to write to the Mercari shop."""

    TOPIC: ClassVar[str] = "seller.mercari_linked"
    shop_id: str


class SyncEnabled(Fact):
    """ASIN Sync may bind and sync for this seller."""

    TOPIC: ClassVar[str] = "seller.sync_enabled"


class SyncDisabled(Fact):
    """ASIN Sync stopped for this seller; nothing is taken off sale because of it."""

    TOPIC: ClassVar[str] = "seller.sync_disabled"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    code: str
    reason: str | None = None


class SettingsChanged(Fact):
    """The seller's defaults for new bindings, for reinstatement, and the guards of its listings.

    `brake_rate` is the share of the listings that one sweep may suspend or re-price before each is
    read again; at `last_units` or fewer above the threshold, Mercari shows none.
    """

    TOPIC: ClassVar[str] = "seller.settings_changed"
    default_float_rate: Decimal
    reinstatement: Reinstatement
    brake_rate: Decimal = BRAKE_RATE
    hand_edited_price: HandEditedPrice = "put_back"
    last_units: int = 0


class WarrantyChanged(Fact):
    """The warranty terms every new listing shows."""

    TOPIC: ClassVar[str] = "seller.warranty_changed"
    warranty: Warranty
    is_attested: bool = False


class BrandsAuthorised(Fact):
    """A reviewer found the seller entitled to sell these brands."""

    TOPIC: ClassVar[str] = "seller.brands_authorised"
    authorisations: tuple[BrandAuthorisation, ...]


class BrandAuthorisationEnded(Fact):
    """The seller may not sell this brand any more."""

    TOPIC: ClassVar[str] = "seller.brand_authorisation_ended"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    brand: str
    reason: str | None = None


class PricingRulesChanged(Fact):
    """The seller's rules for prices beyond the float, all of them."""

    TOPIC: ClassVar[str] = "seller.pricing_rules_changed"
    rules: PricingRules


class SweepRequested(Fact):
    """Somebody asked for a sweep now; without the brake it follows Amazon, whatever it changes."""

    TOPIC: ClassVar[str] = "seller.sweep_requested"
    kind: SweepKind
    is_brake_off: bool = False


class KeyIssued(Fact):
    """An API key was made; only its id is a fact."""

    TOPIC: ClassVar[str] = "seller.key_issued"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"label"})
    key_id: str
    role: Role
    label: str | None = None


class KeyRevoked(Fact):
    """An API key no longer opens anything."""

    TOPIC: ClassVar[str] = "seller.key_revoked"
    key_id: str


class ErasureRequested(Fact):
    """The seller leaves and its personal data is to be erased: sync has ended for good."""

    TOPIC: ClassVar[str] = "seller.erasure_requested"
    ground: ErasureGround


class PersonalDataErased(Fact):
    """The key to the seller's personal data was destroyed, and files and tokens were deleted.

    What was told of persons in older facts can't be read any more; the facts themselves stand.
    """

    TOPIC: ClassVar[str] = "seller.personal_data_erased"
    files: int
    secrets: int
    contacts: int


SellerFact = (
    Registered | AmazonLinked | MercariLinked | SyncEnabled | SyncDisabled | SettingsChanged
    | WarrantyChanged | BrandsAuthorised | BrandAuthorisationEnded | SweepRequested | KeyIssued
    | KeyRevoked | PricingRulesChanged | ErasureRequested | PersonalDataErased | WebhookFact
    | AdmissionFact | ArbitrageFact
)  # fmt: skip
