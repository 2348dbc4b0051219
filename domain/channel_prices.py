"""The seller's own prices on other channels: entered in lots, known as each was entered last.

Each lot is a stream of its own, so that loading a seller never reads them; a view holds the newest.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID, uuid4

from domain.application import AsinSync, Change, acting_for
from domain.arbitrage import ensure_not_terminated
from domain.errors import NotFound, PricingRefused
from domain.facts import Command, Fact
from domain.rules.pricing_faults import faults_of_prices
from domain.rules.repricing import ChannelPrice
from domain.stamps import Work
from domain.values import channel_prices_id_of


class ChannelPricesEntered(Fact):
    """The seller's own prices on other channels, as of now; those not named here stay known."""

    TOPIC: ClassVar[str] = "seller.channel_prices_entered"
    prices: tuple[ChannelPrice, ...]


class EnterChannelPrices(Command):
    prices: tuple[ChannelPrice, ...]


def enter(_: None, command: EnterChannelPrices) -> list[ChannelPricesEntered]:
    """The same price again counts anew: it is fresh from now on. Raises PricingRefused."""
    if faults := faults_of_prices(command.prices):
        raise PricingRefused(f"mend: {', '.join(faults)}", rules=faults)
    return [ChannelPricesEntered(stamp=command.stamp, prices=command.prices)]


def enter_prices(
    app: AsinSync, seller_id: UUID, prices: tuple[ChannelPrice, ...], work: Work
) -> int | None:
    """Record a lot of prices; its position. Raises NotFound, PricingRefused, SellerTerminated."""
    with acting_for(seller_id):
        known = app.seller(seller_id)
        if not known.is_registered:
            raise NotFound("no such seller")
        ensure_not_terminated(known.arbitrage)
        facts = enter(None, EnterChannelPrices(stamp=work.stamp(), prices=prices))
        return app.record(Change(channel_prices_id_of(seller_id, uuid4()), 0, facts))
