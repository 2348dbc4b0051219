"""Seller: a shop that may bind ASINs, its links to both marketplaces and its defaults.

Facts, state, evolve, commands, decisions. Secrets (tokens, keys) never enter a fact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, assert_never
from uuid import UUID

from pydantic import Field

from domain.errors import (
    BrandRefused,
    PriceOutOfRange,
    SellerExists,
    SyncNotEnabled,
    WarrantyIncomplete,
)
from domain.facts import Command, Fact
from domain.policy import policy_of
from domain.rules.brands import BrandAuthorisation, authorisation_for, is_registration
from domain.rules.warranty import Warranty, faults_in
from domain.sync_sweep import SweepKind
from domain.values import Value, folded

Reinstatement = Literal["automatic", "manual"]
HandEditedPrice = Literal["put_back", "keep"]
SecretKind = Literal["amazon_refresh_token", "mercari_access_token"]
Role = Literal["seller", "reviewer", "support", "auditor", "service", "admin"]
BRAKE_RATE = Decimal("0.10")
BRAKE_RATE_MIN = Decimal("0.01")
LAST_UNITS_MAX = 100

# --- facts --------------------------------------------------------------------------------------


class Registered(Fact):
    """The seller exists; the shop name is a business name, not personal data."""

    TOPIC: ClassVar[str] = "seller.registered"
    amazon_seller_id: str
    shop_name: str


class AmazonLinked(Fact):
    """The seller gave permission to read Amazon.co.jp; the token itself is kept elsewhere."""

    TOPIC: ClassVar[str] = "seller.amazon_linked"
    amazon_seller_id: str


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
    code: str
    reason: str


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
    brand: str
    reason: str


class SweepRequested(Fact):
    """Somebody asked for a sweep now, beside the regular ones."""

    TOPIC: ClassVar[str] = "seller.sweep_requested"
    kind: SweepKind


class KeyIssued(Fact):
    """An API key was made; only its id is a fact."""

    TOPIC: ClassVar[str] = "seller.key_issued"
    key_id: str
    role: Role
    label: str


class KeyRevoked(Fact):
    """An API key no longer opens anything."""

    TOPIC: ClassVar[str] = "seller.key_revoked"
    key_id: str


SellerFact = (
    Registered | AmazonLinked | MercariLinked | SyncEnabled | SyncDisabled | SettingsChanged
    | WarrantyChanged | BrandsAuthorised | BrandAuthorisationEnded | SweepRequested | KeyIssued
    | KeyRevoked
)  # fmt: skip

# --- state --------------------------------------------------------------------------------------


class Seller(Value):
    """The fold of a seller's facts."""

    seller_id: UUID
    version: int = 0
    amazon_seller_id: str = ""
    shop_name: str = ""
    is_amazon_linked: bool = False
    is_mercari_linked: bool = False
    is_sync_enabled: bool = False
    default_float_rate: Decimal = Decimal(0)
    reinstatement: Reinstatement = "manual"
    brake_rate: Decimal = BRAKE_RATE
    hand_edited_price: HandEditedPrice = "put_back"
    last_units: int = 0
    warranty: Warranty = Warranty()
    authorisations: tuple[BrandAuthorisation, ...] = ()

    @property
    def is_registered(self) -> bool:
        return bool(self.amazon_seller_id)


# --- evolve -------------------------------------------------------------------------------------


def fold(seller_id: UUID, facts: Iterable[SellerFact]) -> Seller:
    """The state after these facts, in order; of no facts, a seller not yet registered."""
    seller = Seller(seller_id=seller_id)
    for fact in facts:
        changes = changes_by(seller, fact)
        seller = seller.model_copy(update={"version": seller.version + 1, **changes})
    return seller


