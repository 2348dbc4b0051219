"""The simulated Mercari Shops API over HTTP: who asks, at what cost in points, and the answer."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.sandbox.faults import Call, Gate, json_answer
from infra.sandbox.limits import HourlyPoints
from infra.sandbox.mercari_cost import points_of
from infra.sandbox.mercari_fields import Visit, schema
from infra.sandbox.shop import Shops
from infra.sandbox.tokens import Tokens
from infra.sandbox.world import Seller, World

_TOKEN = "msp_"  # noqa: S105 - the beginning that all shop tokens share
_USER_AGENT = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(?: .*)?")
_LIBRARY_AGENTS = ("python-httpx/", "python-requests/", "curl/", "Mozilla/")


class Unanswerable(Exception):
    """The request is no GraphQL request, or nobody may ask it: an HTTP status and a text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """A query that parses and fits the schema, with its variables."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]

    @property
    def name(self) -> str:
        """The first root field, by which requests are counted and faults aimed."""
        first = self.operation.selection_set.selections[0]
        return first.name.value if isinstance(first, FieldNode) else "fragment"


class MercariShopsApi:
    """One endpoint for all shops; the bearer token says whose shop it is."""

    def __init__(self, world: World, gate: Gate, shops: Shops) -> None:
        self._world = world
        self._gate = gate
        self._shops = shops
        self._tokens = Tokens(world.secret)
        self._points = HourlyPoints()

    def routes(self) -> list[Route]:
        return [Route("/v1/graphql", self._endpoint, methods=["POST"])]

    def token(self, seller: Seller) -> str:
        """The shop's personal access token; it does not expire."""
        return self._tokens.make(_TOKEN, seller.number)

    async def _endpoint(self, request: Request) -> Response:
        question = question_in(await request.body())
        call = Call(
            upstream="mercari",
            operation=question.name if isinstance(question, Question) else "invalid",
            answer=lambda: self._answer(request, question),
            throttled=_throttled,
        )
        return await self._gate.through(request, call)

    def _answer(self, request: Request, question: Question | Unanswerable) -> Response:
        try:
            seller = self._admitted(request)
        except Unanswerable as refused:
            return _unanswered(refused)
        if isinstance(question, Unanswerable):
            return _unanswered(question)
        now = self._world.clock()
        points = points_of(question.document, question.operation, question.variables)
        if not self._points.spend(seller.number, points, now):
            return _throttled(self._points.reset_at(seller.number, now))
        result = execute_sync(
            schema(),
            question.document,
            context_value=Visit(seller=seller, shops=self._shops),
            variable_values=question.variables,
            operation_name=question.operation.name.value if question.operation.name else None,
        )
        reset_at = self._points.reset_at(seller.number, now)
        return json_answer(200, result.formatted, _reset_header(reset_at))

    def _admitted(self, request: Request) -> Seller:
        """Who may ask. Raises Unanswerable."""
        agent = request.headers.get("user-agent", "")
        if not _USER_AGENT.fullmatch(agent) or agent.startswith(_LIBRARY_AGENTS):
            raise Unanswerable(400, "User-Agent must be <API_CLIENT_NAME>/<VERSION>")
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise Unanswerable(400, "Authorization must be a bearer token")
        seller = self._seller_in(request)
        if seller is None:
            raise Unanswerable(401, "unauthenticated")
        return seller

    def _seller_in(self, request: Request) -> Seller | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        numbers = self._tokens.read(_TOKEN, token)
        return self._world.find_seller(numbers[0]) if numbers else None


def question_in(body: bytes) -> Question | Unanswerable:
    """Read a request body; what can't be read is a 400, as the official FAQ describes."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Unanswerable(400, "the body is not JSON")
    if not isinstance(content, dict) or not isinstance(content.get("query"), str):
        return Unanswerable(400, "the body holds no query")
    variables = content.get("variables") or {}
    if not isinstance(variables, dict):
        return Unanswerable(400, "variables must be an object")
    document = _parsed(content["query"])
    if isinstance(document, str):
        return Unanswerable(400, document)
    operation = get_operation_ast(document, content.get("operationName"))
    if operation is None:
        return Unanswerable(400, "operationName names no operation of the query")
    return Question(document=document, operation=operation, variables=variables)


@lru_cache(maxsize=128)
def _parsed(query: str) -> DocumentNode | str:
    """The query's document, or what is wrong with it; clients send the same few texts for ever."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return error.message
    faults = validate(schema(), document)
    return faults[0].message if faults else document


def _throttled(reset_at: datetime) -> Response:
    body = {"errors": [{"message": "rate limit exceeded"}]}
    return json_answer(429, body, _reset_header(reset_at))


def _reset_header(reset_at: datetime) -> dict[str, str]:
    """When points are to be had again, in seconds since 1970, rounded up so that waiting helps."""
    return {"X-Ratelimit-Reset": str(math.ceil(reset_at.timestamp()))}


def _unanswered(problem: Unanswerable) -> Response:
    return json_answer(problem.status, {"errors": [{"message": str(problem)}]})
