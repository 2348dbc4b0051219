"""Reads the parameters of an SP-API request as strictly as Amazon's models describe them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from starlette.requests import Request

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.sandbox.amazon_answers import Json

IDENTIFIERS_MAX = 20
PAGE_SIZE_MAX = 20
PAGE_SIZE_DEFAULT = 10
RESULTS_MAX = 1_000
STATUSES = ("BUYABLE", "DISCOVERABLE")
SORTS = ("sku", "createdDate", "lastUpdatedDate")

_FILTERS_NOT_SIMULATED = (
    "variationParentSku",
    "packageHierarchySku",
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "withIssueSeverity",
    "keywords",
    "brandNames",
    "classificationIds",
)


class Refused(Exception):
    """The request is answered with this status and an error of this code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def invalid(message: str) -> Refused:
    return Refused(400, "InvalidInput", message)


class Query:
    """One request's parameters. Lists may be comma separated, repeated, or both."""

    def __init__(self, request: Request, body: bytes = b"") -> None:
        self._request = request
        self.body = body

    def header(self, name: str) -> str | None:
        return self._request.headers.get(name)

    def path(self, name: str) -> str:
        """A part of the path, empty where the operation has none of that name."""
        return str(self._request.path_params.get(name, ""))

    def text(self, name: str) -> str | None:
        return self._request.query_params.get(name)

    def values(self, name: str) -> list[str]:
        given = self._request.query_params.getlist(name)
        return [part for value in given for part in value.split(",") if part]

    def origin(self) -> str:
        """Scheme, host and port under which the caller reached this server."""
        return str(self._request.base_url).rstrip("/")

    def marketplace(self, name: str) -> None:
        """Exactly one marketplace, Amazon.co.jp. Raises Refused."""
        if self.values(name) != [AMAZON_JP_MARKETPLACE_ID]:
            raise invalid(f"{name} must be {AMAZON_JP_MARKETPLACE_ID}: {self.text(name)}")

    def included(self, known: Sequence[str]) -> set[str]:
        """The data sets asked for; only the summaries where nothing is said. Raises Refused."""
        wanted = set(self.values("includedData")) or {"summaries"}
        if unknown := wanted - set(known):
            raise invalid(f"Invalid 'includedData' provided: {', '.join(sorted(unknown))}")
        return wanted

    def locale(self, name: str) -> str:
        """Japanese where it is asked for, else English."""
        return "ja_JP" if self.text(name) == "ja_JP" else "en_US"

    def identifiers(self) -> tuple[str, Sequence[str]]:
        """Their type (ASIN or SKU) and up to 20 of them, without repeats. Raises Refused."""
        self._refuse_filters()
        kind = self.text("identifiersType") or ""
        identifiers = list(dict.fromkeys(self.values("identifiers")))
        if kind not in ("ASIN", "SKU"):
            raise invalid("The sandbox searches by 'identifiersType' ASIN or SKU only.")
        if not 1 <= len(identifiers) <= IDENTIFIERS_MAX:
            raise invalid(f"'identifiers' must hold 1 to {IDENTIFIERS_MAX} values.")
        return kind, identifiers

    def status_filter(self) -> tuple[list[str], list[str]] | None:
        """The statuses wanted and unwanted; None where none is named. Raises Refused."""
        wanted, unwanted = self.values("withStatus"), self.values("withoutStatus")
        if unknown := {*wanted, *unwanted} - set(STATUSES):
            raise invalid(f"Invalid status provided: {', '.join(sorted(unknown))}")
        if not wanted and not unwanted:
            return None
        self._refuse_filters()
        if self.text("identifiers") is not None:
            raise invalid("The sandbox searches by identifiers or by status, not by both.")
        return wanted, unwanted

    def order(self) -> tuple[str, bool]:
        """What to sort by, and whether from the greatest down. Raises Refused."""
        name, direction = self.text("sortBy") or "lastUpdatedDate", self.text("sortOrder") or "DESC"
        if name not in SORTS or direction not in ("ASC", "DESC"):
            raise invalid("Invalid 'sortBy' or 'sortOrder' provided.")
        return name, direction == "DESC"

    def _refuse_filters(self) -> None:
        for name in _FILTERS_NOT_SIMULATED:
            if self.text(name) is not None:
                raise invalid(f"The sandbox does not simulate '{name}'.")

    def page(self) -> tuple[int, int]:
        """Page size (10 where nothing is said) and the place of its first item. Raises Refused."""
        size = self.text("pageSize") or str(PAGE_SIZE_DEFAULT)
        if not size.isdecimal() or not 1 <= int(size) <= PAGE_SIZE_MAX:
            raise invalid(f"'pageSize' must be 1 to {PAGE_SIZE_MAX}.")
        token = self.text("pageToken")
        return int(size), 0 if token is None else offset_in(token)


def next_page_token(offset: int, total: int) -> Json:
    """The `Pagination` that leads to the item at that place; empty on the last page."""
    if offset >= total:
        return {}
    return {"nextToken": urlsafe_b64encode(f"from:{offset}".encode()).decode()}


def offset_in(page_token: str) -> int:
    """The place that a page token leads to. Raises Refused."""
    try:
        word, _, offset = urlsafe_b64decode(page_token).decode().partition(":")
        if word == "from" and offset.isdecimal():
            return int(offset)
    except ValueError as error:
        raise invalid("Invalid 'pageToken' provided.") from error
    raise invalid("Invalid 'pageToken' provided.")
