"""The OpenAPI document as something to read: each tag's routes, their fields, and how to call them.

Only reads the document; what it does not say is not said here either.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from api.openapi.examples import Schema, example_of, resolved

JSON, FORM = "application/json", "multipart/form-data"
DEPTH_MAX = 3


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body; one inside another is named `outer.inner`."""

    name: str
    kind: str
    is_required: bool
    about: str = ""
    place: str = ""


@dataclass(frozen=True)
class Operation:
    """One route; `curl` is the command but for the address of the service, which follows it."""

    method: str
    path: str
    anchor: str
    summary: str
    about: Sequence[str]
    parameters: Sequence[Field]
    body_type: str
    body: Sequence[Field]
    answers: Sequence[str]
    curl: str
    target: str


def sections_of(document: Schema) -> dict[str, list[Operation]]:
    """The operations of each tag, in the document's order."""
    schemas = document.get("components", {}).get("schemas", {})
    sections: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for tag in operation.get("tags", ["other"]):
                made = operation_of(method.upper(), path, operation, schemas)
                sections.setdefault(tag, []).append(made)
    return sections


def operation_of(method: str, path: str, operation: Schema, schemas: Schema) -> Operation:
    parameters = [each for each in operation.get("parameters", []) if "$ref" not in each]
    content = operation.get("requestBody", {}).get("content", {})
    body_type = next(iter(content), "")
    body = content.get(body_type, {})
    schema = resolved(body.get("schema", {}), schemas)
    return Operation(
        method=method,
        path=path,
        anchor=f"{method}{path}".lower().replace("/", "-").translate({ord(c): None for c in "{}"}),
        summary=operation.get("summary", "").strip(),
        about=operation.get("description", "").split("\n\n"),
        parameters=[parameter_of(each) for each in parameters],
        body_type=body_type,
        body=fields_of(schema, schemas),
        answers=[
            f"{status} {HTTPStatus(int(status)).phrase}"
            for status in operation["responses"]
            if status.startswith("2")
        ],
        curl=" ".join(["curl", *arguments(method, parameters, body_type, body, schemas)]),
        target=target_of(path, parameters),
    )


def parameter_of(given: Schema) -> Field:
    kind = kind_of(given["schema"])
    about = given.get("description", "")
    return Field(given["name"], kind, given.get("required", False), about, given["in"])


def fields_of(schema: Schema, schemas: Schema, outer: str = "", depth: int = 0) -> list[Field]:
    found: list[Field] = []
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        is_required = name in required
        found.append(Field(outer + name, kind_of(each), is_required, each.get("description", "")))
        inner = resolved(each, schemas)
        listed = resolved(inner.get("items", {}), schemas)
        if depth < DEPTH_MAX:
            found += fields_of(inner, schemas, f"{outer}{name}.", depth + 1)
            found += fields_of(listed, schemas, f"{outer}{name}[].", depth + 1)
    return found


def kind_of(schema: Schema) -> str:
    """Type and limits in one line: `string ≤ 100`, `integer 1…200 = 50`, `pass | fail`."""
    if "anyOf" in schema:
        kinds = [kind_of(each) for each in schema["anyOf"] if each.get("type") != "null"]
        kind = " | ".join(kinds)
    elif "enum" in schema:
        kind = " | ".join(map(str, schema["enum"]))
    elif "$ref" in schema:
        kind = "object"
    else:
        kind = " ".join([schema.get("format") or schema.get("type", "any"), *limits_of(schema)])
    if schema.get("type") == "array":
        kind = f"{kind} [{kind_of(schema['items'])}]"
    default = schema.get("default")
    return f"{kind} = {json.dumps(default)}" if default not in (None, "", []) else kind


def limits_of(schema: Schema) -> list[str]:
    found = []
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        least, most = schema.get(low), schema.get(high)
        if least is not None and most is not None:
            found.append(f"{least:g}…{most:g}")
        elif least is not None or most is not None:
            found.append(f"≥ {least:g}" if most is None else f"≤ {most:g}")
    if pattern := schema.get("pattern"):
        found.append(f"/{pattern}/")
    return found


def arguments(
    method: str, parameters: Sequence[Schema], body_type: str, body: Schema, schemas: Schema
) -> list[str]:
    """What curl is told before the address: method, key, headers and body."""
    made = [] if method == "GET" or (method == "POST" and body_type) else [f"-X {method}"]
    made.append('-H "Authorization: Bearer $ASIN_SYNC_KEY"')
    headers = [each for each in parameters if each["in"] == "header"]
    made += [f"-H '{each['name']}: {each['schema']['example']}'" for each in headers]
    if body_type == JSON:
        sent = body.get("example") or example_of("", body["schema"], schemas)
        made.append(f"--json '{json.dumps(sent, ensure_ascii=False)}'")
    elif body_type == FORM:
        for name, each in body["schema"]["properties"].items():
            value = "@" * (each.get("format") == "binary") + each["example"]
            made.append(f"-F {shlex.quote(f'{name}={value}')}")
    return made


def target_of(path: str, parameters: Sequence[Schema]) -> str:
    """The path, with a shell variable for each part that is yours, and what the query must hold."""
    filled = re.sub(r"\{(\w+)\}", lambda part: f"${part[1].upper()}", path)
    asked = {
        each["name"]: example_of(each["name"], each["schema"], {})
        for each in parameters
        if each["in"] == "query" and each.get("required")
    }
    return f"{filled}?{urlencode(asked)}" if asked else filled
