"""How Amazon's Selling Partner API is asked: an allow-list of eight operations, a token, pages.

All of them read; createReport alone is a POST, which has Amazon write a report for us.

What a refusal means is decided here; what an answer means, in amazon_answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

import httpx
import orjson
from pydantic import BaseModel, ValidationError

from domain.ports import AuthorisationRevoked, UpstreamError, UpstreamRefused, UpstreamUnavailable
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.answers import CataloguePage, ErrorList, InventoryPage, ListingPage
from infra.amazon.listings_report import REPORT_TYPE
from infra.amazon.login import AmazonLogin
from infra.http_client import Answer, Pace, Question, StrictHttp, excerpt, number_in
from infra.watching import UNWATCHED, Watch, watched

UPSTREAM = "Amazon"
PAGES_MAX = 50
ACCESS_HEADER = "x-amz-access-token"
_JSON_BODY = {"Content-Type": "application/json"}

AnswerT = TypeVar("AnswerT", bound=BaseModel)
PageT = TypeVar("PageT", ListingPage, CataloguePage, InventoryPage)


@dataclass(frozen=True)
class Operation:
    """A row of the allow-list; rate and burst are the lower of model and documentation.

    Nothing but `parameters` may be given, and no body but `body`; which data sets may be named by
    `includedData` is decided by what they are for (domain.privacy).
    """

    name: str
    method: str
    path: str
    rate_per_second: float
    burst: int
    success: int = 200
    parameters: tuple[str, ...] = ()
    body: bytes | None = None


_LISTING = ("marketplaceIds", "includedData", "issueLocale")
_SEARCH = ("identifiersType", "identifiers", "pageSize", "pageToken")
SEARCH_LISTINGS = Operation(
    "searchListingsItems", "GET", "/listings/2021-08-01/items/{seller_id}", 5, 5,
    parameters=(*_LISTING, *_SEARCH, "withoutStatus", "sortBy", "sortOrder"),
)  # fmt: skip
GET_LISTING = Operation(
    "getListingsItem", "GET", "/listings/2021-08-01/items/{seller_id}/{sku}", 5, 5,
    parameters=_LISTING,
)  # fmt: skip
GET_INVENTORY = Operation(
    "getInventorySummaries", "GET", "/fba/inventory/v1/summaries", 2, 2,
    parameters=("details", "granularityType", "granularityId", "marketplaceIds", "sellerSku",
                "sellerSkus", "nextToken"),
)  # fmt: skip
SEARCH_CATALOGUE = Operation(
    "searchCatalogItems", "GET", "/catalog/2022-04-01/items", 2, 2,
    parameters=("marketplaceIds", "includedData", "locale", *_SEARCH),
)  # fmt: skip
GET_PARTICIPATIONS = Operation(
    "getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations", 0.016, 15
)
_REPORTS = "/reports/2021-06-30"
CREATE_REPORT = Operation(
    "createReport", "POST", f"{_REPORTS}/reports", 0.0167, 15, 202,
    body=orjson.dumps(
        {
            "reportType": REPORT_TYPE,
            "marketplaceIds": [AMAZON_JP_MARKETPLACE_ID],
            "reportOptions": {"preferredReportDocumentLocale": "en_US"},
        }
    ),
)  # fmt: skip
"""The one report there is. English headers are asked for; whatever comes is understood."""
GET_REPORT = Operation("getReport", "GET", f"{_REPORTS}/reports/{{report_id}}", 2, 15)
GET_REPORT_DOCUMENT = Operation(
    "getReportDocument", "GET", f"{_REPORTS}/documents/{{document_id}}", 0.0167, 15
)

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        SEARCH_LISTINGS,
        GET_LISTING,
        GET_INVENTORY,
        SEARCH_CATALOGUE,
        GET_PARTICIPATIONS,
        CREATE_REPORT,
        GET_REPORT,
        GET_REPORT_DOCUMENT,
    )
}


class InvalidInput(UpstreamRefused):
    """400: perhaps one id of a batch is at fault."""


class NotFound(UpstreamRefused):
    """404 in Amazon's own words; `message` is what it says is missing."""

    def __init__(self, operation: str, message: str) -> None:
        super().__init__(UPSTREAM, operation, excerpt(message))
        self.message = message


