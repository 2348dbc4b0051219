"""The sandbox can be moved and broken on purpose, and remembers what was done to it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.sandbox.faults import FAULT_KINDS
from infra.sandbox.goods import asin_of
from tests.infra.sandbox_clients import CREATE, FIND, AmazonClient, MercariClient, new_listing
from tests.sandbox_server import SandboxServer

ASIN = asin_of(0)
SERVE = """
import socket, sys
from pathlib import Path
import uvicorn
from infra.sandbox.app import create_app
config = uvicorn.Config(create_app(Path(sys.argv[1])), log_level="warning", ws="none")
uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[2]))])
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path) as running:
        yield running


@pytest.fixture
def account(sandbox: SandboxServer) -> Any:
    return sandbox.control("sellers", name="demo")


@pytest.fixture
def amazon(sandbox: SandboxServer, account: Any) -> Iterator[AmazonClient]:
    with AmazonClient(sandbox, account) as client:
        yield client


@pytest.fixture
def shop(sandbox: SandboxServer, account: Any) -> Iterator[MercariClient]:
    with MercariClient(sandbox, account) as client:
        yield client


@contextmanager
def served_elsewhere(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The sandbox in a process of its own; killed without warning at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), str(listener.fileno())],
            pass_fds=[listener.fileno()],
            cwd=Path(__file__).parent.parent.parent,
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)


def post(url: str, path: str, **fields: object) -> Any:
    return httpx.post(f"{url}/_sandbox/{path}", json=fields, timeout=20).raise_for_status().json()


def test_what_was_done_is_found_again_after_a_kill(tmp_path: Path) -> None:
    with served_elsewhere(tmp_path) as (url, _):
        account = post(url, "sellers", name="demo", product_count=700)
        post(url, "price", asin=ASIN, price_jpy=4321)
        post(url, "suspend", asin=asin_of(1))
        post(url, "title", asin=ASIN, title="新しい名前")
        headers = {
            "Authorization": f"Bearer {account['mercari_token']}",
            "User-Agent": "asin-sync/0.0.0",
        }
        created = {"query": CREATE, "variables": {"input": new_listing(f"{ASIN}-1")}}
        httpx.post(f"{url}/v1/graphql", json=created, headers=headers).raise_for_status()
        post(url, f"listings/{ASIN}-1", price_jpy=5555, is_on_sale=True)
    with served_elsewhere(tmp_path) as (url, _):
        assert post(url, "sellers", name="demo") == account
        world = httpx.get(f"{url}/_sandbox/world", params={"asin": ASIN}, timeout=20).json()
        assert world["product"]["title"] == "新しい名前"
        assert world["offers"][0]["price_jpy"] == 4321
        assert world["listings"][0]["price_jpy"] == 5555
        assert world["listings"][0]["is_on_sale"] is True
        found = {"query": FIND, "variables": {"by": {"skuCode": f"{ASIN}-1"}}}
        answer = httpx.post(f"{url}/v1/graphql", json=found, headers=headers).json()
        assert answer["data"]["productVariant"]["stockQuantity"] == 5
        other = httpx.get(f"{url}/_sandbox/world", params={"asin": asin_of(1)}).json()
        assert other["offers"][0]["state"] == "suspended"


def test_adding_a_seller_twice_is_the_same_seller(sandbox: SandboxServer, account: Any) -> None:
    assert sandbox.control("sellers", name="demo", product_count=9) == account


