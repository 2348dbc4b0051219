"""What may happen to two sellers in thirty days: offers move, upstreams fail, workers are killed.

Everything is drawn from one seed, and what Amazon really said at any moment is remembered, so that
each suspension can be held against the truth.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

from infra.sandbox.goods import asin_of, flaw_of, product_of
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService

PRODUCT_COUNT = 60
SOUND = [number for number in range(PRODUCT_COUNT) if flaw_of(number) is None]
BOUND = 10
FAULTS = {
    "amazon": ("429", "503_html", "empty_200", "truncated_json"),
    "mercari": ("429", "503_html", "empty_200", "truncated_json", "created_but_timed_out"),
    "lwa": ("503_html", "empty_200"),
}
FAULT_SECONDS = (300, 1_200, 3_600, 4 * 3_600)
LOST_ANSWERS_MAX = 20
MENDED_AFTER_STEPS = 40


class Truth:
    """Whether an ASIN could be bought on Amazon, at any moment of the past."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, str], list[tuple[datetime, bool]]] = defaultdict(list)

    def tell(self, seller: str, asin: str, moment: datetime, *, is_buyable: bool) -> None:
        self._changes[seller, asin].append((moment, is_buyable))

    def was_buyable(self, seller: str, asin: str, moment: datetime) -> bool:
        changes = self._changes[seller, asin]
        place = bisect_right([at for at, _ in changes], moment)
        return changes[place - 1][1] if place else True