def changes_by(seller: Seller, fact: SellerFact) -> dict[str, object]:
    match fact:
        case Registered():
            return {"amazon_seller_id": fact.amazon_seller_id, "shop_name": fact.shop_name}
        case AmazonLinked():
            return {"is_amazon_linked": True}
        case MercariLinked():
            return {"is_mercari_linked": True}
        case SyncEnabled():
            return {"is_sync_enabled": True}
        case SyncDisabled():
            return {"is_sync_enabled": False}
        case SettingsChanged():
            return {
                "default_float_rate": fact.default_float_rate,
                "reinstatement": fact.reinstatement,
                "brake_rate": fact.brake_rate,
                "hand_edited_price": fact.hand_edited_price,
                "last_units": fact.last_units,
            }
        case WarrantyChanged():
            return {"warranty": fact.warranty}
        case BrandsAuthorised():
            names = {folded(each.brand) for each in fact.authorisations}
            others = without(seller.authorisations, names)
            return {"authorisations": (*others, *fact.authorisations)}
        case BrandAuthorisationEnded():
            return {"authorisations": without(seller.authorisations, {folded(fact.brand)})}
        case SweepRequested() | KeyIssued() | KeyRevoked():
            return {}
        case _:
            assert_never(fact)


def without(
    authorisations: Iterable[BrandAuthorisation], brands: Collection[str]
) -> tuple[BrandAuthorisation, ...]:
    return tuple(each for each in authorisations if folded(each.brand) not in brands)


# --- commands -----------------------------------------------------------------------------------


class Register(Command):
    amazon_seller_id: str
    shop_name: str


class LinkAmazon(Command):
    """The refresh token was stored."""


class LinkMercari(Command):
    """The shop's access token was stored."""

    shop_id: str


class EnableSync(Command):
    """All that sync needs is there."""


class DisableSync(Command):
    code: str
    reason: str


class ChangeSettings(Command):
    """What is None stays as it is."""

    default_float_rate: Decimal | None = None
    reinstatement: Reinstatement | None = None
    brake_rate: Annotated[Decimal, Field(ge=BRAKE_RATE_MIN, le=1)] | None = None
    hand_edited_price: HandEditedPrice | None = None
    last_units: Annotated[int, Field(ge=0, le=LAST_UNITS_MAX)] | None = None


class ChangeWarranty(Command):
    """`is_attested`: the seller states that the terms are real Japanese, not machine-translated."""

    warranty: Warranty
    is_attested: bool


class AuthoriseBrands(Command):
    authorisations: tuple[BrandAuthorisation, ...]


class EndBrandAuthorisation(Command):
    brand: str
    reason: str


class RequestSweep(Command):
    kind: SweepKind


class IssueKey(Command):
    key_id: str
    role: Role
    label: str


class RevokeKey(Command):
    key_id: str


# --- decisions ----------------------------------------------------------------------------------


def register(seller: Seller, command: Register) -> list[SellerFact]:
    """Raises SellerExists for an account that is registered already."""
    if seller.is_registered:
        raise SellerExists(f"{command.amazon_seller_id} is registered already")
    return [
        Registered(
            stamp=command.stamp,
            amazon_seller_id=command.amazon_seller_id,
            shop_name=command.shop_name,
        )
    ]


def link_amazon(seller: Seller, command: LinkAmazon) -> list[SellerFact]:
    """Linking again is a fact again: the token behind it is a new one."""
    return [AmazonLinked(stamp=command.stamp, amazon_seller_id=seller.amazon_seller_id)]


def link_mercari(_: Seller, command: LinkMercari) -> list[SellerFact]:
    """Linking again is a fact again: the token behind it is a new one."""
    return [MercariLinked(stamp=command.stamp, shop_id=command.shop_id)]


def enable_sync(seller: Seller, command: EnableSync) -> list[SellerFact]:
    """Raises SyncNotEnabled naming the links that are missing."""
    ensure_linked(seller)
    return [] if seller.is_sync_enabled else [SyncEnabled(stamp=command.stamp)]