class AmazonCalls:
    """Asks for one seller. Every method raises UpstreamError."""

    def __init__(
        self, http: StrictHttp, login: AmazonLogin, api_url: str, watch: Watch = UNWATCHED
    ) -> None:
        self.watch = watch
        self._http = http
        self._login = login
        self._api_url = api_url

    def unavailable(self, operation: Operation, detail: str) -> UpstreamUnavailable:
        """The error for an answer that cannot be believed."""
        return self._http.unavailable(operation.name, detail)

    def read_pages(
        self,
        operation: Operation,
        page_type: type[PageT],
        parameters: Mapping[str, str],
        path: Mapping[str, str] | None = None,
    ) -> Iterator[PageT]:
        """Every page, to the last; each is asked for when it is wanted."""
        token_name = "nextToken" if operation is GET_INVENTORY else "pageToken"
        page = self.read(operation, page_type, parameters, path)
        yield page
        count = 1
        while page.pagination and (token := page.pagination.next_token):
            if count == PAGES_MAX:
                raise self.unavailable(operation, "the pages do not end")
            page = self.read(operation, page_type, {**parameters, token_name: token}, path)
            yield page
            count += 1

    @watched
    def read(
        self,
        operation: Operation,
        answer_type: type[AnswerT],
        parameters: Mapping[str, str],
        path: Mapping[str, str] | None = None,
    ) -> AnswerT:
        """One answer. Raises InvalidInput (400), NotFound (404) and the port's errors."""
        answer = self._ask(operation, parameters, path or {})
        if answer.status != operation.success:
            raise self._refusal(operation, answer)
        try:
            return answer_type.model_validate(answer.content)
        except ValidationError as error:
            raise self.unavailable(operation, f"unexpected shape: {error}") from error

    def _ask(
        self, operation: Operation, parameters: Mapping[str, str], path: Mapping[str, str]
    ) -> Answer:
        """Ask with a token; if Amazon objects to the token itself, once more with a new one."""
        token = self._login.token()
        answer = self._http.ask(self._question(operation, parameters, path, token))
        if not _is_about_the_token(answer):
            return answer
        self._login.forget(token)
        token = self._login.token()
        return self._http.ask(self._question(operation, parameters, path, token))

    def _question(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        path: Mapping[str, str],
        token: str,
    ) -> Question:
        encoded = {name: quote(value, safe="") for name, value in path.items()}
        return Question(
            operation.name,
            operation.method,
            self._api_url + operation.path.format(**encoded),
            {ACCESS_HEADER: token} | ({} if operation.body is None else _JSON_BODY),
            parameters,
            operation.body,
            operation.success,
        )

    def _refusal(self, operation: Operation, answer: Answer) -> UpstreamError:
        """The error a 4xx means; without Amazon's own error list it means nothing."""
        errors = _errors(answer)
        if errors is None:
            return self.unavailable(operation, f"HTTP {answer.status}")
        first = errors.errors[0]
        detail = excerpt(
            f"HTTP {answer.status} {first.code}: {first.message} {first.details or ''}"
        )
        if answer.status in (401, 403):
            return AuthorisationRevoked(UPSTREAM, operation.name, detail)
        if answer.status == 404 and {error.code for error in errors.errors} == {"NOT_FOUND"}:
            return NotFound(operation.name, first.message)
        kind = InvalidInput if answer.status == 400 else UpstreamRefused
        return kind(UPSTREAM, operation.name, detail)


def _errors(answer: Answer) -> ErrorList | None:
    try:
        return ErrorList.model_validate(answer.content)
    except ValidationError:
        return None


def _is_about_the_token(answer: Answer) -> bool:
    """Expired, malformed or missing: the message is that of any 403, only the details tell."""
    errors = _errors(answer) if answer.status in (401, 403) else None
    return errors is not None and any(
        "access token" in f"{error.message} {error.details}".lower() for error in errors.errors
    )


def pace_of(headers: httpx.Headers) -> Pace:
    """The rate Amazon grants this seller and application; it says nothing of a reset."""
    return Pace(rate_per_second=number_in(headers, "x-amzn-RateLimit-Limit"))
