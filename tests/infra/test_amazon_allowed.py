"""Nothing but the allow-list ever reaches Amazon: shown by what is sent, refused, and written."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import UpstreamUnavailable
from domain.privacy import READS, data_sets_of
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.allowed import (
    DOWNLOAD,
    is_document_address,
    only_documents,
    only_operations,
    only_the_login,
)
from infra.amazon.calls import ACCESS_HEADER, CREATE_REPORT, OPERATIONS, UPSTREAM
from infra.amazon.login import EXCHANGE_OPERATION, LOGIN_OPERATION
from infra.amazon.sp_api import AmazonSpApi
from infra.http_client import Allows, HttpSettings, NotAllowed, Question, StrictHttp
from infra.sandbox.goods import asin_of
from tests.contracts.sandbox_market import sandbox_market
from tests.contracts.validators import check_amazon_request, modelled_operations
from tests.infra.amazon_replies import amazon_at
from tests.infra.scripted_server import LOGIN_PATH, ScriptedServer, json_reply

ROOT = Path(__file__).parents[2]
SETTINGS = HttpSettings(timeout_seconds=1.0)
API = "https://sellingpartnerapi-fe.amazon.com"
PERSONAL = """
GET /orders/v0/orders
GET /orders/v0/orders/{id}
GET /orders/v0/orders/{id}/buyerInfo
GET /orders/v0/orders/{id}/address
GET /orders/v0/orders/{id}/orderItems
GET /orders/v0/orders/{id}/orderItems/buyerInfo
GET /orders/v0/orders/{id}/regulatedInfo
POST /orders/v0/orders/{id}/shipmentConfirmation
GET /orders/2026-01-01/orders
GET /orders/2026-01-01/orders/{id}
POST /tokens/2021-03-01/restrictedDataToken
GET /messaging/v1/orders/{id}
GET /messaging/v1/orders/{id}/attributes
POST /messaging/v1/orders/{id}/messages/confirmCustomizationDetails
GET /solicitations/v1/orders/{id}
POST /solicitations/v1/orders/{id}/solicitations/productReviewAndSellerFeedback
GET /customerFeedback/2024-06-01/items/{id}/reviews/topics
GET /finances/v0/orders/{id}/financialEvents
GET /finances/2024-06-19/transactions
GET /mfn/v0/shipments/{id}
POST /mfn/v0/shipments
GET /shipping/v2/tracking
GET /fba/outbound/2020-07-01/fulfillmentOrders
GET /fba/outbound/2020-07-01/fulfillmentOrders/{id}
POST /fba/outbound/2020-07-01/fulfillmentOrders
GET /easyShip/2022-03-23/package
GET /tax/invoices/2024-06-19/invoices
GET /fba/inbound/v0/shipments
GET /sellers/v1/account
GET /services/v1/serviceJobs/{id}
GET /dataKiosk/2023-11-15/queries
POST /feeds/2021-06-30/feeds
POST /uploads/2020-11-01/uploadDestinations/{id}
GET /vendor/orders/v1/purchaseOrders
POST /notifications/v1/subscriptions/{id}
"""
"""Operations that tell of buyers, orders, money or the seller's person, and a few that write."""


def template_of(path: re.Pattern[str]) -> str:
    return re.sub(r"\\(.)", r"\1", path.pattern.replace("[^/]+", "{id}"))


OTHERS = [
    *(tuple(line.split()) for line in PERSONAL.strip().splitlines()),
    *((one.method, template_of(one.path)) for one in modelled_operations()
      if one.name not in OPERATIONS),
    *((method, re.sub(r"\{\w+\}", "{id}", row.path)) for row in OPERATIONS.values()
      for method in ("PUT", "PATCH", "DELETE", "HEAD")),
]  # fmt: skip
IDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([".", "..", "%2e%2e", "../..", "a/b", "%2F", ";a=b", "?x=1", "#", "\\", ""]),
)
NAMES = st.sampled_from([*OPERATIONS, DOWNLOAD, LOGIN_OPERATION, "getOrders"])


# What is sent


