"""Whatever Amazon sends, the adapter tells a fact or raises an UpstreamError; and it recovers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import (
    AmazonOffer,
    AuthorisationRevoked,
    UpstreamError,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from infra.amazon.sp_api import AmazonSpApi
from infra.sandbox.goods import asin_of
from tests.contracts.sandbox_market import SandboxMarket, sandbox_market
from tests.infra.amazon_replies import (
    CATALOGUE_ENTRY,
    INVENTORY,
    NOT_FOUND_TEXT,
    PARTICIPATIONS,
    amazon_at,
    listing,
    page,
)
from tests.infra.hostile_answers import HOSTILE
from tests.infra.mutations import bodies
from tests.infra.scripted_server import ScriptedServer, reply

DONE = {
    "reportId": "1",
    "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
    "processingStatus": "IN_QUEUE",
}
ERRORS = {"errors": [{"code": "NOT_FOUND", "message": NOT_FOUND_TEXT.format("SKU-1")}]}
READS: dict[str, Callable[[AmazonSpApi], Any]] = {
    "read_offer": lambda amazon: amazon.read_offer("SKU-1"),
    "read_offers": lambda amazon: amazon.read_offers(["SKU-1", "SKU-2", "A,B"]),
    "read_offers_by_asin": lambda amazon: amazon.read_offers_by_asin(["B000000001"]),
    "read_fba_quantities": lambda amazon: amazon.read_fba_quantities(["SKU-1"]),
    "read_catalogue": lambda amazon: amazon.read_catalogue(["B000000001"]),
    "read_not_buyable": lambda amazon: amazon.read_not_buyable(),
    "request_listings_report": lambda amazon: amazon.request_listings_report(),
    "read_listings_report": lambda amazon: amazon.read_listings_report("1"),
    "is_account_suspended": lambda amazon: amazon.is_account_suspended(),
}
GOOD = (
    listing(),
    page(listing(), listing("SKU-2")),
    page(CATALOGUE_ENTRY),
    INVENTORY,
    PARTICIPATIONS,
    {"reportId": "1"},
    DONE,
    {"reportDocumentId": "d", "url": "http://127.0.0.1/d", "compressionAlgorithm": "GZIP"},
    ERRORS,
)
IN_BATCHES: dict[str, Callable[[AmazonSpApi], Iterator[Any]]] = {
    "read_offers_in_batches": lambda amazon: amazon.read_offers_in_batches(["SKU-1"]),
    "read_fba_in_batches": lambda amazon: amazon.read_fba_in_batches(["SKU-1"]),
    "read_catalogue_in_batches": lambda amazon: amazon.read_catalogue_in_batches(["B000000001"]),
}


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    read=st.sampled_from(sorted(READS)),
    status=st.sampled_from([200, 200, 200, 202, 400, 401, 403, 404, 404, 429, 500]),
    body=bodies(*GOOD),
)
def test_whatever_comes_the_adapter_answers_or_raises_an_upstream_error(
    read: str, status: int, body: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(reply(status, body))
    try:
        found = READS[read](amazon_at(server, client))
    except AuthorisationRevoked:
        assert status in (401, 403)
        return
    except UpstreamError:
        return
    offers = found if isinstance(found, list) else [found]
    if any(isinstance(one, AmazonOffer) and one.status == "deleted" for one in offers):
        assert status == 404
        assert {error["code"] for error in json.loads(body)["errors"]} == {"NOT_FOUND"}
    else:
        assert status == (202 if read == "request_listings_report" else 200)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    read=st.sampled_from(sorted(IN_BATCHES)),
    status=st.sampled_from([200, 200, 200, 400, 401, 403, 404, 429, 500]),
    body=bodies(*GOOD),
)
def test_whatever_comes_a_batch_tells_it_or_its_error(
    read: str, status: int, body: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(reply(status, body))
    [(_, found, error)] = IN_BATCHES[read](amazon_at(server, client))
    assert status == 200 or (not found and isinstance(error, UpstreamError))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("read", sorted(READS))
def test_a_hostile_answer_is_unknown_to_every_read(
    read: str, name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(HOSTILE[name])
    with pytest.raises(UpstreamUnavailable):
        READS[read](amazon_at(server, client))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("read", sorted(IN_BATCHES))
def test_a_hostile_answer_is_the_error_of_its_batch(
    read: str, name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(HOSTILE[name])
    [(_, found, error)] = IN_BATCHES[read](amazon_at(server, client))
    assert (len(found), type(error)) == (0, UpstreamUnavailable)


# In the sandbox


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxMarket]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with sandbox_market(folder, is_checked=False) as market:
        yield market


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", UpstreamThrottled),
        ("503_html", UpstreamUnavailable),
        ("empty_200", UpstreamUnavailable),
        ("truncated_json", UpstreamUnavailable),
    ],
)
@pytest.mark.parametrize("upstream", ["amazon", "lwa"])
def test_an_outage_is_an_error_and_then_over(
    upstream: str, kind: str, error: type[UpstreamError], market: SandboxMarket
) -> None:
    market.clock.now += timedelta(hours=2)
    market.sandbox.control("faults", upstream=upstream, kind=kind, count=1)
    with pytest.raises(error):
        market.amazon.read_offers_by_asin([asin_of(1)])
    assert market.amazon.read_offers_by_asin([asin_of(1)])


def test_a_batch_refused_by_the_sandbox_is_read_in_halves(market: SandboxMarket) -> None:
    market.sandbox.control("faults", upstream="amazon", kind="400_batch", count=3)
    asins = [asin_of(number) for number in range(8)]
    offers = market.amazon.read_offers_by_asin(asins)
    assert offers
    assert {offer.asin for offer in offers} <= set(asins)


def test_a_revoked_permission_is_noticed_at_once(market: SandboxMarket) -> None:
    market.amazon.read_offers_by_asin([asin_of(1)])
    market.sandbox.control("revoke")
    with pytest.raises(AuthorisationRevoked):
        market.amazon.read_offers_by_asin([asin_of(1)])
