"""What may be sent to Amazon at all: three rules, asked about every request as it would be sent.

The login, the rows of the allow-list (amazon_calls), the download of a report: nothing else leaves,
however it was asked for. A SKU that is a dot, say, is no row's path once its URL is put together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import httpx

from domain.privacy import data_sets_of
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.calls import ACCESS_HEADER, OPERATIONS, Operation
from infra.amazon.login import EXCHANGE_OPERATION, LOGIN_OPERATION
from infra.http_client import Allows, only

DOWNLOAD = "reportDocument"
_SEGMENT = r"((?:[\w.~-]|%[0-9A-F]{2})+)"
_PATHS = {
    name: re.compile(re.sub(r"\{\w+\}", lambda _: _SEGMENT, row.path), re.ASCII)
    for name, row in OPERATIONS.items()
}
_ONE_MARKETPLACE = ("marketplaceIds", "granularityId")
_AMAZONS = re.compile(r"https://(?P<host>[a-z0-9][a-z0-9.-]*\.(?:amazonaws|amazon)\.com)/[!-~]*")
_API_HOST = re.compile(r"(?:.*\.)?(?:sellingpartnerapi-\w+|api)\.amazon\.com")
_OWN_DOCUMENT = re.compile(r"/documents/[!-~]+")

REQUESTS: Mapping[str, str] = {
    **{name: f"{row.method} {row.path}" for name, row in OPERATIONS.items()},
    DOWNLOAD: "GET https://*.amazonaws.com/*",
    LOGIN_OPERATION: "POST https://api.amazon.com/auth/o2/token",
    EXCHANGE_OPERATION: "POST https://api.amazon.com/auth/o2/token",
}
"""Method and path of all there is, as people read it."""


def only_the_login(login_url: str) -> Allows:
    """Tokens are asked of the one address, by that operation."""
    return only(LOGIN_OPERATION, "POST", login_url)


def only_operations(api_url: str) -> Allows:
    """Rows of the allow-list at this address, each under its own name, with what it may name."""
    home = httpx.URL(api_url)
    base = home.raw_path.decode().rstrip("/")

    def allows(name: str, request: httpx.Request) -> bool:
        row = OPERATIONS.get(name)
        path, _, query = request.url.raw_path.decode().partition("?")
        return (
            row is not None
            and _origin(request.url) == _origin(home)
            and path.startswith(base)
            and request.method == row.method
            and _is_path_of(row, path.removeprefix(base))
            and _are_parameters_of(row, query)
            and request.content == (row.body or b"")
        )

    return allows


def only_documents(api_url: str) -> Allows:
    """A report's document, where Amazon keeps such; the seller's token never goes there."""

    def allows(name: str, request: httpx.Request) -> bool:
        return (
            name == DOWNLOAD
            and request.method == "GET"
            and ACCESS_HEADER not in request.headers
            and is_document_address(str(request.url), api_url)
        )

    return allows


def is_document_address(url: str, api_url: str) -> bool:
    """True on an Amazon host over HTTPS that is no API's, or among the sandbox's own documents."""
    own = httpx.URL(api_url)
    origin = f"{own.scheme}://{own.netloc.decode()}"
    if url.startswith(f"{origin}/"):
        return bool(_OWN_DOCUMENT.fullmatch(url.removeprefix(origin)))
    found = _AMAZONS.fullmatch(url)
    return found is not None and not _API_HOST.fullmatch(found["host"])


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc


def _is_path_of(row: Operation, path: str) -> bool:
    """No part of it is a dot or two, also if a server were to decode it once more."""
    found = _PATHS[row.name].fullmatch(path)
    return found is not None and not any(unquote(part) in (".", "..") for part in found.groups())


def _are_parameters_of(row: Operation, query: str) -> bool:
    given = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in given]
    return len(names) == len(set(names)) and all(
        name in row.parameters and _is_no_wider(row, name, value) for name, value in given
    )


def _is_no_wider(row: Operation, name: str, value: str) -> bool:
    """Japan only, and only data sets that something is done with."""
    if name in _ONE_MARKETPLACE:
        return value == AMAZON_JP_MARKETPLACE_ID
    return name != "includedData" or set(value.split(",")) <= data_sets_of(row.name)
