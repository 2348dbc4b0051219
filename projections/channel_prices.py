"""Channel prices: what each of a seller's own prices elsewhere is known to be, and since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection

from domain.channel_prices import ChannelPricesEntered
from domain.facts import Recorded
from domain.rules.repricing import OwnPrice
from projections.table import Key, Rows, Table


@dataclass(frozen=True, slots=True)
class ChannelPriceRow:
    """One of a seller's own prices, as it was entered last."""

    seller_id: UUID
    asin: str
    channel: str
    price_jpy: int
    entered_at: datetime


TABLE = Table("channel_prices", ChannelPriceRow, ("seller_id", "asin", "channel"))


class ChannelPrices:
    """Keeps the price entered last."""

    name: ClassVar[str] = "channel_prices"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        return ()

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        fact = recorded.fact
        if not isinstance(fact, ChannelPricesEntered):
            return
        for each in fact.prices:
            entered = (each.asin, each.channel, each.price_jpy, fact.stamp.decided_at)
            rows.put(TABLE, ChannelPriceRow(recorded.seller_id, *entered))


# --- queries ------------------------------------------------------------------------------------

# Every price of the seller that is read for.
ALL = "SELECT asin, channel, price_jpy, entered_at FROM live_channel_prices ORDER BY asin, channel"


def known(connection: Connection[Any]) -> Mapping[str, tuple[OwnPrice, ...]]:
    """The seller's own prices by ASIN."""
    found: dict[str, list[OwnPrice]] = defaultdict(list)
    for asin, channel, price_jpy, entered_at in connection.execute(ALL):
        own = OwnPrice(channel=channel, price_jpy=price_jpy, entered_at=entered_at)
        found[asin].append(own)
    return {asin: tuple(prices) for asin, prices in found.items()}