def test_a_hundred_thousand_products_are_there_at_once(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    assert amazon.search("ASIN", asin_of(99_999)).json()["numberOfResults"] == 0
    began_at = time.monotonic()
    sandbox.control("catalogue", seller="demo", product_count=100_000)
    assert amazon.search("ASIN", asin_of(99_999)).json()["numberOfResults"] == 1
    assert time.monotonic() - began_at < 1


def test_without_a_seller_the_first_is_meant_and_others_are_left_alone(
    sandbox: SandboxServer, account: Any
) -> None:
    other = sandbox.control("sellers", name="other")
    before = sandbox.control("world", method="GET", asin=ASIN, seller="other")["offers"]
    sandbox.control("price", asin=ASIN, price_jpy=77)
    assert sandbox.control("world", method="GET", asin=ASIN)["offers"][0]["price_jpy"] == 77
    named = {"method": "GET", "asin": ASIN, "seller": other["amazon_seller_id"]}
    assert sandbox.control("world", **named)["offers"] == before


def test_a_sale_lowers_the_stock_and_no_more_is_sold_than_there_is(
    sandbox: SandboxServer, shop: MercariClient
) -> None:
    shop.create("sku-1")
    sandbox.control("sell", sku_code="sku-1", quantity=3)
    assert shop.find("sku-1")["stockQuantity"] == 2
    answer = httpx.post(f"{sandbox.url}/_sandbox/sell", json={"sku_code": "sku-1", "quantity": 3})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Only 2 of sku-1 are left."}


def test_a_hand_edit_is_what_the_shop_then_shows(
    sandbox: SandboxServer, shop: MercariClient
) -> None:
    shop.create("sku-1")
    sandbox.control("listings/sku-1", price_jpy=9999, stock=1, is_on_sale=True)
    variant = shop.find("sku-1")
    assert variant["stockQuantity"] == 1
    assert (variant["product"]["price"], variant["product"]["status"]) == (9999, "OPENED")


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("price", {"asin": ASIN}, "The field price_jpy is missing."),
        ("price", {"asin": ASIN, "price_jpy": "1"}, "The field price_jpy must be a whole number."),
        ("price", {"asin": "B0", "price_jpy": 1}, "The catalogue holds no ASIN B0."),
        ("price", {"asin": asin_of(900), "price_jpy": 1}, f"demo does not sell {asin_of(900)}."),
        ("suspend", {"asin": ASIN, "seller": "who"}, "There is no seller 'who'."),
        ("account", {"suspended": 1}, "The field suspended must be true or false."),
        (
            "category",
            {"asin": ASIN, "browse_path": "ホビー >  > フィギュア"},
            "browse_path must be names joined by ' > ', the department first.",
        ),
        ("sell", {"sku_code": "x", "quantity": 1}, "demo's shop has no SKU x."),
        (
            "faults",
            {"upstream": "ebay", "kind": "429"},
            "The field upstream must be one of amazon, mercari, lwa.",
        ),
        ("faults", [], "The body must be a JSON object."),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    sandbox: SandboxServer, account: Any, path: str, body: object, sentence: str
) -> None:
    answer = httpx.post(f"{sandbox.url}/_sandbox/{path}", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_calls_are_counted_by_upstream_and_operation(
    sandbox: SandboxServer, amazon: AmazonClient, shop: MercariClient
) -> None:
    amazon.search("ASIN", ASIN)
    shop.create("sku-1")
    shop.find("sku-1")
    assert sandbox.control("calls", method="GET") == {
        "amazon": {"searchListingsItems": 1},
        "mercari": {"createProduct": 1, "productVariant": 1},
        "lwa": {"token": 1},
    }
    sandbox.control("calls", method="DELETE")
    assert sandbox.control("calls", method="GET") == {"amazon": {}, "mercari": {}, "lwa": {}}


def is_throttled(answer: httpx.Response) -> bool:
    return answer.status_code == 429


def is_html(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and answer.headers["content-type"].startswith("text/html")


def is_empty(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.content == b""


def is_cut_short(answer: httpx.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return answer.status_code == 200 and len(answer.content) > 10
    return False


SPOILT: dict[str, Callable[[httpx.Response], bool]] = {
    "429": is_throttled,
    "503_html": is_html,
    "empty_200": is_empty,
    "truncated_json": is_cut_short,
}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("upstream", ["amazon", "mercari", "lwa"])
def test_an_outage_hits_as_many_requests_as_ordered(
    sandbox: SandboxServer, amazon: AmazonClient, shop: MercariClient, upstream: str, kind: str
) -> None:
    def ask() -> httpx.Response:
        if upstream == "lwa":
            return amazon.token_answer()
        if upstream == "mercari":
            return shop.post("{ shop { id name } }")
        return amazon.search("ASIN", ASIN)

    sandbox.control("faults", upstream=upstream, kind=kind, count=2)
    assert SPOILT[kind](ask())
    assert SPOILT[kind](ask())
    assert ask().json()


def test_an_outage_of_one_operation_spares_the_others_and_lasts_until_cleared(
    sandbox: SandboxServer, amazon: AmazonClient
) -> None:
    sandbox.control("faults", upstream="amazon", kind="503_html", operation="searchCatalogItems")
    assert amazon.search("ASIN", ASIN).status_code == 200
    assert amazon.search_catalogue(ASIN).status_code == 503
    assert amazon.search_catalogue(ASIN).status_code == 503
    sandbox.control("faults", method="DELETE")
    assert amazon.search_catalogue(ASIN).status_code == 200


def test_an_outage_may_end_by_itself(sandbox: SandboxServer, amazon: AmazonClient) -> None:
    sandbox.control("faults", upstream="amazon", kind="503_html", seconds=0)
    assert amazon.search("ASIN", ASIN).status_code == 200


def test_a_refused_batch_passes_one_by_one(sandbox: SandboxServer, amazon: AmazonClient) -> None:
    sandbox.control("faults", upstream="amazon", kind="400_batch")
    assert amazon.search("ASIN", ASIN, asin_of(1)).status_code == 400
    assert amazon.search("ASIN", ASIN).status_code == 200


def test_a_hanging_answer_outlasts_the_caller_and_not_the_sandbox(
    sandbox: SandboxServer, shop: MercariClient
) -> None:
    sandbox.control("faults", upstream="mercari", kind="hang", seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{sandbox.url}/v1/graphql", json={"query": "{ shop { id } }"}, timeout=0.2)
    sandbox.control("faults", method="DELETE")
    assert shop.data("{ shop { name } }") == {"shop": {"name": "demo"}}


def test_a_listing_may_be_created_though_the_answer_says_otherwise(
    sandbox: SandboxServer, shop: MercariClient
) -> None:
    sandbox.control("faults", upstream="mercari", kind="created_but_timed_out", count=1)
    assert shop.error(FIND, by={"skuCode": "sku-1"}) == "NOT_FOUND"
    assert shop.error(CREATE, input=new_listing("sku-1")) == "DEADLINE_EXCEEDED"
    assert shop.find("sku-1")["stockQuantity"] == 5
    assert shop.error(CREATE, input=new_listing("sku-1")) == "ALREADY_EXISTS"


def test_every_kind_of_fault_is_tried_here() -> None:
    tried = {*SPOILT, "400_batch", "hang", "created_but_timed_out"}
    assert tried == set(FAULT_KINDS)