class SoakWorld:
    """Two sellers, their world and its misfortunes."""

    def __init__(self, service: VirtualService, seed: int) -> None:
        self.service, self.random = service, Random(seed)
        self.truth, self.happened = Truth(), Counter[str]()
        self.sellers = [service.add_seller(PRODUCT_COUNT, f"soak-{seed}-{n}") for n in range(2)]
        self._states: dict[tuple[str, str], bool] = {}
        self._suspended_accounts: set[str] = set()
        self._mend_at: dict[int, Callable[[], None]] = {}
        self._step = 0
        for seller in self.sellers:
            service.upload(seller, SOUND[:BOUND])
        service.settle()

    def asins(self) -> list[str]:
        return [asin_of(number) for number in SOUND[:BOUND]]

    def step(self) -> None:
        """One step's misfortunes: mostly none."""
        self._step += 1
        if mend := self._mend_at.pop(self._step, None):
            mend()
        for chance, happen in (
            (0.06, self.move_offer),
            (0.05, self.change_state),
            (0.02, self.edit_by_hand),
            (0.03, self.sell),
            (0.02, self.send_hints),
            (0.012, self.break_upstream),
            (0.03, self.kill),
            (0.002, self.suspend_account),
            (0.002, self.revoke),
            (0.003, self.close_shop),
            (0.003, self.edit_catalogue),
        ):
            if self.random.random() < chance:
                self.happened[happen.__name__] += 1
                happen()

    def mend_everything(self) -> None:
        """The last day is calm: whatever was broken is mended."""
        self.service.crashes.countdown = None
        self.service.sandbox.control("faults", method="DELETE")
        for mend in self._mend_at.values():
            mend()
        self._mend_at = {}

    def control(self, seller: LinkedSeller, path: str, **fields: Any) -> None:
        self.service.sandbox.control(path, seller=seller.name, **fields)

    def one(self) -> tuple[LinkedSeller, str]:
        return self.random.choice(self.sellers), self.random.choice(self.asins())

    def move_offer(self) -> None:
        seller, asin = self.one()
        if self.random.random() < 0.5:
            base = product_of(SOUND[self.asins().index(asin)]).list_price_jpy
            price = max(400, int(base * self.random.uniform(0.8, 1.3)))
            self.control(seller, "price", asin=asin, price_jpy=price)
        else:
            self.control(seller, "quantity", asin=asin, quantity=self.random.randint(0, 30))

    def change_state(self) -> None:
        seller, asin = self.one()
        is_buyable = not self._states.get((seller.name, asin), True)
        self.control(seller, "reactivate" if is_buyable else "suspend", asin=asin)
        self._states[seller.name, asin] = is_buyable
        self.tell(seller, asin)

    def tell(self, seller: LinkedSeller, asin: str) -> None:
        is_buyable = self._states.get((seller.name, asin), True)
        self.truth.tell(
            seller.name, asin, self.service.clock.now,
            is_buyable=is_buyable and seller.name not in self._suspended_accounts,
        )  # fmt: skip

    def edit_by_hand(self) -> None:
        seller, asin = self.one()
        for listing in self.service.sandbox.listings(seller.name, asin):
            (sku_code,) = listing["stock"]
            change = self.random.choice([{"title": "手で書いた題名"}, {"price_jpy": 987}])
            self.control(seller, f"listings/{sku_code}", **change)

    def sell(self) -> None:
        seller, asin = self.one()
        for listing in self.service.sandbox.listings(seller.name, asin):
            ((sku_code, units),) = listing["stock"].items()
            if units and listing["is_on_sale"]:
                self.control(seller, "sell", sku_code=sku_code, quantity=1)

    def send_hints(self) -> None:
        """Notifications that come twice and out of order; each is only a reason to read again."""
        seller, _ = self.one()
        asins = [self.random.choice(self.asins()) for _ in range(3)]
        for number, asin in enumerate([*asins, *reversed(asins)]):
            self.service.work_on(
                "follow_hint", seller=str(seller.seller_id), kind="offers", sku=None, asin=asin,
                notification=f"{self._step}-{number % 3}", attempt=5,
            )  # fmt: skip

    def break_upstream(self) -> None:
        """An outage of a while, or some writes that are carried out and answered like failures."""
        upstream = self.random.choice(sorted(FAULTS))
        kind = self.random.choice(FAULTS[upstream])
        if kind == "created_but_timed_out":
            lasting = {"count": self.random.randint(1, LOST_ANSWERS_MAX)}
        else:
            lasting = {"seconds": self.random.choice(FAULT_SECONDS)}
        self.service.sandbox.control("faults", upstream=upstream, kind=kind, **lasting)

    def kill(self) -> None:
        self.service.crashes.countdown = self.random.randint(0, 40)

    def suspend_account(self) -> None:
        seller, _ = self.one()
        if seller.name not in self._suspended_accounts:
            self._set_account(seller, is_suspended=True)
            self._mend(lambda: self._set_account(seller, is_suspended=False))

    def _set_account(self, seller: LinkedSeller, *, is_suspended: bool) -> None:
        self.control(seller, "account", suspended=is_suspended)
        (self._suspended_accounts.add if is_suspended else self._suspended_accounts.discard)(
            seller.name
        )
        for asin in self.asins():
            self.tell(seller, asin)

    def revoke(self) -> None:
        seller, _ = self.one()
        self.control(seller, "revoke")
        self._mend(lambda: self._link_again(seller))

    def _link_again(self, seller: LinkedSeller) -> None:
        account = self.service.sandbox.control(
            "sellers", name=seller.name, product_count=PRODUCT_COUNT
        )
        self.service.installation.secrets.store(
            seller.seller_id, "amazon_refresh_token", account["refresh_token"]
        )

    def close_shop(self) -> None:
        seller, _ = self.one()
        self.control(seller, "shop", closed=True)
        self._mend(lambda: self.control(seller, "shop", closed=False))

    def edit_catalogue(self) -> None:
        _, asin = self.one()
        title = f"{product_of(SOUND[self.asins().index(asin)]).title} {self._step}"
        self.service.sandbox.control("title", asin=asin, title=title)

    def _mend(self, mend: Callable[[], None]) -> None:
        step = self._step + self.random.randint(1, MENDED_AFTER_STEPS)
        while step in self._mend_at:
            step += 1
        self._mend_at[step] = mend
