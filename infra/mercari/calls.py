"""How Mercari's GraphQL API is asked, and what its refusals mean (facts/mercari-shops §1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from pydantic import ValidationError

from domain.ports import (
    AddressNotRegistered,
    AuthorisationRevoked,
    Clock,
    ShopClosed,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from infra.http_client import Answer, Pace, Question, StrictHttp, excerpt, number_in
from infra.mercari.answers import GraphQLAnswer, GraphQLError
from infra.mercari.operations import CREATE_PRODUCT, DOCUMENTS, UPDATE_PRODUCT

UPSTREAM = "Mercari"
IP_NOT_REGISTERED = "this server's IP address is not registered with Mercari; nothing was changed"
SHOP_CLOSED = "the shop is closed: it must be public before anything can be listed in it"

_BUDGET_SECONDS = 3600
_EPOCH_SECONDS_MIN = 1_000_000_000
_TRANSIENT_CODES = frozenset(
    {"DEADLINE_EXCEEDED", "UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED", "CANCELLED"}
)
_TRANSIENT_WORDS = re.compile(r"deadline|timed? ?out|internal|unavailable|try again", re.IGNORECASE)
_PERMISSION_DENIED = re.compile(r"permission[ _]denied", re.IGNORECASE)


@dataclass(frozen=True)
class MercariAccess:
    """Where Mercari is, the client name its contract assigned, and the shop's own token."""

    access_token: str = field(repr=False)
    client_name: str
    client_version: str = "0.0.0"
    url: str = "https://api.mercari-shops.com/v1/graphql"


class MercariCalls:
    """Asks for one shop."""

    def __init__(self, http: StrictHttp, access: MercariAccess) -> None:
        self._http = http
        self._access = access

    def ask(self, operation: str, variables: Mapping[str, Any]) -> GraphQLAnswer:
        """Data or errors, in a 200. Raises UpstreamError for everything else."""
        answer = self._http.ask(
            Question(
                operation,
                "POST",
                self._access.url,
                {
                    "Authorization": f"Bearer {self._access.access_token}",
                    "Content-Type": "application/json",
                    "User-Agent": f"{self._access.client_name}/{self._access.client_version}",
                },
                body=orjson.dumps({"query": DOCUMENTS[operation], "variables": variables}),
            )
        )
        if answer.status != httpx.codes.OK:
            raise self._refusal(operation, answer)
        try:
            return GraphQLAnswer.model_validate(answer.content)
        except ValidationError as error:
            raise self.unavailable(operation, f"unexpected shape: {error}") from error

    def unavailable(self, operation: str, detail: str) -> UpstreamUnavailable:
        """The error for an answer that cannot be believed."""
        return self._http.unavailable(operation, detail)

    def failure(self, operation: str, errors: Sequence[GraphQLError]) -> UpstreamError:
        """What GraphQL errors mean; a transient one among them means nothing is known."""
        detail = excerpt("; ".join(f"{error.code or 'error'}: {error.message}" for error in errors))
        codes = {error.code for error in errors}
        if any(_is_transient(error) for error in errors):
            return self.unavailable(operation, detail)
        if "RESOURCE_EXHAUSTED" in codes:
            return UpstreamThrottled(UPSTREAM, operation, detail)
        if "UNAUTHENTICATED" in codes:
            return AuthorisationRevoked(UPSTREAM, operation, detail)
        if operation in (CREATE_PRODUCT, UPDATE_PRODUCT) and _PERMISSION_DENIED.search(detail):
            return ShopClosed(UPSTREAM, operation, SHOP_CLOSED)
        return UpstreamRefused(UPSTREAM, operation, detail)

    def _refusal(self, operation: str, answer: Answer) -> UpstreamError:
        """A 404 in plain text is the IP filter's, never a missing listing."""
        if answer.status == httpx.codes.UNAUTHORIZED:
            return AuthorisationRevoked(
                UPSTREAM, operation, "HTTP 401: the access token is refused"
            )
        if answer.status == httpx.codes.NOT_FOUND and answer.media_type == "text/plain":
            return AddressNotRegistered(UPSTREAM, operation, IP_NOT_REGISTERED)
        if answer.status == httpx.codes.BAD_REQUEST:
            return UpstreamRefused(
                UPSTREAM, operation, "HTTP 400: bad request, or a token of the other environment"
            )
        return self.unavailable(operation, f"HTTP {answer.status}")


def pace_reader(clock: Clock) -> Callable[[httpx.Headers], Pace]:
    """Reads `X-Ratelimit-Reset`, given as seconds to go or as a moment in seconds since 1970."""

    def pace_of(headers: httpx.Headers) -> Pace:
        seconds = number_in(headers, "X-Ratelimit-Reset")
        if seconds is not None and seconds >= _EPOCH_SECONDS_MIN:
            seconds = max(0.0, seconds - clock().timestamp())
        return Pace(reset_seconds=None if seconds is None else min(seconds, _BUDGET_SECONDS))

    return pace_of


def _is_transient(error: GraphQLError) -> bool:
    if error.code is None:
        return bool(_TRANSIENT_WORDS.search(error.message))
    return error.code in _TRANSIENT_CODES
