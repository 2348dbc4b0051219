"""The OpenAPI 3.1 document of the application: every answer and refusal, and the events told.

Only describes; what it says of answers is held against them by tests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.openapi.answers import ANSWERS, Answer
from api.openapi.examples import example_of
from api.openapi.parts import HEADERS, PARAMETERS, PROBLEM_SCHEMA, REFUSALS, SECURITY, refusal
from api.openapi.telling import event_schemas, webhooks_told

SCHEMAS = "#/components/schemas/"
JSON = "application/json"
OPEN: Collection[str] = (
    "POST /v1/sellers", "GET /v1/undertaking-template", "POST /v1/notifications/mercari/{token}",
)  # fmt: skip
"""Operations that need no key: to apply, what an applicant signs, an address that is a secret."""
OWN_REFUSALS: Mapping[str, Collection[int]] = {
    "GET /v1/bindings/{binding_id}/evidence": (409, 503), "GET /v1/checkpoint": (503,),
    "GET /v1/audit-trail/export": (501,),
}  # fmt: skip
ASKS_UPSTREAM: Collection[str] = ("POST /v1/validator", "POST /v1/sellers/{seller_id}/amazon-link")
WRITES: Collection[str] = ("POST", "PUT", "DELETE")
UNKEYED: Collection[str] = (
    "POST /v1/validator", "POST /v1/pricing-rules/dry-run", "POST /v1/notifications/amazon",
    "POST /v1/notifications/mercari/{token}", "POST /v1/sellers",
    "POST /v1/webhooks/{webhook_id}/test", "POST /v1/webhooks/{webhook_id}/resend",
)  # fmt: skip
"""They record nothing under a key: it is not read."""
KEYED = frozenset(name for name in ANSWERS if name.startswith("POST /v1/") and name not in UNKEYED)


def document_of(app: FastAPI) -> dict[str, Any]:
    """The whole document of the application's routes."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        servers=app.servers, tags=app.openapi_tags, contact=app.contact,
        license_info=app.license_info,
    )  # fmt: skip
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= answer_schemas() | event_schemas()
    schemas["Problem"] = PROBLEM_SCHEMA
    components |= {
        "securitySchemes": SECURITY, "headers": HEADERS, "parameters": PARAMETERS,
        "responses": {f"Problem{status}": refusal(status) for status in REFUSALS},
    }  # fmt: skip
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            complete(f"{method.upper()} {path}", operation, schemas)
    document["webhooks"] = webhooks_told()
    return document


def answer_schemas() -> dict[str, Any]:
    """Each shape under its name; no two have the same."""
    shapes = dict.fromkeys(each.shape for each in ANSWERS.values() if each.shape is not None)
    _, defined = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template=SCHEMAS + "{model}"
    )
    return dict(defined["$defs"])


def complete(name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give an operation its parameters, security, answers and refusals."""
    is_secured = " /v1/" in name and name not in OPEN
    operation["security"] = [{"key": []}] if is_secured else []
    operation["description"] = operation.get("description", operation["summary"])
    parameters = operation.setdefault("parameters", [])
    parameters += [{"$ref": f"#/components/parameters/{each}"}
                   for each in shared_parameters(name, is_secured=is_secured)]  # fmt: skip
    for media in operation.get("requestBody", {}).get("content", {}).values():
        if "example" not in media and "$ref" in media["schema"]:
            media["examples"] = {"least": {"value": example_of("", media["schema"], schemas)}}
    succeeding = next(status for status in operation["responses"] if status.startswith("2"))
    answers = {succeeding: succeeded(ANSWERS[name], name, is_secured, schemas)}
    if ANSWERS[name].is_kept:
        answers["304"] = {"description": "It is still the version that is held."}
    for status in refusals_of(name, operation, is_secured=is_secured):
        answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if name == "GET /readyz":
        answers["503"] = {**answers["200"], "description": "Not ready; the reasons."}
    operation["responses"] = answers


def shared_parameters(name: str, *, is_secured: bool) -> list[str]:
    method, path = name.split(" ", 1)
    if not path.startswith("/v1/"):
        return []
    found = ["Language"]
    if is_secured:
        found.append("AccessReason")
        found += ["SellerId"] if not path.startswith("/v1/sellers/{seller_id}") else []
    if is_secured and method == "GET":
        found.append("AtPosition")
        found += ["IfNoneMatch"] if ANSWERS[name].is_kept else []
    if name in KEYED:
        found.append("IdempotencyKey")
    return found


def succeeded(
    answer: Answer, name: str, is_secured: bool, schemas: dict[str, Any]
) -> dict[str, Any]:
    """The answer of success: its content with an example, and its headers."""
    content: dict[str, Any] = {
        media_type: {"schema": {"type": "string"}} for media_type in answer.media_types
    }
    if answer.shape is not None:
        schema = {"$ref": SCHEMAS + answer.shape.__name__}
        example = example_of("", schema, schemas, is_whole=True)
        content = {JSON: {"schema": schema, "example": example}, **content}
    headers = [*answer.headers]
    headers += ["RateLimit", "RateLimit-Policy"] if is_secured else []
    headers += ["Idempotency-Replayed"] if name in KEYED else []
    return {
        "description": "Done." if name.startswith("GET") else "Recorded.",
        "headers": {each: {"$ref": f"#/components/headers/{each}"} for each in headers},
        "content": content,
    }


def refusals_of(name: str, operation: Mapping[str, Any], *, is_secured: bool) -> list[int]:
    """The statuses with which this operation can refuse."""
    method, path = name.split(" ", 1)
    if not path.startswith("/v1/"):
        return [500]
    found = {422, 500}
    found |= {401, 403, 404, 429} if is_secured else set()
    found |= {400, 413} if method in ("POST", "PUT") else set()
    found |= {400} if name == "GET /v1/events" else set()
    found |= {404} if "{" in path else set()
    found |= {409} if method in WRITES else set()
    found |= {429} if name == "POST /v1/sellers" else set()
    found |= {502, 503} if name in ASKS_UPSTREAM else set()
    found |= set(OWN_REFUSALS.get(name, ()))
    if "If-Match" in [each.get("name") for each in operation["parameters"]]:
        found |= {412, 428}
    return sorted(found)
