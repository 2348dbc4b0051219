"""Policy data of prices beyond the plain float: Mercari's fees by date, and the sellers' own rules.

The defaults are what held before they were policy data, so that older versions read the same.
"""

from __future__ import annotations

from datetime import date

from domain.values import Value


class FeePeriod(Value):
    """Commission on sales from the day `since` (Japan's calendar) until the next period.

    Above `step_price_jpy` the rate `rate_above` holds, of the whole price and not only of the part
    above. `source` names the fee schedule.
    """

    key: str
    since: date
    rate: str
    step_price_jpy: int | None = None
    rate_above: str | None = None
    source: str


FEES = (
    FeePeriod(key="flat", since=date(2013, 7, 2), rate="0.10", source="メルカリ 販売手数料 10%"),
    FeePeriod(
        key="v3.0", since=date(2024, 4, 1), rate="0.10", step_price_jpy=5_000, rate_above="0.12",
        source="Fee Schedule v3.0 (2024-04-01)",
    ),
)  # fmt: skip


class RepricingPolicy(Value):
    """What the sellers' rules may do. `fees` are in order of their dates.

    A price on another channel older than `channel_price_seconds_max` is not followed;
    `charm_endings` are what a price may be asked to end in; `shipping_saving_jpy` is what
    らくらくメルカリ便 saves on average an order.
    """

    channel_price_seconds_max: int = 86_400
    charm_endings: tuple[str, ...] = ()
    shipping_saving_jpy: int = 210
    fees: tuple[FeePeriod, ...] = FEES
