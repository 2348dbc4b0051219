"""Both adapters against the sandbox: the ports' suites, with every exchange held to the models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.ports import AmazonOffer
from infra.amazon.calls import OPERATIONS
from infra.mercari.operations import DOCUMENTS
from infra.sandbox.goods import CATALOGUE_SIZE, asin_of, product_of
from tests.contracts.amazon_contract import AmazonContract, AmazonWorld
from tests.contracts.mercari_contract import MercariContract, MercariWorld
from tests.contracts.sandbox_market import SandboxMarket, sandbox_market
from tests.contracts.validators import check_document, modelled_operations

TWIN_NUMBER = 5
ODD_NUMBER = 11


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxMarket]:
    with sandbox_market(tmp_path_factory.mktemp("sandbox")) as market:
        yield market


def offers_of(market: SandboxMarket, number: int) -> list[dict[str, Any]]:
    shown = market.sandbox.control("world", method="GET", asin=asin_of(number))
    return shown["offers"]


@pytest.fixture(scope="module")
def amazon(market: SandboxMarket) -> AmazonWorld:
    plain = [
        number
        for number in range(40)
        if product_of(number).flaw is None and number not in (TWIN_NUMBER, ODD_NUMBER)
    ]
    offers = {number: offers_of(market, number)[0] for number in plain}
    fba = [number for number in plain if offers[number]["channel"] == "AMAZON_JP"]
    own = [number for number in plain if offers[number]["channel"] == "DEFAULT"]
    suspended = fba[1]
    market.sandbox.control("suspend", asin=asin_of(suspended))
    market.sandbox.control("quantity", asin=asin_of(own[1]), quantity=0)
    closed = next(number for number in range(500) if product_of(number).flaw == "inactive")
    active, product = offers[own[0]], product_of(own[0])
    return AmazonWorld(
        port=market.amazon,
        active=AmazonOffer(
            sku=active["sku"],
            asin=product.asin,
            status="active",
            title=product.title,
            image_url=f"{market.sandbox.url}/images/{product.asin}.0.jpg",
            price_jpy=active["price_jpy"],
            quantity=active["quantity"],
            channel="seller",
            product_type=product.product_type,
            observed_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        browse_path=product.browse_path,
        fba_quantities={offers[number]["sku"]: offers[number]["quantity"] for number in fba},
        twin_asin=asin_of(TWIN_NUMBER),
        odd_sku=offers_of(market, ODD_NUMBER)[0]["sku"],
        suspended_sku=offers[suspended]["sku"],
        closed_sku=offers_of(market, closed)[0]["sku"],
        out_of_stock_sku=offers[own[1]]["sku"],
        missing_sku="ZZZZ-000000",
        missing_asin=asin_of(CATALOGUE_SIZE),
    )


@pytest.fixture(scope="module")
def mercari(market: SandboxMarket) -> MercariWorld:
    return MercariWorld(port=market.mercari)


class TestAmazonSpApi(AmazonContract):
    """The adapter keeps the contract of the port `Amazon`."""


class TestMercariShops(MercariContract):
    """The adapter keeps the contract of the port `Mercari`."""


def test_the_account_tells_whether_it_is_suspended(market: SandboxMarket) -> None:
    assert market.amazon.is_account_suspended() is False
    market.sandbox.control("account", suspended=True)
    assert market.amazon.is_account_suspended() is True
    market.sandbox.control("account", suspended=False)


def test_every_exchange_was_checked_budgeted_and_counted(market: SandboxMarket) -> None:
    market.amazon.is_account_suspended()
    market.mercari.find_listing("B0NOWHERE0-000000000000")
    api_calls = [call for call in market.calls if call != "getAccessToken"]
    assert len(market.transport.checked) == len(api_calls) == len(market.limiter.waits)
    assert market.limiter.rates["getMarketplaceParticipations"] == 0.016
    assert 0 < (market.limiter.resets["productVariant"] or 0) <= 3600


def test_the_allow_list_holds_reads_of_the_models_and_nothing_else() -> None:
    modelled = {operation.name: operation for operation in modelled_operations()}
    for name, operation in OPERATIONS.items():
        assert operation.method == modelled[name].method
        assert operation.method == "GET" or name == "createReport"
        path = operation.path.format(seller_id="A1", sku="S", report_id="1", document_id="2")
        assert modelled[name].path.fullmatch(path)
        assert str(operation.success) in modelled[name].responses
    touched = " ".join(operation.path for operation in OPERATIONS.values())
    assert not any(word in touched for word in ("orders", "messaging", "feeds", "uploads"))


@pytest.mark.parametrize("operation", DOCUMENTS)
def test_each_document_is_valid_and_asks_for_the_field_it_is_named_after(operation: str) -> None:
    check_document(DOCUMENTS[operation])
    assert f" {operation}(" in DOCUMENTS[operation] or f" {operation} {{" in DOCUMENTS[operation]