class Recording(httpx.BaseTransport):
    """Passes everything on, and notes what it was."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.sent: list[tuple[str, str, bytes]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, str(request.url), request.read()))
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


CALLS: Mapping[str, Callable[[AmazonSpApi, str, str], object]] = {
    "read_offers_by_asin": lambda amazon, _, asin: amazon.read_offers_by_asin([asin]),
    "read_offers": lambda amazon, sku, _: amazon.read_offers([sku, "odd,sku"]),
    "read_offers_in_batches": lambda amazon, sku, _: list(amazon.read_offers_in_batches([sku])),
    "read_offer": lambda amazon, sku, _: amazon.read_offer(sku),
    "read_fba_quantities": lambda amazon, sku, _: amazon.read_fba_quantities([sku, "odd,sku"]),
    "read_fba_in_batches": lambda amazon, sku, _: list(amazon.read_fba_in_batches([sku])),
    "read_not_buyable": lambda amazon, *_: amazon.read_not_buyable(),
    "read_catalogue": lambda amazon, _, asin: amazon.read_catalogue([asin]),
    "read_catalogue_in_batches": lambda amazon, _, asin: list(
        amazon.read_catalogue_in_batches([asin])
    ),
    "request_listings_report": lambda amazon, *_: amazon.request_listings_report(),
    "read_listings_report": lambda amazon, *_: amazon.read_listings_report(
        amazon.request_listings_report()
    ),
    "is_account_suspended": lambda amazon, *_: amazon.is_account_suspended(),
}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, str, bytes]]]:
    """All that the adapter sends while each of its methods is called."""
    with sandbox_market(tmp_path_factory.mktemp("allowed")) as market:
        recording = Recording(market.transport._inner)
        market.transport._inner = recording
        asin = asin_of(0)
        shown = market.sandbox.control("world", method="GET", asin=asin)
        for call in CALLS.values():
            call(market.amazon, shown["offers"][0]["sku"], asin)
        yield recording.sent


def test_every_public_method_of_the_adapter_is_called_here() -> None:
    assert set(CALLS) == {name for name in vars(AmazonSpApi) if not name.startswith("_")}


def test_only_rows_of_the_table_are_asked_and_no_row_is_there_in_vain(
    sent: list[tuple[str, str, bytes]],
) -> None:
    named = set()
    for method, url, body in sent:
        path = urlsplit(url).path
        if (method, path) == ("POST", LOGIN_PATH):
            named.add(LOGIN_OPERATION)
        elif method == "GET" and path.startswith("/documents/"):
            named.add(DOWNLOAD)
        else:
            named.add(check_amazon_request(method, url, body).name)
    assert named == {*OPERATIONS, LOGIN_OPERATION, DOWNLOAD}


def test_each_data_set_with_a_purpose_is_read_and_no_other(
    sent: list[tuple[str, str, bytes]],
) -> None:
    read: dict[str, set[str]] = {}
    for method, url, body in sent:
        if data_sets := parse_qs(urlsplit(url).query).get("includedData"):
            name = check_amazon_request(method, url, body).name
            read.setdefault(name, set()).update(data_sets[0].split(","))
    assert read == {name: set(data_sets_of(name)) for name in OPERATIONS if data_sets_of(name)}


def test_every_operation_has_its_purpose() -> None:
    assert {read.operation for read in READS} == {
        *OPERATIONS, LOGIN_OPERATION, EXCHANGE_OPERATION, DOWNLOAD,
    }  # fmt: skip
    assert len({(read.operation, read.data_set) for read in READS}) == len(READS)
    for name in OPERATIONS:
        chosen = {read.data_set is None for read in READS if read.operation == name}
        assert chosen == {"includedData" not in OPERATIONS[name].parameters}


# What is refused


def rules_at(url: str) -> list[Allows]:
    return [only_operations(url), only_documents(url), only_the_login(f"{url}{LOGIN_PATH}")]


@pytest.fixture(scope="module")
def never_asked() -> Iterator[ScriptedServer]:
    """A server that listens, and that nothing may have connected to in the end."""
    with ScriptedServer(json_reply({})) as server:
        yield server
        assert server.connection_count == 0


def is_refused(allows: Allows, client: httpx.Client, question: Question) -> bool:
    """True also where no URL can be made of it."""
    try:
        StrictHttp(UPSTREAM, client, SETTINGS, allows=allows).ask(question)
    except NotAllowed:
        return True
    except UpstreamUnavailable as error:
        return isinstance(error.__cause__, httpx.InvalidURL)
    return False


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    asked=st.sampled_from(OTHERS), piece=IDS, name=NAMES,
    parameters=st.sampled_from([None, {"marketplaceIds": AMAZON_JP_MARKETPLACE_ID}]),
)  # fmt: skip
def test_whatever_else_amazon_has_is_refused_without_a_connection(
    asked: tuple[str, str],
    piece: str,
    name: str,
    parameters: dict[str, str] | None,
    never_asked: ScriptedServer,
    client: httpx.Client,
) -> None:
    method, template = asked
    url = never_asked.url + template.replace("{id}", piece or "1")
    question = Question(name, method, url, {}, parameters)
    assert all(is_refused(allows, client, question) for allows in rules_at(never_asked.url))
    assert never_asked.connection_count == 0


def test_what_is_allowed_does_connect(server: ScriptedServer, client: httpx.Client) -> None:
    before = server.connection_count
    server.script(json_reply({}))
    http = StrictHttp(UPSTREAM, client, SETTINGS, allows=only_operations(server.url))
    row = OPERATIONS["getMarketplaceParticipations"]
    http.ask(Question(row.name, row.method, server.url + row.path, {}))
    assert server.connection_count == before + 1


PIECES = sorted({piece for row in OPERATIONS.values() for piece in row.path.split("/")})


@settings(max_examples=1000, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST"]),
    pieces=st.lists(st.one_of(st.sampled_from([*PIECES, "A1", ".", ".."]), IDS), max_size=8),
    name=st.sampled_from(sorted(OPERATIONS)),
    fills=st.booleans(),
    body=st.sampled_from([b"", CREATE_REPORT.body or b""]),
)
def test_whatever_is_let_through_is_what_its_row_says(
    method: str, pieces: list[str], name: str, fills: bool, body: bytes
) -> None:
    filled = re.sub(r"\{\w+\}", lambda _: next(iter(pieces), "A1"), OPERATIONS[name].path)
    try:
        request = httpx.Request(method, API + (filled if fills else "/".join(["", *pieces])),
                                content=body)  # fmt: skip
    except httpx.InvalidURL:
        return
    if only_operations(API)(name, request):
        model = next(one for one in modelled_operations() if one.name == name)
        assert model.path.fullmatch(urlsplit(str(request.url)).path)
        assert (model.method, request.url.host) == (method, urlsplit(API).netloc)


def request_for(name: str, query: str = "", body: bytes = b"", host: str = API) -> httpx.Request:
    row = OPERATIONS[name]
    path = re.sub(r"\{\w+\}", "A1", row.path)
    return httpx.Request(row.method, f"{host}{path}?{query}".rstrip("?"), content=body)


CHOICES = [
    (one.name, data_set)
    for one in modelled_operations()
    if one.name in OPERATIONS and "includedData" in one.parameters
    for data_set in one.parameters["includedData"]["items"]["enum"]
]


@pytest.mark.parametrize(("name", "data_set"), CHOICES)
def test_of_all_data_sets_amazon_offers_those_with_a_purpose_are_let_through(
    name: str, data_set: str
) -> None:
    allows = only_operations(API)
    is_wanted = any((read.operation, read.data_set) == (name, data_set) for read in READS)
    assert allows(name, request_for(name, f"includedData={data_set}")) is is_wanted
    assert allows(name, request_for(name, f"includedData=summaries,{data_set}")) is is_wanted


@pytest.mark.parametrize(
    "query",
    ["includedData=buyer", "includedData=summaries,buyerInfo", "includedData=",
     "includedData=summaries&includedData=relationships",
     "includedData=summaries&includedData=summaries", "dataElements=buyerInfo",
     "marketplaceIds=ATVPDKIKX0DER", f"marketplaceIds={AMAZON_JP_MARKETPLACE_ID},ATVPDKIKX0DER",
     "MarketplaceIds=A1VC38T7YXB528", "createdAfter=2020-01-01T00:00:00Z", "x=1"],
)  # fmt: skip
def test_a_parameter_that_would_read_more_is_refused(query: str) -> None:
    allows = only_operations(API)
    assert not any(allows(name, request_for(name, query)) for name in OPERATIONS)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"reportType":"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",'
     b'"marketplaceIds":["A1VC38T7YXB528"]}',
     b'{"reportType":"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"}'],
)  # fmt: skip
def test_only_the_one_report_can_be_asked_for(body: bytes) -> None:
    allows = only_operations(API)
    assert not allows("createReport", request_for("createReport", body=body))
    assert allows("createReport", request_for("createReport", body=CREATE_REPORT.body or b""))


@pytest.mark.parametrize(
    "host",
    ["http://sellingpartnerapi-fe.amazon.com", "https://sellingpartnerapi-na.amazon.com",
     "https://sellingpartnerapi-fe.amazon.com:8443", "https://example.com",
     "https://sellingpartnerapi-fe.amazon.com.example.com"],
)  # fmt: skip
def test_the_table_is_good_for_one_address(host: str) -> None:
    name = "getMarketplaceParticipations"
    assert only_operations(API)(name, request_for(name))
    assert not only_operations(API)(name, request_for(name, host=host))


def test_an_operation_does_not_stand_in_for_another() -> None:
    """Else it would spend the other's budget, and be counted as the other."""
    assert not only_operations(API)("getReport", request_for("getMarketplaceParticipations"))


