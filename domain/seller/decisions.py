"""What is decided about a seller: state and command in, facts or a refusal out."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from domain import admission
from domain.admission.facts import AdmissionFact, ApplicationApproved
from domain.arbitrage import ensure_not_terminated
from domain.errors import (
    BrandRefused,
    PriceOutOfRange,
    SellerExists,
    SellerLeft,
    SyncNotEnabled,
    WarrantyIncomplete,
)
from domain.facts import Command, Stamp
from domain.policy import policy_of
from domain.rules.brands import BrandAuthorisation, authorisation_for, is_registration
from domain.rules.warranty import Warranty, faults_in
from domain.seller.facts import (
    BRAKE_RATE_MIN,
    LAST_UNITS_MAX,
    AmazonLinked,
    BrandAuthorisationEnded,
    BrandsAuthorised,
    ErasureGround,
    ErasureRequested,
    HandEditedPrice,
    KeyIssued,
    KeyRevoked,
    MercariLinked,
    PersonalDataErased,
    Registered,
    Reinstatement,
    Role,
    SellerFact,
    SettingsChanged,
    SweepRequested,
    SyncDisabled,
    SyncEnabled,
    WarrantyChanged,
)
from domain.seller.state import Seller
from domain.sync_sweep import SweepKind


class Register(Command):
    amazon_seller_id: str
    shop_name: str


class LinkAmazon(Command):
    """The refresh token was stored; `scopes` are those of a consent on Amazon's page, if any."""

    scopes: tuple[str, ...] = ()


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


class RequestErasure(Command):
    ground: ErasureGround


class NoteErasure(Command):
    """The key is destroyed; so many files, tokens and contacts were deleted."""

    files: int
    secrets: int
    contacts: int


class RequestSweep(Command):
    kind: SweepKind
    is_brake_off: bool = False


class IssueKey(Command):
    key_id: str
    role: Role
    label: str


class RevokeKey(Command):
    key_id: str


def register(seller: Seller, command: Register) -> list[SellerFact]:
    """Raises SellerExists for an account that is registered already."""
    if seller.is_registered:
        raise SellerExists(
            f"{command.amazon_seller_id} is registered already",
            rules={"amazon_seller_id": "application_exists"},
        )
    return [
        Registered(
            stamp=command.stamp,
            amazon_seller_id=command.amazon_seller_id,
            shop_name=command.shop_name,
        )
    ]


def link_amazon(seller: Seller, command: LinkAmazon) -> list[SellerFact]:
    """Linking again is a fact again: the token behind it is a new one. Raises SellerTerminated."""
    ensure_active(seller)
    linked = AmazonLinked(
        stamp=command.stamp, amazon_seller_id=seller.amazon_seller_id, scopes=command.scopes
    )
    return [linked, *begun_by_link(seller, "is_amazon_linked", command.stamp)]


def link_mercari(seller: Seller, command: LinkMercari) -> list[SellerFact]:
    """Linking again is a fact again: the token behind it is a new one. Raises SellerTerminated."""
    ensure_active(seller)
    linked = MercariLinked(stamp=command.stamp, shop_id=command.shop_id)
    return [linked, *begun_by_link(seller, "is_mercari_linked", command.stamp)]


def begun_by_link(seller: Seller, link: str, stamp: Stamp) -> list[AdmissionFact]:
    """The review that waited for this link alone."""
    return admission.review_begun(seller.model_copy(update={link: True}).standing, stamp)


def admit(seller: Seller, command: admission.Approve) -> list[SellerFact]:
    """Approve what is in review; where that was ASIN Sync, it is switched on.

    Raises WrongState, SellerTerminated.
    """
    ensure_active(seller)
    facts = admission.approve(seller.standing, command)
    is_let_in = any(
        isinstance(fact, ApplicationApproved) and fact.stage == "asin_sync" for fact in facts
    )
    return [*facts, *([SyncEnabled(stamp=command.stamp)] if is_let_in else [])]


def enable_sync(seller: Seller, command: EnableSync) -> list[SellerFact]:
    """After it was switched off. Raises SyncNotEnabled naming everything that is missing.

    Raises SellerTerminated.
    """
    ensure_active(seller)
    ensure_admitted(seller)
    return [] if seller.is_sync_enabled else [SyncEnabled(stamp=command.stamp)]


def disable_sync(seller: Seller, command: DisableSync) -> list[SellerFact]:
    if not seller.is_sync_enabled:
        return []
    return [SyncDisabled(stamp=command.stamp, code=command.code, reason=command.reason)]