def disable_sync(seller: Seller, command: DisableSync) -> list[SellerFact]:
    if not seller.is_sync_enabled:
        return []
    return [SyncDisabled(stamp=command.stamp, code=command.code, reason=command.reason)]


def change_settings(seller: Seller, command: ChangeSettings) -> list[SellerFact]:
    """Raises PriceOutOfRange for a float beyond the policy's maximum."""
    maximum = Decimal(policy_of(command.stamp.policy).float_rate_max)
    if abs(command.default_float_rate or Decimal(0)) > maximum:
        raise PriceOutOfRange(f"the float must lie within ±{maximum:.0%}")
    asked = command.model_dump(exclude={"stamp"}, exclude_none=True)
    held = {name: getattr(seller, name) for name in ChangeSettings.model_fields if name != "stamp"}
    wanted = {**held, **asked}
    return [SettingsChanged(stamp=command.stamp, **wanted)] if wanted != held else []


def change_warranty(seller: Seller, command: ChangeWarranty) -> list[SellerFact]:
    """Raises WarrantyIncomplete naming the parts that are missing or not Japanese."""
    if faults := faults_in(command.warranty):
        raise WarrantyIncomplete(f"mend: {', '.join(faults)}", parts=list(faults), rules=faults)
    if not command.is_attested:
        unattested = {"attestation": "warranty_attested"}
        raise WarrantyIncomplete("attest the terms", parts=list(unattested), rules=unattested)
    if command.warranty == seller.warranty:
        return []
    return [WarrantyChanged(stamp=command.stamp, warranty=command.warranty, is_attested=True)]


def authorise_brands(seller: Seller, command: AuthoriseBrands) -> list[SellerFact]:
    """Those that are new or say something new; raises BrandRefused for a malformed registration."""
    for each in command.authorisations:
        if not each.brand.strip() or not is_registration(each.registration_number):
            rules = {"registration_number": "proof_brand_number"}
            raise BrandRefused(f"{each.brand}: {each.registration_number}", rules=rules)
    new = tuple(each for each in command.authorisations if each not in seller.authorisations)
    return [BrandsAuthorised(stamp=command.stamp, authorisations=new)] if new else []


def end_brand_authorisation(seller: Seller, command: EndBrandAuthorisation) -> list[SellerFact]:
    """A brand that was never authorised has no authorisation to end."""
    if authorisation_for(command.brand, seller.authorisations) is None:
        return []
    return [
        BrandAuthorisationEnded(stamp=command.stamp, brand=command.brand, reason=command.reason)
    ]


def request_sweep(seller: Seller, command: RequestSweep) -> list[SellerFact]:
    """Raises SyncNotEnabled where nothing may be synced."""
    ensure_may_bind(seller)
    return [SweepRequested(stamp=command.stamp, kind=command.kind)]


def issue_key(_: Seller, command: IssueKey) -> list[SellerFact]:
    return [
        KeyIssued(
            stamp=command.stamp, key_id=command.key_id, role=command.role, label=command.label
        )
    ]


def revoke_key(_: Seller, command: RevokeKey) -> list[SellerFact]:
    return [KeyRevoked(stamp=command.stamp, key_id=command.key_id)]


def ensure_linked(seller: Seller) -> None:
    """Raises SyncNotEnabled naming each link that is missing."""
    missing = [
        name
        for name, is_there in (
            ("registration", seller.is_registered),
            ("Amazon link", seller.is_amazon_linked),
            ("Mercari link", seller.is_mercari_linked),
        )
        if not is_there
    ]
    if missing:
        raise SyncNotEnabled(f"missing: {', '.join(missing)}", missing=missing)


def ensure_may_bind(seller: Seller) -> None:
    """Raises SyncNotEnabled where the seller may not bind yet, naming what is missing."""
    ensure_linked(seller)
    if not seller.is_sync_enabled:
        raise SyncNotEnabled("missing: ASIN Sync is switched off", missing=["sync enabled"])