@pytest.mark.parametrize("step", [".", "..", "%2E", "%2E%2E", ".%2E"])
def test_a_step_in_a_path_is_refused_however_it_is_spelt(step: str) -> None:
    url = f"{API}/listings/2021-08-01/items/A1/{step}"
    assert not only_operations(API)("getListingsItem", httpx.Request("GET", url))


@pytest.mark.parametrize("sku", [".", "..", "%2e%2e"])
def test_a_sku_that_is_a_step_in_a_path_reaches_nothing_else(
    sku: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({"sku": sku}))
    amazon = amazon_at(server, client)
    if sku == "%2e%2e":
        assert amazon.read_offer(sku).sku == sku
        assert server.asked[0].target.startswith("/listings/2021-08-01/items/A2EXAMPLE12345/%252e")
    else:
        with pytest.raises(NotAllowed):
            amazon.read_offer(sku)
        assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [f"{API}/orders/v0/orders", "https://api.amazon.com/user/profile", f"{API}/documents/../x",
     "https://sandbox.sellingpartnerapi-fe.amazon.com/orders/v0/orders",
     "https://sellingpartnerapi-na.amazon.com/documents/d"],
)  # fmt: skip
def test_a_document_is_never_fetched_from_an_api(url: str) -> None:
    assert not only_documents(API)(DOWNLOAD, httpx.Request("GET", url))


