"""What a seller's facts amount to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain import arbitrage
from domain.admission.state import Admission, Standing
from domain.admission.state import after as admission_after
from domain.arbitrage import (
    Arbitrage,
    ArbitrageConfirmed,
    ArbitrageDismissed,
    ArbitrageSuspected,
    BindingsWoundUp,
    Terminated,
)
from domain.rules.brands import BrandAuthorisation
from domain.rules.repricing import OwnPrice, PricingRules, RulesInForce
from domain.rules.warranty import Warranty
from domain.seller.facts import (
    BRAKE_RATE,
    AmazonLinked,
    BrandAuthorisationEnded,
    BrandsAuthorised,
    ErasureRequested,
    HandEditedPrice,
    KeyIssued,
    KeyRevoked,
    MercariLinked,
    PersonalDataErased,
    PricingRulesChanged,
    Registered,
    Reinstatement,
    SellerFact,
    SettingsChanged,
    SweepRequested,
    SyncDisabled,
    SyncEnabled,
    WarrantyChanged,
)
from domain.values import Value, folded
from domain.webhooks import (
    WebhookChanged,
    WebhookDisabled,
    WebhookRegistered,
    WebhookRemoved,
    Webhooks,
    after,
)


class Seller(Value):
    """The fold of a seller's facts.

    `own_prices`, by ASIN, are no part of it: the application adds them where a rule follows them.
    """

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
    pricing_rules: PricingRules | None = None
    own_prices: Mapping[str, tuple[OwnPrice, ...]] = {}
    webhooks: Webhooks = ()
    arbitrage: Arbitrage = Arbitrage()
    admission: Admission = Admission()
    leaving_since: datetime | None = None
    is_erased: bool = False

    @property
    def is_terminated(self) -> bool:
        return self.arbitrage.termination is not None

    @property
    def is_registered(self) -> bool:
        return bool(self.amazon_seller_id)

    @property
    def standing(self) -> Standing:
        """What its admission is decided by."""
        is_linked = self.is_amazon_linked and self.is_mercari_linked
        return Standing(admission=self.admission, is_linked=is_linked)

    @property
    def is_leaving(self) -> bool:
        """It asked for erasure: what is on sale is taken down, and nothing begins any more."""
        return self.leaving_since is not None

    @property
    def follows_own_prices(self) -> bool:
        return self.pricing_rules is not None and self.pricing_rules.follows_own_prices

    def rules_in_force(
        self, asin: str, at: datetime, draft: PricingRules | None = None
    ) -> RulesInForce | None:
        """What an ASIN's price is decided by; None where the rules, or a draft, ask for nothing."""
        rules = draft or self.pricing_rules or PricingRules()
        return rules.in_force(asin, self.own_prices.get(asin, ()), at)


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
        case PricingRulesChanged():
            return {"pricing_rules": fact.rules}
        case WebhookRegistered() | WebhookChanged() | WebhookDisabled() | WebhookRemoved():
            return {"webhooks": after(seller.webhooks, fact)}
        case ArbitrageSuspected() | ArbitrageDismissed() | ArbitrageConfirmed() | BindingsWoundUp():
            return {"arbitrage": arbitrage.after(seller.arbitrage, fact, seller.version + 1)}
        case Terminated():
            ended = arbitrage.after(seller.arbitrage, fact, seller.version + 1)
            return {"arbitrage": ended, "is_sync_enabled": False}
        case ErasureRequested():
            return {"leaving_since": fact.stamp.decided_at, "is_sync_enabled": False}
        case PersonalDataErased():
            return {"is_erased": True, "is_amazon_linked": False, "is_mercari_linked": False}
        case SweepRequested() | KeyIssued() | KeyRevoked():
            return {}
        case _:
            return {"admission": admission_after(seller.admission, fact)}


def without(
    authorisations: Iterable[BrandAuthorisation], brands: Collection[str]
) -> tuple[BrandAuthorisation, ...]:
    return tuple(each for each in authorisations if folded(each.brand) not in brands)