def change_settings(seller: Seller, command: ChangeSettings) -> list[SellerFact]:
    """Raises PriceOutOfRange for a float beyond the policy's maximum, SellerTerminated."""
    ensure_active(seller)
    maximum = Decimal(policy_of(command.stamp.policy).float_rate_max)
    if abs(command.default_float_rate or Decimal(0)) > maximum:
        raise PriceOutOfRange(
            f"the float must lie within ±{maximum:.0%}", rules={"default_float_pct": "float_range"}
        )
    asked = command.model_dump(exclude={"stamp"}, exclude_none=True)
    held = {name: getattr(seller, name) for name in ChangeSettings.model_fields if name != "stamp"}
    wanted = {**held, **asked}
    return [SettingsChanged(stamp=command.stamp, **wanted)] if wanted != held else []


def change_warranty(seller: Seller, command: ChangeWarranty) -> list[SellerFact]:
    """Raises WarrantyIncomplete naming the parts that are missing or not Japanese.

    Raises SellerTerminated.
    """
    ensure_active(seller)
    if faults := faults_in(command.warranty):
        raise WarrantyIncomplete(f"mend: {', '.join(faults)}", parts=list(faults), rules=faults)
    if not command.is_attested:
        unattested = {"attestation": "warranty_attested"}
        raise WarrantyIncomplete("attest the terms", parts=list(unattested), rules=unattested)
    if command.warranty == seller.warranty:
        return []
    return [WarrantyChanged(stamp=command.stamp, warranty=command.warranty, is_attested=True)]


def authorise_brands(seller: Seller, command: AuthoriseBrands) -> list[SellerFact]:
    """Those that are new or say something new; raises BrandRefused for a malformed registration.

    Raises SellerTerminated.
    """
    ensure_active(seller)
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
    """Raises SyncNotEnabled where nothing may be synced, SellerTerminated."""
    ensure_may_bind(seller)
    return [
        SweepRequested(stamp=command.stamp, kind=command.kind, is_brake_off=command.is_brake_off)
    ]


def issue_key(seller: Seller, command: IssueKey) -> list[SellerFact]:
    ensure_active(seller)
    return [
        KeyIssued(
            stamp=command.stamp, key_id=command.key_id, role=command.role, label=command.label
        )
    ]


def revoke_key(_: Seller, command: RevokeKey) -> list[SellerFact]:
    return [KeyRevoked(stamp=command.stamp, key_id=command.key_id)]


def request_erasure(seller: Seller, command: RequestErasure) -> list[SellerFact]:
    """End sync and let the personal data be erased, once nothing of the seller is on sale."""
    if seller.is_leaving:
        return []
    return [ErasureRequested(stamp=command.stamp, ground=command.ground)]


def note_erasure(seller: Seller, command: NoteErasure) -> list[SellerFact]:
    if seller.is_erased:
        return []
    counts = command.model_dump(exclude={"stamp"})
    return [PersonalDataErased(stamp=command.stamp, **counts)]


def ensure_active(seller: Seller) -> None:
    """Raises SellerTerminated, SellerLeft for who was ended, or has left."""
    ensure_not_terminated(seller.arbitrage)
    if seller.is_leaving:
        raise SellerLeft("this seller has left", rules={"seller": "seller_left"})


def ensure_linked(seller: Seller) -> None:
    """Raises SyncNotEnabled naming each link that is missing."""
    if missing := missing_links(seller):
        raise SyncNotEnabled(f"missing: {', '.join(missing)}", missing=missing)


def missing_links(seller: Seller) -> list[str]:
    links = {
        "registration": seller.is_registered,
        "Amazon link": seller.is_amazon_linked,
        "Mercari link": seller.is_mercari_linked,
    }
    return [name for name, is_there in links.items() if not is_there]


def missing_admission(seller: Seller) -> list[str]:
    """What of approval, links, ASIN list and undertaking does not hold yet (SPEC §2.4)."""
    admitted = seller.admission
    steps = {
        "registration": seller.is_registered,
        "Pro Seller approval": admitted.review("pro_seller").progress == "approved",
        **{name: name not in missing_links(seller) for name in ("Amazon link", "Mercari link")},
        "ASIN list": admitted.is_in_order("asin_list"),
        "compliance undertaking": admitted.is_in_order("undertaking"),
        "ASIN Sync approval": admitted.review("asin_sync").progress == "approved",
    }
    return [name for name, holds in steps.items() if not holds]


def ensure_admitted(seller: Seller) -> None:
    """Raises SyncNotEnabled naming everything that is missing."""
    ensure_active(seller)
    if missing := missing_admission(seller):
        raise SyncNotEnabled(f"missing: {', '.join(missing)}", missing=missing)


def ensure_may_bind(seller: Seller) -> None:
    """Raises SyncNotEnabled where the seller may not bind yet, naming what is missing.

    Raises SellerTerminated where it never may again.
    """
    ensure_active(seller)
    if not seller.is_sync_enabled:
        ensure_admitted(seller)
        raise SyncNotEnabled("missing: ASIN Sync is switched off", missing=["sync enabled"])
    ensure_linked(seller)