def test_a_document_is_fetched_where_amazon_keeps_them_and_without_a_token() -> None:
    url = "https://tortuga-prod-fe.s3-us-west-2.amazonaws.com/d?X-Amz-Signature=0"
    allows = only_documents(API)
    assert is_document_address(url, API)
    assert allows(DOWNLOAD, httpx.Request("GET", url))
    assert not allows(DOWNLOAD, httpx.Request("POST", url))
    assert not allows(DOWNLOAD, httpx.Request("GET", url, headers={ACCESS_HEADER: "Atza|x"}))


# What is written

SP_API_PATH = re.compile(
    r"/(?:listings|catalog|reports|orders|products|messaging|feeds|tokens|notifications|finances"
    r"|definitions|solicitations|fba/\w+|sellers|vendor/\w+|uploads)/(?:v\d|20\d\d-\d\d-\d\d)"
)
HTTP_USERS = {
    "infra/http_client.py": "everything towards Amazon and Mercari",
    "infra/webhooks/sender.py": "sellers' own endpoints",
    "infra/images/fetching.py": "public images",
    "infra/diagnosis.py": "knocks at each upstream's door, without path or token",
    "infra/transparency/witnessing.py": "witnesses of the transparency logs",
    "infra/demo.py": "our own service",
    "infra/serving.py": "our own service",
    "infra/sandbox/postman.py": "our own service",
}
SENDS = {"get", "post", "put", "patch", "delete", "head", "request", "send", "stream"}


def infra_files() -> list[Path]:
    return sorted((ROOT / "infra").rglob("*.py"))


def texts_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_file_spells_a_path_of_the_api() -> None:
    spelling = {
        path.relative_to(ROOT).as_posix()
        for path in infra_files()
        if any(SP_API_PATH.search(text) for text in texts_in(path))
    }
    outside = {name for name in spelling if not name.startswith("infra/sandbox/")}
    assert outside == {"infra/amazon/calls.py"}


def sends(path: Path) -> bool:
    """Whether it calls a method of httpx or of a client that sends something."""
    tree = ast.parse(path.read_text("utf-8"))
    called = {
        (ast.unparse(node.func.value), node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    is_httpx = any(
        isinstance(node, ast.Import) and any(each.name == "httpx" for each in node.names)
        for node in ast.walk(tree)
    )
    return is_httpx and any(
        name in SENDS and re.fullmatch(r"httpx|(\w+\.)?_?(client|http)", on) for on, name in called
    )


def test_requests_are_sent_by_these_files_only() -> None:
    sending = {path.relative_to(ROOT).as_posix() for path in infra_files() if sends(path)}
    assert sending == set(HTTP_USERS)


def test_amazon_is_opened_in_one_file_and_each_time_with_a_rule() -> None:
    opened = {
        path.relative_to(ROOT).as_posix(): [
            ast.unparse(keyword.value)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "StrictHttp"
            for keyword in node.keywords
            if keyword.arg == "allows"
        ]
        for path in infra_files()
        if "StrictHttp(" in path.read_text("utf-8")
    }
    assert opened == {
        "infra/amazon/consent.py": ["allows"],
        "infra/amazon/sp_api.py": [
            "only_the_login(access.login_url)",
            "only_operations(access.api_url)",
            "only_documents(access.api_url)",
        ],
        "infra/mercari/shops.py": ["only(DOCUMENTS, 'POST', access.url)"],
        "infra/oidc.py": ["allows"],
    }
