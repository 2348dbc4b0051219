"""Holds every request and answer to the vendored models (SP-API) and schema (Mercari).

A disagreement is an AssertionError that names the place. Nothing here knows our adapters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from graphql import GraphQLSchema, build_schema, execute_sync, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values
from jsonschema import Draft4Validator

FOLDER = Path(__file__).parent
MODELS = (
    "listingsItems_2021-08-01.json",
    "catalogItems_2022-04-01.json",
    "fbaInventory.json",
    "sellers.json",
    "reports_2021-06-30.json",
)


@dataclass(frozen=True)
class ModelledOperation:
    """One operation of a model, with the definitions that its bodies refer to."""

    name: str
    method: str
    path: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    responses: Mapping[str, Any]
    definitions: Mapping[str, Any]


@cache
def modelled_operations() -> tuple[ModelledOperation, ...]:
    """Every GET and POST of the vendored models. A missing file fails."""
    found = []
    for model in MODELS:
        content = json.loads((FOLDER / "sp-api" / model).read_text("utf-8"))
        for template, methods in content["paths"].items():
            for method in ("get", "post"):
                if method in methods:
                    described = methods[method]
                    found.append(_operation(template, method, described, content["definitions"]))
    return tuple(found)


def _operation(
    template: str, method: str, described: Mapping[str, Any], definitions: Mapping[str, Any]
) -> ModelledOperation:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return ModelledOperation(
        name=described["operationId"],
        method=method.upper(),
        path=re.compile(pattern),
        parameters={one["name"]: one for one in described.get("parameters", [])},
        responses=described["responses"],
        definitions=definitions,
    )


def check_amazon_request(method: str, url: str, body: bytes = b"") -> ModelledOperation:
    """The operation that the request is a valid use of."""
    parts = urlsplit(url)
    matching = [
        one
        for one in modelled_operations()
        if one.method == method and one.path.fullmatch(parts.path)
    ]
    assert method == "GET" or [one.name for one in matching] == ["createReport"]
    assert len(matching) == 1, f"{parts.path} is in no model"
    operation = matching[0]
    given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    names = [name for name, _ in given]
    assert len(names) == len(set(names)), f"{operation.name}: a parameter is repeated: {names}"
    for name, value in given:
        assert name in operation.parameters, f"{operation.name} has no parameter {name}"
        _check_parameter(operation.parameters[name], value)
    if "body" in operation.parameters:
        schema = operation.parameters["body"]["schema"]
        whole = {**schema, "definitions": operation.definitions}
        Draft4Validator(whole).validate(json.loads(body))
    for name, described in operation.parameters.items():
        if described["in"] == "query" and described.get("required"):
            assert name in names, f"{operation.name} needs {name}"
    return operation


def _check_parameter(described: Mapping[str, Any], value: str) -> None:
    """Arrays are comma separated; numbers and truth values are spelt as in JSON."""
    schema = {
        name: described[name]
        for name in ("type", "enum", "items", "maxItems", "maximum")
        if name in described
    }
    spelt: Any = value
    if described["type"] == "array":
        spelt = value.split(",")
    elif described["type"] in ("integer", "boolean"):
        spelt = json.loads(value)
    Draft4Validator(schema).validate(spelt)


def check_amazon_answer(operation: ModelledOperation, status: int, content: Any) -> None:
    """The body is what the model describes for that status."""
    schema = operation.responses[str(status)]["schema"]
    Draft4Validator({**schema, "definitions": operation.definitions}).validate(content)


@cache
def mercari_schema() -> GraphQLSchema:
    """The reconstructed schema. A missing file fails."""
    return build_schema((FOLDER / "mercari_shops.graphql").read_text("utf-8"))


def check_document(document: str) -> None:
    """The document is valid against the schema."""
    assert validate(mercari_schema(), parse(document)) == []


def check_mercari_request(body: bytes) -> Mapping[str, Any]:
    """The request's content; its document fits the schema and its variables fit the document."""
    content = json.loads(body)
    check_document(content["query"])
    operation = get_operation_ast(parse(content["query"]))
    assert operation is not None
    variables = get_variable_values(
        mercari_schema(), operation.variable_definitions or (), content["variables"]
    )
    assert not isinstance(variables, list), variables
    return content


def check_mercari_answer(request: Mapping[str, Any], content: Any) -> None:
    """The data is exactly what the schema allows as an answer to that document."""
    Draft4Validator(
        {
            "type": "object",
            "properties": {
                "data": {"type": ["object", "null"]},
                "errors": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "object", "required": ["message"]},
                },
            },
            "anyOf": [{"required": ["data"]}, {"required": ["errors"]}],
            "additionalProperties": False,
        }
    ).validate(content)
    if "errors" in content:
        return
    completed = execute_sync(
        mercari_schema(),
        parse(request["query"]),
        root_value=content["data"],
        variable_values=request["variables"],
    )
    assert completed.errors is None, completed.errors
    assert completed.data == content["data"]


class CheckingTransport(httpx.BaseTransport):
    """Passes exchanges on to a real transport, and holds each of them to the contracts."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.checked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        body = response.read()
        if request.url.path.startswith("/documents/"):
            assert "x-amz-access-token" not in request.headers
            return httpx.Response(200, headers=response.headers, stream=httpx.ByteStream(body))
        content = json.loads(body)
        if request.url.path == "/v1/graphql":
            self._check_mercari(request, response.status_code, content)
        elif request.url.path != "/auth/o2/token":
            sent = request.read()
            operation = check_amazon_request(request.method, str(request.url), sent)
            check_amazon_answer(operation, response.status_code, content)
            self.checked.append(operation.name)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=httpx.ByteStream(body)
        )

    def _check_mercari(self, request: httpx.Request, status: int, content: Any) -> None:
        asked = check_mercari_request(request.content)
        if status == httpx.codes.OK:
            check_mercari_answer(asked, content)
        self.checked.append("graphql")

    def close(self) -> None:
        self._inner.close()
