"""From a change on Amazon to Mercari through everything: sandbox, web server, worker process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import pytest

from infra.installation import Installation
from infra.sandbox.goods import flaw_of
from infra.web_desk import WebDesk
from tests.api.web_server import serving
from tests.infra.running_worker import Shop, asins, now, running_worker, wait_until
from tests.sandbox_server import SandboxServer

NUMBERS = [number for number in range(2_500, 2_530) if flaw_of(number) is None][:6]
OFF_SALE_SECONDS_MAX = 15.0
"""A few seconds where nothing else runs; a sweep would take up to two hours."""


@pytest.fixture(scope="module")
def shop(
    module_installation: Installation, passwords: dict[str, str], sandbox: SandboxServer
) -> Iterator[Shop]:
    """A seller with listings, a worker, and a web server that the sandbox tells of changes."""
    desk = WebDesk(module_installation, now)
    with running_worker(module_installation, passwords), serving(desk) as address:
        made = Shop(module_installation, sandbox)
        key = module_installation.api_keys.create("service", made.seller_id, "sandbox")[1]
        token = desk.hints.mercari_token(made.seller_id)
        sandbox.control(
            "forwarder", seller=made.seller.name, url=f"{address}/v1/notifications/amazon",
            key=key, mercari_url=f"{address}/v1/notifications/mercari/{token}",
        )  # fmt: skip
        rows = made.finish(made.upload(NUMBERS))
        assert {row.fate for row in rows} == {"listed"}
        yield made
    desk.stop()
    desk.shops.close()


def test_a_suspended_asin_is_off_sale_within_seconds_and_back_as_fast(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    took: dict[str, list[float]] = {"suspend": [], "reactivate": []}
    for asin in asins(NUMBERS[:3]):
        for change, is_on_sale in (("suspend", False), ("reactivate", True)):
            began = time.monotonic()
            shop.control(change, asin)
            wait_until(
                lambda asin=asin, wanted=is_on_sale: shop.listing(asin)["is_on_sale"] == wanted,
                f"{change} of {asin} shows on Mercari",
            )
            took[change].append(time.monotonic() - began)
    with capsys.disabled():
        for change, seconds in took.items():
            print(
                f"\n{change} to Mercari: median {median(seconds):.1f} s, most {max(seconds):.1f} s"
            )
    assert max(took["suspend"]) < OFF_SALE_SECONDS_MAX


def test_a_burst_for_one_asin_ends_at_its_last_price_and_costs_few_reads(shop: Shop) -> None:
    asin = asins(NUMBERS)[3]
    name = shop.seller.name
    shop.sandbox.control("forwarder", seller=name, duplicates=2, shuffle=True, delay_seconds=0.5)
    before = shop.sandbox.control("calls", method="GET")["amazon"].get("getListingsItem", 0)
    price_jpy = shop.binding(asin).amazon_price_jpy or 0
    for step in range(1, 21):
        shop.control("price", asin, price_jpy=price_jpy + 10 * step)
    wait_until(
        lambda: shop.binding(asin).amazon_price_jpy == price_jpy + 200, "the last price is followed"
    )
    wait_until(
        lambda: shop.listing(asin)["price_jpy"] == shop.binding(asin).price_jpy, "Mercari shows it"
    )
    reads = shop.sandbox.control("calls", method="GET")["amazon"]["getListingsItem"] - before
    assert reads <= 4
    shop.sandbox.control("forwarder", seller=name, duplicates=0, shuffle=False, delay_seconds=0)


def test_a_sale_on_mercari_is_known_within_seconds(shop: Shop) -> None:
    asin = asins(NUMBERS)[4]
    [(sku_code, stock)] = shop.listing(asin)["stock"].items()
    shop.sandbox.control("sell", seller=shop.seller.name, sku_code=sku_code, quantity=1)
    wait_until(lambda: shop.binding(asin).shown_stock == stock - 1, "the sale is known")
    assert shop.binding(asin).stock == stock - 1


def test_a_suspended_account_takes_everything_off_sale(shop: Shop) -> None:
    shop.refill_account_budget()
    shop.sandbox.control("account", seller=shop.seller.name, suspended=True)
    wait_until(lambda: shop.counts()["on_sale"] == 0, "everything is off sale")
    shop.sandbox.control("account", seller=shop.seller.name, suspended=False)
